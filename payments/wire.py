"""Records as JSON for other programs: the attribute names of the tables, without bookkeeping."""

from typing import Any

from dynamodb.attributes import plain
from dynamodb.models import Item, Record
from payments.models import Account, Payment

_INTERNAL = frozenset({
    "audit_at", "audit_hash", "audit_seq", "from_number", "last_request", "posted_as",
    "request_hash", "request_id", "status_key", "to_number",
})  # fmt: skip


def account_json(account: Account) -> dict[str, Any]:
    """An account with its ``balance`` and ``available``, both in whole minor units."""
    return {**visible(Account, account.serialize()), "available": account.available}


def payment_json(payment: Payment) -> dict[str, Any]:
    """A payment; ``amount`` is in whole minor units, times are RFC 3339 in UTC."""
    return visible(Payment, payment.serialize())


def visible(model: type[Record], item: Item) -> dict[str, Any]:
    """What other programs see of a record as it is stored, even where values in it are damaged."""
    known = model.get_attributes().keys() - _INTERNAL
    return {name: plain(typed) for name, typed in item.items() if name in known}
