"""Lists of a live system whose busy keys are spread over more and more shards."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from audit import queries as trail
from audit.context import Actor
from audit.models import AuditLog
from audit.queries import TrailFilter
from audit.seals import entries_in_store
from audit.verify import verify_entry
from backoffice.jobs.backfills import BACKFILLS
from backoffice.reviews.gathering import entries_of
from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.pages import LAST, Page
from dynamodb.scans import scan_pages, whole_items
from payments import policy, queries, settling
from payments.identifiers import new_payment_id
from payments.models import Payment, PaymentStatus
from payments.transfers import transfer_funds
from tests.bank import check_bank
from tests.builders import NOON, TELLER, a_request, opened
from tests.stores import NO_FOUR_EYES, spread_over

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("local_store")]

DAY = NOON.date()
ROWS = 5
SHOP = Actor(id="api:shop")
LISTS: dict[str, Callable[..., Page[Any]]] = {
    "processed": queries.list_payments,
    "pending": queries.list_pending,
    "day": lambda **asked: trail.browse(TrailFilter(first_day=DAY, last_day=DAY), **asked),
    "action": lambda **asked: trail.browse(TrailFilter(action="payment.processed"), **asked),
    "person": lambda **asked: trail.browse(TrailFilter(user_id=SHOP.id), **asked),
}
BATCHES = {"processed": 1, "pending": 1}
"""Reads of the rows themselves, beside the index."""


def moved(seconds: Iterator[int], number: int = 7) -> None:
    """Payments a second apart, every third of which waits for a second person."""
    policy.configure(NO_FOUR_EYES)
    source, target = opened("a", balance=100_000), opened("b")
    watched, other = opened("c", balance=100_000), opened("d")
    policy.configure(replace(NO_FOUR_EYES, approval_threshold=1000))
    for _ in range(number):
        second = next(seconds)
        at, waits = NOON + timedelta(seconds=second), second % 3 == 0
        ends, actor = ((watched, other), TELLER) if waits else ((source, target), SHOP)
        amount_minor = 10**4 if waits else 1
        asked = a_request(*ends, amount_minor=amount_minor, payment_id=new_payment_id(at))
        transfer_funds(asked, actor=actor, at=at)


def everything(name: str) -> list[str]:
    """What belongs into a list, in its order, by a look at the whole table."""
    model: Any = Payment if name in BATCHES else AuditLog
    rows = [model.from_item(item) for items, _ in scan_pages(model) for item in items]
    if name in BATCHES:
        fitting = [row for row in rows if row.status == name]
        fitting.sort(key=lambda row: row.created_at, reverse=name == "processed")
    else:
        belongs: dict[str, Callable[[Any], bool]] = {
            "day": lambda row: row.timestamp.startswith(str(DAY)),
            "action": lambda row: row.action == "payment.processed",
            "person": lambda row: row.user_id == SHOP.id and "account.de" not in row.action
            and "account.cr" not in row.action,
        }  # fmt: skip
        fitting = [row for row in rows if belongs[name](row)]
        fitting.sort(key=lambda row: row.timestamp, reverse=True)
    return [time_of(row) for row in fitting]


def time_of(row: Any) -> str:
    return str(row.created_at if isinstance(row, Payment) else row.timestamp)


def rest_of(name: str, cursor: str = "", *, first: bool = True) -> list[Any]:
    rows: list[Any] = []
    while cursor or first:
        page = LISTS[name](person="ann", cursor=cursor, rows=ROWS)
        rows, cursor, first = rows + page.rows, page.next_cursor, False
    return rows


def ids_of(rows: list[Any]) -> set[str]:
    return {getattr(row, "id", "") or f"{row.entity_id}{row.timestamp}" for row in rows}


def test_raising_the_number_leaves_every_list_as_it_was() -> None:
    seconds = count(1)
    moved(seconds)
    before = {name: listed(person="ann", rows=ROWS) for name, listed in LISTS.items()}
    left = {name: rest_of(name) for name in LISTS}
    with spread_over(4):
        moved(seconds)
        for name, listed in LISTS.items():
            with count_requests() as seen:
                listed(person="ann", rows=ROWS)
            assert seen.operations.count("Query") == 5
            assert len(seen) == 5 + BATCHES.get(name, 0)
            assert [time_of(row) for row in rest_of(name)] == everything(name)
            if name != "pending":
                last = listed(person="ann", rows=ROWS, cursor=LAST)
                assert [time_of(row) for row in last.rows] == everything(name)[-ROWS:]
            page = before[name]
            again = [*page.rows, *rest_of(name, page.next_cursor, first=False)]
            assert len(ids_of(again)) == len(again)
            assert ids_of(left[name]) <= ids_of(again)
        assert check_bank().faults == []
        walks_see_everything()


def walks_see_everything() -> None:
    entries = [item for items, _ in scan_pages(AuditLog) for item in items]
    today = [item for item in entries if item["timestamp"]["S"].startswith(str(DAY))]
    assert list(entries_in_store(DAY)) == sorted(
        today, key=lambda item: (item["timestamp"]["S"], item["entity_id"]["S"])
    )
    assert len(list(entries_of(DAY))) == len(today)
    assert [fault for item in entries for fault in verify_entry(item)] == []
    assert len(list(whole_items(settling._PENDING))) == len(everything("pending"))


def test_a_key_of_no_shard_that_is_read_is_a_fault() -> None:
    with spread_over(4):
        moved(count(1), 3)
        entries = [item for items, _ in scan_pages(AuditLog) for item in items]
        assert [fault for item in entries for fault in verify_entry(item)] == []
    assert [fault for item in entries for fault in verify_entry(item)]


def test_a_backfill_spreads_what_was_written_before() -> None:
    moved(count(1))
    fill = BACKFILLS["payment_status_keys"].fill
    first = queries.list_payments(person="ann", rows=2)
    with spread_over(4):
        payments = [Payment.from_item(item) for items, _ in scan_pages(Payment) for item in items]
        assert sum(map(fill, payments)) == len(payments) == 9
        kept = [Payment.from_item(item) for items, _ in scan_pages(Payment) for item in items]
        assert not any(map(fill, kept))
        assert {payment.status_key[:-1] for payment in kept} == {"processed#0", "pending#0"}
        rest = rest_of("processed", first.next_cursor, first=False)
        assert [time_of(row) for row in [*first.rows, *rest]] == everything("processed")
        assert {row.status for row in rest} == {PaymentStatus.PROCESSED}


def test_with_one_shard_keys_and_requests_are_as_ever() -> None:
    moved(count(1), 2)
    page = queries.list_payments(person="ann", rows=1)
    with count_requests() as seen:
        queries.list_payments(person="ann", rows=1, cursor=page.next_cursor)
    assert seen.operations == ["Query", "BatchGetItem"]
    answer = client.call("Scan", TableName=Payment.table_name())
    assert {item["status_key"]["S"] for item in answer["Items"]} == {"processed"}
