"""Lists by page: no row is skipped or shown twice, whatever the page size, filter and order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.errors import CursorError, StoreBusyError, StoreUnavailableError
from dynamodb.pages import LAST, Page, Query, read_page
from dynamodb.store import put
from tests.dynamodb.faults import faults, full_after, refusal, unreachable
from tests.dynamodb.things import (
    Line,
    even,
    lines_of,
    raw_item,
    some_settings,
)

pytestmark = pytest.mark.usefixtures("store")

stories = (f"story-{number}" for number in count())


def a_story(lines: int, **attributes: Any) -> str:
    """Store lines numbered from 0 under a new key, scored by their number."""
    story = next(stories)
    owned = {"story": story, "owner": f"owner of {story}", **attributes}
    stored = [Line(place=f"{number:04}", score=number, **owned) for number in range(lines)]
    for first in range(0, lines, 25):
        puts = [{"PutRequest": {"Item": line.serialize()}} for line in stored[first : first + 25]]
        client.call("BatchWriteItem", RequestItems={Line.table_name(): puts})
    return story


def lines_by_owner(story: str, **options: Any) -> Query[Line]:
    return lines_of(f"owner of {story}", index="owner-index", **options)


def scores(page: Page[Line]) -> list[int]:
    return [line.score for line in page.rows]


@dataclass(frozen=True, kw_only=True)
class Walk:
    """How a list is walked through: all that may not change which rows come."""

    rows: int = 3
    max_requests: int = 1
    keep: Callable[[Line], bool] | None = None

    def pages(self, queries: Sequence[Query[Line]]) -> list[Page[Line]]:
        walked: list[Page[Line]] = []
        while not walked or walked[-1].next_cursor:
            walked.append(
                read_page(
                    queries,
                    person="ada",
                    cursor=walked[-1].next_cursor if walked else "",
                    rows=self.rows,
                    keep=self.keep,
                    kept_by=("even",) if self.keep else (),
                    max_requests=self.max_requests,
                )
            )
            assert len(walked) < 1000, "the walk does not end"
        return walked


walks = st.builds(
    Walk,
    rows=st.integers(1, 12),
    max_requests=st.integers(1, 4),
    keep=st.sampled_from([None, even, lambda _: False]),
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(
    walk=walks,
    sizes=st.lists(st.integers(0, 14), min_size=1, max_size=3),
    by_owner=st.booleans(),
    hydrate=st.booleans(),
    newest_first=st.booleans(),
    between=st.none() | st.tuples(st.integers(0, 14), st.integers(0, 14)),
    items_in_a_megabyte=st.integers(1, 20),
)
def test_a_walk_shows_every_row_once_and_in_order(
    walk: Walk,
    sizes: list[int],
    by_owner: bool,
    hydrate: bool,
    newest_first: bool,
    between: tuple[int, int] | None,
    items_in_a_megabyte: int,
) -> None:
    low, high = between or (0, 99)
    queries, expected = [], []
    for size in sizes:
        numbers = [n for n in range(size) if low <= n <= high]
        numbers = numbers[::-1] if newest_first else numbers
        expected += [n for n in numbers if walk.keep is None or walk.keep(Line(score=n))]
        queries.append(
            (lines_by_owner if by_owner else lines_of)(
                a_story(size),
                hydrate=hydrate,
                newest_first=newest_first,
                between=between and (f"{low:04}", f"{high:04}"),
            )
        )
    with faults(then=full_after(items_in_a_megabyte)):
        pages = walk.pages(queries)
    assert [score for page in pages for score in scores(page)] == expected
    assert all(len(page.rows) <= walk.rows for page in pages)
    kept = {"keep": walk.keep, "kept_by": ("even",)} if walk.keep else {}
    asked: dict[str, Any] = {"rows": walk.rows, "max_requests": len(sizes), **kept}
    last = read_page(queries, person="ada", cursor=LAST, **asked)
    assert (scores(last), last.next_cursor) == (expected[-walk.rows :], "")
    found, back = scores(last), last.back_cursor
    while back:
        page = read_page(queries, person="ada", cursor=back, **asked)
        found, back = scores(page) + found, page.back_cursor
        assert page.last_cursor == LAST
    assert found == expected


def test_a_way_back_from_the_end_is_of_one_list_and_person() -> None:
    query = lines_of(a_story(9))
    back = read_page([query], person="ada", cursor=LAST, rows=3).back_cursor
    assert read_page([query], person="ada", cursor=back, rows=3).rows
    for person, asked, cursor in (
        ("bob", query, back),
        ("ada", lines_of(a_story(9)), back),
        ("ada", query, back.removeprefix("last~")),
        ("ada", query, f"last~{back}"),
    ):
        with pytest.raises(CursorError):
            read_page([asked], person=person, cursor=cursor, rows=3)


@pytest.mark.parametrize("lines", [0, 1, 9, 10, 11, 20, 21])
def test_pages_of_one_query_are_full_but_the_last(lines: int) -> None:
    pages = Walk(rows=10).pages([lines_of(a_story(lines))])
    assert [len(page.rows) for page in pages] == [
        min(10, lines - first) for first in range(0, max(1, lines), 10)
    ]


def test_a_page_costs_one_request_and_one_more_if_hydrated() -> None:
    story = a_story(60)
    for query, expected in (
        (lines_of(story), ["Query"]),
        (lines_by_owner(story), ["Query"]),
        (lines_by_owner(story, hydrate=True), ["Query", "BatchGetItem"]),
    ):
        with count_requests() as requests:
            page = read_page([query], person="ada")
        assert requests.operations == expected
        assert len(page.rows) == 50
        assert page.next_cursor


def test_a_filter_is_bounded_by_its_requests() -> None:
    queries = [lines_of(a_story(0)), lines_of(a_story(0)), lines_of(a_story(5))]
    for allowed in (1, 2):
        with count_requests() as requests:
            page = read_page(
                queries,
                person="ada",
                keep=even,
                kept_by=("even",),
                max_requests=allowed,
            )
        assert len(requests) == allowed
        assert page.rows == []
        assert page.next_cursor


def test_a_page_says_how_far_it_looked() -> None:
    page = read_page(
        [lines_of(a_story(9))],
        person="ada",
        rows=2,
        keep=lambda line: line.score in {3, 5, 7},
        kept_by=("some",),
    )
    assert scores(page) == [3, 5]
    assert (page.examined, page.reached) == (6, "0005")


def test_an_index_shows_what_it_carries_and_hydrated_rows_everything() -> None:
    story = a_story(1, words="once upon a time")
    bare = read_page([lines_by_owner(story)], person="ada").rows[0]
    whole = read_page([lines_by_owner(story, hydrate=True)], person="ada").rows[0]
    assert bare.score == 0
    assert "words" not in bare.attribute_values
    assert whole.words == "once upon a time"


def test_a_hydrated_row_is_as_its_table_has_it() -> None:
    story = a_story(1)
    stale = dict(raw_item(Line(story=story, place="0000")) or {})

    def index_is_late(request: Any, send: Any) -> Any:
        put(Line(story=story, place="0000", owner=f"owner of {story}", score=99))
        return send()

    assert stale["score"] == {"N": "0"}
    with faults(index_is_late):
        page = read_page([lines_by_owner(story, hydrate=True)], person="ada")
    assert scores(page) == [99]


@pytest.mark.parametrize(
    "query",
    [
        lines_of(""),
        lines_of("x" * 2049),
        lines_of("é" * 1025),
        lines_of("story", between=("0009", "0001")),
        lines_of("story", between=("0", "é" * 512)),
    ],
    ids=["empty", "too long", "too many bytes", "reversed", "to a place that is too long"],
)
def test_what_nobody_can_have_is_an_empty_list(query: Query[Line]) -> None:
    with count_requests() as requests:
        page = read_page([query], person="ada")
    assert (page.rows, page.next_cursor, page.queries_done) == ([], "", 1)
    assert len(requests) == 0


def test_a_list_goes_on_after_its_last_row_is_gone() -> None:
    story = a_story(6)
    first = read_page([lines_of(story)], person="ada", rows=2)
    client.call("DeleteItem", TableName=Line.table_name(), Key=first.rows[-1].key_item())
    put(Line(story=story, place="0001a", score=77))
    second = read_page([lines_of(story)], person="ada", rows=2, cursor=first.next_cursor)
    assert scores(second) == [77, 2]


def test_a_store_in_trouble_is_not_an_empty_list() -> None:
    client.configure(some_settings(max_attempts=1))
    throttled = refusal("ProvisionedThroughputExceededException")
    with faults(throttled), pytest.raises(StoreBusyError):
        read_page([lines_of("story")], person="ada")
    with faults(unreachable), pytest.raises(StoreUnavailableError):
        read_page([lines_of("story")], person="ada")
