"""Lists by page: no row is skipped or shown twice, whatever the page size, filter and order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.errors import CursorError, StoreBusyError, StoreUnavailableError
from dynamodb.pages import Page, Query, read_page
from dynamodb.store import put
from tests.dynamodb.faults import faults, full_after, refusal, unreachable
from tests.dynamodb.things import (
    NOON,
    Colour,
    Line,
    Thing,
    a_thing,
    a_transaction,
    plant,
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


def lines_of(story: str, **options: Any) -> Query[Line]:
    return Query(**{"model": Line, "partition": story, "newest_first": False, **options})


def lines_by_owner(story: str, **options: Any) -> Query[Line]:
    return lines_of(f"owner of {story}", index="owner-index", **options)


def scores(page: Page[Line]) -> list[int]:
    return [line.score for line in page.rows]


def even(line: Line) -> bool:
    return line.score % 2 == 0


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


@pytest.mark.parametrize(
    "query",
    [
        lines_of(""),
        lines_of("x" * 2049),
        lines_of("é" * 1025),
        lines_of("story", between=("0009", "0001")),
    ],
    ids=["empty", "too long", "too many bytes", "reversed"],
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


def things_by_colour(colour: str, **options: Any) -> Query[Thing]:
    return Query(model=Thing, partition=colour, index="colour-index", **options)


@pytest.mark.parametrize("hydrate", [False, True])
@pytest.mark.parametrize(
    "damage",
    [
        {"made_at": {"S": "yesterday"}},
        {"made_at": {"S": "2026-01-31T12:00:00+00:00"}},
        {"updated_at": {"S": "yesterday"}},
        {"updated_at": {"N": "0"}},
        {"colour": {"S": "green"}},
    ],
    ids=str,
)
def test_one_odd_record_does_not_break_its_page(hydrate: bool, damage: dict[str, Any]) -> None:
    colour = damage.get("colour", {"S": "red"})["S"]
    for number in range(5):
        made_at = NOON + timedelta(seconds=number)
        odd = damage if number == 2 else {"colour": {"S": colour}}
        plant(a_thing(f"t-{number}", made_at=made_at, version=1), **odd)
    seen: list[str] = []
    cursor = ""
    for _ in range(5):
        page = read_page(
            [things_by_colour(colour, hydrate=hydrate)], person="ada", rows=1, cursor=cursor
        )
        seen += [thing.id for thing in page.rows]
        cursor = page.next_cursor
    assert sorted(seen) == [f"t-{number}" for number in range(5)]
    assert not cursor


def test_rows_gone_since_the_index_was_written_are_left_out() -> None:
    transaction = a_transaction()
    assert transaction.put_new("thing", a_thing(colour=Colour.BLUE, made_at=NOON)).version == 1
    plant(a_thing("gone", made_at=NOON, version=1))
    gone = Thing(id="gone").key_item()

    def answer_then_delete(_: Any, send: Any) -> Any:
        answered = send()
        client.call("DeleteItem", TableName=Thing.table_name(), Key=gone)
        return answered

    with faults(answer_then_delete):
        page = read_page([things_by_colour("red", hydrate=True)], person="ada")
    assert page.rows == []
    assert page.examined == 1


def test_a_store_in_trouble_is_not_an_empty_list() -> None:
    client.configure(some_settings(max_attempts=1))
    throttled = refusal("ProvisionedThroughputExceededException")
    with faults(throttled), pytest.raises(StoreBusyError):
        read_page([LIST], person="ada")
    with faults(unreachable), pytest.raises(StoreUnavailableError):
        read_page([LIST], person="ada")
