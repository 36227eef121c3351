"""Many transfers from one file: decided row by row in advance, then posted, each row once.

The rows of a batch have payment ids made from the batch and their number, so whoever posts a row
again, after a crash or beside another, gets the payment that is there.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from audit.context import Actor
from dynamodb import store
from dynamodb.models import Record
from dynamodb.retries import read_within
from payments import directory, rules, totals, turns
from payments.account_numbers import account_id, is_account_number
from payments.bulk_rows import Row
from payments.models import Account, Activity, Payment
from payments.money import exponent, format_amount, parse_amount
from payments.policy import policy
from payments.refusals import (
    Declined,
    InsufficientFunds,
    InvalidRequest,
    KeyReused,
    Refusal,
)
from payments.requests import ID_LENGTH, TransferRequest, check_text, checked_transfer
from payments.transfers import transfer_funds


class BrokenRow(InvalidRequest):
    """A row that could not be taken apart into its columns."""

    code = "invalid_row"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The rows of one file on their way to be payments; ``id`` is a UUIDv7."""

    id: str
    rows: Sequence[Row]

    @cached_property
    def trigger(self) -> str:
        """Why the whole batch waits for a second person, empty where it need not.

        Its total decides for all of its rows, and is known before the first one is posted.
        """
        sums: Counter[str] = Counter()
        for row in self.rows:
            with suppress(Refusal):
                request = _transfer(row, "")
                sums[request.currency] += request.amount_minor
        for currency, total in sorted(sums.items()):
            if total > policy().approval_threshold_minor(currency):
                return f"batch: {format_amount(total, currency)} in {len(self.rows)} rows"
        return ""

    def payment_id(self, row: Row) -> str:
        """A UUIDv7 of the batch's own time; the rest of it is a hash of batch and row."""
        digest = hashlib.sha256(f"{self.id}:{row.number}".encode()).digest()
        bits = (uuid.UUID(self.id).int >> 80) << 80 | int.from_bytes(digest[:10])
        bits = bits & ~(0xF << 76) | 7 << 76
        return str(uuid.UUID(int=bits & ~(0x3 << 62) | 0x2 << 62))

    def request(self, row: Row, at: datetime) -> TransferRequest:
        """What a row asks for; raises ``InvalidRequest``."""
        made = _transfer(row, self.payment_id(row), batch_id=self.id, batch_trigger=self.trigger)
        return checked_transfer(made, at)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a row is refused: the column, what stands in it, the rule's code and its sentence."""

    row: int
    column: str
    value: str
    rule: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A row that may have been paid before; ``of`` names the earlier one."""

    row: int
    column: str
    value: str
    rule: str
    of: str


@dataclass(kw_only=True)
class Report:
    """What becomes of the rows of a file. Amounts are in minor units.

    ``totals`` and ``waiting`` are of rows that are not refused, ``waiting`` of those that need a
    second person. ``accounts`` has each account that moves, before and after.
    """

    rows: int
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Duplicate] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    accounts: list[tuple[Account, Account]] = field(default_factory=list)
    trigger: str = ""

    @property
    def refused(self) -> int:
        return len(self.errors)

    @property
    def accepted(self) -> int:
        return self.rows - self.refused

    def count(self, amount_minor: int, currency: str, *, is_waiting: bool) -> None:
        self.totals[currency] += amount_minor
        if is_waiting:
            self.waiting[currency] += amount_minor


def dry_run(batch: Batch, *, actor: Actor, at: datetime) -> Report:
    """Decide every row as posting would, one after the other, and write nothing."""
    report = Report(rows=len(batch.rows), trigger=batch.trigger)
    asked: list[tuple[Row, TransferRequest]] = []
    for row in batch.rows:
        try:
            asked.append((row, batch.request(row, at)))
        except InvalidRequest as refusal:
            report.errors.append(_fault(row, refusal))
    trial = _Trial.read(batch.rows, [request for _, request in asked], actor, at)
    for row, request in asked:
        try:
            is_waiting = trial.take(request)
        except Refusal as refusal:
            report.errors.append(_fault(row, refusal))
        else:
            report.count(request.amount_minor, request.currency, is_waiting=is_waiting)
    report.errors.sort(key=lambda fault: fault.row)
    report.accounts = trial.moved()
    return report


def post_rows(
    batch: Batch, rows: Iterable[Row], *, actor: Actor, clock: Callable[[], datetime]
) -> Counter[str]:
    """Run the transfers of some rows; counts by status, ``refused`` for those that are malformed.

    Safe to repeat, also at once with others. Raises as ``transfer_funds`` does for trouble.
    """
    counts: Counter[str] = Counter()
    for row in rows:
        at = clock()
        try:
            request = batch.request(row, at)
            payment = transfer_funds(request, actor=actor, at=at).payment
        except (InvalidRequest, KeyReused):
            counts["refused"] += 1
        else:
            counts[str(payment.status)] += 1
    return counts


def payments_of(batch: Batch) -> Iterator[tuple[Row, Payment | None]]:
    """Every row with the payment that it became; ``None`` where it has become none."""
    keys = [directory.payment_key(batch.payment_id(row)) for row in batch.rows]
    yield from zip(batch.rows, _read_all(keys), strict=True)


def outcome(batch: Batch, at: datetime) -> Report:
    """What has become of a batch so far."""
    report = Report(rows=len(batch.rows), trigger=batch.trigger)
    for row, payment in payments_of(batch):
        fault = fault_of(batch, row, payment, at)
        if fault is not None:
            report.errors.append(fault)
        elif payment is not None:
            is_waiting = payment.can_cancel()
            report.count(payment.amount, payment.currency, is_waiting=is_waiting)
    return report


def fault_of(batch: Batch, row: Row, payment: Payment | None, at: datetime) -> Fault | None:
    """Why a row has come to nothing; ``None`` where it is done, waits, or is still to be done."""
    if payment is not None:
        if not payment.failure_code:
            return None
        return _fault(row, Declined(payment.failure_code, payment.failure_reason or ""))
    try:
        batch.request(row, at)
    except InvalidRequest as refusal:
        return _fault(row, refusal)
    return None


def duplicates(
    rows: Iterable[Row], earlier: Iterable[tuple[str, Iterable[Row]]] = ()
) -> list[Duplicate]:
    """Rows with the reference, or with everything, of a row before or of an ``earlier`` file."""
    seen: dict[tuple[str, ...], str] = {}
    for name, others in earlier:
        for row in others:
            for key in _same(row):
                seen.setdefault(key, f"row {row.number} of {name}")
    found = []
    for row in rows:
        for key in _same(row):
            if key not in seen:
                seen[key] = f"row {row.number}"
                continue
            rule, value = key[0], key[1] if key[0] == "duplicate_reference" else ""
            column = "reference" if value else ""
            found.append(
                Duplicate(row=row.number, column=column, value=value, rule=rule, of=seen[key])
            )
    return found


def _same(row: Row) -> Iterator[tuple[str, ...]]:
    """What tells a row from others: its reference, and everything there is in it, in one form."""
    if reference := row.values.get("reference", ""):
        yield "duplicate_reference", reference
    try:
        asked = _transfer(row, "")
    except Refusal:
        return
    ends = (_id_of(asked.from_account_id), _id_of(asked.to_account_id))
    told = (asked.currency, asked.description, asked.merchant_id, asked.reference)
    yield "duplicate_row", *ends, str(asked.amount_minor), *told


def _transfer(row: Row, payment_id: str, **more: str) -> TransferRequest:
    """A row as a request, its amount read; raises ``InvalidRequest``."""
    if row.fault:
        raise BrokenRow(row.fault)
    values = {name: row.values.get(name, "") for name in row.values}
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


def look_up(rows: Sequence[Row]) -> None:
    """Learn where the accounts of some rows are, so that posting need not ask for each."""
    keys = _account_keys(rows)
    directory.remember(*(account for account in _read_all(keys) if account))


def _account_keys(rows: Iterable[Row]) -> list[Account]:
    """Keys of accounts as the rows name them: a number is a key by itself, an id a query."""
    ends = ("from_account_id", "to_account_id")
    names = dict.fromkeys(row.values.get(end, "") for row in rows for end in ends)
    return [key for name in names if (key := directory.account_key(name))]


def _read_all(keys: Sequence[Record]) -> Iterator[Any]:
    """Read any number of records, as many in a request as it takes."""
    for start in range(0, len(keys), store.BATCH_KEYS):
        some = keys[start : start + store.BATCH_KEYS]
        yield from read_within(partial(store.get_many, some), turns.patience())


def _id_of(account: str) -> str:
    return account_id(account) if is_account_number(account) else account


def _fault(row: Row, refusal: Refusal) -> Fault:
    return Fault(
        row=row.number,
        column=refusal.field,
        value=row.values.get(refusal.field, "")[:200],
        rule=refusal.code,
        sentence=str(refusal),
    )


@dataclass(kw_only=True)
class _Trial:
    """Accounts and the maker's totals as they would stand after the rows so far."""

    actor: Actor
    at: datetime
    before: dict[str, Account]
    accounts: dict[str, Account]
    activity: dict[str, Activity]

    @classmethod
    def read(
        cls, rows: Sequence[Row], requests: Sequence[TransferRequest], actor: Actor, at: datetime
    ) -> "_Trial":
        """Read what all rows depend on, a hundred records in a request."""
        makers = [totals.maker_key(actor, code) for code in {each.currency for each in requests}]
        found = list(_read_all([*_account_keys(rows), *filter(None, makers)]))
        accounts = {each.id: each for each in found if isinstance(each, Account)}
        activity = {each.subject: each for each in found if isinstance(each, Activity)}
        return cls(actor=actor, at=at, before=accounts, accounts=dict(accounts), activity=activity)

    def take(self, request: TransferRequest) -> bool:
        """Decide a row and keep what it changes; whether it waits. Raises its ``Refusal``."""
        source = self.accounts.get(request.from_account_id)
        target = self.accounts.get(request.to_account_id)
        key = totals.maker_key(self.actor, request.currency)
        done = self.activity.get(key.subject) if key else None
        maker = totals.maker_today(self.actor, done, request.currency, self.at)
        try:
            decision = rules.decide(request, source, target, self.at, maker=maker)
        except InsufficientFunds:
            self._change(source, lambda stood: rules.failed_debit(stood, self.at))
            raise
        amount, alone = request.amount_minor, 0
        if decision.triggers:
            self._change(source, lambda stood: {"held": stood.held + amount})
        else:
            alone = amount
            self._change(source, lambda _: decision.posting.source)
            self._change(target, lambda _: decision.posting.target)
        if key is not None:
            counted = totals.counted(done, amount, alone, self.at)
            self.activity[key.subject] = (done or key).with_changes(counted)
        return bool(decision.triggers)

    def _change(self, account: Account | None, change: Callable[[Account], dict[str, Any]]) -> None:
        if account is not None:
            self.accounts[account.id] = account.with_changes(change(account))

    def moved(self) -> list[tuple[Account, Account]]:
        """Each account whose balance or available money changes, before and after."""
        pairs = [(account, self.accounts[name]) for name, account in self.before.items()]
        return [
            (old, new) for old, new in pairs if (old.balance, old.held) != (new.balance, new.held)
        ]
