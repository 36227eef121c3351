"""Walks through whole tables, one after the other, which may be stopped and taken up again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from audit.fingerprints import Fingerprints
from dynamodb.models import Item, Record
from dynamodb.scans import Place, scan_pages
from dynamodb.transactions import Condition


@dataclass(kw_only=True)
class Walk:
    """How far a run is, and what both sides of it have said so far."""

    step: int = 0
    place: Place = field(default_factory=Place)
    prints: Fingerprints = field(default_factory=Fingerprints)


W = TypeVar("W", bound=Walk)


class Step(NamedTuple):
    """A walk through one table. A second look is left out where the first found all well."""

    title: str
    model: type[Record]
    look: Callable[[Any, list[Item]], None]
    where: Condition | None = None
    is_second: bool = False


def walk(run: W, steps: Sequence[Step], on_page: Callable[[W], None] = lambda _: None) -> None:
    """Carry a run to the end of its steps. ``on_page`` is called wherever it may be taken up."""
    while run.step < len(steps):
        step = steps[run.step]
        if not step.is_second or run.prints:
            for items, place in scan_pages(step.model, run.place, where=step.where):
                step.look(run, items)
                run.place = place
                on_page(run)
        run.step, run.place = run.step + 1, Place()
        on_page(run)
