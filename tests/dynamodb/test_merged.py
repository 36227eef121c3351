"""Lists merged into one: everything once and in order, whatever arrives, bounded in requests."""

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.models import AuditLog
from dynamodb.errors import CursorError
from dynamodb.merged import Strand, read_merged
from dynamodb.pages import Query
from tests.audit.memory import Item, Trail, place

CHAINS = ["acc_1", "views:acc_1"]
DAYS = ["2026-03-01", "2026-03-02"]


def is_odd(entry: AuditLog) -> bool:
    return int(entry.timestamp[-1]) % 2 == 1


STRANDS = [
    *(Strand(query=Query(model=AuditLog, partition=name)) for name in CHAINS),
    Strand(
        query=Query(model=AuditLog, index="user-index", partition="shop"),
        keep=is_odd,
        kept_by="odd",
    ),
]
entries = st.fixed_dictionaries(
    {
        "entity_id": st.sampled_from([*CHAINS, "other"]),
        "user_id": st.sampled_from(["shop", "ann"]),
        "day_key": st.sampled_from(DAYS),
        "time": st.sampled_from(["00:00:00.000000", "12:00:00.000000"]),
    }
)


def add(trail: Trail, values: dict[str, str]) -> None:
    """Chains and the third list have nothing in common: no row is in two of them."""
    user = "shop" if values["entity_id"] == "other" else "ann"
    trail.add({**values, "user_id": user, "action": "x.y", "outcome": "success"})


def belongs(item: Item) -> bool:
    return item["entity_id"]["S"] in CHAINS or int(item["timestamp"]["S"][-1]) % 2 == 1


@settings(max_examples=150, deadline=None)
@given(
    stored=st.lists(entries, max_size=30),
    arriving=st.lists(st.lists(entries, max_size=3), max_size=6),
    rows=st.sampled_from([1, 2, 5, 50]),
    megabyte=st.sampled_from([1, 3, 10**6]),
)
def test_everything_comes_once_and_in_order(
    stored: list[dict[str, str]],
    arriving: list[list[dict[str, str]]],
    rows: int,
    megabyte: int,
) -> None:
    trail = Trail(megabyte=megabyte)
    for values in stored:
        add(trail, values)
    expected = {place(item) for item in trail.items if belongs(item)}
    found: list[tuple[str, str]] = []
    with patch("dynamodb.merged.call", trail.call):
        batches, cursor = iter(arriving), ""
        while True:
            trail.requests = 0
            page = read_merged(STRANDS, person="ann", cursor=cursor, rows=rows)
            assert trail.requests <= len(STRANDS)
            assert len(page.rows) <= rows
            found += [(row.timestamp, row.entity_id) for row in page.rows]
            for values in next(batches, ()):
                add(trail, values)
            cursor = page.next_cursor
            if not cursor:
                break
    times = [timestamp for timestamp, _ in found]
    assert times == sorted(times, reverse=True)
    assert len(found) == len(set(found))
    assert expected <= set(found)
    assert set(found) <= {place(item) for item in trail.items if belongs(item)}


def test_a_cursor_serves_its_lists_and_its_person() -> None:
    trail = Trail()
    for number in range(9):
        add(trail, {"entity_id": CHAINS[number % 2], "day_key": DAYS[0], "time": "12:00"})
    with patch("dynamodb.merged.call", trail.call):
        cursor = read_merged(STRANDS, person="ann", rows=2).next_cursor
        assert read_merged(STRANDS, person="ann", rows=2, cursor=cursor).rows
        for strands, person in ((STRANDS, "bob"), (STRANDS[1:], "ann"), (STRANDS[:2], "ann")):
            with pytest.raises(CursorError):
                read_merged(strands, person=person, cursor=cursor, rows=2)
