"""The first page: what needs somebody now, and the last 30 days in figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.presenters.charts import Chart, chart
from backoffice.presenters.values import money, record_url, span
from dynamodb.pages import Page
from payments.alerts.records import Alert
from payments.history.figures import DayFigures
from payments.models import Payment, PaymentStatus

_TONES = {"pending": "waiting", "failed": "bad"}
_LARGEST = 5


@dataclass(frozen=True, kw_only=True)
class Need:
    """Something to be done: in words, how pressing it is, and where it is done."""

    words: str
    url: str
    more: str = ""
    tone: str = "waiting"


@dataclass(frozen=True, kw_only=True)
class Large:
    """One of the largest payments."""

    amount: str
    day: str
    payment_id: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Figures:
    """``currencies`` are those that were moved, most payments first, each with its address."""

    as_of: datetime
    currency: str
    currencies: Sequence[tuple[str, str]]
    charts: Sequence[Chart]
    largest: Sequence[Large]


def sentence_needs(sentences: Iterable[str], address: str) -> list[Need]:
    """Needs that are sentences already, all met on one page."""
    return [Need(words=words, url=reverse(address), tone="bad") for words in sentences]


def approvals_need(waiting: Sequence[Payment], *, has_more: bool, at: datetime) -> list[Need]:
    if not waiting:
        return []
    number = len(waiting)
    words = ngettext("%d payment waits for approval", "%d payments wait for approval", number)
    age = span(waiting[0].created_at, at)
    return [
        Need(
            words=_counted(words, number, has_more),
            more=_("The oldest has waited for %s.") % age,
            url=reverse("admin:approvals"),
        )
    ]


def alerts_need(found: Page[Alert], *, at: datetime) -> list[Need]:
    if not found.rows:
        return []
    number, late = len(found.rows), sum(alert.is_overdue(at) for alert in found.rows)
    words = ngettext("%d alert is open", "%d alerts are open", number)
    return [
        Need(
            words=_counted(words, number, bool(found.next_cursor)),
            more=_("%d of them overdue.") % late if late else "",
            url=reverse("admin:alerts"),
            tone="bad" if late else "waiting",
        )
    ]


def failures_need(days: Sequence[DayFigures]) -> list[Need]:
    """Transfers that were refused today or yesterday."""
    recent = days[:2]
    number = sum(day.number("state:failed") for day in recent)
    if not number:
        return []
    words = ngettext(
        "%d transfer failed since yesterday", "%d transfers failed since yesterday", number
    )
    url = _payments_url("failed", recent[-1].day, recent[0].day)
    return [Need(words=words % number, url=url, tone="bad")]


def figures(days: Sequence[DayFigures], currency: str) -> Figures | None:
    """What was asked for and processed, of one currency; ``None`` before anything was counted."""
    as_of = [day.as_of for day in days if day.as_of]
    if not as_of:
        return None
    counts: dict[str, int] = {}
    for day in days:
        for name in day.counts or {}:
            kind, _sep, code = name.partition(":")
            if kind == "count":
                counts[code] = counts.get(code, 0) + day.number(name)
    codes = sorted(counts, key=lambda code: (-counts[code], code))
    chosen = currency if currency in counts else next(iter(codes), "")
    return Figures(
        as_of=max(as_of),
        currency=chosen,
        currencies=[(code, f"?{urlencode({'currency': code})}") for code in codes],
        charts=_charts(days, chosen),
        largest=_largest(days, chosen),
    )


def _charts(days: Sequence[DayFigures], currency: str) -> list[Chart]:
    by_day = list(reversed(days))
    urls = {day.day: _payments_url("processed", day.day, day.day) for day in by_day}
    states = {
        str(status): sum(day.number(f"state:{status}") for day in days) for status in PaymentStatus
    }
    state_urls = {name: _payments_url(name, by_day[0].day, by_day[-1].day) for name in states}
    charts = [
        chart(
            _("All payments, by state"), _("State"), states,
            counted=_("Payments"), tones=_TONES, urls=state_urls,
        )
    ]  # fmt: skip
    if not currency:
        return charts
    volume = {day.day: day.number(f"sum:{currency}") for day in by_day}
    count = {day.day: day.number(f"count:{currency}") for day in by_day}
    return [
        chart(
            _("Processed a day, in %s") % currency, _("UTC day"), volume,
            counted=_("Amount"), tail=5, urls=urls, shown=lambda sum_: money(sum_, currency),
        ),
        chart(
            _("Payments processed a day, in %s") % currency, _("UTC day"), count,
            counted=_("Payments"), tail=5, urls=urls,
        ),
        *charts,
    ]  # fmt: skip


def _largest(days: Sequence[DayFigures], currency: str) -> list[Large]:
    found = [
        (*each, day.day)
        for day in days
        for each in (day.counts or {}).get(f"largest:{currency}", ())
    ]
    return [
        Large(amount=money(amount, currency), day=day, payment_id=name, url=record_url(name))
        for amount, name, day in sorted(found, reverse=True)[:_LARGEST]
    ]


def _payments_url(status: str, first: str, last: str) -> str:
    asked = {"status": status, "from": first, "to": last, "zone": "UTC"}
    return reverse("admin:payments", query=asked)


def _counted(words: str, number: int, has_more: bool) -> str:
    return words.replace("%d", f"{number}{'+' * has_more}")
