"""The four things that payment systems promise by the second, beside raw boto3 and the naive way.

Each thing is done in turns with the same requests sent by raw boto3, and payments with what they
would be without a transaction. Throughput is by processor time of this one process, latency what
DynamoDB Local on the same machine takes. The engine does its own work on the other core.

Rounds are short and many: of each way the one at the lower quartile counts, which other programs
on the machine have disturbed least, and of ratios the median of rounds that stood side by side.
"""

import math
import statistics
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from rich.console import Console

from audit import trail
from audit.context import Actor
from audit.trail import Event
from benchmarks.frame import Row, engine, filled, measured, quiet_of, show, timed
from benchmarks.listings import VIEWER
from benchmarks.loader import fill
from benchmarks.raw import raw_client, recorded, replay
from dynamodb import client
from dynamodb.times import utc_now
from payments import policy, queries
from payments.accounts import open_account
from payments.identifiers import new_payment_id
from payments.models import Account
from payments.requests import OpeningRequest, TransferRequest
from payments.transfers import transfer_funds

SHOP = Actor(id="api:benchmark")
SIZES = (200,)
ROUNDS, PARTS = 41, 4
"""The first round warms up and does not count."""

MOST_OF_RAW = 0.85
"""Of raw boto3's processor time, for what moves or reads money."""

LOADED_CUSTOMER = "customer-000000"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """So many a second, each within some milliseconds; and the ways to do one of them."""

    name: str
    a_second: int
    within_ms: int
    orm_ms: float = math.nan
    """Processor time of the same by Django's ORM on PostgreSQL, which is given."""
    ways: dict[str, Callable[[], object]]


def main(sizes: Sequence[int]) -> None:
    """Print a table for each size."""
    policy.configure(replace(policy.policy(), approval_threshold=10**15))
    titles = {}
    with engine() as turn_to:
        for size in sizes:
            turn_to(f"raw{size}-")
            _two_accounts()
            turn_to(f"bench{size}-")
            filled(f"{size:,} rows", partial(fill, accounts=size // 10, paid=0, refused=size))
            rows = _rows(_two_accounts(), f"raw{size}-")
            titles[f"Promises, {size:,} payments in the table"] = rows
    show("promises", titles)


def _rows(accounts: list[Account], raw_prefix: str) -> list[Row]:
    return [row for each in _promises(accounts, raw_prefix) for row in _measured(each)]


def _promises(accounts: list[Account], raw_prefix: str) -> Iterator[Promise]:
    pay, note = partial(_pay, accounts), partial(_note, count(1))
    check = partial(queries.get_account, accounts[0].id)
    listed = partial(queries.get_customer_payments, customer_id=LOADED_CUSTOMER, person=VIEWER)
    yield Promise(
        name="payment creation", a_second=20_000, within_ms=50, orm_ms=2.4,
        ways={"": pay, "raw boto3": _again(pay, raw_prefix), "the naive way": _naive(accounts)},
    )  # fmt: skip
    yield Promise(
        name="balance check", a_second=50_000, within_ms=10, orm_ms=0.32,
        ways={"": check, "raw boto3": _again(check)},
    )  # fmt: skip
    yield Promise(
        name="payments of a customer", a_second=1_000, within_ms=200,
        ways={"": listed, "raw boto3": _again(listed)},
    )  # fmt: skip
    yield Promise(
        name="audit append", a_second=25_000, within_ms=25,
        ways={"": note, "raw boto3": _again(note, raw_prefix)},
    )  # fmt: skip


def _measured(promise: Promise) -> Iterator[Row]:
    """A quiet round of each way; ways take turns, so that noise meets all alike."""
    rounds: dict[str, list[Row]] = {way: [] for way in promise.ways}
    with Console(stderr=True).status(promise.name) as said:
        for number in range(ROUNDS):
            said.update(f"{promise.name}, round {number + 1} of {ROUNDS}")
            for way, do in promise.ways.items():
                name = f"  the same, {way}" if way else promise.name
                work = lambda do=do: [timed(do) for _ in range(PARTS)]  # noqa: E731 - one line
                rounds[way].append(measured(name, PARTS, work))
    for way, rows in rounds.items():
        row = quiet_of(rows[1:])
        cores = math.ceil(promise.a_second * row.processor_ms / 1000)
        row.more = {"a second and core": round(1000 / row.processor_ms)}
        row.more[f"cores for {promise.a_second:,} a second"] = cores
        if not way:
            is_kept = row.at(0.95) <= promise.within_ms
            row.more[f"its {promise.within_ms} ms in 95 %"] = "kept" if is_kept else "missed"
            row.more["of raw boto3"] = _ratio(rows[1:], rounds["raw boto3"][1:])
            if not math.isnan(promise.orm_ms):
                row.more["of the ORM's time"] = round(row.processor_ms / promise.orm_ms, 2)
        yield row


def _ratio(ours: Sequence[Row], raw: Sequence[Row]) -> str:
    pairs = zip(ours, raw, strict=True)
    ratio = statistics.median(one.processor_ms / other.processor_ms for one, other in pairs)
    return f"{ratio:.2f} times{'' if ratio <= MOST_OF_RAW else ', too much,'}"


def _again(work: Callable[[], object], raw_prefix: str = "") -> Callable[[], object]:
    """Raw boto3 with the requests of so many times of something, one time's each time."""
    times = [recorded(work, raw_prefix) for _ in range(ROUNDS * PARTS)]
    raw, left = raw_client(), iter(times)
    return lambda: replay(raw, next(left))


def _two_accounts() -> list[Account]:
    requests = [
        OpeningRequest(
            request_id=f"promise-{number}", customer_id=f"promised-{number}",
            account_type="checking", currency="USD", opening_balance_minor=10**9,
        )
        for number in range(2)
    ]  # fmt: skip
    return [open_account(request, actor=SHOP, at=utc_now()).account for request in requests]


def _pay(accounts: list[Account]) -> None:
    request = TransferRequest(
        payment_id=new_payment_id(utc_now()), from_account_id=accounts[0].id,
        to_account_id=accounts[1].id, amount_minor=1, currency="USD",
    )  # fmt: skip
    assert transfer_funds(request, actor=SHOP, at=utc_now()).payment.is_processed()


def _note(numbers: Iterator[int]) -> None:
    event = Event(
        entity_id=f"benchmark:{next(numbers)}", entity_type="benchmark",
        action="benchmark.noted", actor=SHOP,
    )  # fmt: skip
    trail.note(event, at=utc_now(), values={"amount": 1})


def _naive(accounts: list[Account]) -> Callable[[], object]:
    """Two reads, two updates, one put, three puts of entries: each alone, nothing checked."""
    raw, prefix = raw_client(), client.settings().table_prefix
    tables = {name: prefix + name for name in ("accounts", "payments", "audit_log")}
    item = {"currency": {"S": "USD"}, "amount": {"N": "1"}}

    def pay() -> None:
        at, name = utc_now().isoformat(), str(uuid.uuid4())
        keys = [account.key_item() for account in accounts]
        for key in keys:
            raw.get_item(TableName=tables["accounts"], Key=key, ConsistentRead=True)
        for key in keys:
            raw.update_item(
                TableName=tables["accounts"], Key=key, UpdateExpression="SET naive = :now",
                ExpressionAttributeValues={":now": {"S": at}},
            )  # fmt: skip
        row: dict[str, Any] = {**item, "id": {"S": name}, "timestamp": {"S": at}}
        raw.put_item(TableName=tables["payments"], Item=row)
        for entity in (name, *(account.id for account in accounts)):
            entry = {**item, "entity_id": {"S": entity}, "timestamp": {"S": at + name}}
            raw.put_item(TableName=tables["audit_log"], Item=entry)

    return pay


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
