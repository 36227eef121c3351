"""First and last pages of the lists that grow for ever, at several sizes of the tables.

Each list is read by itself, by raw boto3 with the same requests, and shown as a page to somebody
signed in; the stock admin's change list of as many accounts, on the ORM with SQLite, stands beside
it. Sizes and ways take turns. The exit code is 1 where the largest table takes other requests or
capacity than the smallest, a fifth more processor time, or more than the stock admin's. At the end
the smallest table is reconciled and verified; with a million rows, that too.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import django
from django.test import Client
from rich.console import Console
from rich.progress import track

from benchmarks.checks import checks
from benchmarks.frame import Row, engine, show
from benchmarks.kept import kept
from benchmarks.listings import LISTINGS, VIEWER
from benchmarks.loader import LOADER
from benchmarks.raw import raw_client, recorded, replay
from dynamodb import client
from dynamodb.pages import LAST
from dynamodb.times import utc_now

SIZES = (1_000, 100_000)
ROUNDS = 30
MOST_GROWTH = 1.2
MILLION = 1_000_000

Timed = tuple[float, float]
"""Seconds by the clock, and of processor time."""


@dataclass(kw_only=True)
class Way:
    """One way to get one page, and what it took each time."""

    name: str
    size: int
    do: Callable[[], Timed]
    cost: str = ""
    took: list[Timed] = field(default_factory=list)

    @property
    def row(self) -> Row:
        """Medians: of the clock as the time of each, of processor time as the cost."""
        seconds, processor = zip(*self.took, strict=True)
        return Row(
            name=self.name, count=1, seconds=median(seconds), processor_seconds=median(processor),
            times_ms=[each * 1000 for each in seconds], more={"": self.cost} if self.cost else {},
        )  # fmt: skip


def main(sizes: Sequence[int]) -> int:
    """Load what is not kept yet, go round, and print the tables."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    folders = [kept(size) for size in sizes]
    with ExitStack() as open_ones:
        turns = [partial(open_ones.enter_context(engine(folder)), "") for folder in folders]
        ways: dict[int, list[Way]] = {}
        for size, turn_to in zip(sizes, turns, strict=True):
            turn_to()
            ways[size] = [*_ours(size, signed_in()), open_ones.enter_context(_stock(size))]
        for _ in track(range(ROUNDS), "Rounds", console=Console(stderr=True)):
            for some, turn_to in zip(ways.values(), turns, strict=True):
                turn_to()
                client.call("ListTables", Limit=1)
                for way in some:
                    way.took.append(way.do())
        checked = {}
        for size, turn_to in zip(sizes, turns, strict=True):
            if size in (sizes[0], MILLION):
                turn_to()
                checked[f"Checks of {size:,} rows"] = list(checks())
    pages = {f"{size:,} rows": [way.row for way in some] for size, some in ways.items()}
    show("lists", pages | checked)
    return int(any([*_told(ways[sizes[0]], ways[sizes[-1]])]))


def _ours(size: int, browser: Client) -> Iterator[Way]:
    for listing in LISTINGS:
        for place, cursor in (("first", ""), ("last", LAST)):
            name, ask = f"{listing.name}, {place} page", partial(listing.ask, cursor)
            raw = partial(replay, raw_client(), recorded(ask))
            url = f"{listing.url}cursor={cursor}"
            yield Way(name=name, size=size, do=partial(_timed, ask), cost=_cost(ask))
            yield Way(name="  the same, raw boto3", size=size, do=partial(_timed, raw))
            yield Way(name="  its page", size=size, do=partial(_timed, partial(_get, browser, url)))


def _cost(ask: Callable[[], object]) -> str:
    with client.count_requests() as seen:
        ask()
    return f"{len(seen)} requests, {seen.capacity_units} units"


def _timed(work: Callable[[], object]) -> Timed:
    began, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - worked


def _get(browser: Client, url: str) -> None:
    answer = browser.get(url)
    assert answer.status_code == 200, (url, answer.status_code)  # noqa: PLR2004 - the status
    assert answer.content.count(b"<tr>") >= 50, url  # noqa: PLR2004 - a page of rows


def signed_in() -> Client:
    from backoffice.permissions import Role
    from backoffice.staff import queries, services
    from backoffice.staff.models import Staff

    new = services.NewStaff(
        username=VIEWER, roles=[Role.COMPLIANCE], password="for-a-benchmark-2026!",  # noqa: S106
        full_name="Benchmark", time_zone="UTC", first_password_stays=True,
    )  # fmt: skip
    person = queries.find(VIEWER) or services.create_staff(new, actor=LOADER, at=utc_now())
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(Staff.of(person))
    return browser


@contextmanager
def _stock(size: int) -> Iterator[Way]:
    """The stock admin in a process of its own, which shows its list when it is asked."""
    command = [sys.executable, "-m", "benchmarks.stock_admin", str(size)]
    with subprocess.Popen(  # noqa: S603 - our own words
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin
        assert process.stdout

        def show_list(asked: Any = process.stdin, answers: Any = process.stdout) -> Timed:
            began = time.perf_counter()
            asked.write("\n")
            processor = float(answers.readline())
            return time.perf_counter() - began, processor

        assert process.stdout.readline() == "ready\n"
        show_list()
        yield Way(name="stock admin's change list, SQLite", size=size, do=show_list)
        process.stdin.close()


def _told(small: list[Way], large: list[Way]) -> Iterator[bool]:
    """Print how much more the largest takes, and tell of each whether it is too much."""
    stock = large[-1].row.processor_ms
    for less, more in zip(small[:-1], large[:-1], strict=True):
        growth = more.row.processor_ms / less.row.processor_ms
        clock = less.row.per_second / more.row.per_second
        is_page = more.name.strip() == "its page"
        part = f", {more.row.processor_ms / stock:.2f} of the stock admin's" if is_page else ""
        Console().print(
            f"{more.name}: {growth:.2f} times the processor time, {clock:.2f} by the clock{part}"
        )
        yield growth > MOST_GROWTH or less.cost != more.cost
        yield is_page and more.row.processor_ms > stock


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or SIZES))
