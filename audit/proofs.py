"""Proof that one entry was there when its day was sealed.

It can be checked without any store, by ``verify_pack.proof_faults`` or the ``verify.py`` of a pack.
"""

from datetime import date
from typing import Any

from audit import seals
from audit.chain import NOT_HASHED
from audit.merkle import Tree
from audit.seals import leaf_of
from audit.settings import settings
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
        return {"entry": _hashed(item), **told, "seal": seal}
    raise NotSealedError


def _hashed(item: Item) -> dict[str, Any]:
    """An entry without the index keys, which its hash does not cover."""
    entry = plain_item(item)
    return {name: value for name, value in entry.items() if name not in NOT_HASHED - {"hash"}}
