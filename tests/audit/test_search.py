"""Searches of the trail against a plain search, while entries arrive; and what they cost."""

import itertools
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import queries
from audit.chain import POSTINGS
from audit.queries import MAX_DAYS_A_PAGE, TrailFilter
from dynamodb.pages import FILTERED_ROWS, PAGE_ROWS
from tests.audit.memory import Item, Trail, place

DAYS = [date(2026, 2, 27) + timedelta(days=number) for number in range(9)]
FIELDS: dict[str, list[Any]] = {
    "entity_id": ["acc_1", "person:teller1"],
    "action": ["payment.failed", "account.debited"],
    "user_id": ["teller1", "system:ledger"],
    "outcome": ["success", "failure"],
    "period": [(DAYS[0], DAYS[8]), (DAYS[2], DAYS[4]), (DAYS[3], DAYS[3])],
}
SUBSETS = [
    names for size in range(len(FIELDS) + 1) for names in itertools.combinations(FIELDS, size)
]


def matches(item: Item, wanted: TrailFilter) -> bool:
    """The plain search."""
    asked = {name: getattr(wanted, name) for name in FIELDS if name != "period"}
    first, last = wanted.first_day or date.min, wanted.last_day or date.max
    is_left_out = wanted.is_without_postings and item["action"]["S"] in POSTINGS
    return (
        not is_left_out
        and first.isoformat() <= item["timestamp"]["S"][:10] <= last.isoformat()
        and all(not text or item[name]["S"] == text for name, text in asked.items())
    )


def a_filter(names: tuple[str, ...], chosen: dict[str, Any]) -> TrailFilter:
    """A filter on the named fields; without any key a walk by day needs its period."""
    asked = {name: chosen[name] for name in names}
    period = asked.pop("period", None)
    is_walked = TrailFilter(**asked).is_walked
    first, last = period or ((DAYS[0], DAYS[8]) if is_walked else (None, None))
    return TrailFilter(first_day=first, last_day=last, **asked)


entries = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in FIELDS.items() if name != "period"}
    | {
        "day_key": st.sampled_from([day.isoformat() for day in DAYS]),
        "time": st.sampled_from(["00:00:00.000000", "12:00:00.000000", "23:59:59.999999"]),
    }
)
choices = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in FIELDS.items()})


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
@settings(max_examples=25, deadline=None)
@given(
    chosen=choices,
    stored=st.lists(entries, max_size=40),
    arriving=st.lists(st.lists(entries, max_size=4), max_size=8),
    rows=st.sampled_from([1, 2, 3, 7, 50, 100]),
    megabyte=st.sampled_from([1, 5, 10**6]),
)
def test_every_search_finds_each_entry_once_while_others_arrive(
    names: tuple[str, ...],
    chosen: dict[str, Any],
    stored: list[dict[str, str]],
    arriving: list[list[dict[str, str]]],
    rows: int,
    megabyte: int,
) -> None:
    trail, wanted = Trail(megabyte=megabyte), a_filter(names, chosen)
    for values in stored:
        trail.add(dict(values))
    expected = {place(item) for item in trail.items if matches(item, wanted)}
    found: list[tuple[str, str]] = []
    with patch("dynamodb.pages.call", trail.call):
        batches = iter(arriving)
        cursor = ""
        while True:
            page = queries.browse(wanted, person="ann", cursor=cursor, rows=rows)
            found += [(entry.timestamp, entry.entity_id) for entry in page.rows]
            assert len(page.rows) <= rows
            for values in next(batches, ()):
                trail.add(dict(values))
            cursor = page.next_cursor
            if not cursor:
                break
    assert found == sorted(set(found), reverse=True)
    assert expected <= set(found)
    fitting = {place(item) for item in trail.items if matches(item, wanted)}
    assert set(found) <= fitting


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
def test_the_first_page_costs_the_same_in_a_long_trail(names: tuple[str, ...]) -> None:
    wanted = a_filter(names, {name: values[0] for name, values in FIELDS.items()})
    for count in (100, 5000):
        trail = Trail()
        for number in range(count):
            picked = {name: FIELDS[name][0] for name in FIELDS if name != "period"}
            day, time = DAYS[number % len(DAYS)].isoformat(), f"{number:06d}"
            trail.add(picked | {"outcome": "failure", "day_key": day, "time": time})
        with patch("dynamodb.pages.call", trail.call):
            page = queries.browse(wanted, person="ann")
        keys = set(names) & {"entity_id", "action", "user_id"}
        is_filtered = len(keys) > 1 or "outcome" in names
        assert trail.requests <= (1 if keys else MAX_DAYS_A_PAGE), count
        assert trail.read <= (FILTERED_ROWS if is_filtered else PAGE_ROWS + 1) * trail.requests
        assert page.next_cursor or page.examined == count
