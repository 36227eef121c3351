"""The four things that payment systems promise by the second, beside raw boto3 and the naive way.

Each thing is done in turns with the same requests sent by raw boto3, and payments with what they
would be without a transaction; requests are counted meanwhile, as the service does. What the whole
of the service takes for it, from the event to the answer and with an idempotency key, is a row of
its own, and cores and promised times are told of that. Throughput is by processor time of this one
process, latency what DynamoDB Local on the same machine takes. The engine does its own work on the
other core. Last come the list of accounts and a transfer's form, as a teller who has signed in
sees and posts them. What Django's ORM on PostgreSQL takes for the same is a row beside.

Rounds are short and many: of each way the one at the lower quartile counts, which other programs
on the machine have disturbed least, and of ratios the median of rounds that stood side by side.
"""

import json
import math
import os
import statistics
import sys
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from itertools import count
from typing import Any

import django
from rich.console import Console

from audit import trail
from audit.context import Actor
from audit.trail import Event
from benchmarks.frame import Row, engine, measured, quiet_of, show, timed
from benchmarks.kept import copied
from benchmarks.listings import VIEWER
from benchmarks.lists import hide_logs, shown, signed_in
from benchmarks.orm import FORM, LIST, POSTGRESQL, READ, TRANSFER, Ask, Timed, orm
from benchmarks.raw import raw_client, recorded, replay
from dynamodb import client
from dynamodb.times import utc_now
from payments import directory, policy, queries
from payments.accounts import open_account
from payments.identifiers import new_payment_id
from payments.models import Account
from payments.requests import OpeningRequest, TransferRequest
from payments.transfers import transfer_funds

SHOP = Actor(id="api:benchmark")
SIZES = (1_000, 100_000)
ROUNDS, PARTS = 17, 4
TIMES = ROUNDS * PARTS
"""The first round warms up and does not count."""

MOST_OF_RAW = 0.85
"""Of raw boto3's processor time, for what moves or reads money."""

RAW = "raw-"
"""Of the tables that raw boto3 writes to."""

LOADED_CUSTOMER = "customer-000000"

BOTO3, HANDLER = "raw boto3", "by the service's handler"
LISTED = f"{HANDLER}, which reads each payment too"
BY_ORM = "Django's ORM on PostgreSQL"
OF_RAW = "raw boto3's processor time"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """So many a second, each within some milliseconds; and the ways to do one of them."""

    name: str
    a_second: int = 0
    within_ms: int = 0
    """Neither where nothing is promised."""
    by_orm: Callable[[], Timed] | None = None
    """The same by Django's ORM on PostgreSQL, where it can be done so."""
    ways: dict[str, Callable[[], object]]


def main(sizes: Sequence[int]) -> int:
    """Print a table for each size; the exit code is 1 where one takes more of raw boto3's time."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    policy.configure(replace(policy.policy(), approval_threshold=10**15))
    hide_logs()
    titles = {}
    for size in sizes:
        with copied(size) as folder, engine(folder) as turn_to, orm(size, POSTGRESQL) as ask:
            turn_to(RAW)
            two_accounts()
            turn_to("")
            rows = [row for each in _promises(two_accounts(), ask) for row in _measured(each)]
            titles[f"Promises, {size:,} accounts and payments in the tables"] = rows
    show("promises", titles)
    return int(
        any("missed" in str(row.more.get(OF_RAW)) for rows in titles.values() for row in rows)
    )


def _promises(accounts: list[Account], ask: Ask) -> Iterator[Promise]:
    paid, note = partial(pay, accounts), partial(_note, count(1))
    customer, account = f"/customers/{LOADED_CUSTOMER}/payments", f"/accounts/{accounts[0].id}"
    check = partial(queries.get_account, accounts[0].id)
    listed = partial(queries.get_customer_payments, customer_id=LOADED_CUSTOMER, person=VIEWER)
    yield Promise(
        name="payment creation", a_second=20_000, within_ms=50, by_orm=partial(ask, TRANSFER),
        ways={
            "": paid, BOTO3: _again(paid, RAW), "the naive way": _naive(accounts),
            "of accounts not seen before": partial(_pay_unseen, accounts),
            HANDLER: partial(_transfer_served, accounts),
        },
    )  # fmt: skip
    yield Promise(
        name="balance check", a_second=50_000, within_ms=10, by_orm=partial(ask, READ),
        ways={"": check, BOTO3: _again(check), HANDLER: partial(_served, "GET", account)},
    )  # fmt: skip
    yield Promise(
        name="payments of a customer", a_second=1_000, within_ms=200,
        ways={"": listed, BOTO3: _again(listed), LISTED: partial(_served, "GET", customer)},
    )  # fmt: skip
    yield Promise(
        name="audit append", a_second=25_000, within_ms=25,
        ways={"": note, BOTO3: _again(note, RAW)},
    )  # fmt: skip
    listing = partial(shown, signed_in("teller"), "/admin/accounts/")
    yield Promise(name="list of accounts", by_orm=partial(ask, LIST), ways={"": listing})
    form = posted(accounts)
    yield Promise(name="transfer form, posted", by_orm=partial(ask, FORM), ways={"": form})


def _measured(promise: Promise) -> Iterator[Row]:
    """A quiet round of each way; ways take turns and first place, so that noise meets all alike."""
    ways: dict[str, Callable[[], Row]] = {
        way: partial(_round, f"  the same, {way}" if way else promise.name, do)
        for way, do in promise.ways.items()
    }
    if promise.by_orm:
        ways[BY_ORM] = partial(_by_orm, promise.by_orm)
    rounds: dict[str, list[Row]] = {way: [] for way in ways}
    names = deque(ways)
    with Console(stderr=True).status(promise.name) as said:
        for number in range(ROUNDS):
            said.update(f"{promise.name}, round {number + 1} of {ROUNDS}")
            for way in names:
                rounds[way].append(ways[way]())
            names.rotate()
    whole = next((way for way in rounds if way.startswith(HANDLER)), "")
    for way, rows in rounds.items():
        row = quiet_of(rows[1:])
        row.more = {"a second and core": round(1000 / row.processor_ms)}
        if way == whole and promise.a_second:
            cores = math.ceil(promise.a_second * row.processor_ms / 1000)
            row.more[f"cores for {promise.a_second:,} a second"] = cores
            is_kept = row.at(0.95) <= promise.within_ms
            row.more[f"its {promise.within_ms} ms in 95 %"] = "kept" if is_kept else "missed"
        if way not in (BOTO3, BY_ORM) and BOTO3 in rounds:
            ratio = _ratio(rows[1:], rounds[BOTO3][1:])
            told = f"{ratio:.3f} times"
            if not way:
                told += f", {'kept' if ratio <= MOST_OF_RAW else 'missed'},"
            row.more[OF_RAW] = told
        if not way and promise.by_orm:
            row.more["times the ORM's"] = round(_ratio(rows[1:], rounds[BY_ORM][1:]), 2)
        yield row


def _by_orm(ask: Callable[[], Timed]) -> Row:
    """A round of it, with the processor time of its own process."""
    took = [ask() for _ in range(PARTS)]
    clock, processor = (sum(each) for each in zip(*took, strict=True))
    return Row(
        name=f"  the same, {BY_ORM}", count=PARTS, seconds=clock, processor_seconds=processor,
        times_ms=[each * 1000 for each, _ in took],
    )  # fmt: skip


def _round(name: str, do: Callable[[], object]) -> Row:
    def work() -> list[float]:
        with client.count_requests():
            return [timed(do) for _ in range(PARTS)]

    return measured(name, PARTS, work)


def _ratio(ours: Sequence[Row], raw: Sequence[Row]) -> float:
    pairs = zip(ours, raw, strict=True)
    return statistics.median(one.processor_ms / other.processor_ms for one, other in pairs)


def _again(work: Callable[[], object], raw_prefix: str = "") -> Callable[[], object]:
    """Raw boto3 with the requests of so many times of something, one time's each time."""
    times = [recorded(work, raw_prefix) for _ in range(TIMES)]
    raw, left = raw_client(), iter(times)
    return lambda: replay(raw, next(left))


