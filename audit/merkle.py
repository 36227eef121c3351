"""Merkle trees as RFC 6962 makes them: one root for many leaves, and short proofs for each.

A proof is checked by ``verify_pack.is_included``, which needs nothing of this.
"""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


Paths = dict[int, list[bytes]]
"""By the numbers of leaves, from 0 on: the hashes next to the way to the root, lowest first."""


class _Part(NamedTuple):
    """A whole subtree: how many leaves, its hash, and which of them are to be proved."""

    size: int
    hash: bytes
    proved: list[int]


@dataclass(kw_only=True)
class Tree:
    """A tree that grows leaf by leaf and keeps one hash for each doubling of its size.

    Of leaves that are to be proved it keeps the paths as well.
    """

    size: int = 0
    _parts: list[_Part] = field(default_factory=list)
    _paths: Paths = field(default_factory=dict)

    def add(self, data: bytes, *, is_proved: bool = False) -> None:
        part = _Part(1, leaf_hash(data), [self.size] * is_proved)
        self._paths |= {number: [] for number in part.proved}
        self.size += 1
        while self._parts and self._parts[-1].size == part.size:
            part = _joined(self._parts.pop(), part, self._paths)
        self._parts.append(part)

    @property
    def root(self) -> bytes:
        return self._finished()[0]

    @property
    def paths(self) -> Paths:
        return self._finished()[1]

    def _finished(self) -> tuple[bytes, Paths]:
        paths = {number: list(path) for number, path in self._paths.items()}
        if not self._parts:
            return EMPTY_ROOT, paths
        *others, part = self._parts
        for left in reversed(others):
            part = _joined(left, part, paths)
        return part.hash, paths


def _joined(left: _Part, right: _Part, paths: Paths) -> _Part:
    for one, other in ((left, right), (right, left)):
        for number in one.proved:
            paths[number].append(other.hash)
    joined = node_hash(left.hash, right.hash)
    return _Part(left.size + right.size, joined, left.proved + right.proved)
