"""Lists, a page at a time: a query on a key, or several of them one after the other."""

import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from dynamodb import cursors, shards
from dynamodb.client import call
from dynamodb.models import PARTITION_KEY_BYTES, SORT_KEY_BYTES, Record
from dynamodb.store import BATCH_KEYS, get_many_at

R = TypeVar("R", bound=Record)

PAGE_ROWS = 50

LAST = "last"
"""In place of a cursor: a list's last page, read from the end, so at once however long it is.

Pages before it are read from the end, too: their cursors are ``last~`` and a signed one.
"""

FILTERED_ROWS = 500
"""So many rows of an index are read per request where most may be filtered out."""


Start = dict[str, Any] | list[dict[str, Any]] | None
"""Where a query goes on: after a key, or after one in each shard that has rows of the same time."""


@dataclass(frozen=True, kw_only=True)
class Query(Generic[R]):
    """All records under one key of a table or index, in order of its sort key.

    ``between`` narrows the sort key, both ends included. An index is read as it is, late by up to
    seconds; ``hydrate`` reads the rows themselves, consistently, in one more request. The shards of
    a spread index are read side by side, a request for each.
    """

    model: type[R]
    partition: str
    index: str = ""
    between: tuple[str, str] | None = None
    newest_first: bool = True
    hydrate: bool = False

    @property
    def bound_to(self) -> tuple[str, ...]:
        """What a cursor of this query is bound to."""
        low, high = self.between or ("", "")
        order = "newest" if self.newest_first else "oldest"
        return (self.model.table_name(), self.index, self.partition, low, high, order)

    @property
    def can_have_rows(self) -> bool:
        """Tell what DynamoDB refuses to look for: an empty or over-long key, a reversed range."""
        low, high = self.between or ("", "")
        is_range = low <= high and len((low + high).encode()) <= SORT_KEY_BYTES
        longest = len(self.partitions[-1].encode())
        return is_range and bool(self.partition) and longest <= PARTITION_KEY_BYTES

    @property
    def partitions(self) -> tuple[str, ...]:
        """The keys that its rows stand under: several where the index is spread."""
        is_spread = self.index in self.model.spread_indexes
        return shards.keys_of(self.partition) if is_spread else (self.partition,)

    def key_names(self) -> tuple[str, ...]:
        """The partition key and sort key that this query runs on."""
        return self.model.key_names(self.index)


@dataclass(frozen=True)
class Page(Generic[R]):
    """Rows of a list, and how far was looked for them.

    ``next_cursor`` is empty on the last page; ``last_cursor`` is too, and where the last page is
    not to be had at once. ``back_cursor`` leads towards the first page from one that was read from
    the end; so ``is_first`` and ``is_last`` say which it is, whichever way it was reached.
    ``examined`` counts the rows read, which is more than the rows shown where a filter that no key
    serves was applied; ``reached`` is the sort key of the last one of them. ``queries_done`` counts
    the queries read to their end, from the first page on.
    """

    rows: list[R] = field(default_factory=list)
    next_cursor: str = ""
    last_cursor: str = ""
    back_cursor: str = ""
    is_first: bool = True
    is_last: bool = True
    examined: int = 0
    reached: str = ""
    queries_done: int = 0


def all_rows(read: Callable[[str], Page[R]]) -> Iterator[R]:
    """Every row of a list, page after page; ``read`` is given the cursor of each."""
    for page in all_pages(read):
        yield from page.rows


def all_pages(read: Callable[[str], Page[R]]) -> Iterator[Page[R]]:
    """Every page of a list; ``read`` is given the cursor of each."""
    page = read("")
    yield page
    while page.next_cursor:
        page = read(page.next_cursor)
        yield page


