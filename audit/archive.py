"""The archive: months of the trail as compressed JSON Lines, locked, each day against its seal.

A day is written in parts, each read back and compared; its manifest comes last, so a run that was
stopped goes on with the first day that has none. Parts are named by their content: what a stopped
run has left is in nobody's way. When all days are there, the manifest of the month is written.

The rehearsal of a restore fetches an archived month and verifies it, without the tables.
"""

import gzip
import hashlib
import io
import json
import tempfile
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, BinaryIO
from zlib import crc32

from audit import bucket, holds, seals, trail
from audit.chain import canonical_json, values_hash
from audit.context import Actor
from audit.merkle import Tree
from audit.models import Archive, EntryOutcome, Severity
from audit.seal_checks import differences
from audit.seals import Leaf
from audit.settings import settings
from audit.trail import Event
from audit.verify import Breach
from dynamodb import store
from dynamodb.models import Item
from dynamodb.retries import settle
from dynamodb.scans import plain_item
from dynamodb.transactions import Transaction

PART_ENTRIES = 100_000
"""Of about 1 KB each, a tenth of that compressed."""

Manifest = dict[str, Any]


def due_months() -> list[str]:
    """Months whose days are all sealed and that are not archived, the oldest first."""
    days = seals.sealed_days()
    ends = [day for day in days if day.day == monthrange(day.year, day.month)[1]]
    return [month for day in ends if not is_archived(month := f"{day:%Y-%m}")]


def is_archived(month: str) -> bool:
    return find(month) is not None


def find(month: str) -> Archive | None:
    return store.get(Archive(month=month))


def archive_month(
    month: str, *, actor: Actor, at: datetime, on_day: Callable[[Manifest], None]
) -> Archive:
    """Archive a month, going on where an earlier run was stopped.

    Raises ``ArchiveError`` where a day has no seal or is no longer as it was sealed.
    """
    days = []
    for day in days_of(month):
        days.append(_written(day) or _archive_day(day, at))
        on_day(days[-1])
    manifest = {"month": month, "entries": sum(day["entries"] for day in days), "days": days}
    body = canonical_json(manifest)
    _put(month_key(month), io.BytesIO(body), month, at)
    archive = Archive(
        month=month,
        entries=manifest["entries"],
        parts=sum(len(day["parts"]) for day in days),
        manifest_sha256=hashlib.sha256(body).hexdigest(),
    )
    return trail.create_once("archive", archive, event(month, "archive.written", actor), at=at)


def event(month: str, action: str, actor: Actor, **more: Any) -> Event:
    return Event(entity_id=f"archive:{month}", action=action, actor=actor, **more)


def days_of(month: str) -> list[date]:
    """The days of a month that are sealed: the first month begins with the first sealed day."""
    return [day for day in seals.sealed_days() if f"{day:%Y-%m}" == month]


def day_key(day: date) -> str:
    return f"archive/{day:%Y-%m}/{day}.json"


def month_key(month: str) -> str:
    return f"archive/{month}/manifest.json"


