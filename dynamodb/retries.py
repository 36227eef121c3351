"""How long to try again, and what is certain at the end of it."""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from dynamodb import client, measures
from dynamodb.errors import (
    OutcomeUnknownError,
    StoreBusyError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
)
from dynamodb.models import Record
from dynamodb.transactions import (
    Attempt,
    Committed,
    Contended,
    Rejected,
    Transaction,
    Unknown,
    commit,
)

T = TypeVar("T")

COMMIT_SECONDS = 10.0
"""How long a commit is tried unless it is told otherwise."""

BUSY = "The store is busy. Please try again in a moment."


def _now() -> float:
    return time.monotonic()


@dataclass(kw_only=True)
class Patience:
    """Growing, jittered pauses within a limit of seconds.

    Nothing is asked again that would outlast the limit if it took as long as it took before. A
    limit that is already in force ends it too, if it ends earlier.
    """

    limit_seconds: float = COMMIT_SECONDS
    first_pause_seconds: float = 0.01
    longest_pause_seconds: float = 0.5
    _started: float = field(default_factory=_now)
    _pauses: int = 0
    _limit: client.TimeLimit = field(init=False)

    def __post_init__(self) -> None:
        if outer := client.limit_in_force():
            self.limit_seconds = min(self.limit_seconds, outer.ends_seconds - self._started)
        self._limit = client.TimeLimit(self._started + self.limit_seconds)

    def in_force(self) -> AbstractContextManager[None]:
        """Bind the client's own repeats to this patience too."""
        return client.within(self._limit)

    @property
    def remaining_seconds(self) -> float:
        return self.limit_seconds - (time.monotonic() - self._started)

    def pause(self) -> bool:
        """Wait a little longer than last time; ``False``, without waiting, once time is up."""
        doubled = self.first_pause_seconds * 2 ** min(self._pauses, 16)
        longest = min(self.longest_pause_seconds, doubled)
        self._pauses += 1
        seconds = random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
        if seconds >= self.remaining_seconds or not self._limit.has_room():
            return False
        measures.tell("retry")
        time.sleep(seconds)
        return True


def commit_within(attempt: Attempt, patience: Patience) -> Committed | Rejected:
    """Send an attempt, the same bytes and token each time, until it is committed or rejected.

    Conflicts and throttles are tried again; so is a lost answer, which the token makes safe.
    Raises ``StoreBusyError`` if nothing has happened by the time patience ends, and
    ``OutcomeUnknownError`` if an answer was lost on the way and none made up for it.
    """
    lost: Unknown | None = None
    while True:
        try:
            with patience.in_force():
                outcome = commit(attempt)
        except StoreRefusedError as error:
            if lost is None:
                raise
            raise OutcomeUnknownError(str(lost.cause)) from error
        match outcome:
            case Committed() | Rejected():
                return outcome
            case Unknown():
                lost = outcome
            case Contended():
                pass
        if not patience.pause():
            if lost is not None:
                raise OutcomeUnknownError(str(lost.cause)) from lost.cause
            raise StoreBusyError(BUSY)


def settle(
    build: Callable[[Transaction], T],
    known: dict[str, Any],
    *,
    at: datetime,
    patience: Patience | None = None,
) -> T:
    """Commit what ``build`` adds to a transaction, however often others are faster.

    ``known`` holds records by the names of their actions, ``None`` where there is none. A rejected
    commit shows how they stand, so the next one is built on that without reading again. When
    ``build`` adds nothing there is nothing to do, and what it returns is the answer.

    Raises what ``build`` raises, and as ``commit_within`` does. Raises ``StoreError`` where the
    store refuses although everything known stands as it should: somebody wrote past us.
    """
    patience, is_first = patience or Patience(), True
    while True:
        tx = Transaction(at=at)
        answer = build(tx)
        if tx.is_empty:
            return answer
        if not is_first and not patience.pause():
            raise StoreBusyError(BUSY)
        is_first = False
        outcome = commit_within(tx.freeze(), patience)
        if isinstance(outcome, Committed):
            return answer
        stood = tx.as_they_stood(outcome)
        news = {name: record for name, record in stood.items() if name in known}
        if all(_values(known[name]) == _values(record) for name, record in news.items()):
            raise StoreError(f"The store refuses what should be free: {', '.join(sorted(stood))}.")
        known.update(news)


def _values(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else record.attribute_values


def read_within(read: Callable[[], T], patience: Patience) -> T:
    """Read, and again after trouble; raises ``StoreBusyError`` if none succeeds in time."""
    while True:
        try:
            with patience.in_force():
                return read()
        except (StoreBusyError, StoreUnavailableError) as error:
            if not patience.pause():
                raise StoreBusyError(BUSY) from error