def read_page(
    queries: Sequence[Query[R]],
    *,
    person: str,
    cursor: str = "",
    rows: int = PAGE_ROWS,
    keep: Callable[[R], bool] | None = None,
    kept_by: tuple[str, ...] = (),
    max_requests: int = 1,
) -> Page[R]:
    """Read one page of one or more queries, each beginning where the one before ends.

    ``keep`` filters rows after they are read; ``kept_by`` names that filter for the cursor, which
    is bound to it, to every query and to ``person``. With a filter up to ``FILTERED_ROWS`` are
    read per request (100 of hydrated ones), so a page may be short and still have a next one:
    ``max_requests`` bounds the work. The cursor ``LAST`` is of any list.
    Raises ``CursorError`` for a cursor that is not this list's.
    """
    if keep is not None and not kept_by:
        raise ValueError("A filter needs a name for the cursor to be bound to.")
    end, _, place = cursor.partition("~")
    if end == LAST:
        turned = [replace(each, newest_first=not each.newest_first) for each in reversed(queries)]
        found = read_page(
            turned,
            person=person,
            cursor=place,
            rows=rows,
            keep=keep,
            kept_by=kept_by,
            max_requests=max_requests,
        )
        back = f"{LAST}~{found.next_cursor}" if found.next_cursor else ""
        return replace(
            found,
            rows=found.rows[::-1],
            next_cursor="",
            last_cursor=LAST if place else "",
            back_cursor=back,
            is_first=not back,
            is_last=not place,
        )
    bound_to = (person, json.dumps([kept_by, *(query.bound_to for query in queries)]))
    number, start = cursors.read(cursor, bound_to=bound_to) if cursor else (0, None)
    reader = _Reader(rows=rows, keep=keep)
    for _ in range(max_requests):
        start = reader.read(queries[number], start)
        if start is None:
            number += 1
        if number == len(queries) or reader.is_full:
            break
    more = number < len(queries)
    return Page(
        rows=reader.kept,
        next_cursor=cursors.write([number, start], bound_to=bound_to) if more else "",
        last_cursor=LAST if more and keep is None else "",
        is_first=not cursor,
        is_last=not more,
        examined=reader.examined,
        reached=reader.reached,
        queries_done=number,
    )


@dataclass(kw_only=True)
class _Reader(Generic[R]):
    """Collects rows until there are enough, and knows where to go on."""

    rows: int
    keep: Callable[[R], bool] | None
    kept: list[R] = field(default_factory=list)
    examined: int = 0
    reached: str = ""

    @property
    def is_full(self) -> bool:
        return len(self.kept) >= self.rows

    def read(self, query: Query[R], start: Start) -> Start:
        """Send one request; give where to go on, or ``None`` at the end of the query."""
        if not query.can_have_rows:
            return None
        wanted = self.rows - len(self.kept)
        # One row more than shown tells whether there is a next page: the key to go on that
        # DynamoDB returns does not promise one.
        most = BATCH_KEYS if query.hydrate or self.keep is None else FILTERED_ROWS
        limit = min(most, wanted + 1) if self.keep is None else most
        items, last = read_rows(query, limit, start, partial(call, "Query"))
        for place, (item, record) in enumerate(zip(items, _records(query, items), strict=True)):
            self.examined += 1
            self.reached = sort_text(query, item)
            if record is None or (self.keep is not None and not self.keep(record)):
                continue
            self.kept.append(record)
            if self.is_full:
                is_last = place == len(items) - 1 and not last
                return None if is_last else place_after(query, start, items[: place + 1])
        return last


def _records(query: Query[R], items: list[dict[str, Any]]) -> list[R | None]:
    if not query.hydrate:
        return [query.model.from_item(item) for item in items]
    names = query.model.key_names()
    return get_many_at([(query.model, {name: item[name] for name in names}) for item in items])


