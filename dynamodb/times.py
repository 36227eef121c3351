"""UTC times as RFC 3339 text, and the one place where the clock is read."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Read the clock. For edges only: a view, a command, a handler hands it down as ``at``."""
    return datetime.now(UTC)  # noqa: TID251 - this is the edge


def to_rfc3339(at: datetime) -> str:
    """Write a time as ``2026-01-31T09:30:00.000000Z``: microseconds always, so text sorts.

    Raises ``ValueError`` for a time without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("A stored time needs a zone.")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_rfc3339(text: str) -> datetime:
    """Read any RFC 3339 time, ours or ``+00:00``; raises ``ValueError`` for anything else."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no zone.")
    return at.astimezone(UTC)
