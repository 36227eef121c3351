"""What can be held, since when there are records of it, and which holds a record is under."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from audit import holds
from audit.models import Hold
from audit.replay import read_chain, values_of
from backoffice.permissions import Permission
from backoffice.staff.models import Staff
from dynamodb import store
from dynamodb.pages import Query, all_rows, read_page
from dynamodb.scans import plain_item, query_items
from dynamodb.times import from_rfc3339
from payments import directory, queries
from payments.alerts.records import Alert
from payments.identifiers import is_account_id, is_payment_id
from payments.models import Account, Payment

KINDS = ("account", "customer", "case")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """When the first record of something was made, its own id, and whose it is."""

    held_id: str
    since: datetime
    customer_id: str


def origin_of(kind: str, held_id: str) -> Origin | None:
    """Since when there are records; ``None`` where there are none."""
    if kind == "account":
        return _account_origin(held_id)
    customer_id = _customer_of_case(held_id) if kind == "case" else held_id
    times = [*_accounts_opened(customer_id), *_first_payment(customer_id)]
    return Origin(held_id=held_id, since=min(times), customer_id=customer_id) if times else None


def subjects_of(record: Account | Payment) -> list[str]:
    """What a hold that reaches a record may be on. Cases are known to compliance alone."""
    if isinstance(record, Account):
        return [f"account:{record.id}", f"customer:{record.customer_id}"]
    ends = {record.from_account_id, record.to_account_id}
    customers = customers_of(record)
    return [f"account:{end}" for end in sorted(ends)] + [f"customer:{each}" for each in customers]


def customers_of(record: Account | Payment) -> list[str]:
    """Whose record it is: a payment is of both its ends. A request for a receiver not yet met."""
    if isinstance(record, Account):
        return [record.customer_id]
    receiver = directory.account_key(record.to_account_id)
    owners = {record.customer_id, receiver.customer_id if receiver else None}
    return sorted(each for each in owners if each)


def record_of(entity_id: str) -> Account | Payment | None:
    """The account or payment that a chain tells of; one request, none for other chains."""
    if is_account_id(entity_id):
        return queries.get_account(entity_id)
    return queries.get_payment(entity_id) if is_payment_id(entity_id) else None


def holds_on(subjects: list[str]) -> list[Hold]:
    """The holds in force on any of these, in one request at most."""
    return in_force(store.get_many([Hold(subject=each) for each in subjects]))


def beside_alert(alert: Alert) -> tuple[list[Payment], list[Hold]]:
    """The payments of an alert, and the holds on its customer or its case, read together."""
    keys = [directory.payment_key(each) for each in alert.payments or () if is_payment_id(each)]
    subjects = [f"customer:{alert.customer_id}"]
    subjects += [f"case:{alert.case_id}"] if alert.case_id else []
    found = store.get_all([*keys, *(Hold(subject=each) for each in subjects)])
    return [each for each in found[: len(keys)] if each], in_force(found[len(keys) :])


def in_force(found: Iterable[Hold | None]) -> list[Hold]:
    return [hold for hold in found if hold is not None and hold.is_in_force]


def holds_shown(record: Account | Payment, viewer: Staff) -> list[Hold]:
    """The holds that reach a record; those on cases for those alone who may know of cases."""
    return holds_on(subjects_of(record)) + case_holds_shown(record, viewer)


def case_holds_shown(record: Account | Payment, viewer: Staff) -> list[Hold]:
    may_know = viewer.has_perm(Permission.MANAGE_HOLDS)
    return holds.on_cases_of(*customers_of(record)) if may_know else []


def _account_origin(account: str) -> Origin | None:
    found = queries.get_account(account)
    if found is None:
        return None
    return Origin(held_id=found.id, since=found.created_at, customer_id=found.customer_id)


def _accounts_opened(customer_id: str) -> list[datetime]:
    query = Query(model=Account, index="customer-index", partition=customer_id, hydrate=True)
    accounts = all_rows(lambda cursor: read_page([query], person="", cursor=cursor))
    return [account.created_at for account in accounts]


def _first_payment(customer_id: str) -> list[datetime]:
    query = Query(model=Payment, index="customer-index", partition=customer_id, newest_first=False)
    found = map(plain_item, query_items(query, sizes=[1]))
    return [from_rfc3339(str(payment["created_at"])) for payment in found]


def _customer_of_case(case_id: str) -> str:
    """The customer that the first entry of a case's chain names; empty where there is no case."""
    for item in read_chain(case_id):
        entry = plain_item(item)
        is_case = entry.get("entity_type") == "case"
        return str(values_of(entry, "new_values").get("customer_id", "")) if is_case else ""
    return ""
