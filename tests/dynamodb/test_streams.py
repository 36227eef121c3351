"""Shards are read to their ends, through pages that are empty and past what is forgotten."""

import pytest

from dynamodb import streams
from dynamodb.streams import Shard
from tests.dynamodb.fake_streams import FakeShard, follow
from tests.dynamodb.things import Line

pytestmark = pytest.mark.usefixtures("moto_store")


def told(shard: Shard, after: str = "") -> tuple[list[str], bool]:
    """The sequence numbers that a shard tells, and whether it is seen to have ended."""
    found = list(streams.read(Line, shard, after=after))
    numbers = [change.sequence for each in found for change in each.changes]
    return numbers, found[-1].is_ended


def test_shards_say_who_their_parent_is_and_whether_they_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = FakeShard(id="old", pages=[])
    follow(monkeypatch, old, FakeShard(id="new", parent="old", pages=[], is_closed=False))
    closed, open_ = Shard(id="old", is_closed=True), Shard(id="new", parent="old")
    assert streams.shards(Line) == [closed, open_]


def test_a_closed_shard_is_read_to_its_end_through_any_number_of_empty_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages: list[list[str]] = [["1"], *[[]] * 30, ["2"], [], []]
    follow(monkeypatch, FakeShard(id="s", pages=pages))
    [shard] = streams.shards(Line)
    assert told(shard) == (["1", "2"], True)
    assert told(shard, after="1") == (["2"], True)


def test_an_open_shard_is_read_through_some_empty_pages_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = [["1"], [], [], ["2"]]
    fake = follow(monkeypatch, FakeShard(id="s", pages=pages, is_closed=False))
    [shard] = streams.shards(Line)
    assert told(shard) == (["1", "2"], False)
    assert len(fake.asked) == len(pages) + streams.EMPTY_PAGES


@pytest.mark.parametrize("forgotten", ["2", "s 1"])
def test_what_is_forgotten_while_it_is_read_is_left_out(
    monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    fake = follow(monkeypatch, FakeShard(id="s", pages=[["1"], ["2"], ["3"]]))
    fake.is_forgotten = {forgotten}
    [shard] = streams.shards(Line)
    numbers, is_ended = told(shard, after="2" if forgotten == "2" else "1")
    assert (numbers[-2:], is_ended) == (["2", "3"], True)
