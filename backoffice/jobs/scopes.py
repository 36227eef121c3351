"""What an evidence pack is about: a search of the trail, or all chains of somebody's."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from audit.models import AuditLog
from audit.queries import TrailFilter
from dynamodb import store
from dynamodb.attributes import plain
from dynamodb.pages import Query, all_rows
from dynamodb.scans import query_items
from payments import queries
from payments.alerts.records import Case
from payments.models import Account
from payments.refusals import InvalidField

READER = "system:export"
SEARCH = "search"

Ids = Iterator[str]


def chains_of(scope: str, about: str) -> list[str]:
    """The chains that belong to an account, a customer or a case, each once.

    Raises ``InvalidField`` where there is no such thing.
    """
    return list(dict.fromkeys(SCOPES[scope](about)))


def wanted(parameters: Mapping[str, Any]) -> TrailFilter:
    """The search that an order was given."""
    names = ("entity_id", "action", "user_id", "outcome")
    return TrailFilter(
        **{name: parameters.get(name, "") for name in names},
        first_day=_day(parameters.get("first_day")),
        last_day=_day(parameters.get("last_day")),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _account(about: str) -> Ids:
    account = queries.get_account(about)
    if account is None:
        raise InvalidField("about", f"There is no account {about}.")
    yield from _chains_of_account(account)


def _with_views(entity_id: str) -> Ids:
    """A chain, and who looked at what it is of."""
    yield from (entity_id, f"views:{entity_id}")


def _chains_of_account(account: Account) -> Ids:
    """Its own chain, who looked at it, and the payments that its entries name."""
    yield from _with_views(account.id)
    for entry in query_items(Query(model=AuditLog, partition=account.id, newest_first=False)):
        if reference := plain(entry.get("reference", {"S": ""})):
            yield from _with_views(reference)


def _customer(about: str) -> Ids:
    """Who looked at the customer, their accounts with all of theirs, and what they paid."""
    accounts = list(all_rows(lambda cursor: queries.list_accounts(
        person=READER, customer_id=about, cursor=cursor
    )))  # fmt: skip
    payments = all_rows(lambda cursor: queries.list_payments(
        person=READER, customer_id=about, cursor=cursor
    ))  # fmt: skip
    yield from _with_views(f"customer:{about}")
    for account in accounts:
        yield from _chains_of_account(account)
    for payment in payments:
        yield from _with_views(payment.id)
    if not accounts:
        raise InvalidField("about", f"No account belongs to a customer {about}.")


def _case(about: str) -> Ids:
    """The case, its alerts, and everything of the customer whom it is about."""
    case = store.get(Case(id=about))
    if case is None:
        raise InvalidField("about", f"There is no case {about}.")
    for entity_id in (case.id, *case.alerts):
        yield from _with_views(entity_id)
    yield from _customer(case.customer_id)


SCOPES: dict[str, Callable[[str], Ids]] = {
    "account": _account,
    "customer": _customer,
    "case": _case,
}
