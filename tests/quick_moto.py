"""Moto at half the price, for the thousands of requests of our tests.

By itself it copies every item of the tables that a transaction touches, and all that their streams
tell, and so would tests that take tables back to how they were. Here nothing that is stored is
changed in place, so copies share it. And for each value it sends, it looks for each of the ten
types that a value may have.
"""

import copy
from collections import defaultdict
from typing import Any

from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

_copy_whole = Item.__deepcopy__
_send_structure = ResponseSerializer._serialize_type_structure
_update_in_place = DynamoDBBackend.update_item


def install() -> None:
    """Let this process copy tables so."""
    ways: list[tuple[Any, str, Any]] = [
        (Item, "__deepcopy__", lambda item, _: item),
        (Table, "__deepcopy__", _copied),
        (DynamoDBBackend, "update_item", _update),
        (ResponseSerializer, "_serialize_type_structure", _sent),
    ]
    for place, name, way in ways:
        setattr(place, name, way)


def _copied(table: Table, memo: dict[int, Any]) -> Table:
    """The table with rows of its own, of the same items."""
    new = copy.copy(table)
    memo[id(table)] = new
    for name in ("continuous_backups", "ttl"):
        setattr(new, name, copy.deepcopy(getattr(table, name), memo))
    if table.stream_shard is not None:
        new.stream_shard = copy.copy(table.stream_shard)
        new.stream_shard.table, new.stream_shard.items = new, list(table.stream_shard.items)
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


def _sent(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name != "AttributeValue" or type(value) is not dict:
        _send_structure(serializer, serialized, value, shape, key)
        return
    sent: dict[str, Any] = {}
    for name in value:
        serializer._serialize_structure_member(sent, value, shape.members[name], name)
    serializer._default_serialize(serialized, sent, shape, key)
