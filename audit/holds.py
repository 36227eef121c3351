"""Legal holds on the archive: every object of a month that a hold covers is held by S3 itself.

Whoever archives writes an object first and then reads the holds; whoever sets a hold writes it
first and then lists the objects. In whichever order that happens, one of the two sees the other.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from audit import bucket
from audit.models import Hold
from audit.settings import settings
from dynamodb.pages import Query, read_page
from dynamodb.scans import scan_pages

HELD, RELEASED = "held", "released"
ARCHIVE = "archive/"
THREADS = 16
_MOST_SHOWN = 100


def everyone() -> list[Hold]:
    """All holds, those released too, read consistently; they are few."""
    return [Hold.from_item(item) for items, _ in scan_pages(Hold) for item in items]


def in_force() -> list[Hold]:
    return [hold for hold in everyone() if hold.is_in_force]


def listed(listed_as: str = HELD) -> list[Hold]:
    """The holds a page shows, in one request, late by seconds."""
    query = Query(model=Hold, index="listed-index", partition=listed_as, newest_first=False)
    return read_page([query], person="", rows=_MOST_SHOWN).rows


def on_cases_of(*customers: str) -> list[Hold]:
    """The holds in force on cases of these customers, in one request, late by seconds."""

    def is_on_case(hold: Hold) -> bool:
        return hold.kind == "case" and hold.customer_id in customers

    query = Query(model=Hold, index="listed-index", partition=HELD)
    kept_by = ("cases of", *customers)
    return read_page([query], person="", keep=is_on_case, kept_by=kept_by).rows


def cover(key: str) -> None:
    """Hold an object that has just been written, if a hold covers its month."""
    if _is_covered(key, in_force()):
        bucket.hold(key, is_held=True)


def apply(hold: Hold) -> None:
    """Hold what the archive has of the months that a hold covers."""
    _on_each(_objects(hold), is_held=True)


def lift(hold: Hold) -> None:
    """Release what no other hold covers.

    The holds are read once more afterwards: one may have been set meanwhile.
    """
    others = in_force()
    free = [key for key in _objects(hold) if not _is_covered(key, others)]
    _on_each(free, is_held=False)
    others = in_force()
    _on_each([key for key in free if _is_covered(key, others)], is_held=True)


def part_keys(month: str = "") -> list[str]:
    """The objects that hold records, of one month or of all."""
    return [key for key in bucket.keys(ARCHIVE + month) if key.endswith(".jsonl.gz")]


def _objects(hold: Hold) -> list[str]:
    if not settings().bucket:
        return []
    return [key for key in part_keys() if _month_of(key) >= hold.since_month]


def _is_covered(key: str, holds: Iterable[Hold]) -> bool:
    return any(_month_of(key) >= hold.since_month for hold in holds)


def _month_of(key: str) -> str:
    return key.removeprefix(ARCHIVE).partition("/")[0]


def _on_each(keys: list[str], *, is_held: bool) -> None:
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        list(pool.map(partial(bucket.hold, is_held=is_held), keys))
