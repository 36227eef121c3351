"""One record, or many by key; single writes with a condition. Reads are consistent."""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action, Update

from dynamodb.client import call
from dynamodb.errors import StoreBusyError
from dynamodb.models import Item, Record, VersionedRecord

R = TypeVar("R", bound=Record)

Place = tuple[type[Record], Item]
"""A kind of record, and the raw key of one."""

Expression = Callable[[dict[str, str], dict[str, Any]], str | None]
"""Writes itself, and what stands for names and values into both."""

BATCH_KEYS = 100
"""BatchGetItem takes at most 100 keys."""

_UNPROCESSED_ATTEMPTS = 6


def get(key: R) -> R | None:
    """Read the record that has the key of ``key``, a record with nothing but its key set."""
    model, place = type(key), key.key_item()
    if not model.can_have_key(place):
        return None
    answer = call("GetItem", TableName=model.table_name(), Key=place, ConsistentRead=True)
    item = answer.get("Item")
    return model.from_item(item) if item else None


def get_or_raise(key: R, missing: type[Exception]) -> R:
    """As ``get``; raises ``missing`` where there is no such record."""
    found = get(key)
    if found is None:
        raise missing
    return found


def get_many(keys: Sequence[Record]) -> list[Any]:
    """Read up to 100 records of any tables in one request, in the order asked, ``None`` if absent.

    Raises ``ValueError`` for more than 100 keys, ``StoreBusyError`` if DynamoDB leaves some
    unprocessed for too long: a part is never passed off as the whole.
    """
    return get_many_at([(type(key), key.key_item()) for key in keys])


def get_all(keys: Sequence[Record]) -> list[Any]:
    """As ``get_many`` of any number of keys, in as many requests as it takes."""
    starts = range(0, len(keys), BATCH_KEYS)
    return [each for start in starts for each in get_many(keys[start : start + BATCH_KEYS])]


def get_together(keys: Sequence[Record]) -> list[Any]:
    """As ``get_many``, but all as they stood at one moment, never before and after a commit.

    A batch reads each record by itself: enough where a commit checks what was read, not where the
    records are compared with each other. Costs twice the read units, and conflicts with writers.
    """
    gets = [{"Get": {"TableName": key.table_name(), "Key": key.key_item()}} for key in keys]
    answer = call("TransactGetItems", TransactItems=gets)
    items = [found.get("Item") for found in answer["Responses"]]
    return [
        type(key).from_item(item) if item else None for key, item in zip(keys, items, strict=True)
    ]


def get_many_at(places: Sequence[Place]) -> list[Any]:
    """As ``get_many``, by raw keys, which are whole even where a value in them is malformed."""
    if len(places) > BATCH_KEYS:
        raise ValueError(f"At most {BATCH_KEYS} keys a batch, not {len(places)}.")
    distinct = {(model.table_name(), _flat(key)): (model, key) for model, key in places}
    found = _batch_get(place for place in distinct.values() if place[0].can_have_key(place[1]))
    return [found.get((model.table_name(), _flat(key))) for model, key in places]


def _batch_get(places: Iterable[Place]) -> dict[tuple[str, Any], Record]:
    wanted: dict[str, Any] = {}
    models: dict[str, type[Record]] = {}
    for model, key in places:
        table = model.table_name()
        models[table] = model
        wanted.setdefault(table, {"Keys": [], "ConsistentRead": True})["Keys"].append(key)
    found: dict[tuple[str, Any], Record] = {}
    for attempt in range(_UNPROCESSED_ATTEMPTS):
        if not wanted:
            return found
        if attempt:
            time.sleep(random.uniform(0, 0.025 * 2**attempt))  # noqa: S311 - jitter, not a secret
        answer = call("BatchGetItem", RequestItems=wanted)
        for table, items in answer["Responses"].items():
            model = models[table]
            names = model.key_names()
            for item in items:
                key_of = _flat({name: item[name] for name in names})
                found[table, key_of] = model.from_item(item)
        wanted = answer.get("UnprocessedKeys") or {}
    if wanted:
        raise StoreBusyError("The store is busy. Please try again in a moment.")
    return found


def _flat(key_item: Item) -> tuple[Any, ...]:
    return tuple((name, *typed.values()) for name, typed in sorted(key_item.items()))


def put(record: Record, condition: Condition | None = None) -> None:
    """Write a whole record; raises ``ConditionFailedError`` where the condition does not hold.

    Raises ``TypeError`` for a versioned one: it moves in a ``Transaction``.
    """
    must_have_no_version(record)
    call(
        "PutItem",
        TableName=record.table_name(),
        Item=record.serialize(),
        **condition_arguments(condition),
    )


