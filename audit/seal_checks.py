"""Seals held against the archive, against each other, and against the entries in the table."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from heapq import merge
from itertools import groupby
from typing import Any

from audit import bucket, seals
from audit.chain import FIRST_PREV_HASH
from audit.merkle import Tree
from audit.models import Seal
from audit.seals import Leaf
from audit.verify import Breach, ChainFault
from audit.walks import Fingerprints
from dynamodb.times import to_rfc3339

NamedFault = tuple[str, ChainFault]
"""The name of a chain, and a fault of it."""


def verify_seals(
    leaves: Fingerprints, *, wanted: Callable[[date], bool]
) -> Iterator[list[NamedFault]]:
    """What is wrong with each wanted day, from the first sealed one to the last.

    ``leaves`` has counted the leaves of what stands in the table, by day. Only a day that differs
    is read entry by entry.
    """
    days = seals.sealed_days()
    for number in range((days[-1] - days[0]).days + 1 if days else 0):
        day = days[0] + timedelta(days=number)
        if wanted(day):
            yield list(_verify_day(day, leaves, is_first=not number))


def differences(stored: Iterable[Leaf], sealed: Iterable[Leaf]) -> Iterator[NamedFault]:
    """Name where two streams of leaves, both in their order, are not the same."""
    sides = merge(((leaf, "stored") for leaf in stored), ((leaf, "sealed") for leaf in sealed))
    for (timestamp, entity), same in groupby(sides, key=lambda each: each[0][:2]):
        found = {side: leaf for leaf, side in same}
        if found.get("stored") == found.get("sealed"):
            continue
        breach = Breach.SEALED_DIFFERS
        if len(found) == 1:
            breach = Breach.AFTER_SEAL if "stored" in found else Breach.SEALED_MISSING
        yield entity, ChainFault(seq=int(timestamp.partition("#")[2] or 0), breach=breach)


def _verify_day(day: date, leaves: Fingerprints, *, is_first: bool) -> Iterator[NamedFault]:
    tree = Tree()
    try:
        told = seals.read_object(day)
        for leaf in seals.leaves_in_archive(told):
            tree.add(leaf.data)
            leaves.add(str(day), leaf, -1)
    except bucket.NotInArchiveError:
        yield f"seal:{day}", ChainFault(seq=1, breach=Breach.SEAL_MISSING)
        return
    except bucket.DamagedError:
        yield f"seal:{day}", ChainFault(seq=1, breach=Breach.SEAL_ALTERED)
        return
    is_whole = told["root"] == tree.root.hex() and told["entries"] == tree.size
    if not (is_whole and _is_in_place(day, told, is_first=is_first)):
        yield f"seal:{day}", ChainFault(seq=1, breach=Breach.SEAL_ALTERED)
    if leaves.differ(str(day)):
        yield from differences(seals.leaves_in_store(day), seals.leaves_in_archive(told))


def _is_in_place(day: date, told: dict[str, Any], *, is_first: bool) -> bool:
    """Whether a seal is signed, follows the day before, and nobody wrote one beside it."""
    before, kept = day - timedelta(days=1), seals.find(day)
    return (
        seals.is_signed(told)
        and told["previous"] == (FIRST_PREV_HASH if is_first else _hash_of(before))
        and len(bucket.versions(seals.object_key(day))) == 1
        and (kept is None or _as_told(kept) == told)
    )


def _hash_of(day: date) -> str:
    """A seal's hash; one that is missing or damaged has none, which is a fault of its own."""
    try:
        return seals.object_hash(day)
    except (bucket.NotInArchiveError, bucket.DamagedError):
        return ""


def _as_told(seal: Seal) -> dict[str, Any]:
    told = {name: getattr(seal, name) for name in seals.SAID}
    return {**told, "sealed_at": to_rfc3339(seal.sealed_at)}
