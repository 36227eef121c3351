"""Requests that wait for a second person, as the one who decides sees them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from audit.models import AuditLog
from backoffice.forms.decisions import chosen_value
from backoffice.presenters.audit import EntryRow, entry_rows
from backoffice.presenters.payments import PaymentRow
from backoffice.presenters.values import money, span
from backoffice.wording import said
from dynamodb.pages import Page
from payments.approvals import digest
from payments.models import Payment


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A request in the inbox. ``chosen`` names it, and what was seen of it, to approve it.

    ``age`` and ``left`` are in words; ``left`` is empty once the time is over. ``is_own`` is for
    those that the viewer has asked for and so cannot decide.
    """

    row: PaymentRow
    chosen: str
    is_own: bool
    age: str
    left: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one request of many; ``sentence`` says why where it was not approved."""

    row: PaymentRow | None
    payment_id: str
    sentence: str = ""
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Since:
    """What has happened on one side since a request was made, without the request itself."""

    name: str
    entries: list[EntryRow]
    has_more: bool


def waiting(payment: Payment, *, viewer: str, at: datetime) -> Waiting:
    return Waiting(
        row=PaymentRow(payment),
        chosen=chosen_value(payment.id, digest(payment)),
        is_own=payment.requested_by == viewer,
        age=_span(payment.created_at, at),
        left=_span(at, payment.expires_at),
    )


def why_it_waits(triggers: Sequence[str]) -> list[str]:
    """Why a second person is needed, a sentence each."""
    return [
        _(
            "This needs a second person's approval: "
            "it would go above what may move in a day without."
        ),
        *(capfirst(said(each)) for each in triggers),
    ]


def totals(payments: Iterable[Payment]) -> list[tuple[str, int]]:
    """The sum of each currency, never of two, and how many payments make it up."""
    sums: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for payment in payments:
        sums[payment.currency] += payment.amount
        numbers[payment.currency] += 1
    return [(money(sums[currency], currency), numbers[currency]) for currency in sorted(sums)]


def since(name: str, found: Page[AuditLog], payment: Payment) -> Since:
    entries = [entry for entry in found.rows if entry.reference != payment.id]
    return Since(
        name=name,
        entries=entry_rows(entries, currency=payment.currency),
        has_more=bool(found.next_cursor),
    )


def _span(start: datetime | None, end: datetime | None) -> str:
    if not (isinstance(start, datetime) and isinstance(end, datetime)) or end <= start:
        return ""
    return span(start, end)
