"""Consistent records by the hundred thousand: what the services would leave, written in batches.

Nothing is made up. The rules decide, the ledger and the trail write into transactions, but these
are never sent: their records are, 25 at a time, each as it stands in the end. So `reconcile` and
`verify_audit` find nothing in a loaded store. A load brings the same records each time: one that
was cut short is made good by the next.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice
from typing import Any

from audit import trail
from audit.context import Actor
from dynamodb import client
from dynamodb.models import Record
from dynamodb.retries import Patience, read_within
from dynamodb.transactions import Transaction
from payments import identifiers, ledger, rules
from payments.accounts import clearing_account, opening_event
from payments.identifiers import row_id
from payments.models import Account, AccountStatus, AccountType, PaymentStatus
from payments.refusals import DestinationNotFound
from payments.requests import TransferRequest

LOADER = Actor(id="api:loader")
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
"""When the first account was opened; every account and payment is a millisecond later."""

NOWHERE = identifiers.account_id("0" * 12)
CUSTOMERS_ACCOUNTS, AMOUNT_MINOR = 100, 100
_BATCH, _THREADS = 25, 4
_STEP = 7_654_321_999
"""Strews the numbers and never meets one again: of a million drawn ones some fifty would be."""


def fill(
    *, accounts: int, paid: int, refused: int, on_batch: Callable[[int], None] = lambda _: None
) -> None:
    """Load accounts, payments between them and clearing, and payments to nowhere.

    A refused payment brings one entry, a paid one three. ``on_batch`` is told of records written.
    """
    rows = records(accounts=accounts, paid=paid, refused=refused)
    batches = iter(lambda: list(islice(rows, _BATCH)), [])
    under_way: set[Future[int]] = set()
    with ThreadPoolExecutor(_THREADS) as pool:
        for batch in batches:
            under_way.add(pool.submit(_write, batch))
            most = 0 if len(batch) < _BATCH else _THREADS
            while len(under_way) > most:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                on_batch(sum(each.result() for each in done))


def _write(rows: Sequence[Record]) -> int:
    wanted: dict[str, list[dict[str, Any]]] = {}
    for record in rows:
        row = {"PutRequest": {"Item": record.serialize()}}
        wanted.setdefault(record.table_name(), []).append(row)
    while wanted:
        put = partial(client.call, "BatchWriteItem", RequestItems=wanted)
        # As harmless to repeat as a read: the same records once more.
        wanted = read_within(put, Patience(limit_seconds=60.0)).get("UnprocessedItems") or {}
    return len(rows)


def records(*, accounts: int, paid: int, refused: int) -> Iterator[Record]:
    """Accounts in a row; what clearing pays to one, that one pays back in the next payment."""
    clearing, times = clearing_account("USD", at=FIRST), _times()
    for number in range(accounts):
        account, entry = _opened(number, next(times))
        yield entry
        for _ in range(_share(paid // 2, number, accounts)):
            clearing, account, paid_in = _moved(clearing, account, next(times))
            account, clearing, paid_back = _moved(account, clearing, next(times))
            yield from (*paid_in, *paid_back)
        for _ in range(_share(refused, number, accounts)):
            yield from _refused(account, next(times))
        yield account
    yield clearing


def _share(of: int, number: int, parts: int) -> int:
    """How many fall to one of so many parts, as evenly as can be."""
    return of * (number + 1) // parts - of * number // parts


def _times() -> Iterator[datetime]:
    return (FIRST + timedelta(milliseconds=number) for number in count())


def _opened(number: int, at: datetime) -> tuple[Account, Record]:
    """An account and its first entry."""
    account_number = identifiers.with_check_digits(10**9 + number * _STEP % (9 * 10**9))
    account = Account(
        id=identifiers.account_id(account_number),
        account_number=account_number,
        customer_id=f"customer-{number // CUSTOMERS_ACCOUNTS:06d}",
        account_type=AccountType.CHECKING,
        status=AccountStatus.ACTIVE,
        currency="USD",
    )
    tx = Transaction(at=at)
    account = trail.create(tx, "account", account, opening_event(account, LOADER))
    return account, tx.records["audit:account"]


def _moved(source: Account, target: Account, at: datetime) -> tuple[Account, Account, list[Record]]:
    """Both accounts after a transfer, and what else it leaves: the payment and three entries."""
    tx = Transaction(at=at)
    request = _request(source, target.id, at)
    posting = rules.decide(request, source, target, at).posting
    payment = ledger.add_processed(
        tx, ledger.asked(request, source, target, LOADER), (source, target), LOADER
    )
    ledger.add_posting(tx, source, target, posting, payment, LOADER)
    left: dict[str, Any] = tx.records
    return left.pop("source"), left.pop("target"), list(left.values())


def _refused(source: Account, at: datetime) -> Iterable[Record]:
    """A failed payment and its entry."""
    tx = Transaction(at=at)
    payment = ledger.asked(_request(source, NOWHERE, at), source, None, LOADER)
    ledger.move(
        tx, payment, "payment.failed", PaymentStatus.FAILED, LOADER,
        failure_code=DestinationNotFound.code, failure_reason=str(DestinationNotFound()),
    )  # fmt: skip
    return tx.records.values()


def _request(source: Account, target: str, at: datetime) -> TransferRequest:
    return TransferRequest(
        payment_id=_payment_id(at), from_account_id=source.id, to_account_id=target,
        amount_minor=AMOUNT_MINOR, currency="USD",
    )  # fmt: skip


def _payment_id(at: datetime) -> str:
    """The same for the same time, as no other payment has it."""
    return row_id(str(uuid.UUID(int=int(at.timestamp() * 1000) << 80)), 0)
