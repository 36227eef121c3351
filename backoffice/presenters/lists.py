"""What every list shows around its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from dynamodb.pages import Page
from dynamodb.times import from_rfc3339


@dataclass(frozen=True, kw_only=True)
class Pager:
    """Where a list goes on. Addresses are empty where there is nothing to go to.

    ``examined`` is 0 unless more rows were read than are shown; ``reached`` is then the time of
    the last one, in lists that are in order of time.
    """

    next_url: str = ""
    first_url: str = ""
    examined: int = 0
    reached: datetime | None = None


def pager(request: HttpRequest, page: Page[Any], *, kept: Mapping[str, str] | None = None) -> Pager:
    """Lead on from a page of a list, and back to its start, keeping the filters in the address.

    ``kept`` are filters that a list stands on though the address does not name them.
    """
    query = request.GET.copy()
    for name, value in (kept or {}).items():
        query[name] = value
    is_first = not query.pop("cursor", None)
    first_url = f"{request.path}?{query.urlencode()}" if query else request.path
    query["cursor"] = page.next_cursor
    is_filtered = page.examined > len(page.rows)
    return Pager(
        next_url=f"{request.path}?{query.urlencode()}" if page.next_cursor else "",
        first_url="" if is_first else first_url,
        examined=page.examined if is_filtered else 0,
        reached=_time(page.reached) if is_filtered else None,
    )


def _time(sort_key: str) -> datetime | None:
    try:
        return from_rfc3339(sort_key.partition("#")[0])
    except ValueError:
        return None