def query_arguments(query: Query[R], limit: int, start: dict[str, Any] | None) -> dict[str, Any]:
    """A query of at most ``limit`` rows, after the key ``start``, as DynamoDB takes it."""
    partition_name, *sort_name = query.key_names()
    names, values = {"#p": partition_name}, {":p": {"S": query.partition}}
    condition = "#p = :p"
    if query.between is not None:
        names["#s"] = sort_name[0]
        values |= {":low": {"S": query.between[0]}, ":high": {"S": query.between[1]}}
        condition += " AND #s BETWEEN :low AND :high"
    arguments: dict[str, Any] = {
        "TableName": query.model.table_name(),
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ScanIndexForward": not query.newest_first,
        "Limit": limit,
    }
    if query.index:
        arguments["IndexName"] = query.index
    else:
        arguments["ConsistentRead"] = True
    if start:
        arguments["ExclusiveStartKey"] = start
    return arguments


def read_rows(
    query: Query[R], limit: int, start: Start, send: Callable[..., dict[str, Any]]
) -> tuple[list[dict[str, Any]], Start]:
    """Rows after a place, in order, and the place to go on from unless they are the last ones.

    At most ``limit``, of which each shard is asked for all; if it is more than a page, for a share.
    """
    after = _keys(start)
    parts = [_part(query, partition, after) for partition in query.partitions]
    each = min(limit, max(BATCH_KEYS + 1, limit // len(parts)))
    asked = [partial(send, **query_arguments(part, each, key)) for part, key in parts]
    answers = shards.at_once(asked)
    ends = [answer["LastEvaluatedKey"] for answer in answers if answer.get("LastEvaluatedKey")]
    if len(parts) == 1:
        return answers[0]["Items"], ends[0] if ends else None
    rows, bound = _merged(query, after, [answer["Items"] for answer in answers], ends)
    if each == limit < len(rows):
        return rows[:limit], place_after(query, start, rows[:limit])
    at_bound = [key for key in ends if sort_text(query, key) == bound]
    return rows, place_after(query, start, [*rows, *at_bound]) if ends else None


def _part(query: Query[R], partition: str, after: list[dict[str, Any]]) -> tuple[Query[R], Any]:
    """A shard of a query, and its own key to go on after: without one, where the others are."""
    name, *_ = query.key_names()
    part, own = replace(query, partition=partition), [k for k in after if k[name]["S"] == partition]
    if own or not after:
        return part, next(iter(own), None)
    low, high = query.between or ("0", "~")
    reached = sort_text(query, after[0])
    between = (low, min(high, reached)) if query.newest_first else (max(low, reached), high)
    return replace(part, between=between), None


def _merged(
    query: Query[R], after: list[dict[str, Any]], shares: list[Any], ends: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], str]:
    """What shards hold as one list, as far as all of them have been read, and how far that is.

    A row that a backfill has moved from one shard to another is there once.
    """
    sort = partial(sort_text, query)
    names, is_newest_first = query.model.key_names(), query.newest_first
    bound = (max if is_newest_first else min)(map(sort, ends), default="")
    known = {repr([key[name] for name in names]) for key in after}
    rows = []
    for row in heapq.merge(*shares, key=sort, reverse=is_newest_first):
        if bound and (sort(row) < bound if is_newest_first else sort(row) > bound):
            break
        key = repr([row[name] for name in names])
        if key not in known:
            known.add(key)
            rows.append(row)
    return rows, bound


def place_after(query: Query[R], start: Start, rows: list[dict[str, Any]]) -> Start:
    """Where to go on after rows that were read from a place on."""
    name, *_ = query.key_names()
    keys = [*_keys(start), *(resume_key(query, row) for row in rows)]
    reached = sort_text(query, keys[-1])
    last = {key[name]["S"]: key for key in keys if sort_text(query, key) == reached}
    return keys[-1] if len(last) == 1 else list(last.values())


def _keys(start: Start) -> list[dict[str, Any]]:
    return [start] if isinstance(start, dict) else start or []


def resume_key(query: Query[R], item: dict[str, Any]) -> dict[str, Any]:
    names = {*query.key_names(), *query.model.key_names()}
    return {name: item[name] for name in sorted(names)}


def sort_text(query: Query[R], item: dict[str, Any]) -> str:
    *_, sort_name = query.key_names()
    return str(next(iter(item[sort_name].values())))