def two_accounts() -> list[Account]:
    requests = [
        OpeningRequest(
            request_id=f"promise-{number}", customer_id=f"promised-{number}",
            account_type="checking", currency="USD", opening_balance_minor=10**9,
        )
        for number in range(2)
    ]  # fmt: skip
    return [open_account(request, actor=SHOP, at=utc_now()).account for request in requests]


def pay(accounts: list[Account]) -> None:
    request = TransferRequest(
        payment_id=new_payment_id(utc_now()), from_account_id=accounts[0].id,
        to_account_id=accounts[1].id, amount_minor=1, currency="USD",
    )  # fmt: skip
    assert transfer_funds(request, actor=SHOP, at=utc_now()).payment.is_processed()


def _pay_unseen(accounts: list[Account]) -> None:
    """With the query of each account's number that the first payment of it takes."""
    directory._numbers.clear()  # noqa: SLF001 - no service forgets
    pay(accounts)


def _transfer_served(accounts: list[Account]) -> None:
    source, target = accounts
    body = {"from_account_id": source.id, "to_account_id": target.id, "amount": 1}
    key = new_payment_id(utc_now())
    answer = _served("POST", "/transfers", json.dumps(body | {"currency": "USD"}), key)
    assert answer["statusCode"] == HTTPStatus.CREATED


def _served(method: str, path: str, body: str = "", key: str = "") -> dict[str, Any]:
    """What the service answers to an event of an HTTP API."""
    from payments.lambda_handler import handler  # which sets up a process where nothing is

    claims = {"sub": "benchmark", "scope": "payments/read payments/write", "customers": "*"}
    about = {"method": method, "sourceIp": "192.0.2.1", "userAgent": "benchmark/1"}
    asked = {"http": about, "requestId": "benchmark", "authorizer": {"jwt": {"claims": claims}}}
    headers = {"idempotency-key": key, "content-type": "application/json"}
    event = {"rawPath": path, "requestContext": asked, "headers": headers, "body": body}
    answer: dict[str, Any] = handler(event, None)
    assert answer["statusCode"] < HTTPStatus.BAD_REQUEST, answer
    return answer


def _note(numbers: Iterator[int]) -> None:
    event = Event(
        entity_id=f"benchmark:{next(numbers)}", entity_type="benchmark",
        action="benchmark.noted", actor=SHOP,
    )  # fmt: skip
    trail.note(event, at=utc_now(), values={"amount": 1})


def posted(accounts: list[Account], times: int = TIMES) -> Callable[[], object]:
    """The form as it is sent once what it does is confirmed, which answers by the payment."""
    from backoffice.forms.transfers import TransferForm

    browser, ends = signed_in("teller"), ("from_account_id", "to_account_id")
    sent = {"amount": "0.01", "currency": "USD", "confirm": "yes"}
    sent |= {end: account.id for end, account in zip(ends, accounts, strict=True)}
    forms = [TransferForm(username=f"{VIEWER}-teller", at=utc_now()) for _ in range(times)]
    ids = iter([form.initial["payment_id"] for form in forms])

    def post() -> None:
        answer = browser.post("/admin/transfers/new/", sent | {"payment_id": next(ids)})
        assert answer.status_code == HTTPStatus.FOUND

    return post


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
    sys.exit(main([int(size) for size in sys.argv[1:]] or SIZES))
