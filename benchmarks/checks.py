"""Reconciling and verifying whole tables: records a second, and what they add to memory."""

import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

from audit.verification import Verification, verify_trail
from benchmarks.frame import Row, measured
from dynamodb.scans import SEGMENTS
from payments.reconcile import Run, reconcile

_MEGABYTE = 1024 if sys.platform == "linux" else 1024**2


def checks() -> Iterator[Row]:
    """Both of all that is loaded, one segment after another and several side by side."""
    for segments in (1, SEGMENTS // 2):
        yield _checked(f"reconcile, segments: {segments}", _reconciled, segments)
        yield _checked(f"verify, segments: {segments}", _verified, segments)


def _reconciled(segments: int) -> int:
    """How many accounts and payments were held against their entries."""
    run = reconcile(Run(), segments=segments)
    assert not run.faults
    return run.accounts + run.payments


def _verified(segments: int) -> int:
    """How many entries were verified."""
    run = verify_trail(Verification(), segments=segments)
    assert not run.faults
    return run.entries


def _checked(name: str, check: Callable[[int], int], segments: int) -> Row:
    before, counts = _most_memory(), list[int]()
    row = measured(name, 1, lambda: counts.append(check(segments)))
    more = {"records": f"{counts[0]:,}", "MB more": round(_most_memory() - before)}
    return replace(row, count=counts[0], more=more)


def _most_memory() -> float:
    """The most that this process ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE
