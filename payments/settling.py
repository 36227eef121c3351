"""What time does: requests expire, scheduled payments come due, freezes end."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TypeVar

from dynamodb.errors import OutcomeUnknownError, StoreBusyError
from dynamodb.models import Record
from dynamodb.pages import Page
from dynamodb.times import utc_day
from payments.approvals import SETTLEMENT, expire_payment
from payments.lifecycle import thaw_account
from payments.models import Account, AccountStatus, Payment, PaymentStatus
from payments.queries import list_accounts, list_payments
from payments.refusals import NotPending, WrongState
from payments.transfers import run_scheduled

R = TypeVar("R", bound=Record)


def settle_due(*, at: datetime) -> Counter[str]:
    """Settle all that is due; counts by outcome: processed, pending, failed, expired, thawed.

    What others have settled in the meantime is ``already_settled``; what is ``busy`` or, for want
    of an answer, ``unknown`` is left to the next run. Reads every pending payment and every
    frozen account, a page at a time: their number is that of open requests and freezes, not that
    of payments. Safe to run twice, also at once.
    """
    counts: Counter[str] = Counter()
    pending = _all(partial(list_payments, status=PaymentStatus.PENDING))
    frozen = _all(partial(list_accounts, status=AccountStatus.FROZEN))
    for settle in chain(
        (partial(_settle, payment) for payment in pending),
        (partial(_thaw, account) for account in frozen),
    ):
        try:
            if outcome := settle(at):
                counts[outcome] += 1
        except (NotPending, WrongState):
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


def _thaw(account: Account, at: datetime) -> str:
    if account.status_at(at) == account.status:
        return ""
    thaw_account(account_id=account.id, actor=SETTLEMENT, at=at)
    return "thawed"


def _all(read: Callable[..., Page[R]]) -> Iterator[R]:
    cursor = ""
    while True:
        page = read(person=SETTLEMENT.id, cursor=cursor)
        yield from page.rows
        cursor = page.next_cursor
        if not cursor:
            return
