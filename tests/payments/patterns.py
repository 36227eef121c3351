"""A town whose movements are loaded by batches: known patterns, and people who mean no harm."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit import trail
from dynamodb.times import utc_day
from dynamodb.transactions import Transaction
from payments.alerts.records import Rule
from payments.identifiers import account_id, clearing_number, new_payment_id, payment_timestamp
from payments.models import Account, AccountStatus, AccountType, Payment, PaymentStatus
from payments.money import numeric_code
from tests.builders import NOON, an_account
from tests.payments.banks import BATCH, _write, about, moved

Planted = set[tuple[Rule, str]]
"""What is to be found: rules and customers."""


@dataclass
class Town:
    """Accounts by name, and everything that is to be written."""

    accounts: dict[str, Account] = field(default_factory=dict)
    puts: list[dict[str, Any]] = field(default_factory=list)

    def open(self, name: str, customer: str, at: datetime, **values: Any) -> None:
        number = len(self.accounts) + 1
        account = an_account(number, customer_id=customer, **values)
        self._open(name, account, at)

    def open_house(self, at: datetime) -> None:
        number = clearing_number(numeric_code("USD"))
        house = Account(
            id=account_id(number),
            account_number=number,
            customer_id="clearing",
            account_type=AccountType.SYSTEM,
            status=AccountStatus.ACTIVE,
            currency="USD",
        )
        self._open("house", house, at)

    def _open(self, name: str, account: Account, at: datetime) -> None:
        tx = Transaction(at=at)
        self.accounts[name] = trail.create(tx, "account", account, about(account, "account.opened"))
        self._take(tx, "audit:account")

    def pay(self, source: str, target: str, units: int, at: datetime, **values: Any) -> str:
        """Let one account pay another so many whole units."""
        tx = Transaction(at=at)
        ends, name = [self.accounts[source], self.accounts[target]], new_payment_id(at)
        payment = Payment(
            id=name,
            timestamp=payment_timestamp(name),
            status=PaymentStatus.PROCESSED,
            status_key="processed",
            customer_id=ends[0].customer_id,
            amount=units * 100,
            currency="USD",
            from_account_id=ends[0].id,
            to_account_id=ends[1].id,
            processed_at=at,
            **values,
        )
        trail.create(tx, "payment", payment, about(payment, "payment.processed"))
        for end, name_of, sign in ((ends[0], source, -1), (ends[1], target, 1)):
            after = moved(tx, end, {"balance": sign * units * 100}, payment)
            day = None if end.is_system else utc_day(at)
            self.accounts[name_of] = after.with_changes({"day": day})
        self._take(tx, "audit:")
        self._take(tx, "payment")
        return name

    def _take(self, tx: Transaction, wanted: str) -> None:
        actions = tx.actions().items()
        self.puts += [
            body["Put"] for name, body in actions if name.startswith(wanted) and "Put" in body
        ]

    def write(self) -> None:
        puts = [{"TableName": each.table_name(), "Item": each.serialize()} for each in
                self.accounts.values()]  # fmt: skip
        puts += self.puts
        for start in range(0, len(puts), BATCH):
            _write(puts[start : start + BATCH])


def a_town(chance: random.Random, *, people: int = 36, days: int = 34) -> tuple[Town, Planted]:
    """People who live their lives for so many days before noon, and some who do not."""
    town = Town()
    begin = NOON - timedelta(days=400)
    town.open_house(begin)
    _innocents(town, chance, people, days)
    planted: Planted = set()
    for plant in (_sums, _structurers, _sleeper, _fans, _trips):
        planted |= plant(town, begin)
    return town, planted


def _innocents(town: Town, chance: random.Random, people: int, days: int) -> None:
    """Wages, rents, groceries, savings, a bill shared by friends, and a gift that is returned."""
    begin = NOON - timedelta(days=400)
    for name in ("grocer", "landlord", "works"):
        town.open(name, f"firm-{name}", begin, account_type=AccountType.MERCHANT)
    for number in range(people):
        town.open(f"p{number}", f"person-{number}", begin)
        town.open(f"s{number}", f"person-{number}", begin, account_type=AccountType.SAVINGS)
    events: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for number in range(people):
        for day, event in _life(number, f"p{(number + 1) % people}", chance, days):
            events[day].append(event)
    for day in range(days):
        for each in events[day]:
            at = NOON - timedelta(days=days - day) + timedelta(seconds=chance.randrange(30_000))
            town.pay(*each, at)


def _life(
    number: int, friend: str, chance: random.Random, days: int
) -> Iterator[tuple[int, tuple[str, str, int]]]:
    me, wage, payday, shared = f"p{number}", chance.randrange(2_000, 6_000), number % 28, 17
    for day in range(payday, days, 30):
        yield day, ("works", me, wage)
        yield day, (me, "landlord", wage // 3)
        yield day, (me, f"s{number}", wage // 10)
    for day in range(days):
        if chance.random() < 1 / 5:
            yield day, (me, "grocer", chance.randrange(20, 200))
    yield shared, (me, friend, 80)
    yield shared, (friend, me, 40)
    if number % 20 == 0:
        yield shared, (me, friend, 1_500)
        yield shared, (friend, me, 1_450)
    if number % 15 == 0:
        yield shared, (me, "landlord", 9_200)


def _sums(town: Town, begin: datetime) -> Planted:
    """Just over the line in a day: on one account, and on two of one customer."""
    for name, customer in (("day", "sum-one"), ("two-a", "sum-two"), ("two-b", "sum-two")):
        town.open(name, customer, begin)
        town.pay(name, "grocer", 5, NOON - timedelta(days=50))
    for hour, (source, units) in enumerate(
        [("day", 4_000), ("day", 3_500), ("day", 2_500), ("two-a", 6_000), ("two-b", 4_000)]
    ):
        town.pay(source, "grocer", units, NOON - timedelta(days=9, hours=hour))
    return {(Rule.LARGE_TRANSACTION, "sum-one"), (Rule.LARGE_TRANSACTION, "sum-two")}


def _structurers(town: Town, begin: datetime) -> Planted:
    """Three just under the line, within a day, three, seven and thirty days, paid and received."""
    spans = {1: 0.4, 3: 1.2, 7: 3.1, 30: 13.0}
    for days, apart in spans.items():
        town.open(f"just{days}", f"structurer-{days}", begin)
        town.pay(f"just{days}", "grocer", 5, NOON - timedelta(days=60))
        for number in range(3):
            at = NOON - timedelta(days=29) + timedelta(days=apart * number)
            town.pay(f"just{days}", "landlord", 9_900 - number, at)
    town.open("payer-in", "structurer-in", begin)
    for number in range(3):
        town.pay("house", "payer-in", 9_500, NOON - timedelta(days=20 - 2 * number))
    names = [f"structurer-{days}" for days in spans] + ["structurer-in"]
    return {(Rule.STRUCTURING, name) for name in names} | {
        (Rule.DORMANT_ACTIVE, "structurer-in"),
        (Rule.LARGE_TRANSACTION, "structurer-1"),
    }


def _sleeper(town: Town, begin: datetime) -> Planted:
    """An account that rests for two hundred days and then pays."""
    town.open("sleeper", "sleeper", begin)
    town.pay("house", "sleeper", 7_000, NOON - timedelta(days=210))
    town.pay("sleeper", "p1", 6_000, NOON - timedelta(days=10))
    return {(Rule.DORMANT_ACTIVE, "sleeper")}


def _fans(town: Town, begin: datetime) -> Planted:
    """Nine people pay one account within two days, and another pays nine."""
    for name in ("fan-in", "fan-out"):
        town.open(name, name, begin)
        town.pay(name, "grocer", 5, NOON - timedelta(days=50))
    for number in range(9):
        at = NOON - timedelta(days=15) + timedelta(hours=5 * number)
        town.pay(f"p{number + 10}", "fan-in", 700, at)
        town.pay("fan-out", f"p{number + 20}", 720, at)
    return {(Rule.FAN_IN, "fan-in"), (Rule.FAN_OUT, "fan-out")}


def _trips(town: Town, begin: datetime) -> Planted:
    """Money that comes back over two, three and four payments, a little less each time."""
    for steps in (2, 3, 4):
        ring = [f"ring{steps}-{number}" for number in range(steps)]
        for name in ring:
            town.open(name, name, begin)
            town.pay(name, "grocer", 5, NOON - timedelta(days=50))
        for number, source in enumerate(ring):
            at = NOON - timedelta(days=12) + timedelta(hours=10 * number)
            town.pay(source, ring[(number + 1) % steps], 5_000 - 50 * number, at)
    return {(Rule.ROUND_TRIP, f"ring{steps}-0") for steps in (2, 3, 4)}
