"""Verification of the trail: one chain, a period, or everything; writes nothing.

Everything is one walk through the entries and one through the heads. Each entry is held against
its hash and its index keys, and of the links both sides are summed as fingerprints: what entries
say they are, and what their successors and heads say they must be. Only chains where these differ
are read by themselves. For a period every chain that has moved since it began is read, from the
entry before the period to the one after it.

It may run on a live store: a chain is judged by the entries up to its own head, which never
change any more, and what seems to go on past its head is held against a later one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import partial
from itertools import chain, groupby
from typing import Any

from audit.chain import NO_ENTRY, Head
from audit.models import AuditLog, Chained
from audit.replay import chain_of, chained_records, head_of, read_chain, read_heads
from audit.seal_checks import verify_seals
from audit.seals import leaf_of
from audit.settings import settings
from audit.verify import (
    NOT_COMPLETE,
    NOT_UNALTERED,
    NOT_WITHOUT_GAPS,
    Breach,
    ChainFault,
    number_of,
    place_of,
    verify_chain,
    verify_entry,
)
from audit.walks import Fingerprints, Step, Walk, walk
from dynamodb.attributes import plain
from dynamodb.models import Item
from dynamodb.pages import Query
from dynamodb.scans import plain_item, query_items
from dynamodb.transactions import Condition


@dataclass(frozen=True, kw_only=True)
class Period:
    """UTC days, both included. Without a first or a last one it has no such end."""

    first: date | None = None
    last: date | None = None

    @property
    def low(self) -> str:
        """Sorts before every entry of the period."""
        return self.first.isoformat() if self.first else ""

    @property
    def high(self) -> str:
        """Sorts behind every entry of the period."""
        return f"{self.last.isoformat()}~" if self.last else ""

    def has(self, day: date) -> bool:
        return self.low <= day.isoformat() <= (self.high or "~")

    @property
    def is_empty(self) -> bool:
        return self.low > (self.high or "~")

    @property
    def is_all(self) -> bool:
        return not (self.first or self.last)


ALWAYS = Period()


@dataclass(frozen=True, kw_only=True, order=True)
class TrailFault:
    """A breach of a chain: which, at which of its numbers."""

    entity_id: str
    fault: ChainFault

    @property
    def row(self) -> dict[str, Any]:
        reason = str(self.fault.breach)
        return {"entity_id": self.entity_id, "seq": self.fault.seq, "reason": reason}

    def __str__(self) -> str:
        return f"{self.entity_id}: {self.fault.sentence}"


@dataclass(kw_only=True)
class Verification(Walk):
    """What has been found so far. The three verdicts are final once the run is."""

    period: Period = ALWAYS
    entries: int = 0
    seals: int = 0
    leaves: Fingerprints = field(default_factory=Fingerprints)
    faults: set[TrailFault] = field(default_factory=set)

    @property
    def unaltered(self) -> bool:
        return self._is_free_of(NOT_UNALTERED)

    @property
    def no_gaps(self) -> bool:
        return self._is_free_of(NOT_WITHOUT_GAPS)

    @property
    def tail_complete(self) -> bool:
        return self._is_free_of(NOT_COMPLETE)

    @property
    def report(self) -> dict[str, Any]:
        """The answer for scripts."""
        return {
            "unaltered": self.unaltered,
            "no_gaps": self.no_gaps,
            "tail_complete": self.tail_complete,
            "entries": self.entries,
            "faults": [fault.row for fault in sorted(self.faults)],
        }

    def blame(self, entity_id: str, faults: Iterable[ChainFault]) -> None:
        self.faults.update(TrailFault(entity_id=entity_id, fault=fault) for fault in faults)

    def _is_free_of(self, breaches: frozenset[Breach]) -> bool:
        return not any(found.fault.breach in breaches for found in self.faults)


class TooLongError(Exception):
    """A chain has more entries than whoever asked can wait for."""


def verify_entity(
    entity_id: str, *, period: Period = ALWAYS, most_entries: int | None = None
) -> Verification:
    """Verify one chain, or what a period has of it; raises ``TooLongError`` past a number."""
    heads = list(read_heads(entity_id))
    run = Verification(period=period)

    def counted(items: Iterator[Item]) -> Iterator[Item]:
        run.entries = 0
        for item in items:
            run.entries += 1
            if most_entries is not None and run.entries > most_entries:
                raise TooLongError
            yield item

    for head in heads or [NO_ENTRY]:
        run.blame(entity_id, _verify_span(entity_id, head, period, counted))
    if not (heads or run.entries):
        run.blame(entity_id, [ChainFault(seq=1, breach=Breach.CHAIN_MISSING)])
    return run


def verify_trail(
    run: Verification,
    on_page: Callable[[Verification], None] = lambda _: None,
    *,
    segments: int = 1,
) -> Verification:
    """Carry a verification of a period, or of everything, to its end, seals included.

    So many segments of each table are read side by side.
    """
    walk(run, steps_of(run), on_page, segments=segments)
    if settings().bucket:
        for faults in verify_seals(run.leaves, wanted=run.period.has):
            run.seals += 1
            for entity, fault in faults:
                run.blame(entity, [fault])
            on_page(run)
    return run


def steps_of(run: Verification) -> Sequence[Step]:
    """The walks of a run, first those that see everything, then those that look again."""
    models, period = chained_records(), run.period
    if period.is_all:
        return [
            Step("Entries", AuditLog, _look_at_entries),
            *(Step(f"Heads of {_title(m)}", m, partial(_look_at_heads, m)) for m in models),
            *(Step(f"Chains of {_title(m)}", m, partial(_look_at_chains, m), is_second=True)
              for m in models),
            Step("Entries without heads", AuditLog, _look_for_heads, is_second=True),
        ]  # fmt: skip
    within = AuditLog.timestamp.between(period.low or "0", period.high or "~")
    return [
        *(Step(f"Chains of {_title(m)}", m, partial(_look_at_chains, m), _moved_in(m, period))
          for m in models),
        Step("Entries", AuditLog, _look_at_entries, within),
        Step("Entries without heads", AuditLog, _look_for_heads, within, is_second=True),
    ]  # fmt: skip


def _title(model: type[Chained]) -> str:
    return str(model.Meta.table_name).replace("_", " ")


def _moved_in(model: type[Chained], period: Period) -> Condition | None:
    """Leave out the chains whose newest entry is before the period."""
    if period.first is None:
        return None
    begin = datetime.combine(period.first, time(), UTC)
    moved: Condition = (model.audit_at >= begin) | model.audit_at.does_not_exist()
    return moved


def _look_at_entries(run: Verification, items: list[Item]) -> None:
    with run.lock:
        run.entries += len(items)
    for item in items:
        entity, place = str(plain(item["entity_id"])), place_of(item)
        wrong = list(verify_entry(item))
        run.blame(entity, wrong)
        run.leaves.add(str(plain(item["timestamp"]))[:10], leaf_of(item))
        run.prints.add(entity, (place.seq, place.hash, bool(wrong)))
        before = (place.seq - 1, plain(item.get("prev_hash", {"S": ""})), False)
        if before != (NO_ENTRY.seq, NO_ENTRY.hash, False):
            run.prints.add(entity, before, -1)


def _look_at_heads(model: type[Chained], run: Verification, items: list[Item]) -> None:
    for record in map(plain_item, items):
        head = head_of(record)
        run.prints.add(chain_of(model, record), (head.seq, head.hash, False), -1)


def _look_at_chains(model: type[Chained], run: Verification, items: list[Item]) -> None:
    for record in map(plain_item, items):
        entity = chain_of(model, record)
        if run.prints.differ(entity) or not run.period.is_all:
            run.blame(entity, _verify_span(entity, head_of(record), run.period))


def _look_for_heads(run: Verification, items: list[Item]) -> None:
    """Find chains that no head knows of, or only an older one than there are entries."""
    for entity, entries in groupby(items, key=lambda item: str(plain(item["entity_id"]))):
        if not run.prints.differ(entity):
            continue
        run.blame(entity, _past_head(entity, max(map(number_of, entries))))


def _past_head(entity_id: str, seq: int) -> Iterator[ChainFault]:
    """A fault if there is still no head that knows of an entry which has been read."""
    breach = Breach.HEAD_MISSING
    for head in read_heads(entity_id):
        if head.seq >= seq:
            return
        breach = Breach.PAST_HEAD
    yield ChainFault(seq=seq, breach=breach)


def _verify_span(
    entity_id: str,
    head: Head,
    period: Period,
    counted: Callable[[Iterator[Item]], Iterator[Item]] = iter,
) -> Iterator[ChainFault]:
    """Verify what a period has of a chain, together with the entry that stands next to each end.

    The entry after the period, where there is one, stands for the head.
    """
    before = _neighbour(entity_id, ("0", period.low), newest_first=True) if period.low else []
    after = _neighbour(entity_id, (period.high, "~"), newest_first=False) if period.last else []
    items = counted(read_chain(entity_id, since=period.low, until=period.high))
    for each in after:
        head = place_of(each)
    breaks = verify_chain(
        chain(items, after), head, before=place_of(before[0]) if before else NO_ENTRY
    )
    own = {fault for item in after for fault in verify_entry(item)}
    for fault in breaks:
        if fault.breach is Breach.PAST_HEAD:
            yield from _past_head(entity_id, fault.seq)
        elif fault not in own:
            yield fault


def _neighbour(entity_id: str, between: tuple[str, str], *, newest_first: bool) -> list[Item]:
    query = Query(model=AuditLog, partition=entity_id, between=between, newest_first=newest_first)
    return list(query_items(query, sizes=[1]))
