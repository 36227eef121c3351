"""What time does: requests expire, scheduled payments come due, freezes end."""

import logging
from collections import Counter
from datetime import datetime
from functools import partial
from itertools import chain

from dynamodb import errors
from dynamodb.models import Item
from dynamodb.pages import Query
from dynamodb.scans import whole_items
from dynamodb.times import utc_day
from payments.approvals import SETTLEMENT, expire_payment
from payments.ledger import UnbalancedError
from payments.lifecycle import thaw_account
from payments.models import Account, AccountStatus, Payment, PaymentStatus
from payments.refusals import NotPending, WrongState
from payments.transfers import run_scheduled

_log = logging.getLogger(__name__)

_PENDING = Query(model=Payment, index="status-index", partition=PaymentStatus.PENDING)
_FROZEN = Query(model=Account, index="status-index", partition=AccountStatus.FROZEN)


def settle_due(*, at: datetime) -> Counter[str]:
    """Settle all that is due; counts by outcome: processed, pending, failed, expired, thawed.

    What others have settled in the meantime is ``already_settled``; what is ``busy`` or, for want
    of an answer, ``unknown`` is left to the next run. What is ``damaged`` stands in the log, and
    stops nothing else. Reads every pending payment and every frozen account, a page at a time:
    their number is that of open requests and freezes, not that of payments. Safe to run twice,
    also at once.
    """
    counts: Counter[str] = Counter()
    for settle in chain(
        (partial(_settle, item) for item in whole_items(_PENDING)),
        (partial(_thaw, item) for item in whole_items(_FROZEN)),
    ):
        try:
            if outcome := settle(at):
                counts[outcome] += 1
        except (NotPending, WrongState):
            counts["already_settled"] += 1
        except errors.StoreBusyError:
            counts["busy"] += 1
        except errors.OutcomeUnknownError:
            counts["unknown"] += 1
        except errors.StoreUnavailableError:
            raise
        except (errors.StoreError, UnbalancedError) as error:
            counts["damaged"] += 1
            _log.error("not settled: %s", error)
    return counts


def _settle(item: Item, at: datetime) -> str:
    payment = Payment.from_item(item)
    if payment.awaits_its_day:
        if payment.scheduled_for > utc_day(at):
            return ""
        done = run_scheduled(payment, at=at)
        return "already_settled" if done.is_replay else str(done.payment.status)
    if payment.expires_at and payment.expires_at <= at:
        expire_payment(payment_id=payment.id, at=at)
        return "expired"
    return ""


def _thaw(item: Item, at: datetime) -> str:
    account = Account.from_item(item)
    if account.status_at(at) == account.status:
        return ""
    thaw_account(account_id=account.id, actor=SETTLEMENT, at=at)
    return "thawed"
