"""The period of a statement."""

from datetime import date, timedelta
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from backoffice.forms.fields import DayField, TypedForm
from payments.statements import Period


class PeriodForm(TypedForm):
    """UTC days; without them, this month up to today."""

    def __init__(self, asked: QueryDict, *, today: date) -> None:
        self.today = today
        this_month = {"from": today.replace(day=1).isoformat(), "to": today.isoformat()}
        is_asked = "from" in asked or "to" in asked
        super().__init__(asked if is_asked else this_month)
        self.fields["from"] = DayField(_("From (UTC day)"))
        self.fields["to"] = DayField(_("To (UTC day)"))

    @property
    def period(self) -> Period:
        """What a valid form asks for, up to today."""
        last = min(self.cleaned_data["to"] or self.today, self.today)
        return Period(first=self.cleaned_data["from"] or last.replace(day=1), last=last)

    def clean(self) -> dict[str, Any]:
        for name in {"from", "to"} - self.cleaned_data.keys():
            # A field for days shows nothing of what is not a day.
            self.fields[name].widget.input_type = "text"
        if {"from", "to"} <= self.cleaned_data.keys():
            period = self.period
            if period.first > self.today:
                self.add_error("from", _("This day has not begun yet."))
            elif period.first > period.last:
                self.add_error("to", _("This day is before the first one."))
        return self.cleaned_data


def presets(today: date) -> list[tuple[str, Period]]:
    """Periods people ask for most."""
    this_month = today.replace(day=1)
    last_month = this_month - timedelta(days=1)
    return [
        (_("This month"), Period(first=this_month, last=today)),
        (_("Last month"), Period(first=last_month.replace(day=1), last=last_month)),
        (_("This year"), Period(first=today.replace(month=1, day=1), last=today)),
    ]
