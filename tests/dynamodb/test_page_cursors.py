"""A page's cursor is good for its own list, filter and person, and for nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.errors import CursorError
from dynamodb.pages import Query, read_page
from dynamodb.store import put
from tests.dynamodb.things import (
    Line,
    even,
    lines_of,
    some_settings,
)

pytestmark = pytest.mark.usefixtures("store")

LIST = lines_of("the story", between=("0000", "9999"))
OTHER_LISTS = {
    "another key": replace(LIST, partition="another story"),
    "another index": replace(LIST, index="owner-index"),
    "another order": replace(LIST, newest_first=True),
    "another range": replace(LIST, between=("0000", "0005")),
    "no range": replace(LIST, between=None),
}


def a_cursor_of(
    queries: Sequence[Query[Line]], *, person: str = "ada", kept_by: tuple[str, ...] = ()
) -> str:
    for number in range(3):
        put(Line(story=queries[0].partition, place=f"{number:04}", owner="o", score=number))
    cursor = read_page(queries, person=person, rows=1, kept_by=kept_by).next_cursor
    assert cursor
    return cursor


def is_refused(queries: Sequence[Query[Line]], cursor: str, **options: Any) -> None:
    with count_requests() as requests, pytest.raises(CursorError):
        read_page(queries, cursor=cursor, **{"person": "ada", **options})
    assert len(requests) == 0


@pytest.mark.parametrize("other", OTHER_LISTS.values(), ids=OTHER_LISTS.keys())
def test_a_cursor_of_another_list_is_refused(other: Query[Line]) -> None:
    is_refused([other], a_cursor_of([LIST]))


def test_a_cursor_of_another_person_is_refused() -> None:
    is_refused([LIST], a_cursor_of([LIST]), person="bob")


def test_a_cursor_of_another_filter_is_refused() -> None:
    cursor = a_cursor_of([LIST], kept_by=("even",))
    is_refused([LIST], cursor)
    is_refused([LIST], cursor, kept_by=("odd",))
    is_refused([LIST], a_cursor_of([LIST]), kept_by=("even",), keep=even)


def test_a_cursor_of_more_or_other_queries_is_refused() -> None:
    other = OTHER_LISTS["another key"]
    is_refused([LIST], a_cursor_of([LIST, other]))
    is_refused([LIST, other], a_cursor_of([LIST]))
    is_refused([other, LIST], a_cursor_of([LIST, other]))


def test_a_filter_cannot_pass_for_a_query() -> None:
    parts = OTHER_LISTS["another key"].bound_to
    is_refused([LIST], a_cursor_of([OTHER_LISTS["another key"], LIST]), kept_by=parts)


def test_a_cursor_of_another_prefix_is_refused() -> None:
    cursor = a_cursor_of([LIST])
    client.configure(some_settings(table_prefix="other-"))
    is_refused([LIST], cursor)


def test_a_filter_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        read_page([LIST], person="ada", keep=even)
