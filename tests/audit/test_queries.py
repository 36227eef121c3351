"""Every way of looking into the trail finds what a plain search over all entries finds."""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from audit import queries
from audit.chain import POSTINGS, index_keys
from audit.models import AuditLog, EntryOutcome
from audit.queries import TrailFilter
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.errors import CursorError
from dynamodb.pages import Page
from dynamodb.times import to_rfc3339

FIRST_DAY = date(2026, 2, 26)
ENTITIES = ["acc_1", "acc_2", "person:teller1", "staff:teller1"]
ACTIONS = ["payment.processed", "account.debited", "account.credited", "account.frozen"]
PEOPLE = ["teller1", "teller2", "system:ledger"]
MIDNIGHTS = [
    datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
]


def an_entry(seq: int, at: datetime, chance: random.Random) -> AuditLog:
    stamp, action, person = to_rfc3339(at), chance.choice(ACTIONS), chance.choice(PEOPLE)
    entity, timestamp = chance.choice(ENTITIES), f"{stamp}#{seq:012d}"
    return AuditLog(
        entity_id=entity,
        timestamp=timestamp,
        action=action,
        user_id=person,
        **index_keys(entity_id=entity, action=action, user_id=person, timestamp=timestamp),
        entity_type="account",
        outcome=EntryOutcome.SUCCESS,
    )


