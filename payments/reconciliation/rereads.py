"""Reading once more what seems wrong, until it is certain that nobody moved it meanwhile."""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Any

from audit.replay import Fault, Values, read_chain, read_records, values_of
from dynamodb.errors import UnreadableRecordError
from dynamodb.scans import plain_item, scan_pages
from dynamodb.store import BATCH_KEYS, get_many
from payments.identifiers import is_payment_id, payment_timestamp
from payments.models import Account, Payment
from payments.reconciliation.effects import Effect, effects_in, effects_of, faults_between, whole

READINGS = 5
"""How often something is read again before it is judged as it was read last."""


def told_by(account: Values, *, since: str = "") -> Iterator[Effect]:
    """What an account's entries tell of payments, from an RFC 3339 time on if one is given."""
    for item in read_chain(str(account["id"]), since=since):
        yield from effects_in(plain_item(item), account.get("currency"))


def currencies_of(entries: Sequence[Values]) -> dict[str, Any]:
    """The currencies of the accounts that entries are of, by id.

    A walk comes upon an account's first entry, which tells it, before the others: only accounts
    whose entries began on an earlier page are read. Without those that are not there. Where an
    account and its first entry differ in it, which is a fault by itself, either may be given.
    """
    told = {
        str(entry["entity_id"]): values_of(entry, "new_values").get("currency")
        for entry in entries
        if entry.get("seq") == 1
    }
    others = {str(entry["entity_id"]) for entry in entries} - told.keys()
    found = (account for name in sorted(others) for account in read_records(Account, name))
    return told | {str(account["id"]): account.get("currency") for account in found}


def confirmed_faults(payment: Values, told: Sequence[Effect]) -> set[Fault]:
    """What is wrong with a payment, read with its accounts while it stood still.

    Whatever moves money or holds for a payment moves its version too, in one commit.
    """
    absent: set[str] = set()
    for _ in range(READINGS):
        told, absent = _read_effects(payment, told)
        before, payment = payment, next(iter(read_records(Payment, str(payment["id"]))), payment)
        if payment.get("version") == before.get("version"):
            break
    lost = [effect for effect in effects_of(payment) if effect.account_id in absent]
    faults = {_missing_account(effect) for effect in lost}
    return faults.union(faults_between(payment, [*told, *lost]))


def _read_effects(payment: Values, told: Sequence[Effect]) -> tuple[list[Effect], set[str]]:
    """What the accounts of a payment tell of it now, and which of them are not there."""
    names = {effect.account_id for effect in (*effects_of(payment), *told)}
    found = {name: read_records(Account, name) for name in names}
    times = [str(payment[name]) for name in ("created_at", "processed_at") if payment.get(name)]
    effects = [
        effect
        for account in chain.from_iterable(found.values())
        for effect in told_by(account, since=min(times, default=""))
        if effect.payment_id == payment["id"]
    ]
    return effects, {name for name, accounts in found.items() if not accounts}


def _missing_account(effect: Effect) -> Fault:
    detail = f"There is no account {effect.account_id} for its {effect.what}."
    return Fault(kind="missing_account", id=effect.payment_id, detail=detail)


def absent_payments(names: Collection[str]) -> set[str]:
    """Which of these are no payments."""
    possible = sorted(filter(is_payment_id, names))
    there: set[str] = set()
    for start in range(0, len(possible), BATCH_KEYS):
        there |= _present_payments(possible[start : start + BATCH_KEYS])
    return set(names) - there


def _present_payments(names: Sequence[str]) -> set[str]:
    try:
        found = get_many([Payment(id=each, timestamp=payment_timestamp(each)) for each in names])
    except UnreadableRecordError:
        return {name for name in names if read_records(Payment, name)}
    return {payment.id for payment in found if payment is not None}


def add_balance(sums: dict[str, int], account: Values) -> None:
    """Add an account's balance to the sum of its currency."""
    currency = str(account.get("currency"))
    sums[currency] = sums.get(currency, 0) + whole(account, "balance")


def settled_sums() -> dict[str, int] | None:
    """Sums of all balances by currency as of one moment; ``None`` where there is no such moment.

    Two readings that saw the same accounts at the same versions saw one moment. On a store that
    never stands still every reading may catch a transfer half way.
    """
    seen = _read_sums()
    for _ in range(READINGS):
        before, seen = seen, _read_sums()
        if seen == before:
            return seen[0]
    return None


def _read_sums() -> tuple[dict[str, int], int]:
    """Sums by currency, and a mark of the accounts and versions they were read from."""
    sums: dict[str, int] = {}
    mark = 0
    for items, _ in scan_pages(Account):
        for account in map(plain_item, items):
            add_balance(sums, account)
            mark ^= hash((account["id"], account.get("version"), whole(account, "balance")))
    return sums, mark
