"""Requests that name no caller: recorded, but never at the price of a flood of writes.

Each process records a few a minute; the next entry says how many it left out in between. They
stand in 256 chains by a hash of the address they came from.
"""

import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit import context, trail
from audit.context import Actor
from dynamodb.errors import StoreError

_log = logging.getLogger(__name__)

NOBODY = Actor(id="system:api")
ENTRIES_A_MINUTE = 10


@dataclass
class Allowance:
    """So many entries a minute, and a count of what went beyond."""

    _began: datetime | None = None
    _spent: int = 0
    _left_out: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, at: datetime) -> int | None:
        """``None`` where there is nothing left; else how many were left out since the last."""
        with self._lock:
            if self._began is None or at - self._began >= timedelta(minutes=1):
                self._began, self._spent = at, 0
            if self._spent >= ENTRIES_A_MINUTE:
                self._left_out += 1
                return None
            self._spent += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


_allowance = Allowance()


def note_stranger(asked: Mapping[str, str], *, at: datetime) -> None:
    """Record a request of nobody; it stays refused whether or not it can be recorded."""
    left_out = _allowance.spend(at)
    if left_out is None:
        return
    address = context.current().ip_address
    chain = f"unknown:{hashlib.sha256(address.encode()).hexdigest()[:2]}"
    event = trail.refused(chain, "access.refused", NOBODY, entity_type="person")
    try:
        trail.note(event, at=at, values={**asked, **({"left_out": left_out} if left_out else {})})
    except StoreError:
        _log.exception("a request without a caller could not be recorded: %s", asked)
