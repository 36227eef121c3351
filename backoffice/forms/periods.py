"""A period of days in a time zone, as filters of lists take it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from backoffice.forms.fields import DayField, OneOfField, TypedForm
from dynamodb.times import to_rfc3339

_SMALLEST = timedelta(microseconds=1)


class PeriodForm(TypedForm):
    """Days ``from`` and ``to``, both included, in the person's own zone unless UTC is chosen."""

    def __init__(self, asked: QueryDict, *, zone: str = "UTC") -> None:
        super().__init__(asked)
        self.fields["from"] = DayField(pgettext("day", "From"))
        self.fields["to"] = DayField(pgettext("day", "To"))
        zones = list(dict.fromkeys((zone, "UTC")))
        self.fields["zone"] = OneOfField(
            label=_("Days of"),
            choices=[(each, each.replace("_", " ")) for each in zones],
            required=False,
            help_text=_("Where a day begins and ends."),
        )
        self.initial["zone"] = self.own_zone = zone

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        first, last = found.get("from"), found.get("to")
        if first and last and first > last:
            self.add_error("to", _("This day is before the first one."))
        return found

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
