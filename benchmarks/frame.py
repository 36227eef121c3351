"""What benchmarks share: an engine of their own, rows of figures, and how these are shown."""

import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.bar import Bar
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dynamodb import client, local, tables
from dynamodb.settings import Settings

RESULTS = Path(__file__).resolve().parent.parent / "build" / "benchmarks"
_BAR = 24


@dataclass(kw_only=True)
class Row:
    """So many things done in some seconds, with this process's processor time in it if it counts.

    ``times_ms`` is what each took whoever asked for it; ``more`` are figures of this row alone.
    """

    name: str
    count: int
    seconds: float
    processor_seconds: float = math.nan
    times_ms: Sequence[float] = ()
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.count / self.seconds

    @property
    def processor_ms(self) -> float:
        return self.processor_seconds / self.count * 1000

    def at(self, share: float) -> float:
        """The time within which such a share was done, in milliseconds."""
        times = sorted(self.times_ms)
        return times[max(0, math.ceil(share * len(times)) - 1)] if times else math.nan

    def figures(self) -> dict[str, Any]:
        """What is known of it, as it is kept."""
        told: dict[str, Any] = {
            "name": self.name, "count": self.count, "per_second": self.per_second,
            "processor_ms": self.processor_ms,
            **{f"p{share}_ms": self.at(share / 100) for share in (50, 95, 99)}, **self.more,
        }  # fmt: skip
        return {name: value for name, value in told.items() if value == value}  # noqa: PLR0124 - NaN is not


def measured(name: str, count: int, work: Callable[[], Sequence[float] | None]) -> Row:
    """Do something once and time it; what it gives are the times of its parts, if it does."""
    began, worked = time.perf_counter(), time.process_time()
    times = work()
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    return Row(
        name=name, count=count, seconds=seconds, processor_seconds=processor, times_ms=times or ()
    )


def median_of(rows: Sequence[Row]) -> Row:
    """Of several rounds of the same the one in the middle, by processor time."""
    return sorted(rows, key=lambda row: row.processor_ms)[len(rows) // 2]


def quiet_of(rows: Sequence[Row]) -> Row:
    """Of many rounds the one at the lower quartile by processor time, with all that parts took."""
    row = sorted(rows, key=lambda row: row.processor_ms)[len(rows) // 4]
    return replace(row, times_ms=[each for row in rows for each in row.times_ms])


def timed(work: Callable[[], object]) -> float:
    """What something takes, in milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def filled(what: str, fill: Callable[..., None], total: int) -> None:
    """Load so many records under a line that says how far it is."""
    with Progress(*Progress.get_default_columns(), console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Loading {what}", total=total)
        fill(on_batch=partial(progress.advance, task))


@contextmanager
def engine(kept: Path | None = None) -> Iterator[Callable[[str], None]]:
    """A DynamoDB Local; gives what turns to tables with a prefix, made when missing.

    It keeps its records in a folder where one is given, else in memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        lease = local.start(kept or Path(folder), local.free_port(), in_memory=not kept)

        made: set[str] = set()

        def turn_to(prefix: str) -> None:
            client.configure(
                Settings(
                    endpoint_url=lease.engine.endpoint_url,
                    table_prefix=prefix,
                    cursor_signing_key="none",
                    read_timeout_seconds=60,
                )
            )
            if prefix not in made:
                _make_tables()
                made.add(prefix)

        try:
            yield turn_to
        finally:
            lease.release()


def _make_tables() -> None:
    """Make those that are not there; to describe one the engine counts all of its records."""
    there = client.call("ListTables")["TableNames"]
    for model in tables.all_records():
        if model.table_name() not in there:
            tables.ensure_table(model)


def show(name: str, titles: Mapping[str, Sequence[Row]]) -> None:
    """Print tables with bars, and keep them as JSON and as an SVG chart in ``build/benchmarks``."""
    console = Console(record=True, width=132)
    load = f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    for title, rows in titles.items():
        most = max(row.per_second for row in rows)
        heads = ("", "a second", "", "processor ms", "median ms", "95 %", "99 %", "")
        table = Table(*heads, title=f"{title} ({load})")
        for row in rows:
            told = [f"{row.at(share):.1f}" if row.times_ms else "" for share in (0.5, 0.95, 0.99)]
            cost = "" if math.isnan(row.processor_ms) else f"{row.processor_ms:.2f}"
            bar = Bar(most, 0, row.per_second, width=_BAR)
            more = ", ".join(f"{value} {what}" for what, value in row.more.items())
            table.add_row(row.name, f"{row.per_second:.0f}", bar, cost, *told, more)
        console.print(table)
    RESULTS.mkdir(parents=True, exist_ok=True)
    figures = {title: [row.figures() for row in rows] for title, rows in titles.items()}
    kept = json.dumps({"machine": load, **figures}, indent=2, allow_nan=False)
    (RESULTS / f"{name}.json").write_text(kept)
    console.save_svg(str(RESULTS / f"{name}.svg"), title=name)
    Console().print(f"Kept in {RESULTS}")
