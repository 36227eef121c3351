"""An account's past: how it stood at an instant, and everything about it in order of time."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.models import AuditLog
from audit.replay import Values, audited_names, values_of
from dynamodb import store
from dynamodb.merged import Strand, read_merged
from dynamodb.pages import Page, Query
from dynamodb.scans import plain_item, query_items
from dynamodb.times import to_rfc3339
from payments import directory
from payments.identifiers import is_payment_id
from payments.models import Account, Payment

NEVER_CHANGE = frozenset({"account_number", "account_type", "currency"})
CHANGE = audited_names(Account) - NEVER_CHANGE
"""What can be asked for: balance and holds in minor units, status, limits, times of locks."""

READ_BACK = (50, 1000)
"""How many entries are read at most, by request: most accounts need but the first few."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An account as it stood, and the entry that made it so.

    ``values`` has what had a value then. What the entries that were read do not tell is in
    ``unknown``: only where there are more of them than are read.
    """

    entry: AuditLog
    values: dict[str, Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


def account_at(account_id: str, at: datetime) -> Standing | None:
    """How an account stood; ``None`` before it was opened. At most two requests.

    The newest entry not after the instant decides, by its place in the chain: entries are ordered
    by number, and no entry's time lies before its predecessor's, whatever clocks said.
    """
    until = f"{to_rfc3339(at)}#~"
    query = Query(model=AuditLog, partition=account_id, between=("0", until))
    newest: AuditLog | None = None
    told: dict[str, Any] = {}
    for item in query_items(query, sizes=READ_BACK):
        newest = newest or AuditLog.from_item(item)
        entry = plain_item(item)
        told = _named_by(entry) | told
        if entry.get("seq") == 1:
            told = dict.fromkeys(CHANGE) | told
        if told.keys() >= CHANGE:
            break
    if newest is None:
        return None
    values = {name: value for name, value in told.items() if value is not None}
    return Standing(entry=newest, values=values, unknown=CHANGE - told.keys())


def _named_by(entry: Values) -> dict[str, Any]:
    """What an entry says of the values it names, ``None`` for those it took away."""
    old, new = values_of(entry, "old_values"), values_of(entry, "new_values")
    return {name: new.get(name) for name in (old.keys() | new.keys()) & CHANGE}


ROWS = 50


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A page of entries and payments in order of time, and the payments that entries name."""

    account: Account
    page: Page[AuditLog | Payment]
    named: dict[str, Payment]


def account_timeline(
    account: Account, *, with_views: bool, person: str, cursor: str = ""
) -> Timeline:
    """A page of an account's time line, newest first, in at most four requests.

    Of the account its key and owner are used; it is read along with the payments.
    """

    def is_of_account(payment: Payment) -> bool:
        return account.id in (payment.from_account_id, payment.to_account_id)

    paid = Query(model=Payment, index="customer-index", partition=account.customer_id)
    chains = [account.id, f"views:{account.id}"][: 1 + with_views]
    strands = [Strand(query=Query(model=AuditLog, partition=chain)) for chain in chains]
    strands.append(Strand(query=paid, keep=is_of_account, kept_by=account.id))
    page = read_merged(strands, person=person, cursor=cursor, rows=ROWS)
    named = {row.reference or "" for row in page.rows if isinstance(row, AuditLog)}
    keys = [directory.payment_key(each) for each in sorted(filter(is_payment_id, named))]
    whole, *found = store.get_many([account, *keys])
    payments = {each.id: each for each in found if each is not None}
    return Timeline(account=whole, page=page, named=payments)
