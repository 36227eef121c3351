"""Reconciliation: every account, payment and entry held against the others; writes nothing.

A first walk proves, and reads each record once: of accounts and payments, which may be millions,
both sides are summed as fingerprints, what records say of themselves and what their entries tell,
what payments say they did and what accounts' entries tell. Where these differ, a second walk names
what is wrong. Memory is that of a page, the fingerprints, and whatever differs.

What tells of neither an account nor a payment, and stands in a chain of theirs all the same, is
for ``audit.verification`` to find.

It may run on a live store. An account or payment is judged by the entries up to its own head,
which never change any more; and a payment that seems to lack something is read once more,
together with its accounts, until nothing has moved in between.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import groupby
from typing import Any, Self

from audit.models import AuditLog, Chained
from audit.replay import Fault, Values, entry_claims, read_records, record_claims, verify_record
from audit.walks import Fingerprints, Step, Walk, walk
from dynamodb.models import Item
from dynamodb.scans import Place, plain_item
from payments.models import Account, AccountType, IdempotencyKey, Payment
from payments.reconciliation import rereads
from payments.reconciliation.effects import Effect, effects_in, effects_of, faults_between, whole


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

    def blame(self, kind: str, name: Any, detail: str) -> None:
        self.faults.add(Fault(kind=kind, id=str(name), detail=detail))

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
        places = [Place(*each) for each in kept["places"]]
        faults = {Fault(**fault) for fault in kept["faults"]}
        prints = Fingerprints.from_json(kept["prints"])
        made = {"places": places, "faults": faults, "prints": prints, "told": told}
        return cls(**kept | made)


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
            run.blame("entry_without_payment", name, detail)
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
            run.blame("sum_not_zero", currency, f"All balances sum to {total}, not to zero.")


def _look_at_accounts(run: Run, items: list[Item]) -> None:
    accounts = [plain_item(item) for item in items]
    with run.lock:
        run.accounts += len(accounts)
        for account in accounts:
            rereads.add_balance(run.sums, account)
    for account in accounts:
        _count_record(run, Account, account)
        balance, held = whole(account, "balance"), whole(account, "held")
        if min(balance, balance - held) < 0 and account.get("account_type") != AccountType.SYSTEM:
            detail = f"Its balance is {balance}, of which {held} are held."
            run.blame("negative_balance", account["id"], detail)


def _look_at_payments(run: Run, items: list[Item]) -> None:
    with run.lock:
        run.payments += len(items)
    for payment in map(plain_item, items):
        _count_record(run, Payment, payment)
        for effect in effects_of(payment):
            _count_effect(run, effect, -1)


def _look_at_entries(run: Run, items: list[Item]) -> None:
    entries = [plain_item(item) for item in items]
    for item, entry in zip(items, entries, strict=True):
        name, model = _told_of(entry)
        for claim, weight in entry_claims(model, item):
            run.prints.add(name, claim, weight)
    for effect, teller in _effects_told(entries):
        if effect.payment_id:
            _count_effect(run, effect)
        else:
            detail = f"Entry {teller.get('seq')} names no payment for its {effect}."
            run.blame("movement_without_payment", effect.account_id, detail)


def _count_record(run: Run, model: type[Chained], record: Values) -> None:
    for claim in record_claims(model, record):
        run.prints.add(str(record["id"]), claim, -1)


def _count_effect(run: Run, effect: Effect, sign: int = 1) -> None:
    claim, weight = effect.claim
    run.prints.add(effect.payment_id, claim, sign * weight)


def _told_of(entry: Values) -> tuple[str, type[Chained]]:
    """The record that an entry tells of: its id and class."""
    return str(entry["entity_id"]), Account if entry["entity_type"] == "account" else Payment


def _effects_told(entries: Sequence[Values]) -> Iterator[tuple[Effect, Values]]:
    """What entries of accounts say that payments did, each with its entry."""
    of_accounts = [entry for entry in entries if entry["entity_type"] == "account"]
    currencies = rereads.currencies_of(of_accounts)
    for entry in of_accounts:
        for effect in effects_in(entry, currencies.get(entry["entity_id"])):
            yield effect, entry


def _look_at_keys(run: Run, items: list[Item]) -> None:
    keys = {str(key["key"]): str(key.get("payment_id")) for key in map(plain_item, items)}
    absent = rereads.absent_payments(set(keys.values()))
    for name, payment in keys.items():
        if payment in absent:
            run.blame(
                "key_without_payment", name, f"It names payment {payment}, which is not there."
            )


def _look_at_accounts_again(run: Run, items: list[Item]) -> None:
    for account in map(plain_item, items):
        if run.prints.differ(str(account["id"])):
            run.faults.update(verify_record(Account, account))


def _look_at_payments_again(run: Run, items: list[Item]) -> None:
    for payment in map(plain_item, items):
        name = str(payment["id"])
        if not (run.prints.differ(name) or name in run.told):
            continue
        run.faults.update(verify_record(Payment, payment))
        told = run.told.pop(name, [])
        if any(faults_between(payment, told)):
            run.faults.update(rereads.confirmed_faults(payment, told))


def _look_at_entries_again(run: Run, items: list[Item]) -> None:
    entries, absent = [plain_item(item) for item in items], set()
    for (name, model), group in groupby(entries, key=_told_of):
        if run.prints.differ(name) and not read_records(model, name):
            absent.add(name)
            for entry in group:
                words = f"Entry {entry.get('seq')}, {entry.get('action')},"
                kind = f"entry_without_{entry['entity_type']}"
                run.blame(kind, entry["entity_id"], f"{words} tells of what is not there.")
    for effect, _ in _effects_told(entries):
        name = effect.payment_id
        if name and (run.prints.differ(name) or effect.account_id in absent):
            run.told.setdefault(name, []).append(effect)


_OF_MONEY = AuditLog.entity_type.is_in("account", "payment") & ~AuditLog.entity_id.startswith(
    "views:"
)
"""Who looked at an account or a payment stands in a chain beside its own, and moves nothing."""

STEPS: Sequence[Step] = (
    Step("Accounts", Account, _look_at_accounts),
    Step("Payments", Payment, _look_at_payments),
    Step("Audit trail", AuditLog, _look_at_entries, _OF_MONEY),
    Step("Idempotency keys", IdempotencyKey, _look_at_keys),
    Step("Audit trail again", AuditLog, _look_at_entries_again, _OF_MONEY, is_second=True),
    Step("Payments again", Payment, _look_at_payments_again, is_second=True),
    Step("Accounts again", Account, _look_at_accounts_again, is_second=True),
)
