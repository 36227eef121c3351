"""A record against its chain: what its entries tell, one after the other, and what it says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from audit.chain import FIRST_PREV_HASH, Head
from audit.masking import masked
from audit.models import AuditLog, Chained
from audit.verify import Breach, verify_chain, verify_entry
from dynamodb.models import Item
from dynamodb.pages import Query
from dynamodb.scans import plain_item, query_items
from dynamodb.tables import all_records

Values = Mapping[str, Any]
"""A record or an entry as plain values."""

Claim = tuple[Any, ...]
"""Something said of a record: ``("head", version, seq, hash)`` or ``("value", name, value)``."""

_BOOKKEEPING = Chained.get_attributes().keys()


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """Something wrong: what kind of thing, with which record, and a sentence for people."""

    kind: str
    id: str
    detail: str


def read_chain(entity_id: str, *, since: str = "", until: str = "") -> Iterator[Item]:
    """The raw entries of an entity in their order, between two RFC 3339 times where given."""
    between = (since or "0", until or "~") if since or until else None
    return query_items(
        Query(model=AuditLog, partition=entity_id, between=between, newest_first=False)
    )


def read_records(model: type[Chained], entity_id: str) -> list[dict[str, Any]]:
    """The record that has an id, as plain values; none or more where something is wrong."""
    return [plain_item(item) for item in query_items(Query(model=model, partition=entity_id))]


def values_of(entry: Values, side: str) -> dict[str, Any]:
    """An entry's ``old_values`` or ``new_values``; empty where there are none."""
    found = entry.get(side)
    return found if isinstance(found, dict) else {}


def verify_record(model: type[Chained], record: Values) -> Iterator[Fault]:
    """Verify the chain of a record, and that its values and version are what the entries tell.

    Holds on a live store too: the record says up to which entry it can be judged, and only if
    there are later ones it is read again.
    """
    name = str(record[model.key_names()[0]])
    chain = model.chain_prefix + name
    head = head_of(record)
    replay = _Replay(names=audited_names(model), until=head.seq)
    for fault in verify_chain(_shown(read_chain(chain), replay), head):
        is_news = fault.breach is Breach.PAST_HEAD and fault.seq <= _newest_seq(model, name)
        if replay.count and not is_news:
            yield Fault(kind=fault.breach.value, id=name, detail=fault.sentence)
    if not replay.count:
        yield Fault(kind="chain_missing", id=name, detail="No entry tells of it.")
        return
    if record.get("version") != head.seq:
        detail = f"Its version is {record.get('version')}, its chain has {head.seq} entries."
        yield Fault(kind="version_differs", id=name, detail=detail)
    for text in replay.breaks:
        yield Fault(kind="entry_unsteady", id=name, detail=text)
    said = _said(model, record)
    for each in sorted(said.keys() | replay.told.keys()):
        if said.get(each) != replay.told.get(each):
            words = f"Its {each} is {said.get(each)!r}"
            detail = f"{words}, its entries say {replay.told.get(each)!r}."
            yield Fault(kind=f"{each}_differs", id=name, detail=detail)


def record_claims(model: type[Chained], record: Values) -> Iterator[Claim]:
    """What a record says of itself: its head and values."""
    head = head_of(record)
    yield ("head", record.get("version"), head.seq, head.hash)
    yield from (("value", *pair) for pair in _said(model, record).items())


def entry_claims(model: type[Chained], item: Item) -> Iterator[tuple[Claim, int]]:
    """What an entry adds to the claims of its record (1) and takes away from them (-1).

    Over a whole chain, in whatever order, this sums to what the record says of itself; over one
    that was tampered with it does not.
    """
    entry = plain_item(item)
    seq = entry.get("seq")
    yield ("head", seq, seq, entry.get("hash")), 1
    for fault in verify_entry(item):
        yield ("fault", fault.breach), 1  # nothing takes it away
    if (seq, entry.get("prev_hash")) != (1, FIRST_PREV_HASH):
        before = seq - 1 if isinstance(seq, int) else seq
        yield ("head", before, before, entry.get("prev_hash")), -1
    names = audited_names(model)
    for side, weight in (("new_values", 1), ("old_values", -1)):
        for pair in _present(values_of(entry, side), names).items():
            yield ("value", *pair), weight


@dataclass(kw_only=True)
class _Replay:
    """Follows the values of a record through its entries, up to its head."""

    names: frozenset[str]
    until: int
    told: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    breaks: list[str] = field(default_factory=list)

    def add(self, entry: Values) -> None:
        self.count += 1
        seq = entry.get("seq")
        if isinstance(seq, int) and seq > self.until:
            return
        old, new = (
            _present(values_of(entry, side), self.names) for side in ("old_values", "new_values")
        )
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != self.told.get(name):
                before = f"{name} {self.told.get(name)!r}, not {old.get(name)!r}"
                self.breaks.append(f"Entry {seq} finds {before}.")
            self.told.pop(name, None)
        self.told |= new


def _shown(items: Iterator[Item], replay: _Replay) -> Iterator[Item]:
    for item in items:
        replay.add(plain_item(item))
        yield item


def _newest_seq(model: type[Chained], name: str) -> int:
    return max((head_of(record).seq for record in read_records(model, name)), default=0)


def head_of(record: Values) -> Head:
    """The head of its chain that a record carries; number 0 where it is damaged."""
    seq = record.get("audit_seq")
    return Head(seq=seq if type(seq) is int else 0, hash=str(record.get("audit_hash")))


@cache
def audited_names(model: type[Chained]) -> frozenset[str]:
    """The attributes of a record whose values stand in its entries."""
    return frozenset(model.get_attributes().keys() - _BOOKKEEPING - model.unaudited)


def _said(model: type[Chained], record: Values) -> dict[str, Any]:
    """The values of a record as entries keep them."""
    return _present(masked(record), audited_names(model))


def _present(values: Values, names: frozenset[str]) -> dict[str, Any]:
    return {
        name: value for name, value in values.items() if name in names and value not in (None, "")
    }


def chained_records() -> list[type[Chained]]:
    """Every record class that carries heads, as far as its module has been imported."""
    return [model for model in all_records() if issubclass(model, Chained)]


def chain_of(model: type[Chained], record: Values) -> str:
    """The name of the chain whose head a record carries."""
    return model.chain_prefix + str(record[model.key_names()[0]])


def read_heads(entity_id: str) -> Iterator[Head]:
    """The head of a chain, read consistently; none or more where something is wrong."""
    for model in chained_records():
        if entity_id.startswith(model.chain_prefix):
            key = entity_id.removeprefix(model.chain_prefix)
            yield from map(head_of, read_records(model, key))
