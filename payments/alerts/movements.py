"""What moved on an account in a time, as its entries and their payments tell."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice

from audit.models import AuditLog
from audit.replay import values_of
from dynamodb import store
from dynamodb.pages import Query
from dynamodb.scans import plain_item, query_items
from dynamodb.times import from_rfc3339, to_rfc3339
from payments import directory
from payments.alerts.patterns import Movement
from payments.identifiers import account_id, clearing_number, is_payment_id
from payments.models import Account, Payment
from payments.money import numeric_code
from payments.reconciliation.effects import effects_in

MOST_ENTRIES = 5_000
"""Of an account with more entries in the time that is looked at, the newest are."""

_STIRS = 50
"""How many entries are read back for the last one that moved money."""


def movements_of(
    account: Account, *, since: datetime, until: datetime, own: Collection[str] = ()
) -> tuple[list[Movement], bool]:
    """Movements of an account in order of time, and whether there were more than are read.

    ``own`` are the ids of all accounts of its owner. Of the account its id and currency are used.
    """
    between = (to_rfc3339(since), f"{to_rfc3339(until)}#~")
    items = query_items(Query(model=AuditLog, partition=account.id, between=between))
    entries = [plain_item(item) for item in islice(items, MOST_ENTRIES + 1)]
    moved = {
        effect.payment_id: effect.amount_minor
        for entry in entries[:MOST_ENTRIES]
        for effect in effects_in(entry, account.currency)
        if effect.what == "balance"
    }
    found = [
        _movement(account, payment, moved[payment.id], own) for payment in _payments(list(moved))
    ]
    return sorted(found, key=lambda each: (each.at, each.payment_id)), len(entries) > MOST_ENTRIES


def stirred_before(account_id: str, at: datetime) -> datetime | None:
    """When money of an account last moved before a time, or else it was opened."""
    query = Query(model=AuditLog, partition=account_id, between=("0", to_rfc3339(at)))
    for item in query_items(query, sizes=[_STIRS]):
        entry = plain_item(item)
        if entry["seq"] == 1 or "balance" in values_of(entry, "new_values"):
            return from_rfc3339(str(entry["timestamp"]).partition("#")[0])
    return None


def _payments(names: list[str]) -> Iterator[Payment]:
    keys = [directory.payment_key(name) for name in names if is_payment_id(name)]
    yield from filter(None, store.get_all(keys))


def _movement(
    account: Account, payment: Payment, amount_minor: int, own: Collection[str]
) -> Movement:
    is_paying = payment.from_account_id == account.id
    other = payment.to_account_id if is_paying else payment.from_account_id
    return Movement(
        at=payment.processed_at or payment.created_at,
        payment_id=payment.id,
        account_id=account.id,
        other_id=other,
        currency=account.currency,
        amount_minor=amount_minor,
        is_own=other in own,
        is_house=other == account_id(clearing_number(numeric_code(account.currency))),
        is_reversal=bool(payment.reverses),
    )
