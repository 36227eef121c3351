"""Attributes refuse what they could not give back, and say what they could not read."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb.attributes import Unreadable
from dynamodb.errors import UnreadableRecordError
from tests.dynamodb.things import NOON, Colour, Thing, a_thing

WHOLE_NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1)
TEXTS = st.text(min_size=1)
PLAIN_VALUES = st.one_of(WHOLE_NUMBERS, st.text(), st.booleans(), st.lists(st.text()))


def reread(thing: Thing) -> Thing:
    return Thing.from_item(thing.serialize())


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("value", [1.0, 0.1, Decimal(1), True, False, "1", float("nan")])
def test_money_is_whole_numbers_only(value: Any) -> None:
    with pytest.raises(TypeError, match="amount_minor takes a whole number"):
        a_thing(amount_minor=value).serialize()


@pytest.mark.parametrize("value", [1.0, Decimal(1), True])
def test_money_is_whole_numbers_in_conditions_too(value: Any) -> None:
    with pytest.raises(TypeError, match="whole number"):
        Thing.amount_minor >= value  # noqa: B015 - making the condition is what fails


@pytest.mark.parametrize("stored", ["1.5", "0.1", "1E-2", "NaN"])
def test_a_stored_fraction_is_unreadable_and_named(aws: None, stored: str) -> None:
    item = {**a_thing("t-1").serialize(), "amount_minor": {"N": stored}}
    with pytest.raises(UnreadableRecordError, match=r"backoffice-things.*t-1.*amount_minor"):
        Thing.from_item(item)


@given(amount=WHOLE_NUMBERS, note=TEXTS, tags=st.lists(TEXTS), colour=st.sampled_from(Colour))
def test_every_value_comes_back_as_it_was(
    amount: int, note: str, tags: list[str], colour: Colour
) -> None:
    before = a_thing(amount_minor=amount, note=note, tags=tags, colour=colour)
    after = reread(before)
    assert after.attribute_values == before.attribute_values
    assert type(after.amount_minor) is int
    assert type(after.colour) is Colour


@given(values=st.dictionaries(TEXTS, PLAIN_VALUES))
def test_maps_of_values_come_back_as_they_were(values: dict[str, Any]) -> None:
    after = reread(a_thing(values=values)).values
    assert after == values
    assert {name: type(value) for name, value in after.items()} == {
        name: type(value) for name, value in values.items()
    }


@pytest.mark.parametrize("value", [1.0, Decimal(1), None, {"a": 1}, b"bytes", object()])
def test_maps_refuse_what_has_no_plain_type(value: Any) -> None:
    with pytest.raises(TypeError, match="no place in a stored map"):
        a_thing(values={"value": value}).serialize()


def test_a_foreign_fraction_in_a_map_never_becomes_a_float() -> None:
    item = {**a_thing().serialize(), "values": {"M": {"rate": {"N": "1.5"}}}}
    assert Thing.from_item(item).values == {"rate": "1.5"}


def test_an_unknown_enum_is_refused_on_write() -> None:
    with pytest.raises(ValueError, match="green"):
        a_thing(colour="green").serialize()


def test_an_unknown_enum_is_read_as_it_is_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        thing = Thing.from_item({**a_thing().serialize(), "colour": {"S": "green"}})
    colour: object = thing.colour
    assert colour == "green"
    assert colour not in list(Colour)
    assert isinstance(colour, Unreadable)
    assert "unknown colour 'green'" in caplog.text


def test_an_enum_of_another_kind_is_refused() -> None:
    class Fruit(StrEnum):
        CHERRY = "cherry"

    with pytest.raises(ValueError, match="cherry"):
        a_thing(colour=Fruit.CHERRY).serialize()


@pytest.mark.parametrize("stored", [{"S": "yesterday"}, {"N": "1769860800"}, {"BOOL": True}])
def test_a_malformed_time_is_read_as_it_is_and_reported(
    caplog: pytest.LogCaptureFixture, stored: dict[str, Any]
) -> None:
    with caplog.at_level(logging.WARNING):
        thing = Thing.from_item({**a_thing().serialize(), "made_at": stored})
    made_at: object = thing.made_at
    assert isinstance(made_at, Unreadable)
    assert made_at == str(*stored.values())
    assert "malformed made_at" in caplog.text
    with pytest.raises(UnreadableRecordError, match="malformed"):
        max(NOON, thing.made_at)


def test_a_time_of_another_writer_is_read() -> None:
    item = {**a_thing().serialize(), "made_at": {"S": "2026-01-31T12:00:00+00:00"}}
    assert Thing.from_item(item).made_at == NOON


@pytest.mark.parametrize("value", ["2026-01-31T12:00:00Z", 0, NOON.date()])
def test_a_time_is_not_text_on_write(value: Any) -> None:
    with pytest.raises(TypeError, match="made_at takes a time"):
        a_thing(made_at=value).serialize()


def test_a_time_needs_its_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        a_thing(made_at=datetime(2026, 1, 31)).serialize()  # noqa: DTZ001 - the point


def test_times_are_stored_in_utc() -> None:
    item = a_thing(made_at=datetime(2026, 1, 31, 12, tzinfo=UTC)).serialize()
    assert item["made_at"] == {"S": "2026-01-31T12:00:00.000000Z"}


@pytest.mark.parametrize("value", [1, b"bytes", ["text"]])
def test_text_is_text(value: Any) -> None:
    with pytest.raises(TypeError, match="note takes text"):
        a_thing(note=value).serialize()


@pytest.mark.parametrize("value", ["text", [1], [None]])
def test_a_list_of_texts_is_that(value: Any) -> None:
    with pytest.raises(TypeError, match="tags takes"):
        a_thing(tags=value).serialize()


def test_an_empty_text_that_may_be_absent_is_left_out() -> None:
    assert "note" not in a_thing(note="").serialize()
    assert a_thing("").serialize()["id"] == {"S": ""}
