"""Seals in words: of which days there are some, and which are missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit import seals
from audit.models import Seal
from audit.settings import settings
from backoffice.wording import said

DAYS_LOOKED_BACK = 100
"""As many as one request reads."""
DAYS_SHOWN = 31
DAYS_NAMED = 7


@dataclass(frozen=True, kw_only=True)
class SealRow:
    day: date
    seal: Seal | None
    state: str


def seal_rows(found: Mapping[date, Seal | None], *, last: date, is_on: bool) -> list[SealRow]:
    """Days, newest first; while seals are on, those that lack one too: ``last`` is due."""
    missing = _missing(found, last) if is_on else []
    return [
        SealRow(day=day, seal=seal, state="sealed" if seal else "missing")
        for day, seal in found.items()
        if seal or day in missing
    ]


def off_sentence() -> str:
    """That nothing is sealed, and why; empty where seals are on."""
    return _("Seals are off: {why}.").format(why=said(settings().off)) if settings().off else ""


def missing_sentences(at: datetime) -> list[str]:
    """What the dashboard says of days that should have a seal and have none; one request."""
    last = seals.last_due_day(at)
    found = seals.recent(last=last, count=DAYS_LOOKED_BACK)
    missing = _missing(found, last)
    told = [_("The seal of {day} is missing.").format(day=day) for day in missing[:DAYS_NAMED]]
    more = len(missing) - len(told)
    if more:
        rest = ngettext("{number} more seal is missing.", "{number} more seals are missing.", more)
        told.append(rest.format(number=more))
    return told


def _missing(found: Mapping[date, Seal | None], last: date) -> list[date]:
    """Days without a seal, from the first that has one on; the last due day in any case."""
    first = min([last, *(day for day, seal in found.items() if seal)])
    return [day for day, seal in found.items() if not seal and day >= first]
