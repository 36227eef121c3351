"""An evidence pack: entries with all that it takes to check them, in one ZIP.

The same entries and seals make the same pack, byte for byte, so making it again does no harm. Its
last bytes are the SHA-256 of all before them, so none changes unseen, not of the ZIP's own either.
"""

import hashlib
import json
import os
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from audit import seals, signing
from audit.bucket import NotInArchiveError
from audit.chain import canonical_json
from audit.merkle import Tree
from audit.seals import Leaf
from audit.settings import settings

JSON_LINES, CSV = "entries.jsonl", "entries.csv"
VERIFIER = Path(__file__).with_name("verify_pack.py")
PART_BYTES = 1 << 20
DIGEST_BYTES = 64
PROOFS_AT_ONCE = 2_000
"""Proofs of one day are made so many at a time: each round reads the day's leaves once."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the pack does not tell when it was put together."""

Values = dict[str, Any]
Beat = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class About:
    """What a pack says of itself. ``whole_days``: it has all entries of its days."""

    title: str
    made_for: str
    asked_at: str
    filter: Values
    rows: int
    whole_days: bool


def make_pack(folder: Path, target: Path, about: About, *, beat: Beat) -> Values:
    """Make a pack of the entries in a folder; gives the manifest.

    ``beat`` is called again and again on the way. Raises ``ArchiveError`` where seals cannot be
    read. The target is whole or not there.
    """
    days = _split_by_day(folder, beat)
    sealed = _write_seals(folder, days)
    proofs = 0 if about.whole_days else _write_proofs(folder, sealed, beat)
    if about.whole_days:
        (folder / "proofs.jsonl").write_bytes(b"")
    (folder / "verify.py").write_bytes(VERIFIER.read_bytes())
    rows = {JSON_LINES: about.rows, CSV: about.rows, "seals.jsonl": len(sealed)}
    rows["proofs.jsonl"] = proofs
    manifest = _manifest(folder, about, rows, sealed, beat)
    (folder / "manifest.json").write_bytes(canonical_json(manifest))
    _write_zip(folder, target, [*manifest["files"], "manifest.json"], beat)
    return manifest


def file_hash(path: Path, beat: Beat) -> str:
    digest = hashlib.sha256()
    for part in _parts(path, beat):
        digest.update(part)
    return digest.hexdigest()


def _parts(path: Path, beat: Beat) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            yield part
            beat()


def _split_by_day(folder: Path, beat: Beat) -> dict[date, Path]:
    """A file of leaves for each day that has entries, in the order of their days."""
    days = folder / "days"
    days.mkdir(exist_ok=True)
    for old in days.iterdir():
        old.unlink()
    with (folder / JSON_LINES).open("rb") as lines:
        while some := list(islice(lines, PROOFS_AT_ONCE)):
            by_day: dict[str, list[bytes]] = defaultdict(list)
            for entry in map(json.loads, some):
                leaf = Leaf(entry["timestamp"], entry["entity_id"], entry.get("hash", ""))
                by_day[leaf.timestamp[:10]].append(leaf.data + b"\n")
            for day, leaves in by_day.items():
                with (days / day).open("ab") as file:
                    file.writelines(leaves)
            beat()
    return {date.fromisoformat(path.name): path for path in sorted(days.iterdir())}


def _write_seals(folder: Path, days: dict[date, Path]) -> dict[Path, Values]:
    """The seals of the days that have one, as they are in the archive; by their leaves' files."""
    sealed: dict[Path, Values] = {}
    for day, path in days.items() if not settings().off else ():
        try:
            sealed[path] = seals.read_object(day)
        except NotInArchiveError:
            continue
    lines = (canonical_json(seal) + b"\n" for seal in sealed.values())
    (folder / "seals.jsonl").write_bytes(b"".join(lines))
    return sealed


def _write_proofs(folder: Path, sealed: dict[Path, Values], beat: Beat) -> int:
    count = 0
    with (folder / "proofs.jsonl").open("wb") as file:
        for path, seal in sealed.items():
            for some in _some_leaves(path):
                beat()
                for proof in _proofs(some, seal):
                    file.write(canonical_json(proof) + b"\n")
                    count += 1
    return count


def _some_leaves(path: Path) -> Iterator[set[bytes]]:
    with path.open("rb") as file:
        while some := {line.rstrip(b"\n") for line in islice(file, PROOFS_AT_ONCE)}:
            yield some


def _proofs(wanted: set[bytes], seal: Values) -> Iterator[Values]:
    """The way of each wanted leaf to the root, those that were sealed, in one reading."""
    tree, found = Tree(), {}
    for leaf in seals.leaves_in_archive(seal):
        data = leaf.data
        if data in wanted:
            found[tree.size] = {"entity_id": leaf.entity_id, "timestamp": leaf.timestamp}
        tree.add(data, is_proved=data in wanted)
    for index, path in tree.paths.items():
        yield found[index] | {"index": index, "path": [each.hex() for each in path]}


def _manifest(
    folder: Path, about: About, rows: dict[str, int], sealed: dict[Path, Values], beat: Beat
) -> Values:
    """All that the pack says, its own digest, and where there is a key its signature."""
    names = (JSON_LINES, CSV, "seals.jsonl", "proofs.jsonl", "verify.py")
    told: Values = {
        "format": 1,
        "title": about.title,
        "made_for": about.made_for,
        "asked_at": about.asked_at,
        "filter": about.filter,
        "completeness": f"Complete: {about.rows:,} entries, all pages read.",
        "whole_days": about.whole_days,
        "sealed_days": len(sealed),
        "files": {
            name: {
                "sha256": file_hash(folder / name, beat),
                "bytes": (folder / name).stat().st_size,
                **({"rows": rows[name]} if name in rows else {}),
            }
            for name in names
        },
    }
    key = settings().seal_key
    if key:
        told["public_key"] = signing.public_key(key)
    told["digest"] = hashlib.sha256(canonical_json(told)).hexdigest()
    return told | ({"signature": signing.sign(key, canonical_json(told))} if key else {})


def _write_zip(folder: Path, target: Path, names: list[str], beat: Beat) -> None:
    unfinished = folder / "pack.zip"
    with zipfile.ZipFile(unfinished, "w") as pack:
        pack.comment = bytes(DIGEST_BYTES)
        for name in names:
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            with pack.open(member, "w", force_zip64=True) as file:
                for part in _parts(folder / name, beat):
                    file.write(part)
    os.truncate(unfinished, unfinished.stat().st_size - DIGEST_BYTES)
    digest = file_hash(unfinished, beat)
    with unfinished.open("ab") as end:
        end.write(digest.encode())
    unfinished.replace(target)
