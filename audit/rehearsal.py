"""The rehearsal of a restore: an archived month is fetched and verified, without the tables."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zlib import crc32

from audit import archive, bucket, seals, trail
from audit.archive import Manifest
from audit.chain import values_hash
from audit.context import Actor
from audit.merkle import Tree
from audit.models import Archive, EntryOutcome, Severity
from audit.seals import Leaf
from dynamodb.retries import Patience, settle
from dynamodb.transactions import Transaction

CHAINS_AT_A_TIME = 500_000
"""Chains are followed in as many passes as it takes to keep no more places than this at a time."""


def rehearse(month: str, *, actor: Actor, at: datetime) -> tuple[Archive, list[str]]:
    """Verify an archived month and record the outcome; sentences for what is wrong.

    Raises ``NotInArchiveError`` where the month is not archived.
    """
    record = archive.find(month)
    if record is None:
        raise bucket.NotInArchiveError(f"{month} is not archived.")
    faults = sorted(set(verify_month(record)))
    changes = {"rehearsed_at": at, "rehearsal_faults": len(faults)}
    outcome = EntryOutcome.FAILURE if faults else EntryOutcome.SUCCESS
    severity = Severity.HIGH if faults else Severity.INFO
    event = archive.event(month, "archive.rehearsed", actor, outcome=outcome, severity=severity)
    known: dict[str, Any] = {"archive": record}

    def build(tx: Transaction) -> Archive:
        stored: Archive = known["archive"]
        return trail.change(tx, "archive", stored, changes, event)

    patience = Patience()
    return settle(build, known, at=at, patience=patience), faults


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
    key = archive.month_key(record.month)
    if bucket.digest(key) != record.manifest_sha256:
        yield f"{key} is not the manifest that the trail tells of."
    manifest = archive.read_manifest(key)
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
        for entry in archive.entries_of(part):
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
            for entry in archive.entries_of(part):
                name = entry["entity_id"]
                if crc32(name.encode()) % passes != number:
                    continue
                before = (entry["seq"] - 1, entry["prev_hash"])
                if places.get(name, before) != before:
                    yield f"{name}: entry {entry['seq']} does not follow the one before."
                places[name] = (entry["seq"], entry["hash"])
