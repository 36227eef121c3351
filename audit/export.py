"""Entries for an export: raw, whole and oldest first, in pages that each say where to go on.

A line of JSON Lines is an entry as its hash was made of it, and its hash. A cell of CSV is safe to
open: whatever a spreadsheet would take for a formula begins with an apostrophe.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from audit.chain import canonical_json
from audit.models import AuditLog
from dynamodb.models import Item
from dynamodb.pages import FILTERED_ROWS, Query, Start
from dynamodb.scans import made_whole, query_pages

COLUMNS = (
    "entity_id", "seq", "timestamp", "action", "user_id", "outcome", "entity_type", "reference",
    "changes", "old_values", "new_values", "severity", "ip_address", "user_agent", "request_id",
    "prev_hash", "hash",
)  # fmt: skip

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class Place(NamedTuple):
    """Where to go on: the number of the query, and where to go on in that."""

    number: int = 0
    start: Start = None


Pages = Iterator[tuple[list[Item], Place]]
"""Pages of whole entries, each with the place that comes next."""

Keep = Callable[[AuditLog], bool]


def read_on(
    queries: Sequence[Query[AuditLog]], place: Place, keep: Keep | None = None
) -> Iterator[Pages]:
    """The pages of each query from a place on; the last one's place is past all."""
    number, start = place
    for query in queries[number:]:
        yield _pages(query, Place(number, start), keep)
        number, start = number + 1, None


def _pages(query: Query[AuditLog], place: Place, keep: Keep | None) -> Pages:
    number, start = place
    for items, last in query_pages(query, start, sizes=repeat(FILTERED_ROWS)):
        kept: list[Item] = [
            item for item in items if keep is None or keep(AuditLog.from_item(item))
        ]
        whole = list(made_whole(AuditLog, kept)) if query.index else kept
        yield whole, Place(number, last) if last else Place(number + 1)


def json_lines(entries: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(canonical_json(entry) + b"\n" for entry in entries)


def csv_rows(entries: Iterable[dict[str, Any]]) -> bytes:
    return csv_lines([_cell(entry.get(name)) for name in COLUMNS] for entry in entries)


def csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as CSV, cells that begin as a formula made harmless. Numbers stay numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell
