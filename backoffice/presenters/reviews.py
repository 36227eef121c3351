"""The daily review in words: a calendar of days, and the lines of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.presenters.alerts import case_url
from backoffice.presenters.audit import chain_url
from backoffice.presenters.values import day_in_words, record_url, url_of
from backoffice.reviews import queries
from backoffice.reviews.queries import Day, DayState
from backoffice.reviews.records import Kind, ReviewItem
from backoffice.templatetags.backoffice import in_words
from backoffice.wording import said

_HEADINGS = {
    Kind.MONEY_ALERT: gettext_lazy("Large and fast money"),
    Kind.ADMIN_ACT: gettext_lazy("Administrators' acts"),
    Kind.ROLE_CHANGE: gettext_lazy("Changes of roles"),
    Kind.UNLOCK: gettext_lazy("Unlocks"),
    Kind.FAILED_SIGN_INS: gettext_lazy("Failed sign-ins"),
    Kind.OFF_HOURS: gettext_lazy("Work outside working hours"),
    Kind.FIRST_PAIR: gettext_lazy("First payments between two accounts"),
}
_SIGNS = {
    DayState.SIGNED: "\u2713", DayState.OPEN: "\u25cb", DayState.MISSED: "!",
    DayState.RUNNING: "\u2026", DayState.OUTSIDE: "\u00b7",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """A line: what it is, where it can be looked at, and what was decided."""

    item: ReviewItem
    words: str
    url: str
    case_url: str


@dataclass(frozen=True, kw_only=True)
class Group:
    heading: str
    rows: Sequence[ItemRow]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A day of the calendar; its sign says its state to those who do not see colours."""

    day: Day
    sign: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Month:
    name: str
    cells: Sequence[Cell]


def groups(items: Iterable[ReviewItem]) -> list[Group]:
    """The lines of a page under the headings of their kinds, in their order."""
    by_kind = groupby(items, key=lambda item: item.kind)
    return [
        Group(heading=str(_HEADINGS[kind]), rows=[_row(item) for item in items])
        for kind, items in by_kind
    ]


def months(days: Iterable[Day]) -> list[Month]:
    """Days, month by month; months that lie before the books began are left out."""
    by_month = groupby(days, key=lambda each: date_format(each.day, "F"))
    whole = [(name, list(days)) for name, days in by_month]
    return [
        Month(name=name, cells=[cell(day) for day in days])
        for name, days in whole
        if any(day.state != DayState.OUTSIDE for day in days)
    ]


def cell(day: Day) -> Cell:
    is_due = day.state not in (DayState.RUNNING, DayState.OUTSIDE)
    url = reverse("admin:review", args=[day.day.isoformat()]) if is_due else ""
    return Cell(day=day, sign=_SIGNS[day.state], url=url)


def missed_sentences(at: datetime) -> list[str]:
    """What the dashboard says of days that nobody has signed in time."""
    missed = queries.missed(at=at)
    if not missed:
        return []
    more = _(", and {number} before it").format(number=len(missed) - 1) if len(missed) > 1 else ""
    sentence = _("Nobody has signed the review of {day}{more}.")
    return [sentence.format(day=day_in_words(missed[-1]), more=more)]


def _row(item: ReviewItem) -> ItemRow:
    return ItemRow(item=item, words=_words(item), url=_url(item), case_url=case_url(item.case_id))


def _words(item: ReviewItem) -> str:
    match item.kind:
        case Kind.OFF_HOURS:
            return ngettext(
                "{number} action outside working hours",
                "{number} actions outside working hours",
                item.occurrences,
            ).format(number=item.occurrences)
        case Kind.FAILED_SIGN_INS:
            return ngettext(
                "{number} failed sign-in", "{number} failed sign-ins", item.occurrences
            ).format(number=item.occurrences)
        case Kind.FIRST_PAIR:
            return _("{words} between accounts that had never met").format(words=said(item.words))
    return in_words(item.words)


def _url(item: ReviewItem) -> str:
    if item.kind == Kind.OFF_HOURS:
        wanted = {"user_id": item.user_id, "from": item.day, "to": item.day}
        return reverse("admin:audit", query=wanted)
    if item.kind == Kind.MONEY_ALERT:
        return url_of("admin:alert", item.subject)
    if item.kind == Kind.FIRST_PAIR:
        return record_url(item.subject)
    return chain_url(item.subject, item.reference or "")
