"""Whether a chain of entries is whole: unaltered, without gaps, its tail complete."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from audit.chain import NO_ENTRY, Head, is_findable, values_hash
from dynamodb.attributes import plain
from dynamodb.models import Item
from dynamodb.scans import plain_item


class Breach(StrEnum):
    """What is wrong with a chain at some number of it."""

    ALTERED = "entry_altered"
    UNLINKED = "entry_unlinked"
    HIDDEN = "entry_hidden"
    HEAD_DIFFERS = "head_differs"
    MISSING = "entry_missing"
    REPEATED = "entry_repeated"
    TAIL_MISSING = "tail_missing"
    PAST_HEAD = "entry_past_head"
    HEAD_MISSING = "head_missing"
    CHAIN_MISSING = "chain_missing"
    AFTER_SEAL = "entry_after_seal"
    SEALED_MISSING = "sealed_entry_missing"
    SEALED_DIFFERS = "sealed_entry_differs"
    SEAL_MISSING = "seal_missing"
    SEAL_ALTERED = "seal_altered"


NOT_UNALTERED = frozenset({
    Breach.ALTERED, Breach.UNLINKED, Breach.HIDDEN, Breach.HEAD_DIFFERS, Breach.SEALED_DIFFERS,
    Breach.SEAL_ALTERED,
})  # fmt: skip
NOT_WITHOUT_GAPS = frozenset({Breach.MISSING, Breach.REPEATED})
NOT_COMPLETE = frozenset({
    Breach.TAIL_MISSING, Breach.PAST_HEAD, Breach.HEAD_MISSING, Breach.CHAIN_MISSING,
    Breach.AFTER_SEAL, Breach.SEALED_MISSING, Breach.SEAL_MISSING,
})  # fmt: skip
"""The three promises of a trail, by what breaks each."""

_SENTENCES = {
    Breach.ALTERED: "Entry {seq} is not what its hash was made of.",
    Breach.UNLINKED: "Entry {seq} does not name the hash of the one before.",
    Breach.HIDDEN: "Entry {seq} has other index keys than follow from it: searches miss it.",
    Breach.HEAD_DIFFERS: "The head names another hash for entry {seq}.",
    Breach.MISSING: "Entry {seq} is missing.",
    Breach.REPEATED: "Number {seq} is not its entry's own.",
    Breach.TAIL_MISSING: "The chain ends before entry {seq}, which the head knows of.",
    Breach.PAST_HEAD: "The chain goes on to entry {seq}, which the head does not know of.",
    Breach.HEAD_MISSING: "There are entries up to {seq}, and no head that knows of them.",
    Breach.CHAIN_MISSING: "There is no such chain: neither an entry {seq} nor a head.",
    Breach.AFTER_SEAL: "Entry {seq} is of a sealed day, and its seal does not know of it.",
    Breach.SEALED_MISSING: "Entry {seq} is sealed and no longer there.",
    Breach.SEALED_DIFFERS: "Entry {seq} is not the one that was sealed.",
    Breach.SEAL_MISSING: "There is no seal of this day, and there are some of later ones.",
    Breach.SEAL_ALTERED: "The seal is not what was signed, or does not follow the day before.",
}


@dataclass(frozen=True, kw_only=True, order=True)
class ChainFault:
    """A breach, and the number of the entry it was found at."""

    seq: int
    breach: Breach

    @property
    def sentence(self) -> str:
        return _SENTENCES[self.breach].format(seq=self.seq)


def verify_chain(
    entries: Iterable[Item], head: Head, *, before: Head = NO_ENTRY
) -> Iterator[ChainFault]:
    """Go through a chain's raw entries, in their order, up to its head; keeps one at a time.

    ``before`` is the entry that they follow, where they do not begin with the first. On a live
    store the head is read first: the chain up to it never changes any more, and what has landed
    since is a ``PAST_HEAD`` at the newest number, which a later head then knows of.
    """
    for item in entries:
        entry = place_of(item)
        if entry.seq > before.seq + 1:
            yield ChainFault(seq=before.seq + 1, breach=Breach.MISSING)
        elif entry.seq <= before.seq:
            yield ChainFault(seq=entry.seq, breach=Breach.REPEATED)
        elif plain(item.get("prev_hash", {"S": ""})) != before.hash:
            yield ChainFault(seq=entry.seq, breach=Breach.UNLINKED)
        yield from verify_entry(item)
        if entry.seq == head.seq and entry.hash != head.hash:
            yield ChainFault(seq=entry.seq, breach=Breach.HEAD_DIFFERS)
        before = entry
    if before.seq < head.seq:
        yield ChainFault(seq=before.seq + 1, breach=Breach.TAIL_MISSING)
    elif before.seq > head.seq:
        yield ChainFault(seq=before.seq, breach=Breach.PAST_HEAD)


def verify_entry(item: Item) -> Iterator[ChainFault]:
    """What is wrong with a raw entry by itself."""
    number, stored = number_of(item), place_of(item).seq
    if not hash_holds(plain_item(item)):
        for seq in {number, stored or number}:
            yield ChainFault(seq=seq, breach=Breach.ALTERED)
    if not is_findable(item):
        yield ChainFault(seq=number, breach=Breach.HIDDEN)


def hash_holds(entry: Mapping[str, Any]) -> bool:
    """Whether an entry, as plain values, is what its hash was made of."""
    try:
        return str(entry.get("hash")) == values_hash(entry)
    except TypeError:
        return False  # a value that no entry holds, such as bytes


def place_of(item: Item) -> Head:
    """The place that a raw entry says it has in its chain."""
    seq, digest = (plain(item.get(name, {"NULL": True})) for name in ("seq", "hash"))
    return Head(seq=seq if type(seq) is int else 0, hash=str(digest))


def number_of(item: Item) -> int:
    """An entry's number as its key has it, which stays where its attributes are altered."""
    number = str(plain(item.get("timestamp", {"S": ""}))).partition("#")[2]
    return int(number) if number.isdecimal() else place_of(item).seq
