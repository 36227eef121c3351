"""The states of a payment, from what was asked for to what became of it."""

from dataclasses import dataclass
from datetime import datetime

from payments.models import Payment, PaymentStatus

_ENDED = {"rejected": "Rejected", "expired": "Expired"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A state. ``tone`` is one of done, now, ahead and bad."""

    name: str
    tone: str = "done"
    at: datetime | None = None
    note: str = ""


def track(payment: Payment) -> list[Step]:
    """The states a payment has gone through, the one it is in, and the one ahead."""
    steps = [Step(name="Requested", at=payment.created_at, note=_by(payment.requested_by))]
    waits = payment.can_cancel()
    if payment.scheduled_for:
        tone = "now" if payment.awaits_its_day else "done"
        steps.append(Step(name="Scheduled", tone=tone, note=f"for {payment.scheduled_for}"))
    if payment.triggers:
        steps.append(Step(name="Waits for approval", tone="now" if waits else "done"))
    return [*steps, _end(payment)]


def _end(payment: Payment) -> Step:
    if payment.status == PaymentStatus.PENDING:
        return Step(name="Processed", tone="ahead")
    if payment.status == PaymentStatus.PROCESSED:
        note = f"approved {_by(payment.approved_by)}" if payment.approved_by else ""
        return Step(name="Processed", at=payment.processed_at, note=note)
    name = _ENDED.get(payment.failure_code or "", str(payment.status).capitalize())
    return Step(name=name, tone="bad", at=payment.updated_at)


def _by(person: str | None) -> str:
    return f"by {person}" if person else ""
