"""Records keep their version, and what they do not know."""

from datetime import timedelta
from typing import Any

import pytest

from dynamodb import client
from dynamodb.errors import UnreadableRecordError
from dynamodb.store import put, put_existing, put_new
from dynamodb.transactions import Committed, Rejected, commit
from tests.dynamodb.things import (
    NOON,
    Colour,
    Line,
    Thing,
    a_stored_thing,
    a_thing,
    a_transaction,
    fresh,
    make_tables,
    plant,
    putting,
    raw_item,
    some_settings,
)

LATER = NOON + timedelta(hours=1)


def test_a_new_record_begins_at_version_one(store: None) -> None:
    thing = a_stored_thing()
    assert (thing.version, thing.created_at, thing.updated_at) == (1, NOON, NOON)


def test_every_update_moves_the_version_and_the_time(store: None) -> None:
    thing = a_stored_thing()
    transaction = a_transaction(at=LATER)
    after = transaction.update("thing", thing, {"note": "moved"})
    assert commit(transaction.freeze()) == Committed()
    assert fresh("thing").attribute_values == after.attribute_values
    assert (after.version, after.created_at, after.updated_at) == (2, NOON, LATER)


def test_two_changes_of_one_version_cannot_both_happen(store: None) -> None:
    thing = a_stored_thing(amount_minor=10)
    outcomes = []
    for amount in (11, 12):
        transaction = a_transaction()
        transaction.update("thing", thing, {"amount_minor": amount})
        outcomes.append(commit(transaction.freeze()))
    assert outcomes[0] == Committed()
    assert isinstance(outcomes[1], Rejected)
    assert (fresh("thing").amount_minor, fresh("thing").version) == (11, 2)


def test_the_record_in_hand_is_not_changed_by_a_transaction(store: None) -> None:
    thing = a_stored_thing(note="before")
    before = dict(thing.attribute_values)
    a_transaction(at=LATER).update("thing", thing, {"note": "after"})
    assert thing.attribute_values == before


@pytest.mark.parametrize("nothing", [None, ""])
def test_what_has_no_value_is_taken_away(store: None, nothing: str | None) -> None:
    thing = a_stored_thing(note="here")
    transaction = a_transaction()
    transaction.update("thing", thing, {"note": nothing})
    assert commit(transaction.freeze()) == Committed()
    stored = raw_item(thing)
    assert stored is not None
    assert "note" not in stored


def test_an_attribute_of_a_newer_writer_survives_an_update(store: None) -> None:
    plant(a_thing(version=1), limit_of_tomorrow={"N": "5"})
    transaction = a_transaction()
    transaction.update("thing", fresh("thing"), {"note": "ours"})
    assert commit(transaction.freeze()) == Committed()
    stored = raw_item(Thing(id="thing"))
    assert stored is not None
    assert stored["limit_of_tomorrow"] == {"N": "5"}
    assert stored["note"] == {"S": "ours"}


def test_an_unknown_value_is_not_written_back_but_does_not_block(store: None) -> None:
    plant(a_thing(version=1), colour={"S": "green"})
    transaction = a_transaction()
    transaction.update("thing", fresh("thing"), {"note": "ours"})
    assert commit(transaction.freeze()) == Committed()
    stored = raw_item(Thing(id="thing"))
    assert stored is not None
    assert stored["colour"] == {"S": "green"}


@pytest.mark.parametrize(
    "damage",
    [{"amount_minor": {"N": "0.5"}}, {"amount_minor": {"S": "five"}}, {"tags": {"S": "a"}}],
)
def test_a_damaged_record_is_named(store: None, damage: dict[str, Any]) -> None:
    plant(a_thing("t-7", version=1), **damage)
    with pytest.raises(UnreadableRecordError, match=r"backoffice-things.*t-7"):
        fresh("t-7")


def test_both_parts_of_a_key_are_named(aws: None) -> None:
    damaged = {"story": {"S": "tale"}, "place": {"S": "0003"}, "score": {"N": "1.5"}}
    with pytest.raises(UnreadableRecordError, match=r"tale.*0003"):
        Line.from_item(damaged)


def test_a_versioned_record_is_only_written_in_a_transaction(store: None) -> None:
    for write in (put, put_new, put_existing):
        with pytest.raises(TypeError, match="has a version"):
            write(a_thing())
    with pytest.raises(TypeError, match="has a version"):
        a_transaction().put_once("thing", a_thing())


def test_two_prefixes_live_side_by_side(aws: None) -> None:
    for prefix in ("one-", "two-"):
        client.configure(some_settings(table_prefix=prefix))
        make_tables()
        assert commit(putting(a_thing(note=prefix))) == Committed()
    for prefix in ("one-", "two-"):
        client.configure(some_settings(table_prefix=prefix))
        assert fresh("thing").note == prefix


def test_pynamodbs_own_methods_use_our_client_and_prefix(store: None) -> None:
    a_stored_thing(colour=Colour.BLUE)
    with client.count_requests() as requests:
        assert Thing.get("thing").colour is Colour.BLUE
    assert requests.operations == ["GetItem"]


def test_a_record_is_written_in_one_order_however_it_was_made(store: None) -> None:
    """Answers are made of it: one that is asked for twice is the same, byte for byte."""
    thing = a_stored_thing(note="as typed")
    turned = Thing()
    turned.attribute_values = dict(reversed(thing.attribute_values.items()))
    assert list(turned.serialize()) == list(thing.serialize())
