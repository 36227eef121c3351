"""Walks through whole tables, one after the other, which may be stopped and taken up again."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

from audit.fingerprints import Fingerprints
from dynamodb.models import Item, Record
from dynamodb.scans import Place, beginnings, scan_page
from dynamodb.shards import at_once
from dynamodb.transactions import Condition


@dataclass(kw_only=True)
class Walk:
    """How far a run is, and what both sides of it have said so far.

    ``places`` are those of the segments that are not done. ``lock`` is for whoever counts.
    """

    step: int = 0
    places: list[Place] = field(default_factory=beginnings)
    prints: Fingerprints = field(default_factory=Fingerprints)
    lock: threading.Lock = field(default_factory=threading.Lock, init=False, compare=False)


W = TypeVar("W", bound=Walk)


class Step(NamedTuple):
    """A walk through one table. A second look is left out where the first found all well.

    ``look`` is given pages of several segments side by side.
    """

    title: str
    model: type[Record]
    look: Callable[[Any, list[Item]], None]
    where: Condition | None = None
    is_second: bool = False


def walk(
    run: W,
    steps: Sequence[Step],
    on_page: Callable[[W], None] = lambda _: None,
    *,
    segments: int = 1,
) -> None:
    """Carry a run to the end of its steps, so many segments of a table side by side.

    ``on_page`` is called wherever it may be taken up, with any number of segments.
    """
    while run.step < len(steps):
        step = steps[run.step]
        while run.places and (not step.is_second or run.prints):
            looks = [partial(_look, run, step, place) for place in run.places[:segments]]
            run.places = [*filter(None, at_once(looks)), *run.places[segments:]]
            on_page(run)
        run.step, run.places = run.step + 1, beginnings()
        on_page(run)


def _look(run: Walk, step: Step, place: Place) -> Place | None:
    """Look at a page; gives where its segment goes on."""
    items, after = scan_page(step.model, place, where=step.where)
    step.look(run, items)
    return after
