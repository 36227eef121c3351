"""What time does to pending payments: requests expire, scheduled ones come due."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from dynamodb.errors import OutcomeUnknownError, StoreBusyError
from dynamodb.times import utc_day
from payments import queries
from payments.approvals import SETTLEMENT, expire_payment
from payments.models import Payment, PaymentStatus
from payments.refusals import NotPending
from payments.transfers import run_scheduled


def settle_due(*, at: datetime) -> Counter[str]:
    """Settle all that is due; counts by outcome: processed, pending, failed, expired.

    What others have settled in the meantime is ``already_settled``; what is ``busy`` or, for want
    of an answer, ``unknown`` is left to the next run. Reads every pending payment, a page at a
    time: their number is that of open requests, not that of payments. Safe to run twice, also at
    once.
    """
    counts: Counter[str] = Counter()
    for payment in _pending():
        try:
            if outcome := _settle(payment, at):
                counts[outcome] += 1
        except NotPending:
            counts["already_settled"] += 1
        except StoreBusyError:
            counts["busy"] += 1
        except OutcomeUnknownError:
            counts["unknown"] += 1
    return counts


def _settle(payment: Payment, at: datetime) -> str:
    if payment.awaits_its_day:
        is_due = payment.scheduled_for <= utc_day(at)
        return _run(payment, at) if is_due else ""
    if payment.expires_at and payment.expires_at <= at:
        expire_payment(payment_id=payment.id, at=at)
        return "expired"
    return ""


def _run(payment: Payment, at: datetime) -> str:
    done = run_scheduled(payment, at=at)
    return "already_settled" if done.is_replay else str(done.payment.status)


def _pending() -> Iterator[Payment]:
    cursor = ""
    while True:
        page = queries.list_payments(
            person=SETTLEMENT.id, status=PaymentStatus.PENDING, cursor=cursor
        )
        yield from page.rows
        cursor = page.next_cursor
        if not cursor:
            return
