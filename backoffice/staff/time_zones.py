"""The time zones that a person may choose."""

from functools import cache
from zoneinfo import available_timezones


@cache
def known_time_zones() -> tuple[str, ...]:
    """UTC, and places by their region: not the old short names, nor this machine's own zone."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name))
