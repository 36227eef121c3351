"""Taking turns at what is contended: how long to try, and threads that queue, not collide."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dynamodb.errors import StoreBusyError
from dynamodb.retries import BUSY, Patience

TRANSFER_SECONDS = 10.0
"""Conflicts and throttles are tried again for at most this long."""

_LONGEST_PAUSE_SECONDS = 0.06
"""A rejected attempt has learned how things stand, so it soon tries again: whoever waits much
longer than one commit takes (25 ms at the median on AWS) finds the account changed once more."""

_turns = [threading.Lock() for _ in range(1024)]


def patience(limit_seconds: float = TRANSFER_SECONDS) -> Patience:
    """How long and how often a movement of money is tried."""
    return Patience(limit_seconds=limit_seconds, longest_pause_seconds=_LONGEST_PAUSE_SECONDS)


@contextmanager
def turn(patience: Patience, *names: str) -> Iterator[None]:
    """Wait for this process's turn at some records, so that its threads queue up, not collide.

    Always taken in one order, so two can never wait for each other. Raises ``StoreBusyError``
    once patience ends.
    """
    with ExitStack() as held:
        for place in sorted({hash(name) % len(_turns) for name in names}):
            if not _turns[place].acquire(timeout=max(0.0, patience.remaining_seconds)):
                raise StoreBusyError(BUSY)
            held.callback(_turns[place].release)
        yield
