"""A seal a day: the Merkle root of a UTC day's entries, signed, locked in the archive.

A leaf is an entry's timestamp, chain and hash; leaves are ordered so. They lie in the archive
beside the seal, so that whatever is missing or was altered since can be named, and an
entry be proved without the tables. Each seal names the hash of the day's before.
"""

import gzip
import json
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, BinaryIO, NamedTuple

from audit import bucket, signing, trail
from audit.chain import FIRST_PREV_HASH, NOT_HASHED, canonical_json
from audit.context import Actor
from audit.merkle import Tree
from audit.models import AuditLog, Seal
from audit.replay import read_chain
from audit.settings import settings
from audit.trail import Event
from dynamodb import store
from dynamodb.attributes import plain
from dynamodb.models import Item
from dynamodb.pages import Query
from dynamodb.scans import plain_item, scan_pages, whole_items
from dynamodb.times import from_rfc3339, to_rfc3339

MARGIN = timedelta(hours=1)
"""So long after midnight a day is sealed: indexes have caught up, and so have slow clocks."""


SAID = frozenset({
    "day", "entries", "previous", "public_key", "root", "sealed_at", "signature",
})  # fmt: skip
"""What a seal says, in the archive and in its table."""


class SealError(bucket.ArchiveError):
    """A day cannot be sealed."""


class Leaf(NamedTuple):
    """An entry as a day's tree has it; leaves are ordered so."""

    timestamp: str
    entity_id: str
    hash: str

    @property
    def data(self) -> bytes:
        """What is hashed for the leaf: its line, without the end."""
        return json.dumps(self, separators=(",", ":"), ensure_ascii=False).encode()


def due_days(*, at: datetime) -> list[date]:
    """The days that could be sealed and are not, the oldest first: none is sealed before it.

    The newest day that is sealed comes last where its seal reached the archive alone.
    """
    last, sealed = last_due_day(at), sealed_days()
    first = sealed[-1] + timedelta(days=1) if sealed else _oldest_day(last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return days + [day for day in sealed[-1:] if find(day) is None]


def last_due_day(at: datetime) -> date:
    """The newest day that is over for long enough."""
    return (at.astimezone(UTC) - MARGIN).date() - timedelta(days=1)


def seal_day(day: date, *, actor: Actor, at: datetime) -> Seal:
    """Seal a day, or give the seal that it has.

    Raises ``SealError`` where the day before has none. Safe to run twice, also at once: the seal
    that is first in the archive is the one that stands.
    """
    kept = find(day)
    if kept is not None:
        return kept
    if any(read_chain(f"seal:{day}")):
        raise SealError(f"The seal of {day} was taken out of its table.")
    if not _object_exists(day):
        _write_objects(day, at)
    told = read_object(day)
    if not _is_ours(told):
        raise SealError(f"The seal of {day} in the archive is not signed by our key.")
    seal = Seal(**{**told, "sealed_at": from_rfc3339(told["sealed_at"])})
    event = Event(entity_id=f"seal:{seal.day}", action="seal.written", actor=actor)
    return trail.create_once("seal", seal, event, at=at)


def find(day: date) -> Seal | None:
    return store.get(Seal(day=day.isoformat()))


def recent(*, last: date, count: int) -> dict[date, Seal | None]:
    """The seals of at most 100 days that end with ``last``, newest first, in one request."""
    days = [last - timedelta(days=back) for back in range(min(count, last.toordinal()))]
    found = store.get_many([Seal(day=day.isoformat()) for day in days])
    return dict(zip(days, found, strict=True))


def sealed_days() -> list[date]:
    """The days that have a seal in the archive, in their order."""
    return [day for key in bucket.keys("seals/") if (day := _day_of(key))]


def _day_of(key: str) -> date | None:
    """The day of a seal by its object's name; ``None`` for any other object."""
    try:
        day = date.fromisoformat(key.removeprefix("seals/").removesuffix(".json"))
    except ValueError:
        return None
    return day if key == object_key(day) else None


def read_object(day: date) -> dict[str, Any]:
    """A seal as it was first written to the archive; raises ``ArchiveError``."""
    told = bucket.read_json(object_key(day))
    if told.keys() != SAID:
        raise bucket.DamagedError(f"{object_key(day)} in the archive is no seal.")
    return told


def object_key(day: date) -> str:
    return f"seals/{day}.json"


def object_hash(day: date) -> str:
    """What the next day's seal calls this one."""
    return bucket.digest(object_key(day))


def statement(told: dict[str, Any]) -> bytes:
    """What a seal's signature is made of: all it says, but the signature."""
    return canonical_json({name: value for name, value in told.items() if name != "signature"})


def _is_ours(told: dict[str, Any]) -> bool:
    is_own = told["public_key"] == signing.public_key(settings().seal_key)
    return is_own and is_signed(told)


def is_signed(told: dict[str, Any]) -> bool:
    """Whether a seal is what the key that it names has signed."""
    signature, key = str(told.get("signature")), str(told.get("public_key"))
    return signing.is_signed(statement(told), signature=signature, public=key)


def entries_in_store(day: date) -> Iterator[Item]:
    """A day's raw entries as they stand in the table, in the order of leaves."""
    query = Query(model=AuditLog, index="day-index", partition=day.isoformat(), newest_first=False)
    for _, same_time in groupby(whole_items(query), key=lambda item: leaf_of(item).timestamp):
        yield from sorted(same_time, key=leaf_of)


def leaves_in_store(day: date) -> Iterator[Leaf]:
    return map(leaf_of, entries_in_store(day))


def leaves_in_archive(told: dict[str, Any]) -> Iterator[Leaf]:
    """A sealed day's leaves as they were when it was sealed; raises ``ArchiveError``."""
    with bucket.opened(_leaves_key(told)) as body, gzip.open(body) as lines:
        for line in lines:
            yield Leaf(*json.loads(line))


def leaf_of(item: Item) -> Leaf:
    """A raw entry as a leaf, by the hash that it carries."""
    names = ("timestamp", "entity_id", "hash")
    return Leaf(*(str(plain(item.get(name, {"S": ""}))) for name in names))


def _write_objects(day: date, at: datetime) -> None:
    """Write a day's leaves and its seal, in this order: a seal without leaves proves nothing."""
    before = day - timedelta(days=1)
    if _object_exists(before):
        previous = object_hash(before)
    elif sealed_days():
        raise SealError(f"{day} cannot be sealed: the day before has no seal.")
    else:
        previous = FIRST_PREV_HASH
    key = settings().seal_key
    with tempfile.TemporaryFile() as file:
        tree = _write_leaves(file, leaves_in_store(day))
        told: dict[str, Any] = {
            "day": day.isoformat(),
            "entries": tree.size,
            "root": tree.root.hex(),
            "previous": previous,
            "sealed_at": to_rfc3339(at),
            "public_key": signing.public_key(key),
        }
        _put(_leaves_key(told), file, at)
    with tempfile.TemporaryFile() as file:
        signature = signing.sign(key, statement(told))
        file.write(canonical_json({**told, "signature": signature}))
        _put(object_key(day), file, at)


def _write_leaves(file: BinaryIO, leaves: Iterable[Leaf]) -> Tree:
    tree = Tree()
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as lines:
        for leaf in leaves:
            tree.add(leaf.data)
            lines.write(leaf.data + b"\n")
    return tree


def _put(key: str, file: BinaryIO, at: datetime) -> None:
    file.seek(0)
    bucket.put_once(key, file, retain_until=settings().kept_until(at))


def _leaves_key(told: dict[str, Any]) -> str:
    """Named by what they are, so that leaves of an attempt that broke off are in nobody's way."""
    return f"seals/{told['day']}.{told['root']}.leaves.gz"


def _object_exists(day: date) -> bool:
    return bool(bucket.versions(object_key(day)))


def _oldest_day(last: date) -> date:
    """The day of the oldest entry there is; looks at all of them, once in a store's life."""
    days = (
        str(plain(item["timestamp"]))[:10] for items, _ in scan_pages(AuditLog) for item in items
    )
    return date.fromisoformat(min(days, default=last.isoformat()))


class NotSealedError(Exception):
    """The entry is not in a seal, at least not yet."""


def prove(item: Item) -> dict[str, Any]:
    """The proof that a raw entry was there when its day was sealed, as values for JSON.

    It is checked without any store, by ``verify_pack.proof_faults`` or the ``verify.py`` of a pack.

    Raises ``NotSealedError``, and ``ArchiveError`` where the archive has no seal of its day.
    """
    if settings().off:
        raise NotSealedError
    wanted = leaf_of(item)
    seal = read_object(date.fromisoformat(wanted.timestamp[:10]))
    tree = Tree()
    for leaf in leaves_in_archive(seal):
        tree.add(leaf.data, is_proved=leaf == wanted)
    for index, path in tree.paths.items():
        told = {"index": index, "path": [each.hex() for each in path]}
        return {"entry": _hashed(item), **told, "seal": seal}
    raise NotSealedError


def _hashed(item: Item) -> dict[str, Any]:
    """An entry without the index keys, which its hash does not cover."""
    entry = plain_item(item)
    return {name: value for name, value in entry.items() if name not in NOT_HASHED - {"hash"}}
