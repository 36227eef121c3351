"""Rows that are damaged, foreign or gone break neither their page nor the walk."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from dynamodb import client
from dynamodb.attributes import TextAttribute, TimeAttribute
from dynamodb.models import Index, Record
from dynamodb.pages import Query, read_page
from dynamodb.tables import ensure_table
from tests.dynamodb.faults import faults
from tests.dynamodb.things import (
    NOON,
    Colour,
    Thing,
    a_thing,
    a_transaction,
    plant,
)

pytestmark = pytest.mark.usefixtures("store")


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


class Beat(Record):
    """Has a time for a key."""

    managed: ClassVar[bool] = False

    class Meta:
        table_name = "beats"

    indexes = (Index("name-index", "name", "at"),)
    id = TextAttribute(hash_key=True)
    at = TimeAttribute(range_key=True)
    name = TextAttribute()


@pytest.mark.parametrize("at", ["2026-01-31T12:00:00+00:00", "yesterday"])
def test_rows_are_hydrated_by_their_keys_as_written(at: str) -> None:
    ensure_table(Beat)
    plant(Beat(id="b", name="heart", at=NOON), at={"S": at})
    query = Query(model=Beat, partition="heart", index="name-index", hydrate=True)
    assert [beat.id for beat in read_page([query], person="ada").rows] == ["b"]


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
