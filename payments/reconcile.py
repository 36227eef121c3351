"""Reconciliation: every account, payment and entry held against the others; writes nothing.

A first walk proves: each account is replayed from its chain, and of payments, which may be
millions, both sides are summed as fingerprints: what payments say they did and what accounts'
entries tell, what payments say of themselves and what their own entries tell. Where these differ,
a second walk names what is wrong. Memory is that of a page, the fingerprints, and whatever
differs.

It may run on a live store. An account or payment is judged by the entries up to its own head,
which never change any more; and a payment that seems to lack something is read once more,
together with its accounts, until nothing has moved in between.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from audit.models import AuditLog
from audit.replay import (
    Fault,
    Values,
    entry_claims,
    read_records,
    record_claims,
    verify_record,
)
from audit.walks import Fingerprints, Step, Walk, walk
from dynamodb.models import Item
from dynamodb.scans import Place, plain_item
from payments import rereads
from payments.effects import Effect, effects_in, effects_of, faults_between, whole
from payments.models import Account, AccountType, IdempotencyKey, Payment

_OPENED = ("opened",)


@dataclass(kw_only=True)
class Run(Walk):
    """How far a reconciliation is and what it knows: enough to go on after a kill."""

    accounts: int = 0
    payments: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    faults: set[Fault] = field(default_factory=set)
    told: dict[str, list[Effect]] = field(default_factory=dict)

    @property
    def report(self) -> dict[str, Any]:
        """The answer for scripts. Sums are in minor units by currency."""
        return {
            "ok": not self.faults,
            "accounts": self.accounts,
            "payments": self.payments,
            "sums": dict(sorted(self.sums.items())),
            "faults": [vars(fault) for fault in sorted(self.faults)],
        }

    def to_json(self) -> dict[str, Any]:
        kept = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        places = [[each.segment, each.start] for each in self.places]
        faults = [vars(fault) for fault in self.faults]
        return {**kept, "places": places, "faults": faults, "prints": self.prints.to_json()}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """Take up what ``to_json`` gave.

        Raises ``LookupError``, ``TypeError`` or ``ValueError`` for anything else.
        """
        told = {name: [Effect(*each) for each in effects] for name, effects in kept["told"].items()}
        return cls(
            **kept
            | {
                "places": [Place(*each) for each in kept["places"]],
                "faults": {Fault(**fault) for fault in kept["faults"]},
                "prints": Fingerprints.from_json(kept["prints"]),
                "told": told,
            }
        )


def reconcile(
    run: Run, on_page: Callable[[Run], None] = lambda _: None, *, segments: int = 1
) -> Run:
    """Carry a run to its end, so many segments of each table side by side.

    ``on_page`` is called wherever it may be taken up again.
    """
    walk(run, STEPS, on_page, segments=segments)
    for name, effects in run.told.items():
        for effect in effects:
            detail = f"There is no such payment, and an entry tells of its {effect}."
            run.faults.add(Fault(kind="entry_without_payment", id=name, detail=detail))
    _judge_sums(run)
    return run


def _judge_sums(run: Run) -> None:
    """Find out whether what does not sum to zero was only read in mid-transfer.

    Where that cannot be told, the rest decides: if every balance is what its entries tell, and
    every entry is one side of a processed payment, all currencies sum to zero at any moment.
    """
    if not any(run.sums.values()):
        return
    settled = rereads.settled_sums()
    if settled is None:
        run.sums = run.sums if run.faults else dict.fromkeys(run.sums, 0)
        return
    run.sums = settled
    for currency, total in settled.items():
        if total:
            detail = f"All balances sum to {total}, not to zero."
            run.faults.add(Fault(kind="sum_not_zero", id=currency, detail=detail))


def _look_at_accounts(run: Run, items: list[Item]) -> None:
    accounts = [plain_item(item) for item in items]
    with run.lock:
        run.accounts += len(accounts)
        for account in accounts:
            rereads.add_balance(run.sums, account)
    for account in accounts:
        name = str(account["id"])

        def watch(entry: Values, account: Values = account) -> None:
            for effect in effects_in(account, entry):
                _count_movement(run, effect, entry)

        run.prints.add(name, _OPENED)
        run.faults.update(verify_record(Account, account, watch))
        balance, held = whole(account, "balance"), whole(account, "held")
        if min(balance, balance - held) < 0 and account.get("account_type") != AccountType.SYSTEM:
            detail = f"Its balance is {balance}, of which {held} are held."
            run.faults.add(Fault(kind="negative_balance", id=name, detail=detail))


def _count_movement(run: Run, effect: Effect, entry: Values) -> None:
    if effect.payment_id:
        claim, weight = effect.claim
        run.prints.add(effect.payment_id, claim, weight)
    else:
        detail = f"Entry {entry.get('seq')} names no payment for its {effect}."
        fault = Fault(kind="movement_without_payment", id=effect.account_id, detail=detail)
        run.faults.add(fault)


def _look_at_payments(run: Run, items: list[Item]) -> None:
    with run.lock:
        run.payments += len(items)
    for payment in map(plain_item, items):
        name = str(payment["id"])
        for effect in effects_of(payment):
            claim, weight = effect.claim
            run.prints.add(name, claim, -weight)
        for said in record_claims(Payment, payment):
            run.prints.add(name, said, -1)


def _look_at_entries(run: Run, items: list[Item]) -> None:
    for item in items:
        entry = plain_item(item)
        if entry["entity_type"] == "account":
            run.prints.add(entry["entity_id"], _OPENED, -1)
            continue
        for claim, weight in entry_claims(Payment, item):
            run.prints.add(entry["entity_id"], claim, weight)


def _look_at_keys(run: Run, items: list[Item]) -> None:
    keys = {str(key["key"]): str(key.get("payment_id")) for key in map(plain_item, items)}
    absent = rereads.absent_payments(set(keys.values()))
    for name, payment in keys.items():
        if payment in absent:
            detail = f"It names payment {payment}, which is not there."
            run.faults.add(Fault(kind="key_without_payment", id=name, detail=detail))


def _look_at_accounts_again(run: Run, items: list[Item]) -> None:
    for account in map(plain_item, items):
        for effect in rereads.told_by(account):
            if effect.payment_id and run.prints.differ(effect.payment_id):
                run.told.setdefault(effect.payment_id, []).append(effect)


def _look_at_payments_again(run: Run, items: list[Item]) -> None:
    for payment in map(plain_item, items):
        name = str(payment["id"])
        if not run.prints.differ(name):
            continue
        run.faults.update(verify_record(Payment, payment))
        told = run.told.pop(name, [])
        if any(faults_between(payment, told)):
            run.faults.update(rereads.confirmed_faults(payment, told))


def _look_at_entries_again(run: Run, items: list[Item]) -> None:
    for entry in map(plain_item, items):
        entity, kind = str(entry["entity_id"]), str(entry["entity_type"])
        model = Account if kind == "account" else Payment
        if run.prints.differ(entity) and not read_records(model, entity):
            detail = f"Entry {entry.get('seq')}, {entry.get('action')}, tells of what is not there."
            run.faults.add(Fault(kind=f"entry_without_{kind}", id=entity, detail=detail))


_TELLS_OF_MONEY = (AuditLog.entity_type == "payment") | (
    (AuditLog.entity_type == "account") & (AuditLog.seq == 1)
)
"""All entries of payments, and of each account the first: their chains are read by account."""

STEPS: Sequence[Step] = (
    Step("Accounts", Account, _look_at_accounts),
    Step("Payments", Payment, _look_at_payments),
    Step("Audit trail", AuditLog, _look_at_entries, _TELLS_OF_MONEY),
    Step("Idempotency keys", IdempotencyKey, _look_at_keys),
    Step("Accounts again", Account, _look_at_accounts_again, is_second=True),
    Step("Payments again", Payment, _look_at_payments_again, is_second=True),
    Step("Audit trail again", AuditLog, _look_at_entries_again, _TELLS_OF_MONEY, is_second=True),
)
