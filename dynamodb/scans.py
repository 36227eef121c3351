"""Whole tables and whole partitions, as stored, a page at a time: for those who check a store.

Operators' commands alone walk a table; pages and services query a key. Reads are consistent, are
repeated for a while where the store asks for patience, and give raw items, so that a damaged one
can be looked at.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat
from typing import Any

from dynamodb.attributes import plain
from dynamodb.client import call
from dynamodb.models import Item, Record
from dynamodb.pages import Query, Start, read_rows
from dynamodb.retries import Patience, read_within
from dynamodb.shards import at_once
from dynamodb.store import BATCH_KEYS, placeholders
from dynamodb.transactions import Condition

SEGMENTS = 8
"""Parts of equal size that a table is walked in, which tell how far a walk is."""

PAGE_ITEMS = 500
"""At most so many items are held at once, of 1 KB each."""

READ_SECONDS = 30.0
"""How long a read is tried again, before a walk of hours is given up."""


@dataclass(frozen=True)
class Place:
    """Where a walk goes on: its segment, and the key after which, ``None`` at the beginning."""

    segment: int = 0
    start: Item | None = None


def beginnings() -> list[Place]:
    """Where the walks through all segments begin."""
    return [Place(segment) for segment in range(SEGMENTS)]


def scan_pages(
    model: type[Record], place: Place = Place(), *, where: Condition | None = None
) -> Iterator[tuple[list[Item], Place]]:
    """Walk a table from a place on: pages of items, each with the place to go on from.

    Whatever was there before the walk began and is still there comes up, once; of what is
    written meanwhile, some. A page may be empty.
    """
    while place.segment < SEGMENTS:
        items, after = scan_page(model, place, where=where)
        place = after or Place(place.segment + 1)
        yield items, place


def scan_page(
    model: type[Record], place: Place, *, where: Condition | None = None
) -> tuple[list[Item], Place | None]:
    """A page of a segment, with the place to go on from unless it was the segment's last."""
    arguments: dict[str, Any] = {
        "TableName": model.table_name(),
        "ConsistentRead": True,
        "Segment": place.segment,
        "TotalSegments": SEGMENTS,
        "Limit": PAGE_ITEMS,
        **filter_arguments(where),
    }
    if place.start:
        arguments["ExclusiveStartKey"] = place.start
    answer = _read("Scan", arguments)
    last = answer.get("LastEvaluatedKey")
    return answer["Items"], Place(place.segment, last) if last else None


def query_items(
    query: Query[Any], *, where: Condition | None = None, sizes: Iterable[int] | None = None
) -> Iterator[Item]:
    """Everything under one key, in the order of the query; nothing under an unusable key.

    ``sizes`` bounds the work: so many requests at most, each of so many items.
    """
    for items, _ in query_pages(query, where=where, sizes=sizes):
        yield from items


def query_pages(
    query: Query[Any],
    start: Start = None,
    *,
    where: Condition | None = None,
    sizes: Iterable[int] | None = None,
) -> Iterator[tuple[list[dict[str, Any]], Start]]:
    """As ``query_items``, from a place on: pages, each with the place to go on from if any."""
    for size in repeat(PAGE_ITEMS) if sizes is None else sizes:
        if not query.can_have_rows:
            return
        items, start = read_rows(query, size, start, partial(_query, where))
        yield items, start
        if not start:
            return


def _query(where: Condition | None, **arguments: Any) -> dict[str, Any]:
    for name, more in filter_arguments(where).items():
        arguments[name] = {**arguments[name], **more} if name in arguments else more
    return _read("Query", arguments)


def whole_items(query: Query[Any]) -> Iterator[Item]:
    """As ``query_items`` of an index, each item whole and as it stands in its table."""
    yield from made_whole(query.model, query_items(query))


def made_whole(model: type[Record], items: Iterable[Item]) -> Iterator[Item]:
    """Items of an index as they stand, whole, in their table; without those that are gone."""
    names, table = model.key_names(), model.table_name()
    places = ({name: item[name] for name in names} for item in items)
    while keys := list(islice(places, PAGE_ITEMS)):
        parts = [keys[first : first + BATCH_KEYS] for first in range(0, len(keys), BATCH_KEYS)]
        for found in at_once([partial(_get, table, part) for part in parts]):
            yield from found


def _get(table: str, keys: list[dict[str, Any]]) -> list[Item]:
    """Items by their keys, in that order, without those that are gone."""
    found: dict[str, Item] = {}
    left: dict[str, Any] = {table: {"Keys": keys, "ConsistentRead": True}}
    while left:
        answer = _read("BatchGetItem", {"RequestItems": left})
        for item in answer["Responses"].get(table, ()):
            found[_name(item, keys[0])] = item
        left = answer.get("UnprocessedKeys") or {}
    return [found[name] for key in keys if (name := _name(key, key)) in found]


def _name(item: Item, key: Item) -> str:
    return repr([item[name] for name in sorted(key)])


def plain_item(item: Item) -> dict[str, Any]:
    """A raw item as plain values: texts, whole numbers, flags, lists and maps."""
    return {name: plain(typed) for name, typed in item.items()}


def filter_arguments(where: Condition | None) -> dict[str, Any]:
    """A condition on what is read, which DynamoDB applies to a page after reading it."""
    if where is None:
        return {}
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    expression = where.serialize(names, values)
    return {"FilterExpression": expression, **placeholders(names, values)}


def _read(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    patience = Patience(limit_seconds=READ_SECONDS, longest_pause_seconds=2.0)
    return read_within(partial(call, operation, **arguments), patience)
