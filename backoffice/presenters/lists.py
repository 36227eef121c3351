"""What every list shows around its rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.http import HttpRequest

from dynamodb.models import Record
from dynamodb.pages import LAST, Page
from dynamodb.times import from_rfc3339

R = TypeVar("R", bound=Record)

PASSED = "newer"
"""In an address, the cursors of the pages before, empty for the first one."""

_STEPS_BACK = 5


@dataclass(frozen=True, kw_only=True)
class Pager:
    """Where a list goes on. Addresses are empty where there is nothing to go to.

    ``examined`` is 0 unless more rows were read than are shown; ``reached`` is then the time of
    the last one, in lists that are in order of time.
    """

    next_url: str = ""
    newer_url: str = ""
    first_url: str = ""
    last_url: str = ""
    examined: int = 0
    reached: datetime | None = None


def asked_page(request: HttpRequest) -> dict[str, Any]:
    """Who asks for which page of a list, as its query takes it."""
    return {"person": request.user.get_username(), "cursor": request.GET.get("cursor", "")}


def listed(
    request: HttpRequest, page: Page[R], row: Callable[[R], Any], **more: Any
) -> dict[str, Any]:
    """A page of a list as its template takes it; ``more`` is for its pager."""
    return {"rows": [row(each) for each in page.rows], "pager": pager(request, page, **more)}


def pager(request: HttpRequest, page: Page[Any], *, kept: Mapping[str, str] | None = None) -> Pager:
    """Lead on from a page of a list, and back to its start, keeping the filters in the address.

    ``kept`` are filters that a list stands on though the address does not name them.
    """
    query = request.GET.copy()
    for name, value in (kept or {}).items():
        query[name] = value
    current = query.get("cursor", "")
    query.pop("cursor", None)
    passed = query.pop(PASSED, [])

    def at_page(cursor: str, behind: list[str]) -> str:
        asked = query.copy()
        asked.setlist(PASSED, behind)
        asked.setlist("cursor", [cursor] if cursor else [])
        return f"{request.path}?{asked.urlencode()}" if asked.urlencode() else request.path

    is_filtered = page.examined > len(page.rows)
    onward = page.next_cursor or page.back_cursor
    on = at_page(onward, [*passed, current][-_STEPS_BACK:]) if onward else ""
    back = at_page(passed[-1], passed[:-1]) if passed else ""
    # From the end people walk the other way.
    older, newer = (back, on) if current.partition("~")[0] == LAST else (on, back)
    return Pager(
        next_url=older,
        newer_url=newer,
        first_url=at_page("", []) if current else "",
        last_url=at_page(page.last_cursor, []) if page.last_cursor else "",
        examined=page.examined if is_filtered else 0,
        reached=_time(page.reached) if is_filtered else None,
    )


def _time(sort_key: str) -> datetime | None:
    try:
        return from_rfc3339(sort_key.partition("#")[0])
    except ValueError:
        return None
