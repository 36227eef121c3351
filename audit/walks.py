"""Walks through whole tables, one after the other, which may be stopped and taken up again."""

import base64
import hashlib
import json
import secrets
import threading
import zlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Self, TypeVar

import orjson

from dynamodb.models import Item, Record
from dynamodb.scans import Place, beginnings, scan_page
from dynamodb.shards import at_once
from dynamodb.transactions import Condition

BUCKETS = 2**20
"""8 MB: a store that is written to has as many subjects to look at again as have moved, and few by
chance beside them."""

_MASK = 2**64 - 1
_lock = threading.Lock()


@dataclass(kw_only=True)
class Fingerprints:
    """Sums of keyed 64-bit hashes of what is claimed, in buckets by subject.

    One side adds its claims, the other takes its own away, each in any order: a bucket at zero
    means that both said the same of all its subjects (but for one chance in 2^64; the key, drawn
    anew, keeps anybody from arranging one). A bucket that is not names a few subjects to look at.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _sums: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, subject: str, claim: Sequence[Any], weight: int = 1) -> None:
        """Count a claim about a subject so many times; negative on the other side."""
        digest = hashlib.blake2b(_text([subject, *claim]), digest_size=8, key=self.key).digest()
        place = _bucket(subject)
        with _lock:
            if not self._sums:
                self._sums.frombytes(bytes(8 * BUCKETS))
            self._sums[place] = (self._sums[place] + weight * int.from_bytes(digest)) & _MASK

    def differ(self, subject: str) -> bool:
        """Whether the sides differ about this subject, or about another of its bucket."""
        return bool(self._sums) and self._sums[_bucket(subject)] != 0

    def __bool__(self) -> bool:
        """Whether the sides differ about anything."""
        return self._sums.tobytes() != bytes(8 * len(self._sums))

    def to_json(self) -> dict[str, str]:
        return {"key": self.key.hex(), "sums": base64.b64encode(self._sums.tobytes()).decode()}

    @classmethod
    def from_json(cls, kept: dict[str, str]) -> Self:
        """Take up what ``to_json`` gave; raises ``LookupError`` or ``ValueError`` if it is not."""
        sums = array("Q", base64.b64decode(kept["sums"]))
        if len(sums) not in (0, BUCKETS):
            raise ValueError("The fingerprints are damaged.")
        return cls(key=bytes.fromhex(kept["key"]), _sums=sums)


def _text(claim: Any) -> bytes:
    """The same text for the same claim, whatever a store holds: it need not be read again."""
    try:
        return orjson.dumps(claim, option=orjson.OPT_SORT_KEYS, default=repr)
    except orjson.JSONEncodeError:  # a number of more than 64 bits
        return json.dumps(claim, sort_keys=True, default=repr).encode()


def _bucket(subject: str) -> int:
    return zlib.crc32(subject.encode()) % BUCKETS


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
