"""First and last pages of the lists that grow for ever, at several sizes of the tables.

Each list is read by itself, by raw boto3 with the same requests, and shown as a page to somebody
signed in; the stock admin's change list of as many accounts, on the ORM with SQLite, stands beside
it, whole and without SQL, as ours leaves out what the engine does. Sizes and ways take turns. The
exit code is 1 where the largest table takes other requests or capacity than the smallest or a fifth
more processor time, where reading takes a fifth longer by the clock and grows by a fifth more than
raw boto3 does with the same engine, or a page takes more processor time than the stock admin's
without SQL.
"""

import io
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import django
from django.test import Client
from rich.console import Console
from rich.progress import track

from benchmarks.frame import Row, engine, show
from benchmarks.kept import kept
from benchmarks.listings import LISTINGS, VIEWER
from benchmarks.loader import LOADER
from benchmarks.orm import LIST, LIST_WITHOUT_SQL, SQLITE, Ask, Timed, orm
from benchmarks.raw import raw_client, recorded, replay
from dynamodb import client
from dynamodb.pages import LAST
from dynamodb.times import utc_now

SIZES = (1_000, 100_000)
ROUNDS = 30
"""That count; one before them warms up."""
MOST_GROWTH = 1.2
STOCK_WAYS = 2


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
    logging.disable(logging.INFO)  # a line for each page
    folders = [kept(size) for size in sizes]
    with ExitStack() as open_ones:
        turns = [partial(open_ones.enter_context(engine(folder)), "") for folder in folders]
        ways: dict[int, list[Way]] = {}
        for size, turn_to in zip(sizes, turns, strict=True):
            turn_to()
            ask = open_ones.enter_context(orm(size, SQLITE))
            ways[size] = [*_ours(size, signed_in()), *_stock(size, ask)]
        for number in track(range(ROUNDS + 1), "Rounds", console=Console(stderr=True)):
            for some, turn_to in zip(ways.values(), turns, strict=True):
                turn_to()
                client.call("ListTables", Limit=1)
                for way in some:
                    took = way.do()
                    way.took += [took] if number else []
    pages = {f"{size:,} rows": [way.row for way in some] for size, some in ways.items()}
    show(f"lists-{max(sizes)}", pages)
    return int(any([*_told(ways[sizes[0]], ways[sizes[-1]])]))


def _ours(size: int, browser: Client) -> Iterator[Way]:
    for listing in LISTINGS:
        for place, cursor in (("first", ""), ("last", LAST)):
            name, ask = f"{listing.name}, {place} page", partial(listing.ask, cursor)
            raw = partial(replay, raw_client(), recorded(ask))
            url = f"{listing.url}cursor={cursor}"
            yield Way(name=name, size=size, do=partial(_timed, ask), cost=_cost(ask))
            yield Way(name="  the same, raw boto3", size=size, do=partial(_timed, raw))
            yield Way(
                name="  its page", size=size, do=partial(_timed, partial(shown, browser, url))
            )


def _cost(ask: Callable[[], object]) -> str:
    with client.count_requests() as seen:
        ask()
    return f"{len(seen)} requests, {seen.capacity_units} units"


def _timed(work: Callable[[], object]) -> Timed:
    began, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - worked


def shown(browser: Client, url: str) -> None:
    """A page of a list, asked for and given."""
    answer = browser.get(url)
    assert answer.status_code == 200, (url, answer.status_code)  # noqa: PLR2004 - the status
    assert answer.content.count(b"<tr>") >= 50, url  # noqa: PLR2004 - a page of rows


def signed_in(role: str = "compliance") -> Client:
    """The browser of somebody of a role; what is logged of its pages is written, and not shown."""
    from backoffice.permissions import Role
    from backoffice.staff import queries, services
    from backoffice.staff.models import Staff

    new = services.NewStaff(
        username=f"{VIEWER}-{role}", roles=[Role(role)], password="for-a-benchmark-2026!",  # noqa: S106
        full_name="Benchmark", time_zone="UTC", first_password_stays=True,
    )  # fmt: skip
    person = queries.find(new.username) or services.create_staff(new, actor=LOADER, at=utc_now())
    hide_logs()
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(Staff.of(person))
    return browser


def hide_logs() -> None:
    """Have what is logged written, and not shown."""
    for handler in logging.root.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(io.StringIO())


def _stock(size: int, ask: Ask) -> Iterator[Way]:
    names = {LIST: "stock admin's change list, SQLite", LIST_WITHOUT_SQL: "  the same, without SQL"}
    for job, name in names.items():
        yield Way(name=name, size=size, do=partial(ask, job))


def _told(small: list[Way], large: list[Way]) -> Iterator[bool]:
    """Print how much more the largest takes, and tell of each whether it is too much."""
    whole, rest = (way.row.processor_ms for way in large[-STOCK_WAYS:])
    pairs = list(zip(small, large, strict=True))[:-STOCK_WAYS]
    for reading, raw, page in zip(pairs[::3], pairs[1::3], pairs[2::3], strict=True):
        costs = [_growth(pair, lambda way: way.row.processor_ms) for pair in (reading, raw, page)]
        clocks = [_growth(pair, lambda way: way.row.at(0.5)) for pair in (reading, raw, page)]
        less, more = reading
        page_ms = page[1].row.processor_ms
        Console().print(
            f"{more.name}: {_listed(costs)} times the processor time (reading, raw boto3, page), "
            f"{_listed(clocks)} by the clock; the page {page_ms / rest:.2f} of the stock admin's "
            f"without SQL, {page_ms / whole:.2f} of the whole"
        )
        yield less.cost != more.cost
        yield max(costs[0], costs[2], min(clocks[0], clocks[0] / clocks[1])) > MOST_GROWTH
        yield page_ms > rest


def _growth(pair: tuple[Way, Way], figure: Callable[[Way], float]) -> float:
    return figure(pair[1]) / figure(pair[0])


def _listed(figures: Sequence[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in figures)


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or SIZES))
