"""The bank check: whatever happened, no money was made or lost and nothing moved untold."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from audit.chain import FIRST_PREV_HASH, POSTINGS, entry_hash
from audit.models import AuditLog
from payments.models import Account, AccountType, Payment, PaymentStatus


@dataclass
class BankReport:
    """What was counted, and a sentence for each thing that is wrong with money or its trail."""

    accounts: int = 0
    processed: int = 0
    entries: int = 0
    negative: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.negative, *self.unbalanced, *self.untold]


PAGE_ITEMS = 500
"""DynamoDB Local lays out all the rest of a table for each page of a scan that has no limit."""


def scanned(model: Any) -> Iterable[Any]:
    """Each record of a table, however large."""
    records: Iterable[Any] = model.scan(page_size=PAGE_ITEMS)
    return records


def check_bank(rows: Callable[[Any], Iterable[Any]] = scanned) -> BankReport:
    """Read every record at rest and hold each against the others; ``rows`` reads a table."""
    report = BankReport()
    accounts, payments = list(rows(Account)), list(rows(Payment))
    chains: dict[str, list[AuditLog]] = {}
    movements: Counter[tuple[str, str]] = Counter()
    posted: dict[str, set[tuple[str, str]]] = {}
    for entry in rows(AuditLog):
        chains.setdefault(entry.entity_id, []).append(entry)
        movements[entry.reference or "", entry.entity_id] += "balance" in (entry.new_values or {})
        if entry.action in POSTINGS:
            posted.setdefault(entry.reference or "", set()).add((entry.entity_id, entry.timestamp))
    report.accounts, report.entries = len(accounts), sum(map(len, chains.values()))
    report.processed = sum(payment.is_processed() for payment in payments)
    _check_sums(accounts, report)
    for account in accounts:
        entries = sorted(chains.get(account.id, []), key=lambda entry: entry.timestamp)
        _check_chain(account, entries, report)
        _check_balance(account, entries, payments, report)
    for payment in payments:
        _check_chain(payment, chains.get(payment.id, []), report)
        _check_told_twice(payment, movements, report)
        _check_posted_as(payment, posted.get(payment.id, set()), report)
    return report


def _check_sums(accounts: list[Account], report: BankReport) -> None:
    sums: Counter[str] = Counter()
    for account in accounts:
        sums[account.currency] += account.balance
        if account.balance < 0 and account.account_type != AccountType.SYSTEM:
            report.negative.append(f"{account.id} is negative: {account.balance}")
    report.unbalanced += [
        f"{currency} sums to {total}" for currency, total in sums.items() if total
    ]


def _check_chain(record: Account | Payment, entries: list[AuditLog], report: BankReport) -> None:
    if [entry.seq for entry in entries] != list(range(1, len(entries) + 1)):
        report.untold.append(f"{record.id}: its chain has gaps")
    if record.version != len(entries):
        report.untold.append(f"{record.id}: version {record.version}, {len(entries)} entries")
    before = FIRST_PREV_HASH
    for entry in entries:
        if entry.prev_hash != before or entry.hash != entry_hash(entry.serialize()):
            report.untold.append(f"{record.id}: entry {entry.seq} does not fit its chain")
        before = entry.hash or ""
    if record.audit_hash != before:
        report.untold.append(f"{record.id}: the head is not the newest entry")


def _check_balance(
    account: Account, entries: list[AuditLog], payments: list[Payment], report: BankReport
) -> None:
    replayed = 0
    for entry in entries:
        old, new = entry.old_values or {}, entry.new_values or {}
        if "balance" not in new:
            continue
        if old.get("balance", 0) != replayed:
            report.unbalanced.append(f"{account.id}: entry {entry.seq} begins elsewhere")
        replayed = new["balance"]
    if replayed != account.balance:
        report.unbalanced.append(f"{account.id}: balance {account.balance}, entries say {replayed}")
    moved = sum(
        payment.amount
        * ((payment.to_account_id == account.id) - (payment.from_account_id == account.id))
        for payment in payments
        if payment.status == PaymentStatus.PROCESSED
    )
    reserved = sum(
        payment.reserved or 0
        for payment in payments
        if payment.from_account_id == account.id and payment.status == PaymentStatus.PENDING
    )
    if reserved != account.held:
        report.unbalanced.append(f"{account.id}: holds {account.held}, payments say {reserved}")
    if moved != account.balance:
        report.unbalanced.append(f"{account.id}: balance {account.balance}, payments say {moved}")


def _check_posted_as(payment: Payment, postings: set[tuple[str, str]], report: BankReport) -> None:
    ends = (payment.from_account_id, payment.to_account_id)
    named = set(zip(ends, payment.posted_as or (), strict=False))
    if named != postings:
        report.untold.append(f"{payment.id}: posted as {postings}, says {named}")


def _check_told_twice(
    payment: Payment, movements: Counter[tuple[str, str]], report: BankReport
) -> None:
    ends = (payment.from_account_id, payment.to_account_id)
    told = sum(movements[payment.id, end] for end in ends)
    expected = 2 if payment.status == PaymentStatus.PROCESSED else 0
    if told != expected:
        report.untold.append(f"{payment.id}: {payment.status}, told {told} times")
