"""Periods of days: as lists are narrowed by them, and of a statement."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from backoffice.forms.fields import DayField, OneOfField, TypedForm, Words
from dynamodb.times import to_rfc3339, utc_now
from payments.history.statements import Period

_SMALLEST = timedelta(microseconds=1)

PERIODS: Mapping[str, tuple[Words, Callable[[date], tuple[date, date]]]] = {
    "today": (_("Today"), lambda today: (today, today)),
    "yesterday": (_("Yesterday"), lambda today: (_before(today, 1), _before(today, 1))),
    "last-7-days": (_("Last 7 days"), lambda today: (_before(today, 6), today)),
    "last-30-days": (_("Last 30 days"), lambda today: (_before(today, 29), today)),
    "this-month": (_("This month"), lambda today: (today.replace(day=1), today)),
}
"""Periods that move along with the days, by what ``days`` in an address calls them."""


def _before(day: date, days: int) -> date:
    return day - timedelta(days=days)


def ends_of(name: str, today: date) -> tuple[str, str]:
    """The first and the last day of one of the periods as an address has them."""
    first, last = PERIODS[name][1](today)
    return first.isoformat(), last.isoformat()


def dated(asked: QueryDict, today: date) -> QueryDict:
    """What an address asks for, with the ends of its period unless it has some itself."""
    found, name = asked.copy(), asked.get("days", "")
    if name in PERIODS and not {"from", "to"} & asked.keys():
        found["from"], found["to"] = ends_of(name, today)
    return found


class DaysForm(TypedForm):
    """Days ``from`` and ``to``, both included, of which either may be left open."""

    ends: ClassVar[tuple[Words, Words]] = (_("From (UTC day)"), _("To (UTC day)"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"], self.fields["to"] = map(DayField, self.ends)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        for name in {"from", "to"} - found.keys():
            # A field for days shows nothing of what is not a day.
            self.fields[name].widget.input_type = "text"
        first, last = found.get("from"), found.get("to")
        if first and last and first > last:
            self.add_error("to", _("This day is before the first one."))
        return found

    @property
    def days(self) -> dict[str, str]:
        """The ends that are given, as an address has them."""
        ends = {name: self.cleaned_data[name] for name in ("from", "to")}
        return {name: day.isoformat() for name, day in ends.items() if day}


def today_of(asked: QueryDict, zone: str) -> date:
    """The day it is in a person's zone, unless UTC is chosen."""
    chosen = "UTC" if asked.get("zone") == "UTC" else zone
    return utc_now().astimezone(ZoneInfo(chosen)).date()


class PeriodForm(DaysForm):
    """Days in the person's own zone unless UTC is chosen."""

    ends = (pgettext_lazy("day", "From"), pgettext_lazy("day", "To"))

    def __init__(self, asked: QueryDict, *, zone: str = "UTC") -> None:
        self.today = today_of(asked, zone)
        super().__init__(dated(asked, self.today))
        zones = list(dict.fromkeys((zone, "UTC")))
        self.fields["zone"] = OneOfField(
            label=_("Days of"),
            choices=[(each, each.replace("_", " ")) for each in zones],
            required=False,
            help_text=_("Where a day begins and ends."),
        )
        self.initial["zone"] = self.own_zone = zone

    @property
    def between(self) -> tuple[str, str] | None:
        """The first and the last time of the period as stored; ``None`` for all times."""
        found = self.cleaned_data
        if not (found["from"] or found["to"]):
            return None
        zone = ZoneInfo(found["zone"] or self.own_zone)
        low = _begin(found["from"], zone) if found["from"] else ""
        high = _begin(found["to"] + timedelta(days=1), zone, -_SMALLEST) if found["to"] else "~"
        return low or "0", high


def _begin(day: date, zone: ZoneInfo, shift: timedelta = timedelta()) -> str:
    return to_rfc3339(datetime.combine(day, time(), zone).astimezone(UTC) + shift)


class StatementForm(DaysForm):
    """The period of a statement; without one, this month up to today."""

    def __init__(self, asked: QueryDict, *, today: date) -> None:
        self.today = today
        this_month = {"from": today.replace(day=1).isoformat(), "to": today.isoformat()}
        is_asked = "from" in asked or "to" in asked
        super().__init__(asked if is_asked else this_month)

    @property
    def period(self) -> Period:
        """What a valid form asks for, up to today."""
        last = min(self.cleaned_data["to"] or self.today, self.today)
        return Period(first=self.cleaned_data["from"] or last.replace(day=1), last=last)

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        first = found.get("from")
        if first and first > self.today:
            self.add_error("from", _("This day has not begun yet."))
        return found


def presets(today: date) -> list[tuple[str, Period]]:
    """Periods people ask for most."""
    this_month = today.replace(day=1)
    last_month = this_month - timedelta(days=1)
    return [
        (gettext("This month"), Period(first=this_month, last=today)),
        (gettext("Last month"), Period(first=last_month.replace(day=1), last=last_month)),
        (gettext("This year"), Period(first=today.replace(month=1, day=1), last=today)),
    ]
