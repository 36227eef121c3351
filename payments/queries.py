"""Everything that only reads: by id consistently, lists on a key in pages, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dynamodb import store
from dynamodb.pages import PAGE_ROWS, Page, Query, read_page
from dynamodb.times import to_rfc3339
from payments import directory
from payments.identifiers import MOST_ROWS, is_account_id, is_account_number, is_payment_id, row_id
from payments.models import Account, AccountStatus, Payment, PaymentStatus

TWINS_WITHIN = timedelta(hours=1)
"""How long a payment may be somebody's mistake to send once more."""

_PENDING = Query(
    model=Payment, index="status-index", partition=PaymentStatus.PENDING, newest_first=False
)
_MOST_READ = 25
"""Requests for a page of what waits: so many pass over a whole batch."""


def get_account(account: str) -> Account | None:
    """An account by its id or number, in one consistent read."""
    if is_account_number(account):
        return get_accounts(account)[0]
    return directory.find_by_id(account)


def get_accounts(*accounts: str) -> list[Account | None]:
    """Accounts by id or number, in the order asked.

    In one consistent read, and one more for each whose id alone is known.
    """
    keys = {account: directory.known_key(account) for account in accounts}
    wanted = {account: key for account, key in keys.items() if key is not None}
    found = dict(zip(wanted, store.get_many(list(wanted.values())), strict=True))
    directory.remember(*filter(None, found.values()))
    found |= {each: directory.find_by_id(each) for each in keys if each not in wanted}
    return [found[account] for account in accounts]


def find_accounts(text: str, *, person: str) -> list[Account]:
    """Accounts that a typed text leads to: one by its id or number, or the first of a customer."""
    if is_account_number(text) or is_account_id(text):
        found = get_account(text)
        return [found] if found else []
    return list_accounts(person=person, customer_id=text).rows


def get_payment(payment_id: str) -> Payment | None:
    """A payment by its id, in one consistent read."""
    if not is_payment_id(payment_id):
        return None
    return store.get(directory.payment_key(payment_id))


def get_payments(*payment_ids: str) -> list[Payment | None]:
    """Payments by their ids, at most 100, in the order asked, in one consistent read."""
    keys = [directory.payment_key(each) if is_payment_id(each) else None for each in payment_ids]
    found = iter(store.get_many([key for key in keys if key is not None]))
    return [next(found) if key is not None else None for key in keys]


def list_pending(*, person: str, cursor: str = "", rows: int = PAGE_ROWS) -> Page[Payment]:
    """Payments that wait for a second person or for their day, the oldest first.

    Of the rows of a batch, whose ids bear one time, the first stands for all on its page. The
    index is late: what has been decided since is read as it stands, and left out.
    """
    of_a_time: dict[str, list[str]] = {}

    def is_first(key: Payment) -> bool:
        names = of_a_time.setdefault(key.timestamp, [])
        names.append(key.id)
        return len(names) == 1

    page = read_page(
        [_PENDING],
        person=person,
        cursor=cursor,
        rows=rows,
        keep=is_first,
        kept_by=("times",),
        max_requests=_MOST_READ,
    )
    found = get_payments(*(key.id for key in page.rows))
    others = [each for first in found if first for each in _others(first, of_a_time)]
    found += store.get_all([directory.payment_key(each) for each in filter(is_payment_id, others)])
    waiting = [payment for payment in found if payment is not None and payment.can_cancel()]
    waiting.sort(key=lambda payment: payment.timestamp)
    return replace(page, rows=waiting, examined=len(waiting))


def _others(first: Payment, of_a_time: Mapping[str, Sequence[str]]) -> list[str]:
    """Ids of the same time that are no rows of the same batch: hardly ever any."""
    names = set(of_a_time[first.timestamp][1:])
    if names and first.batch_id:
        names -= {row_id(first.batch_id, number) for number in range(1, MOST_ROWS + 1)}
    return sorted(names)


def pending_keys(*, person: str, rows: int) -> Page[Payment]:
    """The keys of payments that seem to wait, the oldest first: the index alone, in one request."""
    return read_page([_PENDING], person=person, rows=rows)


def list_accounts(
    *,
    person: str,
    customer_id: str = "",
    status: str = "",
    account_type: str = "",
    cursor: str = "",
    rows: int = PAGE_ROWS,
) -> Page[Account]:
    """Accounts of a customer, or of a status (active unless said otherwise) by type."""
    if customer_id:
        query = Query(model=Account, index="customer-index", partition=customer_id, hydrate=True)
        is_filtered = bool(status or account_type)
    else:
        query = Query(
            model=Account,
            index="status-index",
            partition=status or AccountStatus.ACTIVE,
            between=(account_type, account_type) if account_type else None,
            newest_first=False,
            hydrate=True,
        )
        is_filtered = False

    def keep(account: Account) -> bool:
        return status in ("", account.status) and account_type in ("", account.account_type)

    return read_page(
        [query],
        person=person,
        cursor=cursor,
        rows=rows,
        keep=keep if is_filtered else None,
        kept_by=(status, account_type),
    )


def get_customer_payments(
    *, customer_id: str, person: str, cursor: str = "", rows: int = PAGE_ROWS
) -> Page[Payment]:
    """What a customer paid, newest first, as rows: without the attributes no list shows."""
    return list_payments(person=person, customer_id=customer_id, cursor=cursor, rows=rows)


def list_payments(
    *,
    person: str,
    customer_id: str = "",
    merchant_id: str = "",
    status: str = "",
    currency: str = "",
    between: tuple[str, str] | None = None,
    cursor: str = "",
    rows: int = PAGE_ROWS,
) -> Page[Payment]:
    """Payments of a customer, of a merchant, or of a status (processed unless said otherwise).

    ``between`` are the first and last times at which they were asked for, as stored.
    """
    wanted = {"merchant_id": merchant_id, "status": status, "currency": currency}
    if customer_id:
        index, partition = "customer-index", customer_id
    elif merchant_id:
        index, partition = "merchant-index", wanted.pop("merchant_id")
    else:
        index, partition = "status-index", wanted.pop("status") or PaymentStatus.PROCESSED
    is_by_status = index == "status-index"
    query = Query(
        model=Payment, index=index, partition=partition, between=between, hydrate=is_by_status
    )

    def keep(payment: Payment) -> bool:
        return all(value in ("", getattr(payment, name)) for name, value in wanted.items())

    return read_page(
        [query],
        person=person,
        cursor=cursor,
        rows=rows,
        keep=keep if any(wanted.values()) else None,
        kept_by=(merchant_id, status, currency),
    )


def find_twin(
    source: Account, target: Account, *, amount_minor: int, at: datetime
) -> Payment | None:
    """The newest payment of the last hour of this amount between these accounts, if it holds.

    One request; it looks at the newest 100 of the customer.
    """
    query = Query(
        model=Payment,
        index="customer-index",
        partition=source.customer_id,
        between=(to_rfc3339(at - TWINS_WITHIN), "~"),
    )
    wanted = (source.id, target.id, amount_minor)

    def keep(payment: Payment) -> bool:
        ends = payment.from_account_id, payment.to_account_id
        is_same = (*ends, payment.amount) == wanted
        return is_same and (payment.can_cancel() or payment.is_processed())

    page = read_page([query], person="", rows=1, keep=keep, kept_by=("twin",))
    return next(iter(page.rows), None)
