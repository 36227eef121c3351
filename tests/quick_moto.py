"""Cheap copies of moto's tables: an item once stored is never changed in place, so copies share it.

By itself moto copies every item of the tables that a transaction touches, and tests that take
tables back to how they were would do so too.
"""

import copy
from collections import defaultdict
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

_copy_whole = Item.__deepcopy__
_update_in_place = DynamoDBBackend.update_item


def install() -> None:
    """Let this process copy tables so."""
    ways: list[tuple[Any, str, Any]] = [
        (Item, "__deepcopy__", lambda item, _: item),
        (Table, "__deepcopy__", _copied),
        (DynamoDBBackend, "update_item", _update),
    ]
    for place, name, way in ways:
        setattr(place, name, way)


def _copied(table: Table, memo: dict[int, Any]) -> Table:
    """The table with rows of its own, of the same items."""
    new = copy.copy(table)
    memo[id(table)] = new
    rest = {name: value for name, value in vars(table).items() if name != "items"}
    vars(new).update(copy.deepcopy(rest, memo))
    rows: dict[Any, Any] = table.items
    copied = {key: dict(row) if isinstance(row, dict) else row for key, row in rows.items()}
    new.items = defaultdict(dict, copied)
    return new


def _update(backend: DynamoDBBackend, table_name: str, key: Any, *args: Any, **named: Any) -> Item:
    """Change a copy of an item, which takes its place."""
    table = backend.get_table(table_name)
    hash_key, range_key = backend.get_keys_value(table, key)
    found = table.get_item(hash_key, range_key)
    if found is not None:
        rows: dict[Any, Any] = table.items[hash_key] if table.has_range_key else table.items
        rows[range_key if table.has_range_key else hash_key] = _copy_whole(found, {})
    return _update_in_place(backend, table_name, key, *args, **named)