def put_new(record: Record) -> None:
    """Write a record whose key must be free; raises ``ConditionFailedError`` if it is taken.

    The client repeats a write whose answer was lost, so the record in the way may be this one.
    """
    put(record, must_not_exist(type(record)))


def put_existing(record: Record) -> None:
    """Replace a record that must be there; raises ``ConditionFailedError`` if it is gone."""
    put(record, ~must_not_exist(type(record)))


def update(key: R, *steps: Action, condition: Condition) -> R:
    """Change single attributes of a record, counters too; returns it as it stands afterwards.

    Raises ``ConditionFailedError`` where the condition does not hold.
    """
    must_have_no_version(key)
    answer = call(
        "UpdateItem",
        TableName=key.table_name(),
        Key=key.key_item(),
        ReturnValues="ALL_NEW",
        **condition_arguments(condition, Update(*steps).serialize),
    )
    return type(key).from_item(answer["Attributes"])


def amend(record: VersionedRecord, changes: Mapping[str, Any]) -> None:
    """Set what only follows from the rest of a record, such as keys of an index, as it was read.

    Its version stays: nothing has happened to it. Raises ``ConditionFailedError``, with the raw
    record as it stands, where it is not at that version any more.
    """
    call(
        "UpdateItem",
        TableName=record.table_name(),
        Key=record.key_item(),
        **condition_arguments(Unchanged(record, "version"), partial(put_down, record, changes)),
    )


def delete(key: Record) -> None:
    """Delete a record if it is there."""
    call("DeleteItem", TableName=key.table_name(), Key=key.key_item())


def put_down(
    record: Record, changes: Mapping[str, Any], names: dict[str, str], values: dict[str, Any]
) -> str:
    """Changes as an update's expression; what is ``None`` is taken away."""
    attributes = type(record).get_attributes()
    parts: dict[str, list[str]] = {"SET": [], "REMOVE": []}
    for name, value in changes.items():
        mark, place = names.setdefault(name, f"#{len(names)}"), f":{len(values)}"
        typed = None if value is None else attributes[name].serialize(value)
        if typed is None:
            parts["REMOVE"].append(mark)
        else:
            values[place] = {attributes[name].attr_type: typed}
            parts["SET"].append(f"{mark} = {place}")
    return " ".join(f"{verb} {', '.join(some)}" for verb, some in parts.items() if some)


class Unchanged(Condition):
    """An attribute still has its value: PynamoDB's ``==``, in fewer steps."""

    def __init__(self, record: Record, name: str) -> None:
        super().__init__("=", record, name)

    def serialize(self, names: dict[str, str], values: dict[str, Any]) -> str:
        record, name = self.values
        attribute = type(record).get_attributes()[name]
        mark, place = names.setdefault(name, f"#{len(names)}"), f":{len(values)}"
        values[place] = {attribute.attr_type: attribute.serialize(getattr(record, name))}
        return f"{mark} = {place}"


def must_have_no_version(record: Record) -> None:
    """Raise ``TypeError`` for a record whose every write must move its version."""
    if isinstance(record, VersionedRecord):
        raise TypeError(
            f"{type(record).__name__} has a version: use Transaction.put_new or update."
        )


def must_not_exist(model: type[Record]) -> Condition:
    """The condition that no record has the key."""
    return model.get_attributes()[model.key_names()[0]].does_not_exist()


@cache
def new_key_arguments(model: type[Record]) -> dict[str, Any]:
    """The same as the arguments of a write."""
    return condition_arguments(must_not_exist(model))


def condition_arguments(
    condition: Condition | None, update: Expression | None = None
) -> dict[str, Any]:
    """A condition as the arguments of a write, which then returns the item as it stood.

    With the expression of an update, whose names and values stand beside the condition's.
    """
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    if condition is not None:
        arguments["ConditionExpression"] = condition.serialize(names, values)
        arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if update is not None:
        arguments["UpdateExpression"] = update(names, values)
    return arguments | placeholders(names, values)


def placeholders(names: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    """PynamoDB's placeholders as DynamoDB takes them: absent where there are none."""
    arguments: dict[str, Any] = {}
    if names:
        arguments["ExpressionAttributeNames"] = {mark: name for name, mark in names.items()}
    if values:
        arguments["ExpressionAttributeValues"] = values
    return arguments
