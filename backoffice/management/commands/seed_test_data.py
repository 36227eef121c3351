"""`manage.py seed_test_data`: demo staff, accounts and a month of payments, for development."""

import random
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import track

from audit.context import Actor
from backoffice.management.base import Call, Done, TellingCommand
from backoffice.management.demo_month import MAKERS, Month, payment_key
from backoffice.permissions import Role
from backoffice.staff import queries as staff_queries
from backoffice.staff.services import NewStaff, create_staff
from dynamodb import store
from payments import policy
from payments.accounts import open_account
from payments.history.figures import roll_up
from payments.models import Account, IdempotencyKey
from payments.money import exponent
from payments.requests import OpeningRequest
from payments.role_limits import RoleLimits
from payments.settling import settle_due

T = TypeVar("T")

STAFF = {
    "teller1": Role.TELLER,
    "teller2": Role.TELLER,
    "supervisor1": Role.SUPERVISOR,
    "supervisor2": Role.SUPERVISOR,
    "compliance1": Role.COMPLIANCE,
    "admin1": Role.ADMIN,
}
CUSTOMERS = [f"cus-{number}" for number in range(1001, 1013)]
CURRENCIES = ("USD",) * 16 + ("EUR",) * 12 + ("JPY",) * 6 + ("KWD",) * 6
TYPES = ("checking", "checking", "savings", "merchant")
DAYS = 30
PAYMENTS = 500
SEEDER = Actor(id="system:seed")


class Command(TellingCommand):
    help = "Fill a development store with demo data. Run again it adds nothing."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="leave a store alone that others have filled"
        )

    def act(self, call: Call) -> Done:
        if not settings.DEVELOPMENT:
            raise CommandError("Demo data is for development only: DJANGO_DEBUG is off.")
        with _no_role_limits():
            told = _seed(call.at, only_if_empty=call["if_empty"])
        return Done(sentence=told, data={"told": told})


@contextmanager
def _no_role_limits() -> Iterator[None]:
    """Let the demo's people move what it tells of, whatever ``ROLE_LIMITS`` says."""
    rules = policy.policy()
    policy.configure(replace(rules, role_limits=RoleLimits()))
    try:
        yield
    finally:
        policy.configure(rules)


def _seed(now: datetime, *, only_if_empty: bool) -> str:
    if store.get(IdempotencyKey(key=payment_key(PAYMENTS - 1))) is not None:
        return "The demo data is already there: nothing added."
    is_ours = staff_queries.find(next(iter(STAFF))) is not None
    if only_if_empty and not is_ours and staff_queries.is_anybody_there():
        return "The store is in use: no demo data added."
    start = now - timedelta(days=DAYS)
    _add_staff(start - timedelta(days=len(CURRENCIES) + 1))
    chance = random.Random(2026)  # noqa: S311 - the same demo every time
    accounts = _with_progress("Accounts", len(CURRENCIES), lambda n: _account(n, start, chance))
    month = Month(start=start, now=now, accounts=accounts, count=PAYMENTS, chance=chance)
    _with_progress("Payments", PAYMENTS, month.pay)
    month.decide(until=now + timedelta(days=1))
    settle_due(at=now)
    roll_up(at=now, pages=PAYMENTS)
    return f"Demo data: {len(STAFF)} staff, {len(accounts)} accounts, {PAYMENTS} payments."


def _with_progress(what: str, count: int, make: Callable[[int], T]) -> list[T]:
    """Make so many, one after the other, under a bar."""
    numbers = track(range(count), description=what, console=Console(file=sys.stderr))
    return [make(number) for number in numbers]


def _add_staff(at: datetime) -> None:
    for username, role in STAFF.items():
        if staff_queries.find(username) is None:
            new = NewStaff(
                username=username,
                roles=[role],
                password=settings.DEMO_PASSWORD,
                full_name=username[:-1].title() + " " + username[-1],
                first_password_stays=True,
            )
            create_staff(new, actor=SEEDER, at=at)


def _account(number: int, start: datetime, chance: random.Random) -> Account:
    """Open an account, one a day before the month begins, below what needs a second person."""
    currency = CURRENCIES[number]
    request = OpeningRequest(
        request_id=f"seed:account:{number}",
        customer_id=CUSTOMERS[number % len(CUSTOMERS)],
        account_type=chance.choice(TYPES),
        currency=currency,
        opening_balance_minor=chance.randrange(2_000, 10_000) * 10 ** exponent(currency),
    )
    at = start - timedelta(days=len(CURRENCIES) - number)
    return open_account(request, actor=Actor(id=chance.choice(MAKERS)), at=at).account