def entries_of(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries of an archived part as plain values, one at a time."""
    with bucket.opened(part["key"]) as body, gzip.open(body) as lines:
        for line in lines:
            yield json.loads(line)


def read_manifest(key: str) -> Manifest:
    """The manifest of a month or a day; raises as ``bucket.read_json``."""
    return bucket.read_json(key)


def _written(day: date) -> Manifest | None:
    try:
        return read_manifest(day_key(day))
    except bucket.NotInArchiveError:
        return None


def _archive_day(day: date, at: datetime) -> Manifest:
    entries, tree, parts = seals.entries_in_store(day), Tree(), []
    while part := _write_part(day, islice(entries, PART_ENTRIES), tree, at):
        parts.append(part)
    seal = seals.read_object(day)
    manifest = {
        "day": day.isoformat(),
        "entries": tree.size,
        "seal_root": seal["root"],
        "late": [] if tree.root.hex() == seal["root"] else _late(day, seal),
        "parts": parts,
    }
    _put(day_key(day), io.BytesIO(canonical_json(manifest)), f"{day:%Y-%m}", at)
    return manifest


def _late(day: date, seal: Manifest) -> list[list[Any]]:
    """What came after a day was sealed; raises ``ArchiveError`` if anything else is different."""
    late = []
    for entity, fault in differences(seals.leaves_in_store(day), seals.leaves_in_archive(seal)):
        if fault.breach is not Breach.AFTER_SEAL:
            message = f"{day} is not as it was sealed: {entity}: {fault.sentence}"
            raise bucket.ArchiveError(f"{message} Run verify_audit.")
        late.append([entity, fault.seq])
    return late


def _write_part(day: date, entries: Iterable[Item], tree: Tree, at: datetime) -> Manifest:
    """Write some entries and add them to the tree of their day; empty where there were none."""
    before, month = tree.size, f"{day:%Y-%m}"
    with tempfile.TemporaryFile() as file:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as lines:
            for item in entries:
                tree.add(seals.leaf_of(item).data)
                lines.write(canonical_json(plain_item(item)) + b"\n")
        if tree.size == before:
            return {}
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        key = f"archive/{month}/{day}.{before:012}.{digest[:16]}.jsonl.gz"
        _put(key, file, month, at)
    holds.cover(key)
    return {"key": key, "entries": tree.size - before, "sha256": digest}


def _put(key: str, file: BinaryIO, month: str, at: datetime) -> None:
    """Write an object and read it back; raises ``ArchiveError`` where it is not the same."""
    year, number = map(int, month.split("-"))
    last = datetime.combine(date(year, number, monthrange(year, number)[1]), time(), UTC)
    until = max(settings().kept_until(last + timedelta(days=1)), at + timedelta(days=1))
    bucket.put_once(key, file, retain_until=until)
    file.seek(0)
    if bucket.digest(key) != hashlib.file_digest(file, "sha256").hexdigest():  # type: ignore[arg-type]  # as in bucket
        raise bucket.ArchiveError(f"{key} in the archive is not what was to be written.")


CHAINS_AT_A_TIME = 500_000
"""Chains are followed in as many passes as it takes to keep no more places than this at a time."""


def rehearse(month: str, *, actor: Actor, at: datetime) -> tuple[Archive, list[str]]:
    """Verify an archived month and record the outcome; sentences for what is wrong.

    Raises ``NotInArchiveError`` where the month is not archived.
    """
    record = find(month)
    if record is None:
        raise bucket.NotInArchiveError(f"{month} is not archived.")
    faults = sorted(set(verify_month(record)))
    changes = {"rehearsed_at": at, "rehearsal_faults": len(faults)}
    outcome = EntryOutcome.FAILURE if faults else EntryOutcome.SUCCESS
    severity = Severity.HIGH if faults else Severity.INFO
    told = event(month, "archive.rehearsed", actor, outcome=outcome, severity=severity)
    known: dict[str, Any] = {"archive": record}

    def build(tx: Transaction) -> Archive:
        stored: Archive = known["archive"]
        return trail.change(tx, "archive", stored, changes, told)

    return settle(build, known, at=at), faults


def verify_month(record: Archive) -> Iterator[str]:
    """What is wrong with a month: its manifest, its parts, its entries, its seals, its chains."""
    yield from _told(_verify_month(record))


def _told(faults: Iterator[str]) -> Iterator[str]:
    """Faults; what cannot be read for damage is one too, and ends them."""
    try:
        yield from faults
    except (bucket.NotInArchiveError, bucket.DamagedError) as error:
        yield str(error)


def _verify_month(record: Archive) -> Iterator[str]:
    key = month_key(record.month)
    if bucket.digest(key) != record.manifest_sha256:
        yield f"{key} is not the manifest that the trail tells of."
    manifest = read_manifest(key)
    for day in manifest["days"]:
        yield from _told(_verify_day(day))
    passes = 1 + manifest["entries"] // CHAINS_AT_A_TIME
    for number in range(passes):
        yield from _told(_verify_chains(manifest, number, passes))


def _verify_day(day: Manifest) -> Iterator[str]:
    tree, late = Tree(), {tuple(each) for each in day["late"]}
    for part in day["parts"]:
        if bucket.digest(part["key"]) != part["sha256"]:
            yield f"{part['key']} is not what was written."
        for entry in entries_of(part):
            if values_hash(entry) != entry["hash"]:
                yield f"{entry['entity_id']}: entry {entry['seq']} is not as it was hashed."
            if (entry["entity_id"], entry["seq"]) not in late:
                tree.add(Leaf(entry["timestamp"], entry["entity_id"], entry["hash"]).data)
    seal = seals.read_object(date.fromisoformat(day["day"]))
    if not (seals.is_signed(seal) and tree.root.hex() == seal["root"] == day["seal_root"]):
        yield f"The entries of {day['day']} are not those that were sealed."


def _verify_chains(manifest: Manifest, number: int, passes: int) -> Iterator[str]:
    """Follow the chains of one pass through the month: each entry names the one before."""
    places: dict[str, tuple[int, str]] = {}
    for day in manifest["days"]:
        for part in day["parts"]:
            for entry in entries_of(part):
                name = entry["entity_id"]
                if crc32(name.encode()) % passes != number:
                    continue
                before = (entry["seq"] - 1, entry["prev_hash"])
                if places.get(name, before) != before:
                    yield f"{name}: entry {entry['seq']} does not follow the one before."
                places[name] = (entry["seq"], entry["hash"])
