"""Where the processor time of one thing goes: `python -m benchmarks.profile payment` (or another).

Looked at as often as the kernel tells of processor time, some 250 times a second, over and over
until there are enough looks; told by room, or by package of what is not ours: the share of the
looks that met it at work, and that met it or what it called.
"""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FrameType

import django
from rich.console import Console
from rich.table import Table

from audit.export import Place, csv_rows, json_lines, read_on
from audit.queries import TrailFilter, oldest_first
from benchmarks.frame import engine
from benchmarks.loader import FIRST, fill
from benchmarks.promises import pay, posted, two_accounts
from dynamodb.pages import FILTERED_ROWS
from dynamodb.scans import plain_item
from dynamodb.shards import ahead
from payments import policy, queries
from payments.models import Account

TICK_SECONDS = 0.001
"""Asked for; the kernel looks as often as its own clock ticks."""

LOOKS = 5_000
ROWS = 24
OURSELVES = "all of it"
IN_ROOMS = frozenset({"audit", "backoffice", "botocore", "dynamodb", "payments"})
"""What is told by its modules."""


def exported(_accounts: list[Account]) -> Callable[[], object]:
    """A page of entries, whole, in both forms of an evidence pack."""
    fill(accounts=FILTERED_ROWS, paid=0, refused=0)
    asked = oldest_first(TrailFilter(first_day=FIRST.date(), last_day=FIRST.date()))

    def export() -> None:
        for items, _ in ahead(read_on(asked, Place())):
            entries = [plain_item(item) for item in items]
            json_lines(entries)
            csv_rows(entries)

    return export


THINGS: dict[str, Callable[[list[Account]], Callable[[], object]]] = {
    "payment": lambda accounts: partial(pay, accounts),
    "balance": lambda accounts: partial(queries.get_account, accounts[0].id),
    "form": partial(posted, times=LOOKS),
    "export": exported,
}


def main(name: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    policy.configure(replace(policy.policy(), approval_threshold=10**15))
    with engine() as turn_to:
        turn_to("profile-")
        do = THINGS[name](two_accounts())
        do()
        began, (alone, within, times) = time.process_time(), sampled(do)
        each_ms = (time.process_time() - began) / times * 1000
    looks = within[OURSELVES]
    title = f"{name}: {looks:,} looks at {times:,} of {each_ms:.1f} ms of processor time each"
    table = Table("", "itself, %", "with what it calls, %", title=title)
    for room, ticks in within.most_common(ROWS):
        table.add_row(room, *(f"{100 * each / looks:.1f}" for each in (alone[room], ticks)))
    Console().print(table)


def sampled(do: Callable[[], object]) -> tuple[Counter[str], Counter[str], int]:
    """How many looks met each room at work, how many that or waiting, and how often it was done."""
    alone, within = Counter[str](), Counter[str]()

    def look(_signal: int, frame: FrameType | None) -> None:
        rooms = []
        while frame is not None:
            rooms.append(_room(frame.f_globals.get("__name__", "")))
            frame = frame.f_back
        alone[rooms[0]] += 1
        within.update(set(rooms))

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, TICK_SECONDS, TICK_SECONDS)
    times = 0
    while within[OURSELVES] < LOOKS:
        do()
        times += 1
    signal.setitimer(signal.ITIMER_PROF, 0)
    return alone, within, times


def _room(module: str) -> str:
    parts = module.split(".")
    if parts[0] in {"__main__", "benchmarks", "runpy"}:
        return OURSELVES
    return ".".join(parts[: 2 if parts[0] in IN_ROOMS else 1])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "payment")
