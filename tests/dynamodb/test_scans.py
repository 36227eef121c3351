"""Whole tables and partitions, page by page, taken up anywhere."""

from typing import Any

import pytest

from dynamodb import scans
from dynamodb.errors import StoreBusyError
from dynamodb.scans import SEGMENTS, Place, plain_item, query_items, scan_pages
from tests.dynamodb.faults import faults, refusal
from tests.dynamodb.things import Line, lines_of, plant

THROTTLED = refusal("ProvisionedThroughputExceededException")


def many_lines(count: int = 30) -> set[tuple[str, str]]:
    names = {(f"story-{number % 7}", f"{number:04d}") for number in range(count)}
    for story, place in names:
        plant(Line(story=story, place=place, score=int(place)))
    return names


def name_of(item: Any) -> tuple[str, str]:
    values = plain_item(item)
    return values["story"], values["place"]


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_a_walk_meets_every_item_once_and_goes_on_from_any_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scans, "PAGE_ITEMS", 2)
    names = many_lines()
    pages = list(scan_pages(Line))
    found = [[name_of(item) for item in items] for items, _ in pages]
    assert sorted(name for page in found for name in page) == sorted(names)
    assert max(map(len, found)) == 2
    assert pages[-1][1] == Place(SEGMENTS)
    for number, (_, place) in enumerate(pages):
        rest = [[name_of(item) for item in items] for items, _ in scan_pages(Line, place)]
        assert rest == found[number + 1 :]


@pytest.mark.usefixtures("store")
def test_a_condition_leaves_items_out() -> None:
    many_lines()
    where = Line.score < 3
    assert sum(len(items) for items, _ in scan_pages(Line, where=where)) == 3
    assert len(list(query_items(lines_of("story-1"), where=Line.score > 7))) == 4


@pytest.mark.usefixtures("store")
def test_a_partition_comes_whole_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "PAGE_ITEMS", 2)
    many_lines()
    places = [name_of(item)[1] for item in query_items(lines_of("story-1"))]
    assert places == ["0001", "0008", "0015", "0022", "0029"]
    assert list(query_items(lines_of("nowhere"))) == []
    assert list(query_items(lines_of(""))) == []


@pytest.mark.usefixtures("store")
def test_a_busy_store_is_asked_again_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    many_lines(1)
    with faults(*[THROTTLED] * 7):
        assert len(list(query_items(lines_of("story-0")))) == 1
    monkeypatch.setattr(scans, "READ_SECONDS", 0.0)
    with faults(then=THROTTLED), pytest.raises(StoreBusyError):
        list(scan_pages(Line))
