"""UTC times as RFC 3339 text, and the one place where the clock is read."""

import re
from datetime import UTC, datetime
from functools import lru_cache

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def utc_now() -> datetime:
    """Read the clock. For edges only: a view, a command, a handler hands it down as ``at``."""
    return datetime.now(UTC)  # noqa: TID251 - this is the edge


def to_rfc3339(at: datetime) -> str:
    """Write a time as ``2026-01-31T09:30:00.000000Z``: microseconds always, so text sorts.

    Raises ``ValueError`` for a time without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("A stored time needs a zone.")
    return _in_utc(at if at.tzinfo is UTC else at.astimezone(UTC))


@lru_cache(maxsize=256)
def _in_utc(at: datetime) -> str:
    """One time is written again and again within a request."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> datetime:
    """Read any RFC 3339 time, ours or ``+00:00``; raises ``ValueError`` for anything else."""
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"{text!r} is not an RFC 3339 time.")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is before the first or after the last year.") from None


def utc_day(at: datetime) -> str:
    """The UTC date of a time, ``2026-01-31``."""
    return at.astimezone(UTC).date().isoformat()
