"""Things to test with. A test names what matters to it and nothing else."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from audit.context import Actor
from dynamodb import client
from dynamodb.errors import StoreBusyError
from dynamodb.models import Record
from payments import accounts, transfers
from payments.identifiers import account_id, new_payment_id, with_check_digits
from payments.models import Account, AccountStatus, AccountType
from payments.requests import OpeningRequest, TransferRequest

T = TypeVar("T")

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TELLER = Actor(id="teller1")
PROGRAM = Actor(id="service:shop")
"""Its transfers meet at their accounts only: it has no running total of its own."""


def an_account(number: int = 1, **values: Any) -> Account:
    """An account that is in no store."""
    account_number = with_check_digits(10**9 + number)
    defaults: dict[str, Any] = {
        "customer_id": f"customer-{number}",
        "account_type": AccountType.CHECKING,
        "status": AccountStatus.ACTIVE,
        "currency": "USD",
        "balance": 0,
        "held": 0,
        "version": 1,
    }
    return Account(
        id=account_id(account_number), account_number=account_number, **(defaults | values)
    )


def opened(
    name: str, *, balance: int = 0, currency: str = "USD", at: datetime = NOON, **values: Any
) -> Account:
    """An account opened in the store, its request named after ``name``."""
    defaults = {"customer_id": f"customer-{name}", "account_type": AccountType.CHECKING}
    request = OpeningRequest(
        request_id=f"opening-{name}",
        currency=currency,
        opening_balance_minor=balance,
        **(defaults | values),
    )
    return accounts.open_account(request, actor=TELLER, at=at).account


def planted(record: Record) -> None:
    """Write a record as it is, past every rule, as a fault or a foreign writer would."""
    client.call("PutItem", TableName=record.table_name(), Item=record.serialize())


def a_request(source: Account | str, target: Account | str, **values: Any) -> TransferRequest:
    """A request for 10.00 USD between two accounts."""
    ends = [end if isinstance(end, str) else end.id for end in (source, target)]
    defaults: dict[str, Any] = {
        "from_account_id": ends[0],
        "to_account_id": ends[1],
        "payment_id": new_payment_id(NOON),
        "amount_minor": 1000,
        "currency": "USD",
    }
    return TransferRequest(**(defaults | values))


def transferred(
    source: Account | str,
    target: Account | str,
    at: datetime = NOON,
    actor: Actor = TELLER,
    **values: Any,
) -> transfers.Transfer:
    return transfers.transfer_funds(a_request(source, target, **values), actor=actor, at=at)


def insisted(ask: Callable[[], T]) -> T:
    """What comes of asking again for as long as the store is busy, as people do."""
    while True:
        with suppress(StoreBusyError):
            return ask()
