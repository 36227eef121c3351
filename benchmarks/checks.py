"""Whole tables of some sizes reconciled, verified and exported: records a second, and memory added.

python -m benchmarks.checks SIZE... loads tables that are not kept yet.
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import django
from django.test import override_settings
from rich.console import Console
from rich.progress import Progress

from audit.verification import Verification, verify_trail
from audit.walks import Walk
from backoffice.jobs.scopes import SEARCH
from benchmarks.frame import Row, engine, measured, show
from benchmarks.kept import copied
from benchmarks.loader import FIRST, LOADER
from dynamodb import scans
from dynamodb.times import utc_now
from payments.reconciliation.run import Run, reconcile

MILLION = 1_000_000
"""From here on the slower way is left out."""

_SIDE_BY_SIDE = 4
_ROWS_A_SEGMENT = 2_500
"""DynamoDB Local reads each page of a segment from the segment's beginning, so none may be long."""

_PEAK, _FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")

OnPage = Callable[[Walk], None]


def main(sizes: Sequence[int]) -> None:
    """Print the table, and keep it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()  # staff have chains in the trail, too
    titles: dict[str, list[Row]] = {}
    for size in sizes:
        scans.SEGMENTS = max(scans.SEGMENTS, size // _ROWS_A_SEGMENT)
        with copied(size) as folder, engine(folder) as turn_to:
            turn_to("")
            ways = (1, _SIDE_BY_SIDE) if size < MILLION else (_SIDE_BY_SIDE,)
            titles[f"Checks of {size:,} rows"] = list(_checks(ways))
    show(f"checks-{max(sizes)}", titles)


def _checks(ways: Sequence[int]) -> Iterator[Row]:
    """Both of all that is loaded, so many segments side by side; then all its entries exported."""
    for segments in ways:
        yield _checked("reconcile", _reconciled, segments)
        yield _checked("verify", _verified, segments)
    yield _exported()


def _reconciled(segments: int, on_page: OnPage) -> int:
    """How many accounts and payments were held against their entries."""
    run = reconcile(Run(), on_page, segments=segments)
    assert not run.faults
    return run.accounts + run.payments


def _verified(segments: int, on_page: OnPage) -> int:
    """How many entries were verified."""
    run = verify_trail(Verification(), on_page, segments=segments)
    assert not run.faults
    return run.entries


def _checked(name: str, check: Callable[[int, OnPage], int], segments: int) -> Row:
    counts = list[int]()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=scans.SEGMENTS)

        def on_page(run: Walk) -> None:
            done = scans.SEGMENTS - len(run.places)
            progress.update(task, completed=done, description=f"{name}, walk {run.step + 1}")

        row = _with_memory(
            f"{name}, segments: {segments}", lambda: counts.append(check(segments, on_page)), counts
        )
        progress.update(task, completed=scans.SEGMENTS)
    return row


def _exported() -> Row:
    """An evidence pack of the day that everything is loaded on, ordered and made by a worker."""
    # Staff are models of Django's, which has to be set up before.
    from backoffice.jobs.exports import export_order
    from backoffice.jobs.records import Job
    from backoffice.jobs.services import find_job, order_job
    from backoffice.jobs.worker import Worker

    day, counts = FIRST.date().isoformat(), list[int]()
    parameters = {"scope": SEARCH, "first_day": day, "last_day": day}
    order = export_order(order_id="benchmark", parameters=parameters)
    with (
        tempfile.TemporaryDirectory() as folder,
        override_settings(EXPORT_DIR=folder),
        Progress(console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("export", total=None)

        def watch(job: Job) -> None:
            progress.update(task, description=f"export, {job.done or 0:,} entries")

        def export() -> None:
            job = order_job(order, actor=LOADER, at=utc_now())
            Worker(say=lambda _: None, watch=watch, chores=()).run_once()
            counts.append((find_job(job.id).result or {})["rows"])

        return _with_memory("export", export, counts)


def _with_memory(name: str, work: Callable[[], None], counts: Sequence[int]) -> Row:
    before = _most_memory(forget=True)
    row = measured(name, 1, work)
    more = {"records": f"{counts[-1]:,}", "MB more": round(_most_memory() - before)}
    return replace(row, count=counts[-1], more=more)


def _most_memory(*, forget: bool = False) -> float:
    """The most that this process had since it was last told to forget, in megabytes, on Linux."""
    if forget:
        _FORGET_PEAK.write_text("5")
    peak = re.search(r"VmHWM:\s*(\d+) kB", _PEAK.read_text())
    return int(peak[1]) / 1024 if peak else 0.0


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
