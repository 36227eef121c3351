"""The time line of an account in words: what kind of thing happened, and what it belongs to."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit.models import AuditLog
from backoffice.presenters.audit import EntryRow, entry_rows
from backoffice.presenters.payments import PaymentRow
from payments.history.timeline import Timeline
from payments.models import Payment

_HOLDS = frozenset({"account.held", "account.released"})
_MOVEMENTS = frozenset({"account.credited", "account.debited"})
_ENDS = {
    "rejected": gettext_noop("Rejected by {by}"),
    "canceled": gettext_noop("Canceled by {by}"),
    "expired": gettext_noop("Expired: nobody approved it in time"),
}


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One line: an entry, or a payment that was asked for.

    ``kind`` is one of Payment, Movement, Approval, State and View. ``note`` says what became of
    the request that an entry belongs to.
    """

    kind: str
    at: str | datetime
    row: EntryRow | None = None
    payment: PaymentRow | None = None
    note: str = ""


def happenings(timeline: Timeline, currency: str) -> list[Happening]:
    return [
        _asked(row) if isinstance(row, Payment) else _entry(row, timeline.named, currency)
        for row in timeline.page.rows
    ]


def _asked(payment: Payment) -> Happening:
    return Happening(kind=_("Payment"), at=payment.created_at, payment=PaymentRow(payment))


def _entry(entry: AuditLog, named: dict[str, Payment], currency: str) -> Happening:
    (row,) = entry_rows([entry], currency=currency)
    payment = named.get(entry.reference or "")
    kind, note = _kind(entry, payment)
    return Happening(kind=kind, at=entry.at, row=row, note=note)


def _kind(entry: AuditLog, payment: Payment | None) -> tuple[str, str]:
    if entry.entity_id.startswith("views:"):
        return _("View"), ""
    if entry.action in _HOLDS:
        return _("Approval"), _of_hold(entry, payment) if payment else ""
    if entry.action in _MOVEMENTS:
        if payment is None or not payment.approved_by:
            return _("Movement"), ""
        told = _("Asked for by {made}, approved by {checked}")
        return _("Approval"), told.format(made=payment.requested_by, checked=payment.approved_by)
    return _("State"), ""


def _of_hold(entry: AuditLog, payment: Payment) -> str:
    if entry.action == "account.held":
        told = _("Asked for by {requested_by}, reserved until a second person decides")
        return told.format(requested_by=payment.requested_by)
    ended = _ENDS.get(payment.failure_code or "", gettext_noop("Ended by {by}"))
    return _(ended).format(by=entry.user_id)
