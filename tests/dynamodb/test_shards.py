"""Spread keys: every list as it is with one shard, also while the number is raised."""

import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.models import AuditLog
from dynamodb import client, shards
from dynamodb.client import TimeLimit, count_requests, within
from dynamodb.errors import StoreBusyError
from dynamodb.pages import Query, read_page
from dynamodb.scans import query_items
from dynamodb.settings import Settings
from tests.audit.memory import Trail, place
from tests.stores import spread_over

DAY = "2026-03-01"


def the_day(*, newest_first: bool, **more: Any) -> Query[AuditLog]:
    return Query(
        model=AuditLog, index="day-index", partition=DAY, newest_first=newest_first, **more
    )


def is_even(entry: AuditLog) -> bool:
    return entry.entity_id in {"b", "d"}


entries = st.fixed_dictionaries(
    {
        "entity_id": st.sampled_from("abcde"),
        "action": st.just("x.y"),
        "user_id": st.just("ann"),
        "outcome": st.just("success"),
        "day_key": st.just(DAY),
        "time": st.sampled_from([f"{hour:02d}:00:00.000000" for hour in range(9, 15)]),
    }
)
few = st.lists(entries, max_size=4)


@settings(max_examples=200, deadline=None)
@given(
    stored=st.lists(entries, max_size=40),
    arriving=st.lists(st.tuples(st.sampled_from([1, 4, 7]), few), max_size=9),
    shape=st.fixed_dictionaries(
        {"rows": st.sampled_from([1, 2, 5, 50]), "is_filtered": st.booleans()}
    ),
    newest_first=st.booleans(),
    megabyte=st.sampled_from([1, 3, 10**6]),
    is_backfilled=st.booleans(),
)
def test_no_row_is_missed_or_shown_twice_while_the_number_is_raised(
    stored: list[dict[str, str]],
    arriving: list[tuple[int, list[dict[str, str]]]],
    shape: dict[str, Any],
    newest_first: bool,
    megabyte: int,
    is_backfilled: bool,
) -> None:
    """Between two pages rows arrive at any time of the day, and the number may go up."""
    trail, number, found, cursor = Trail(megabyte=megabyte), 1, [], ""
    with spread_over(number):
        add(trail, stored)
    always = {place(item) for item in trail.items}
    keep: dict[str, Any] = {"keep": is_even, "kept_by": ("even",)} if shape["is_filtered"] else {}
    raised = iter(arriving)
    with patch("dynamodb.pages.call", trail.call):
        while True:
            with spread_over(number):
                query = the_day(newest_first=newest_first)
                page = read_page([query], person="ann", cursor=cursor, rows=shape["rows"], **keep)
            found += [(row.timestamp, row.entity_id) for row in page.rows]
            cursor = page.next_cursor
            if not cursor:
                break
            wanted, more = next(raised, (number, []))
            number = max(number, wanted)
            with spread_over(number):
                add(trail, more)
                if is_backfilled:
                    spread_anew(trail)
    times = [timestamp for timestamp, _ in found]
    assert times == sorted(times, reverse=newest_first)
    assert len(found) == len(set(found))
    assert set(found) >= {each for each in always if not keep or each[1] in "bd"}


def add(trail: Trail, values: list[dict[str, str]]) -> None:
    for each in values:
        trail.add(dict(each))


def spread_anew(trail: Trail) -> None:
    for item in trail.items:
        by = item["entity_id"]["S"] + item["timestamp"]["S"]
        item["day_key"] = {"S": shards.spread_key(DAY, by=by)}


def a_day(count: int, *, number: int) -> Trail:
    trail = Trail()
    with spread_over(number):
        for second in range(count):
            time = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000000"
            told = {"action": "x.y", "user_id": "ann", "outcome": "success", "day_key": DAY}
            trail.add({**told, "entity_id": f"e{second}", "time": time})
    return trail


