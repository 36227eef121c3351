"""What reading costs on DynamoDB Local: requests and milliseconds of each kind of query.

The store holds many payments of few customers, so that every list has more than a page.
"""

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from audit.context import Actor
from dynamodb import client, local, tables
from dynamodb.settings import Settings
from payments import queries
from payments.accounts import open_account
from payments.identifiers import new_payment_id
from payments.models import Account, Payment, PaymentStatus
from payments.requests import OpeningRequest, TransferRequest
from payments.transfers import transfer_funds

ACCOUNTS, PAYMENTS, ROUNDS = 60, 400, 100
TELLER = Actor(id="api:benchmark")
FIRST = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def main() -> int:
    """Print the table; the exit code is 1 where a list takes more requests than it may."""
    with tempfile.TemporaryDirectory() as folder:
        lease = local.start(Path(folder), local.free_port(), in_memory=True)
        try:
            client.configure(
                Settings(endpoint_url=lease.engine.endpoint_url, cursor_signing_key="none")
            )
            tables.ensure_tables()
            return _measure(*_fill())
        finally:
            lease.release()


def _fill() -> tuple[Account, Payment]:
    accounts = [_opened(number) for number in range(ACCOUNTS)]
    moved = (_moved(accounts, number) for number in range(PAYMENTS))
    *_, last = moved
    return accounts[0], last


def _opened(number: int) -> Account:
    request = OpeningRequest(
        request_id=f"account-{number}",
        customer_id=f"customer-{number % 3}",
        account_type="checking",
        currency="USD",
        opening_balance_minor=500_000,
    )
    return open_account(request, actor=TELLER, at=FIRST).account


def _moved(accounts: list[Account], number: int) -> Payment:
    at = FIRST + timedelta(seconds=number)
    request = TransferRequest(
        payment_id=new_payment_id(at),
        from_account_id=accounts[number % ACCOUNTS].id,
        to_account_id=accounts[(number + 1) % ACCOUNTS].id,
        amount_minor=100,
        currency="USD",
        merchant_id=f"merchant-{number % 2}",
    )
    return transfer_funds(request, actor=TELLER, at=at).payment


def _asked(account: Account, payment: Payment) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """What is asked, with the requests that it may take."""
    listed = partial(queries.list_payments, person=TELLER.id)
    yield "an account by its id", 1, partial(queries.get_account, account.id)
    yield "a payment by its id", 1, partial(queries.get_payment, payment.id)
    yield "accounts, by type", 2, partial(queries.list_accounts, person=TELLER.id)
    yield "payments of a customer", 1, partial(listed, customer_id=str(payment.customer_id))
    yield "payments of a merchant", 1, partial(listed, merchant_id=str(payment.merchant_id))
    yield "payments, by status", 2, partial(listed, status=PaymentStatus.PROCESSED)


def _measure(account: Account, payment: Payment) -> int:
    table = Table("", "requests", "median ms", "99 % ms", title="Queries, pages of 50 rows")
    too_many = False
    for name, budget, ask in _asked(account, payment):
        ask()
        with client.count_requests() as sent:
            ask()
        times = sorted(_timed(ask) for _ in range(ROUNDS))
        too_many |= len(sent) > budget
        at_99 = times[math.ceil(0.99 * ROUNDS) - 1]
        table.add_row(name, str(len(sent)), f"{statistics.median(times):.1f}", f"{at_99:.1f}")
    Console().print(table)
    return int(too_many)


def _timed(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
