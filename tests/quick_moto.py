"""Moto at half the price, for the thousands of requests of our tests.

By itself it copies every item of the tables that a transaction touches, and all that their streams
tell, and so would tests that take tables back to how they were. Here nothing that is stored is
changed in place, so copies share it. And it parses the same expressions over and over, weighs an
item anew with each attribute, and takes requests about items through all that HTTP and the other
protocols of AWS need: here they go straight to what answers them.
"""

import copy
import json
from base64 import b64encode
from collections import defaultdict, deque
from functools import cache
from typing import Any

from moto.core.botocore_stubber import BotocoreStubber
from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import ast_nodes, expressions
from moto.dynamodb.responses import DynamoHandler

_nodes: Any = ast_nodes
_parser: Any = expressions.UpdateExpressionParser  # type: ignore[attr-defined]
MOST_BYTES = 405_000
"""As moto has it."""

ADDRESS = "https://dynamodb.us-east-1.amazonaws.com/"
OF_ITEMS = frozenset({
    "BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan",
    "TransactGetItems", "TransactWriteItems", "UpdateItem",
})  # fmt: skip
"""Operations whose requests and answers are in Python as in JSON, but for bytes."""

_cast: Any = DynamoType.cast_value.fget  # type: ignore[attr-defined]
_split = ConditionExpressionParser._lex_condition_expression
_wanted: dict[tuple[type, type], bool] = {}
_copy_whole = Item.__deepcopy__
_process_whole = BotocoreStubber.process_request
_update_in_place = DynamoDBBackend.update_item


def install() -> None:
    """Let this process copy tables so."""
    ways: list[tuple[Any, str, Any]] = [
        (Item, "__deepcopy__", lambda item, _: item),
        (Item, "__init__", _made),
        (DynamoType, "cast_value", property(lambda it: it.value if it.type == "S" else _cast(it))),
        (Table, "__deepcopy__", _copied),
        (ConditionExpressionParser, "_lex_condition_expression", _words_of),
        (_parser, "make", staticmethod(cache(_parser.make))),
        (_nodes.DepthFirstTraverser, "traverse_node_recursively", _walked),
        (DynamoDBBackend, "update_item", _update),
        (BotocoreStubber, "process_request", _process),
    ]
    for place, name, way in ways:
        setattr(place, name, way)


def _made(item: Item, hash_key: Any, range_key: Any, attrs: dict[str, Any]) -> None:
    """Weighed once, whole."""
    item.hash_key, item.range_key, item.attrs = hash_key, range_key, LimitedSizeDict()
    dict.update(item.attrs, {name: DynamoType(value) for name, value in attrs.items()})
    if item.size() > MOST_BYTES:
        raise ItemSizeTooLarge


def _words_of(parser: ConditionExpressionParser) -> deque[Any]:
    return deque(_words(parser.condition_expression))


@cache
def _words(expression: str) -> tuple[Any, ...]:
    return tuple(_split(ConditionExpressionParser(expression, {}, {})))


def _walked(walk: Any, node: Any, child_id: int = -1) -> Any:
    """Depth first, each node processed that this walk is for."""
    if not isinstance(node, _nodes.Node):
        return node
    above = node.parent
    for number, child in enumerate(node.children or ()):
        walk.pre_processing_of_child(node, number)
        if isinstance(child, _nodes.Node):
            _walked(walk, child, number)
    kinds = type(walk), type(node)
    if kinds not in _wanted:
        _wanted[kinds] = isinstance(node, walk.nodes_to_be_processed())
    if _wanted[kinds]:
        node = walk.process(node)
        node.parent = above
        if above:
            above.children[child_id] = node
    return node


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


def _process(stubber: BotocoreStubber, request: Any) -> Any:
    operation = request.headers.get("X-Amz-Target", b"").decode().partition(".")[2]
    if operation not in OF_ITEMS or request.url != ADDRESS:
        return _process_whole(stubber, request)
    handler: Any = DynamoHandler()
    handler.current_account, handler.region = DEFAULT_ACCOUNT_ID, "us-east-1"
    handler.params = handler.body = json.loads(request.body)
    try:
        answer = getattr(handler, camelcase_to_underscores(operation))().result
    except JsonRESTError as error:
        return error.code, {}, error.get_body()
    told = {name: answer[name] for name in answer if answer[name] is not None}
    return 200, {}, json.dumps(told, default=lambda blob: b64encode(blob).decode())
