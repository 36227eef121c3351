"""Where accounts and payments are: keys from ids and numbers, and reads by name."""

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import Any

from dynamodb import store
from dynamodb.models import Record
from dynamodb.pages import Query, read_page
from dynamodb.retries import Patience, read_within
from payments.identifiers import id_of, is_account_id, is_account_number, payment_timestamp
from payments.models import Account, Payment

HOUSE = ""
"""The owner that the key of a system account names."""

_KNOWN_NUMBERS = 30_000
_numbers: OrderedDict[str, tuple[str, str]] = OrderedDict()
"""Numbers and owners of accounts by id, the last read last: 10 MB at most.

A number never changes, an owner rarely.
"""

_lock = Lock()


def account_key(account: str, patience: Patience | None = None) -> Account | None:
    """The key of an account given by id or number; ``None`` where there is no such account.

    It comes from the text itself where it can, from memory, else from one query, which is tried
    again for as long as there is patience. It names the owner as last read, ``HOUSE`` for the
    house, unless an account given by number has not been read yet.
    """
    key = known_key(account)
    if key is None:
        look_up = partial(find_by_id, account)
        found = look_up() if patience is None else read_within(look_up, patience)
        key = found and _key(found.id, *_number_and_owner(found))
    return key


def known_key(account: str) -> Account | None:
    """The key of an account without a request; ``None`` where nothing but its id is known."""
    name = id_of(account)
    if known := _numbers.get(name):
        return _key(name, *known)
    return Account(id=name, account_number=account) if is_account_number(account) else None


def read(
    keys: Mapping[str, Record | None], patience: Patience, *, together: bool = False
) -> dict[str, Any]:
    """Read records by the names of their actions, consistently and in one request.

    A name without a key, or without a record, has ``None``. All stand as at one moment if read
    ``together``. Trouble is tried again for as long as patience lasts, then it is
    ``StoreBusyError``: nothing has happened yet.
    """
    wanted = {name: key for name, key in keys.items() if key is not None}
    get = store.get_together if together else store.get_many
    records = read_within(partial(get, list(wanted.values())), patience)
    found = dict(zip(wanted, records, strict=True))
    remember(*(record for record in records if isinstance(record, Account)))
    return {name: found.get(name) for name in keys}


def payment_key(payment_id: str) -> Payment:
    """The key of a payment, which its id holds."""
    return Payment(id=payment_id, timestamp=payment_timestamp(payment_id))


def find_by_id(account: str) -> Account | None:
    """An account by its id alone, read consistently, in one request."""
    if not is_account_id(account):
        return None
    page = read_page([Query(model=Account, partition=account)], person="", rows=1)
    remember(*page.rows)
    return page.rows[0] if page.rows else None


def remember(*accounts: Account) -> None:
    """Keep of accounts what hardly ever changes, in place of those not read for longest."""
    with _lock:
        for account in accounts:
            _numbers[account.id] = _number_and_owner(account)
            _numbers.move_to_end(account.id)
            if len(_numbers) > _KNOWN_NUMBERS:
                _numbers.popitem(last=False)


def _key(account_id: str, number: str, owner: str) -> Account:
    return Account(id=account_id, account_number=number, customer_id=owner)


def _number_and_owner(account: Account) -> tuple[str, str]:
    return account.account_number, HOUSE if account.is_system else account.customer_id
