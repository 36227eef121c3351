"""Proof that one entry was there when its day was sealed; it can be checked without any store."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from audit import seals
from audit.chain import values_hash
from audit.merkle import Tree
from audit.seals import leaf_of
from audit.settings import settings
from audit.verify_pack import is_included, leaf_hash
from dynamodb.models import Item
from dynamodb.scans import plain_item


class NotSealedError(Exception):
    """The entry is not in a seal, at least not yet."""


def prove(item: Item) -> dict[str, Any]:
    """The proof of a raw entry, as values for JSON.

    Raises ``NotSealedError``, and ``ArchiveError`` where the archive has no seal of its day.
    """
    if settings().off:
        raise NotSealedError
    wanted = leaf_of(item)
    seal = seals.read_object(date.fromisoformat(wanted.timestamp[:10]))
    tree = Tree()
    for leaf in seals.leaves_in_archive(seal):
        tree.add(leaf.data, is_proved=leaf == wanted)
    for index, path in tree.paths.items():
        told = {"index": index, "path": [each.hex() for each in path]}
        return {"entry": plain_item(item), **told, "seal": seal}
    raise NotSealedError


def check(proof: Mapping[str, Any], *, public_key: str) -> list[str]:
    """What is wrong with a proof, in sentences; none where it holds.

    ``public_key`` is the seals' own as its reader has noted it, never as the proof says.
    """
    entry, seal = proof["entry"], proof["seal"]
    faults = {
        "The entry is not what its hash was made of.": entry["hash"] == values_hash(entry),
        "The seal is not signed by this key.": seal["public_key"] == public_key
        and seals.is_signed(seal),
        "The entry is not of the day of the seal.": entry["timestamp"].startswith(seal["day"]),
        "The path does not lead from the entry to the root of the seal.": is_included(
            leaf_hash(entry),
            proof["index"],
            seal["entries"],
            [bytes.fromhex(each) for each in proof["path"]],
            bytes.fromhex(seal["root"]),
        ),
    }
    return [sentence for sentence, holds in faults.items() if not holds]