def some_entries(chance: random.Random, count: int = 120) -> list[AuditLog]:
    """Entries of seven days, some at the very edge of a day, some at the same instant."""
    start = datetime.combine(FIRST_DAY, datetime.min.time(), UTC)
    instants = [start + timedelta(seconds=chance.randrange(5 * 86400)) for _ in range(count // 3)]
    entries = [
        an_entry(seq, chance.choice([*instants, *MIDNIGHTS]), chance) for seq in range(1, count)
    ]
    # Transfers write several entries of one instant, some with the same number in their chains.
    twins = [an_entry(1, MIDNIGHTS[0], chance) for _ in range(4)]
    return list({key_of(entry): entry for entry in [*entries, *twins]}.values())


def key_of(entry: AuditLog) -> tuple[str, str]:
    return entry.timestamp, entry.entity_id


def stored(entries: Iterable[AuditLog]) -> None:
    for entry in entries:
        store.put(entry)


def expected(entries: Iterable[AuditLog], wanted: TrailFilter) -> list[str]:
    """The plain search, on the texts themselves. A person alone finds no postings."""
    low = wanted.first_day.isoformat() if wanted.first_day else "0000-00-00"
    high = wanted.last_day.isoformat() if wanted.last_day else "9999-99-99"
    found = [
        entry
        for entry in entries
        if wanted.entity_id in ("", entry.entity_id)
        and wanted.action in ("", entry.action)
        and wanted.user_id in ("", entry.user_id)
        and not (wanted.is_without_postings and entry.action in POSTINGS)
        and low <= entry.timestamp[:10] <= high
    ]
    return sorted((entry.timestamp for entry in found), reverse=True)


def walked(wanted: TrailFilter, rows: int) -> list[Page[AuditLog]]:
    pages = [queries.browse(wanted, person="compliance1", rows=rows)]
    while pages[-1].next_cursor:
        cursor = pages[-1].next_cursor
        pages.append(queries.browse(wanted, person="compliance1", cursor=cursor, rows=rows))
    return pages


def rows_of(pages: Sequence[Page[AuditLog]]) -> list[AuditLog]:
    return [entry for page in pages for entry in page.rows]


def some_filters(chance: random.Random) -> list[TrailFilter]:
    """Every combination of what to look for, each over some period or none."""
    filters = []
    for entity, action, person in itertools.product([True, False], repeat=3):
        first, last = sorted(chance.randrange(-1, 7) for _ in range(2))
        for name in ACTIONS if action else [""]:
            has_key = entity or (person and not action) or (action and name not in POSTINGS)
            bounds = chance.choice([(0, 0), (1, 0), (0, 1), (1, 1)]) if has_key else (1, 1)
            filters.append(
                TrailFilter(
                    entity_id=chance.choice(ENTITIES) if entity else "",
                    action=name,
                    user_id=chance.choice(PEOPLE) if person else "",
                    first_day=FIRST_DAY + timedelta(days=first) if bounds[0] else None,
                    last_day=FIRST_DAY + timedelta(days=last) if bounds[1] else None,
                )
            )
    return filters


@pytest.mark.parametrize("seed", range(2))
def test_browsing_finds_what_a_plain_search_finds(moto_store: None, seed: int) -> None:
    chance = random.Random(seed)
    entries = some_entries(chance)
    stored(entries)
    for wanted in some_filters(chance):
        for rows in (1, 7, 50):
            found = rows_of(walked(wanted, rows))
            assert [entry.timestamp for entry in found] == expected(entries, wanted), (wanted, rows)
            assert len({key_of(entry) for entry in found}) == len(found)


@pytest.mark.parametrize("day", [0, 2, 3, 6])
def test_a_period_includes_both_its_days(moto_store: None, day: int) -> None:
    entries = some_entries(random.Random(7))
    stored(entries)
    only = FIRST_DAY + timedelta(days=day)
    period = TrailFilter(first_day=only, last_day=only)
    for wanted in (
        period,
        replace(period, action=ACTIONS[0]),
        replace(period, user_id=PEOPLE[0]),
        replace(period, entity_id=ENTITIES[0]),
    ):
        found = [entry.timestamp for entry in rows_of(walked(wanted, 50))]
        assert found == expected(entries, wanted)


def test_entries_that_arrive_meanwhile_neither_hide_nor_repeat_others(moto_store: None) -> None:
    chance = random.Random(3)
    entries = some_entries(chance)
    stored(entries)
    today = FIRST_DAY + timedelta(days=6)
    for wanted in (
        TrailFilter(first_day=FIRST_DAY, last_day=today),
        TrailFilter(action=ACTIONS[0]),
        TrailFilter(user_id=PEOPLE[0], action=ACTIONS[3]),
        TrailFilter(entity_id=ENTITIES[0], last_day=today),
    ):
        before = expected(entries, wanted)
        page = queries.browse(wanted, person="compliance1", rows=5)
        found = page.rows
        while page.next_cursor:
            seq = len(entries) + 1
            at = datetime.combine(today, datetime.min.time(), UTC) + timedelta(seconds=seq)
            entries.append(an_entry(seq, at, chance))
            stored(entries[-1:])
            page = queries.browse(wanted, person="compliance1", cursor=page.next_cursor, rows=5)
            found += page.rows
        assert [entry.timestamp for entry in found] == before


def test_a_page_of_a_key_costs_one_request(moto_store: None) -> None:
    stored(some_entries(random.Random(1)))
    for wanted in (
        TrailFilter(entity_id=ENTITIES[0]),
        TrailFilter(action=ACTIONS[0], first_day=FIRST_DAY),
        TrailFilter(user_id=PEOPLE[0], action=ACTIONS[0]),
        TrailFilter(first_day=FIRST_DAY, last_day=FIRST_DAY),
    ):
        with count_requests() as requests:
            queries.browse(wanted, person="compliance1")
        assert requests.operations == ["Query"]


def test_a_page_of_a_period_stops_after_a_week_and_says_so(moto_store: None) -> None:
    stored(some_entries(random.Random(1)))
    wanted = TrailFilter(first_day=FIRST_DAY, last_day=FIRST_DAY + timedelta(days=29))
    with count_requests() as requests:
        page = queries.browse(wanted, person="compliance1")
    assert len(requests) == queries.MAX_DAYS_A_PAGE
    assert page.next_cursor
    assert not page.rows
    assert page.queries_done == queries.MAX_DAYS_A_PAGE
    assert walked(wanted, 50)[-1].queries_done == 30


def test_a_filtered_page_says_how_far_it_has_looked(moto_store: None) -> None:
    chance = random.Random(5)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    entries = [an_entry(seq, at + timedelta(seconds=seq), chance) for seq in range(1, 551)]
    for entry in entries:
        entry.entity_id = ENTITIES[0]
    stored(entries)
    wanted = TrailFilter(entity_id=ENTITIES[0], user_id="nobody")
    first, second = walked(wanted, 50)
    assert (first.rows, first.examined, first.reached) == ([], 500, entries[50].timestamp)
    assert (second.rows, second.examined, second.next_cursor) == ([], 50, "")


def test_a_cursor_serves_one_search_of_one_person(moto_store: None) -> None:
    stored(some_entries(random.Random(2)))
    wanted = TrailFilter(user_id=PEOPLE[0])
    cursor = queries.browse(wanted, person="compliance1", rows=2).next_cursor
    for other, person in (
        (wanted, "compliance2"),
        (TrailFilter(user_id=PEOPLE[1]), "compliance1"),
        (TrailFilter(user_id=PEOPLE[0], action=ACTIONS[0]), "compliance1"),
        (TrailFilter(user_id=PEOPLE[0], outcome="failure"), "compliance1"),
        (TrailFilter(user_id=PEOPLE[0], last_day=FIRST_DAY), "compliance1"),
    ):
        with pytest.raises(CursorError):
            queries.browse(other, person=person, cursor=cursor, rows=2)


@pytest.mark.parametrize("text", ["no such thing", "x" * 5000, "'; --", "person:\u202e"])
def test_nonsense_finds_nothing(moto_store: None, text: str) -> None:
    for wanted in (
        TrailFilter(entity_id=text),
        TrailFilter(action=text),
        TrailFilter(user_id=text),
    ):
        assert queries.browse(wanted, person="compliance1").rows == []


def test_a_reversed_period_finds_nothing(moto_store: None) -> None:
    stored(some_entries(random.Random(1), 20))
    wanted = TrailFilter(first_day=FIRST_DAY + timedelta(days=3), last_day=FIRST_DAY)
    for reversed_period in (wanted, replace(wanted, action=ACTIONS[0])):
        page = queries.browse(reversed_period, person="compliance1")
        assert (page.rows, page.next_cursor) == ([], "")


def test_a_chain_is_whole_and_can_begin_at_any_entry(moto_store: None) -> None:
    entries = some_entries(random.Random(4))
    stored(entries)
    chain = expected(entries, TrailFilter(entity_id=ENTITIES[0]))
    page = queries.chain_page(ENTITIES[0], person="teller1")
    assert [entry.timestamp for entry in page.rows] == chain
    later = queries.chain_page(ENTITIES[0], person="teller1", until=chain[5])
    assert [entry.timestamp for entry in later.rows] == chain[5:]


def test_recent_are_a_persons_newest(moto_store: None) -> None:
    entries = some_entries(random.Random(6))
    stored(entries)
    found = [entry.timestamp for entry in queries.recent(user_id=PEOPLE[0], rows=4)]
    assert found == expected(entries, TrailFilter(user_id=PEOPLE[0]))[:4]
