"""What becomes of the rows of a bulk file: foreseen by the ledger's own decision, or told after."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.context import Actor
from payments import rules, totals
from payments.approvals import digest
from payments.bulk.batches import Batch, accounts_of, ends_of, payments_of, transfer_of
from payments.bulk.rows import Row
from payments.identifiers import id_of
from payments.models import Account, Activity, Payment
from payments.money import currency_codes
from payments.refusals import Declined, InsufficientFunds, InvalidRequest, Refusal
from payments.requests import TransferRequest


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong with a row: the column, what stands in it, and the rule's code."""

    row: int
    column: str
    value: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class Fault(Finding):
    """Why a row is refused, in a ``sentence``."""

    sentence: str


@dataclass(frozen=True, kw_only=True)
class Duplicate(Finding):
    """A row that may have been paid before; ``of`` names the earlier one."""

    of: str


@dataclass(kw_only=True)
class Report:
    """What becomes of the rows of a file. Amounts are in minor units.

    ``totals`` and ``waiting`` are of rows that are not refused, ``waiting`` of those that need a
    second person. ``accounts`` has each account that moves, before and after. ``digest`` is of all
    that waits: what an approval of the whole is bound to.
    """

    rows: int
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Duplicate] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    waiting_rows: list[int] = field(default_factory=list)
    accounts: list[tuple[Account, Account]] = field(default_factory=list)
    trigger: str = ""
    digest: str = ""

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
    trial = _Trial.read(batch.rows, actor, at)
    for row in batch.rows:
        try:
            request = batch.request(row, at, trial.damaged)
            is_waiting = trial.take(request)
        except Refusal as refusal:
            report.errors.append(_fault(row, refusal))
        else:
            report.count(request.amount_minor, request.currency, is_waiting=is_waiting)
    report.accounts = trial.moved()
    return report


def outcome(batch: Batch, at: datetime) -> Report:
    """What has become of a batch so far, and what approving the rest would do to its accounts."""
    report = Report(rows=len(batch.rows), trigger=batch.trigger)
    waiting: list[Payment] = []
    for row, payment, fault in became(batch, at):
        if fault is not None:
            report.errors.append(fault)
        elif payment is not None:
            report.count(payment.amount, payment.currency, is_waiting=payment.can_cancel())
            if payment.can_cancel():
                waiting.append(payment)
                report.waiting_rows.append(row.number)
    if waiting:
        report.accounts = _if_approved(waiting)
        report.digest = hashlib.sha256("".join(map(digest, waiting)).encode()).hexdigest()
    return report


def _if_approved(waiting: Iterable[Payment]) -> list[tuple[Account, Account]]:
    """Accounts as they stand, and with all that waits moved."""
    balance, held = Counter[str](), Counter[str]()
    for payment in waiting:
        balance[payment.from_account_id] -= payment.amount
        held[payment.from_account_id] -= payment.reserved or 0
        balance[payment.to_account_id] += payment.amount
    changes = [
        (each, {"balance": each.balance + balance[each.id], "held": each.held + held[each.id]})
        for each in accounts_of(end for payment in waiting for end in payment.ends)[0]
        if balance[each.id] or held[each.id]
    ]
    return [(each, each.with_changes(change)) for each, change in changes]


def became(batch: Batch, at: datetime) -> Iterator[tuple[Row, Payment | None, Fault | None]]:
    """Every row with its payment, or why it has come to nothing; with neither it is to be done.

    One that was posted and has neither names a damaged account: no other account is looked for.
    """
    found = [(row, paid, _fault_of(batch, row, paid, at)) for row, paid in payments_of(batch)]
    lost = (row for row, paid, fault in found[: batch.posted] if not (paid or fault))
    _, damaged = accounts_of(ends_of(lost))
    for row, paid, fault in found:
        yield row, paid, fault or (_fault_of(batch, row, paid, at, damaged) if damaged else None)


def _fault_of(
    batch: Batch, row: Row, payment: Payment | None, at: datetime, damaged: Collection[str] = ()
) -> Fault | None:
    if payment is not None:
        if not payment.failure_code:
            return None
        return _fault(row, Declined(payment.failure_code, payment.failure_reason or ""))
    try:
        batch.request(row, at, damaged)
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
        asked = transfer_of(row, "")
    except Refusal:
        return
    ends = (id_of(asked.from_account_id), id_of(asked.to_account_id))
    told = (asked.currency, asked.description, asked.merchant_id, asked.reference)
    yield "duplicate_row", *ends, str(asked.amount_minor), *told


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
    damaged: set[str]

    @classmethod
    def read(cls, rows: Sequence[Row], actor: Actor, at: datetime) -> "_Trial":
        """Read what all rows depend on, a hundred records in a request."""
        codes = {row.values.get("currency", "") for row in rows} & {*currency_codes()}
        makers = filter(None, [totals.maker_key(actor, code) for code in codes])
        found, damaged = accounts_of(ends_of(rows), *makers)
        accounts = {each.id: each for each in found if isinstance(each, Account)}
        return cls(
            actor=actor,
            at=at,
            before=accounts,
            accounts=dict(accounts),
            activity={each.subject: each for each in found if isinstance(each, Activity)},
            damaged=damaged,
        )

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
