"""The states of a payment, from what was asked for to what became of it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from payments.models import Payment, PaymentStatus

_ENDED = ("rejected", "expired", "canceled")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A state. ``term`` explains it in the help, ``tone`` is one of done, now, ahead and bad."""

    name: str
    term: str
    tone: str = "done"
    at: datetime | None = None
    note: str = ""


def track(payment: Payment) -> list[Step]:
    """The states a payment has gone through, the one it is in, and the one ahead."""
    asked = _by(payment.requested_by)
    steps = [Step(name=_("Requested"), term="requested", at=payment.created_at, note=asked)]
    if payment.scheduled_for:
        tone = "now" if payment.awaits_its_day else "done"
        note = _("for %s") % payment.scheduled_for
        steps.append(Step(name=_("Scheduled"), term="scheduled", tone=tone, note=note))
    if payment.approved_by:
        steps.append(Step(name=_("Approved"), term="approved", note=_by(payment.approved_by)))
    elif payment.can_cancel() and not payment.awaits_its_day:
        steps.append(Step(name=_("Waits for approval"), term="pending", tone="now"))
    return [*steps, *_end(payment)]


def _end(payment: Payment) -> list[Step]:
    if payment.status == PaymentStatus.PENDING:
        return [Step(name=_("Processed"), term="processed", tone="ahead", note=_("not yet"))]
    if payment.status != PaymentStatus.PROCESSED:
        code = payment.failure_code or ""
        term = code if code in _ENDED else str(payment.status)
        names = {
            "rejected": _("Rejected"), "expired": _("Expired"), "canceled": _("Canceled"),
            "failed": _("Failed"),
        }  # fmt: skip
        name, note = names.get(term, term), _by(payment.ended_by)
        return [Step(name=name, term=term, tone="bad", at=payment.updated_at, note=note)]
    note = "" if payment.approved_by else _("no approval was needed")
    done = Step(name=_("Processed"), term="processed", at=payment.processed_at, note=note)
    if not payment.reversed_by:
        return [done]
    name = _("Reversed in part") if payment.reversible else _("Reversed")
    return [done, Step(name=name, term="reversed", tone="bad")]


def _by(person: str | None) -> str:
    return _("by %s") % person if person else ""
