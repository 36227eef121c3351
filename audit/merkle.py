"""Merkle trees as RFC 6962 makes them: one root for many leaves, and short proofs for each.

Nothing but hashes here: whoever holds a proof can check it with these functions alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class _Part(NamedTuple):
    """A whole subtree: how many leaves, its hash, and whether the leaf to prove is in it."""

    size: int
    hash: bytes
    has_leaf: bool


@dataclass(kw_only=True)
class Tree:
    """A tree that grows leaf by leaf and keeps one hash for each doubling of its size.

    With ``proves``, the number of a leaf from 0 on, it gathers that leaf's path to the root.
    """

    proves: int | None = None
    size: int = 0
    _parts: list[_Part] = field(default_factory=list)
    _path: list[bytes] = field(default_factory=list)

    def add(self, data: bytes) -> None:
        part = _Part(1, leaf_hash(data), self.size == self.proves)
        self.size += 1
        while self._parts and self._parts[-1].size == part.size:
            part = self._joined(self._parts.pop(), part, self._path)
        self._parts.append(part)

    @property
    def root(self) -> bytes:
        return self._rest([])

    @property
    def path(self) -> list[bytes]:
        """The hashes next to the way from the leaf to the root, lowest first."""
        path = list(self._path)
        self._rest(path)
        return path

    def _rest(self, path: list[bytes]) -> bytes:
        if not self._parts:
            return EMPTY_ROOT
        *others, part = self._parts
        for left in reversed(others):
            part = self._joined(left, part, path)
        return part.hash

    @staticmethod
    def _joined(left: _Part, right: _Part, path: list[bytes]) -> _Part:
        if left.has_leaf or right.has_leaf:
            path.append(right.hash if left.has_leaf else left.hash)
        joined = node_hash(left.hash, right.hash)
        return _Part(left.size + right.size, joined, left.has_leaf or right.has_leaf)


def is_included(data: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf is number ``index`` of a tree of ``size`` leaves (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, reached = index, size - 1, leaf_hash(data)
    for other in path:
        if last == 0:
            return False
        if place % 2 or place == last:
            reached = node_hash(other, reached)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            reached = node_hash(reached, other)
        place, last = place // 2, last // 2
    return last == 0 and reached == root
