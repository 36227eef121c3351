"""Records that exist for these tests only, and builders that show what matters to one."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from dynamodb import client
from dynamodb.attributes import (
    EnumAttribute,
    TextAttribute,
    TextListAttribute,
    TimeAttribute,
    ValuesAttribute,
    WholeNumberAttribute,
)
from dynamodb.errors import TableMissingError
from dynamodb.models import Index, Record, VersionedRecord
from dynamodb.pages import Query
from dynamodb.settings import Settings
from dynamodb.store import get
from dynamodb.tables import declaration
from dynamodb.transactions import Attempt, Committed, Transaction, commit

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Thing(VersionedRecord):
    """Keeps a bit of everything; listed by colour through an index of keys only."""

    managed: ClassVar[bool] = False

    class Meta:
        table_name = "things"

    indexes = (Index("colour-index", "colour", "made_at"),)
    id = TextAttribute(hash_key=True)
    colour = EnumAttribute(Colour)
    made_at = TimeAttribute(null=True)
    amount_minor = WholeNumberAttribute(null=True)
    note = TextAttribute(null=True)
    tags = TextListAttribute(null=True)
    values = ValuesAttribute(null=True)


class Line(Record):
    """One of many under a key."""

    managed: ClassVar[bool] = False

    class Meta:
        table_name = "lines"

    indexes = (Index("owner-index", "owner", "place", carries=["score"]),)
    story = TextAttribute(hash_key=True)
    place = TextAttribute(range_key=True)
    owner = TextAttribute(null=True)
    score = WholeNumberAttribute(null=True)
    words = TextAttribute(null=True)


class Visit(Record):
    """Goes by itself."""

    managed: ClassVar[bool] = False
    expires_at_attribute: ClassVar[str] = "expires_at"

    class Meta:
        table_name = "visits"

    id = TextAttribute(hash_key=True)
    expires_at = WholeNumberAttribute()


MODELS: Sequence[type[Record]] = (Thing, Line, Visit)


def some_settings(**changed: Any) -> Settings:
    return Settings(**{"cursor_signing_key": "a key of these tests", **changed})


def a_thing(name: str = "thing", **attributes: Any) -> Thing:
    return Thing(**{"id": name, "colour": Colour.RED, **attributes})


def a_transaction(at: datetime = NOON) -> Transaction:
    return Transaction(at=at)


def putting(*things: Thing) -> Attempt:
    """An attempt to put things that must be new."""
    transaction = a_transaction()
    for thing in things:
        transaction.put_new(thing.id, thing)
    return transaction.freeze()


def make_tables() -> None:
    for model in MODELS:
        # Moto makes an RSA key for an encrypted table, which takes longer than most tests.
        declared = declaration(model)
        declared.pop("SSESpecification", None)
        client.call("CreateTable", **declared)


def drop_tables() -> None:
    for model in MODELS:
        with suppress(TableMissingError):
            client.call("DeleteTable", TableName=model.table_name())


def plant(record: Record, **raw: Any) -> None:
    """Write an item as a foreign writer would: past every check of ours."""
    item = {**record.serialize(null_check=False), **raw}
    client.call("PutItem", TableName=record.table_name(), Item=item)


def raw_item(record: Record) -> dict[str, Any] | None:
    """What is really stored under a record's key."""
    answer = client.call(
        "GetItem", TableName=record.table_name(), Key=record.key_item(), ConsistentRead=True
    )
    item: dict[str, Any] | None = answer.get("Item")
    return item


def fresh(name: str = "thing") -> Thing:
    """A thing as it is stored now."""
    thing = get(Thing(id=name))
    assert thing is not None
    return thing


def a_stored_thing(name: str = "thing", **attributes: Any) -> Thing:
    assert commit(putting(a_thing(name, **attributes))) == Committed()
    return fresh(name)


def moving(thing: Thing, amount_minor: int) -> Attempt:
    """An attempt to change a thing that still has its version."""
    transaction = a_transaction()
    transaction.update("move", thing, {"amount_minor": amount_minor})
    return transaction.freeze()


def lines_of(story: str, **options: Any) -> Query[Line]:
    return Query(**{"model": Line, "partition": story, "newest_first": False, **options})


def even(line: Line) -> bool:
    return line.score % 2 == 0
