"""Several lists as one, in the order of time that their sort keys give them, a page at a time."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dynamodb import cursors
from dynamodb.client import call
from dynamodb.models import Item, Record
from dynamodb.pages import (
    FILTERED_ROWS,
    PAGE_ROWS,
    Page,
    Query,
    query_arguments,
    resume_key,
    sort_text,
)


@dataclass(frozen=True, kw_only=True)
class Strand:
    """One list of several. ``keep`` filters rows after they are read, ``kept_by`` names it."""

    query: Query[Any]
    keep: Callable[[Any], bool] | None = None
    kept_by: str = ""


def read_merged(
    strands: Sequence[Strand], *, person: str, cursor: str = "", rows: int = PAGE_ROWS
) -> Page[Any]:
    """Read one page of lists that all run newest first, with one request for each of them.

    The page ends where it is full, or before what one of the lists has not been read up to: then
    it is short and has a next one. Where sort keys are equal the first list's row comes first.
    Raises ``CursorError`` for a cursor that is not of these lists, or of another person.
    """
    bound_to = (person, json.dumps([[each.kept_by, *each.query.bound_to] for each in strands]))
    start = ("", [None] * len(strands))
    reached, places = cursors.read(cursor, bound_to=bound_to) if cursor else start
    readers = [
        _Reader(strand=strand, number=number, place=place).read(rows, reached)
        for number, (strand, place) in enumerate(zip(strands, places, strict=True))
    ]
    page: Page[Any] = Page()
    examined = 0
    while len(page.rows) < rows:
        heads = [reader for reader in readers if not reader.is_over]
        if not heads or any(not reader.items for reader in heads):
            break
        first = max(heads, key=lambda reader: (reader.sort_text, -reader.number))
        examined, reached = examined + 1, first.sort_text
        page.rows.extend(first.take())
    more = not all(reader.is_over for reader in readers)
    position = (reached, [reader.place_at(reached) for reader in readers])
    return Page(
        rows=page.rows,
        next_cursor=cursors.write(position, bound_to=bound_to) if more else "",
        examined=examined,
        reached=reached,
        queries_done=sum(reader.is_over for reader in readers),
    )


@dataclass(kw_only=True)
class _Reader:
    """A list as far as it was read. ``place`` is its last row's key, ``False`` once it is over."""

    strand: Strand
    number: int
    place: Item | bool | None
    items: deque[dict[str, Any]] = field(default_factory=deque)
    has_more: bool = False

    @property
    def is_over(self) -> bool:
        return self.place is False

    @property
    def sort_text(self) -> str:
        return sort_text(self.strand.query, self.items[0])

    def read(self, rows: int, until: str) -> "_Reader":
        """Read on from the sort key that all lists were read down to."""
        query = self.strand.query
        if until:
            low, high = query.between or ("0", until)
            query = replace(query, between=(low, min(high, until)))
        if self.is_over or not query.can_have_rows:
            self.place = False
            return self
        limit = rows + 1 if self.strand.keep is None else FILTERED_ROWS
        start = self.place if isinstance(self.place, dict) else None
        answer = call("Query", **query_arguments(query, limit, start))
        self.items.extend(answer["Items"])
        self.has_more = "LastEvaluatedKey" in answer
        self._end()
        return self

    def take(self) -> list[Record]:
        """The first row, unless it is filtered out; the list goes on behind it."""
        item = self.items.popleft()
        self.place = resume_key(self.strand.query, item)
        self._end()
        record = self.strand.query.model.from_item(item)
        return [record] if self.strand.keep is None or self.strand.keep(record) else []

    def place_at(self, reached: str) -> Item | bool | None:
        """Where to go on, without the key of a row that is behind all that is still to come."""
        if not isinstance(self.place, dict):
            return self.place
        return self.place if sort_text(self.strand.query, self.place) == reached else None

    def _end(self) -> None:
        if not (self.items or self.has_more):
            self.place = False