def walked(trail: Trail, *, number: int, newest_first: bool) -> list[Any]:
    with spread_over(number), patch("dynamodb.scans.call", trail.call):
        return list(query_items(the_day(newest_first=newest_first)))


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_walk_gives_the_same_with_any_number(newest_first: bool) -> None:
    plain = walked(a_day(2500, number=1), number=1, newest_first=newest_first)
    spread = walked(a_day(2500, number=4), number=4, newest_first=newest_first)
    assert len(plain) == 2500
    assert [place(item) for item in spread] == [place(item) for item in plain]


@pytest.mark.parametrize("number", [1, 2, 16])
def test_a_page_asks_each_shard_once(number: int) -> None:
    trail = a_day(200, number=number)
    with spread_over(number), patch("dynamodb.pages.call", trail.call):
        page = read_page([the_day(newest_first=True)], person="ann")
        assert trail.requests == (1 if number == 1 else number + 1)
        assert len(page.rows) == 50
        trail.requests = 0
        after = read_page([the_day(newest_first=True)], person="ann", cursor=page.next_cursor)
    assert trail.requests == (1 if number == 1 else number + 1)
    assert after.rows[0].timestamp < page.rows[-1].timestamp


def test_with_one_shard_keys_are_the_values_themselves() -> None:
    with spread_over(1):
        assert shards.spread_key("processed", by="x") == "processed"
        assert shards.keys_of("processed") == ("processed",)


def test_the_hash_of_the_id_picks_the_shard_evenly() -> None:
    with spread_over(16):
        keys = [shards.spread_key("processed", by=f"payment-{each}") for each in range(16_000)]
        assert set(keys) == set(shards.keys_of("processed")) - {"processed"}
    assert max(keys.count(key) for key in set(keys)) < 1_300
    with spread_over(16):
        assert shards.spread_key("x", by="payment-1") == shards.spread_key("x", by="payment-1")


def test_reads_side_by_side_are_counted_and_bound_as_their_thread() -> None:
    limit = TimeLimit(ends_seconds=1e9)

    def read() -> int:
        log, own = client._request_log.get(), client.limit_in_force()
        assert log is not None
        assert own is not None
        assert own is not limit
        log.requests.append(client.Request("Query"))
        return int(own.ends_seconds)

    with count_requests() as seen, within(limit):
        assert shards.at_once([read, read, read]) == [10**9] * 3
    assert seen.operations == ["Query"] * 3


def test_what_fails_in_one_shard_fails_the_read() -> None:
    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        shards.at_once([lambda: None, fail, lambda: None])


@pytest.mark.parametrize("number", [0, -1, 100])
def test_a_number_that_cannot_be_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="DYNAMODB_INDEX_SHARDS"):
        Settings(cursor_signing_key="x", index_shards=number)


def test_reading_ahead_keeps_the_order_and_is_one_read_ahead_at_most() -> None:
    begun: list[int] = []

    def reads() -> Iterator[int]:
        for number in range(5):
            begun.append(number)
            yield number
        raise StoreBusyError

    looked: list[int] = []

    def look() -> None:
        for number in shards.ahead([reads()]):
            time.sleep(0.02)
            assert begun == list(range(min(number + 2, 5))), "the next one was read meanwhile"
            looked.append(number)

    with pytest.raises(StoreBusyError):
        look()
    assert looked == [0, 1, 2, 3, 4]


def test_parts_are_read_side_by_side_and_given_in_their_order() -> None:
    begun: list[str] = []

    def part(name: str, pieces: int) -> Iterator[str]:
        for number in range(pieces):
            begun.append(f"{name}{number}")
            yield f"{name}{number}"

    found = shards.ahead([part("a", 3), part("b", 0), part("c", 2), part("d", 2), part("e", 1)])
    assert next(found) == "a0"
    time.sleep(0.1)
    assert sorted(begun) == ["a0", "a1", "c0", "d0"], "one of each part, and of a few parts"
    assert list(found) == ["a1", "a2", "c0", "c1", "d0", "d1", "e0"]
