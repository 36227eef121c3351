"""A cursor is good for one list of one person, as it was written, for a day."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dynamodb import client, cursors
from dynamodb.errors import CursorError
from tests.dynamodb.things import NOON, some_settings

LIST = ("ada", "things", "newest")
POSITION = [1, {"id": {"S": "thing"}, "place": {"S": "0001"}}]
POSITIONS = st.tuples(
    st.integers(0, 40),
    st.dictionaries(st.text(max_size=9), st.dictionaries(st.just("S"), st.text()), max_size=4),
).map(list)
CURSOR_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

pytestmark = pytest.mark.usefixtures("aws")
relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def a_cursor() -> str:
    return cursors.write(POSITION, bound_to=LIST)


@relaxed
@given(position=POSITIONS, bound_to=st.lists(st.text(), max_size=4).map(tuple))
def test_a_position_comes_back_as_it_was(position: Any, bound_to: tuple[str, ...]) -> None:
    assert cursors.read(cursors.write(position, bound_to=bound_to), bound_to=bound_to) == position


@relaxed
@given(
    one=st.lists(st.text(max_size=3), max_size=4).map(tuple),
    other=st.lists(st.text(max_size=3), max_size=4).map(tuple),
)
def test_a_cursor_of_another_list_is_refused(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assume(one != other)
    with pytest.raises(CursorError):
        cursors.read(cursors.write(POSITION, bound_to=one), bound_to=other)


@pytest.mark.parametrize("extra", ["A", "=", ".", " ", "\n", "!", "é", "\ud800"])
def test_a_letter_more_anywhere_is_refused(extra: str) -> None:
    cursor = a_cursor()
    for place in range(len(cursor) + 1):
        with pytest.raises(CursorError):
            cursors.read(cursor[:place] + extra + cursor[place:], bound_to=LIST)


def test_a_letter_less_or_another_anywhere_is_refused() -> None:
    cursor = a_cursor()
    for place, letter in enumerate(cursor):
        others = set(CURSOR_LETTERS) - {letter}
        for other in ["", *others]:
            with pytest.raises(CursorError):
                cursors.read(cursor[:place] + other + cursor[place + 1 :], bound_to=LIST)


@relaxed
@given(st.text())
def test_no_text_is_anything_but_a_cursor_error(text: str) -> None:
    with pytest.raises(CursorError):
        cursors.read(text, bound_to=LIST)


@relaxed
@given(st.data())
def test_pieces_of_two_cursors_are_refused(data: st.DataObject) -> None:
    one, other = (cursors.write([number, None], bound_to=LIST) for number in (1, 2))
    cut, join = data.draw(st.integers(0, len(one))), data.draw(st.integers(0, len(other)))
    mixed = one[:cut] + other[join:]
    assume(mixed not in {one, other})
    with pytest.raises(CursorError):
        cursors.read(mixed, bound_to=LIST)


def test_a_cursor_of_another_key_is_refused() -> None:
    cursor = a_cursor()
    client.configure(some_settings(cursor_signing_key="another key"))
    with pytest.raises(CursorError):
        cursors.read(cursor, bound_to=LIST)


def test_a_cursor_lasts_a_day() -> None:
    with time_machine.travel(NOON, tick=False):
        cursor = a_cursor()
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        assert cursors.read(cursor, bound_to=LIST) == POSITION
    with (
        time_machine.travel(NOON + timedelta(days=1, seconds=1), tick=False),
        pytest.raises(CursorError, match="more than a day old"),
    ):
        cursors.read(cursor, bound_to=LIST)


def test_a_cursor_fits_an_address() -> None:
    assert set(a_cursor()) <= set(CURSOR_LETTERS)
