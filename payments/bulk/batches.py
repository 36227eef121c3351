"""Many transfers from one file: decided row by row in advance, then posted, each row once.

The rows of a batch have payment ids made from the batch and their number, so whoever posts a row
again, after a crash or beside another, gets the payment that is there.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from audit.context import Actor
from dynamodb import store
from dynamodb.errors import StoreError, UnreadableRecordError
from dynamodb.models import Record
from dynamodb.retries import read_within
from payments import directory, turns
from payments.bulk.rows import Row
from payments.identifiers import id_of, row_id
from payments.models import Account, Payment
from payments.money import exponent, format_amount, parse_amount
from payments.policy import policy
from payments.refusals import InvalidRequest, Refusal
from payments.requests import ID_LENGTH, TransferRequest, check_text, checked_transfer
from payments.transfers import transfer_many

ENDS = ("from_account_id", "to_account_id")


class BrokenRow(InvalidRequest):
    """A row that could not be taken apart into its columns."""

    code = "invalid_row"


class UnreadableAccount(InvalidRequest):
    """An account that is there, and whose record is damaged."""

    code = "unreadable_account"

    def __init__(self, field: str) -> None:
        super().__init__("The record of this account is damaged: nothing moves until it is mended.")
        self.field = field  # type: ignore[misc]  # either end of a transfer


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The rows of one file on their way to be payments; ``id`` is a UUIDv7.

    So many of them as ``posted`` says have been posted, all without it.
    """

    id: str
    rows: Sequence[Row]
    posted: int | None = None

    @cached_property
    def trigger(self) -> str:
        """Why the whole batch waits for a second person, empty where it need not.

        Its total decides for all of its rows, and is known before the first one is posted.
        """
        sums: Counter[str] = Counter()
        for row in self.rows:
            with suppress(Refusal):
                request = transfer_of(row, "")
                sums[request.currency] += request.amount_minor
        for currency, total in sorted(sums.items()):
            threshold = policy().approval_threshold_minor(currency)
            if total > threshold:
                limit = format_amount(threshold, currency)
                return f"batch: {format_amount(total, currency)} in all, above {limit}"
        return ""

    def payment_id(self, row: Row) -> str:
        return row_id(self.id, row.number)

    def request(self, row: Row, at: datetime, damaged: Collection[str] = ()) -> TransferRequest:
        """What a row asks for; raises ``InvalidRequest``, also for a ``damaged`` account."""
        made = transfer_of(row, self.payment_id(row), batch_id=self.id, batch_trigger=self.trigger)
        checked = checked_transfer(made, at)
        for end in ENDS:
            if getattr(checked, end) in damaged:
                raise UnreadableAccount(end)
        return checked


def post_rows(
    batch: Batch, rows: Sequence[Row], *, actor: Actor, clock: Callable[[], datetime]
) -> Counter[str]:
    """Run the transfers of some rows together; counts by status, ``refused`` for malformed ones.

    Safe to repeat, also at once with others. Raises as ``transfer_funds`` does for trouble.
    """
    counts: Counter[str] = Counter()
    asked, at = list[TransferRequest](), clock()
    _, damaged = accounts_of(ends_of(rows))
    for row in rows:
        try:
            asked.append(batch.request(row, at, damaged))
        except InvalidRequest:
            counts["refused"] += 1
    for answer in transfer_many(asked, actor=actor, at=at):
        if isinstance(answer, StoreError):
            raise answer
        became = "refused" if isinstance(answer, Refusal) else answer.payment.status
        counts[str(became)] += 1
    return counts


def payments_of(batch: Batch) -> Iterator[tuple[Row, Payment | None]]:
    """Every row with the payment that it became; ``None`` where it has become none."""
    keys = [directory.payment_key(batch.payment_id(row)) for row in batch.rows]
    yield from zip(batch.rows, read_all(keys), strict=True)


def transfer_of(row: Row, payment_id: str, **more: str) -> TransferRequest:
    """A row as a request, its amount read; raises ``InvalidRequest``."""
    if row.fault:
        raise BrokenRow(row.fault)
    values = dict(row.values)
    currency = values.pop("currency", "")
    amount = values.pop("amount", "")
    check_text("currency", currency, ID_LENGTH, required=True)
    exponent(currency)
    return TransferRequest(
        payment_id=payment_id,
        amount_minor=parse_amount(amount, currency),
        currency=currency,
        **values,
        **more,
    )


def ends_of(rows: Iterable[Row]) -> Iterator[str]:
    """What rows call the accounts that pay and receive: ids and numbers."""
    return (row.values.get(end, "") for row in rows for end in ENDS)


def accounts_of(names: Iterable[str], *more: Record) -> tuple[list[Any], set[str]]:
    """The accounts of these names, with ``more``, and the ids of those that are damaged.

    A number is a key by itself, an id a query. Posting then need not ask where each is.
    """
    found, keys, damaged = list[Any](), list(more), set[str]()
    for name in dict.fromkeys(names):
        try:
            if key := directory.known_key(name):
                keys.append(key)
            else:
                found.append(directory.find_by_id(name))
        except UnreadableRecordError:
            damaged.add(id_of(name))
    found = list(filter(None, [*found, *read_all(keys, damaged)]))
    directory.remember(*(each for each in found if isinstance(each, Account)))
    return found, damaged


def read_all(keys: Sequence[Record], damaged: set[str] | None = None) -> Iterator[Any]:
    """Read any number of records, as many in a request as it takes.

    Accounts that cannot be read are left out and named in ``damaged``, where it is given.
    """
    for start in range(0, len(keys), store.BATCH_KEYS):
        some = keys[start : start + store.BATCH_KEYS]
        try:
            yield from read_within(partial(store.get_many, some), turns.patience())
        except UnreadableRecordError:
            if damaged is None:
                raise
            if len(some) > 1:
                for key in some:
                    yield from read_all([key], damaged)
            elif isinstance(some[0], Account):
                damaged.add(some[0].id)
            else:
                raise
