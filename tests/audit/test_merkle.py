"""Trees against published roots and against RFC 6962's own recursive definition."""

import hashlib

import pytest

from audit.merkle import EMPTY_ROOT, Tree, leaf_hash, node_hash
from audit.verify_pack import is_included

LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""Of the test data that certificate transparency's implementations share."""


def tree_of(leaves: list[bytes], proved: frozenset[int] = frozenset()) -> Tree:
    tree = Tree()
    for number, leaf in enumerate(leaves):
        tree.add(leaf, is_proved=number in proved)
    return tree


def by_definition(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_that_others_make(size: int) -> None:
    assert tree_of(LEAVES[:size]).root.hex() == ROOTS[size]


def test_no_leaves_have_the_hash_of_nothing() -> None:
    assert Tree().root == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_is_proved_by_its_path_and_no_other_is(size: int) -> None:
    leaves = [str(number).encode() for number in range(size)]
    root = by_definition(leaves)
    tree = tree_of(leaves, frozenset(range(size)))
    assert tree.root == root
    for index, leaf in enumerate(leaves):
        path = tree.paths[index]
        assert len(path) <= size.bit_length()

        def holds(leaf: bytes = leaf, index: int = index, **other: int) -> bool:
            return is_included(leaf_hash(leaf), index, other.get("size", size), path, root)  # noqa: B023 - used at once

        assert holds()
        assert not holds(leaf=b"other")
        assert not holds(index=index + 1)
        assert not holds(index=-1)
        assert not holds(size=size * 2 + 1)
        for place in range(len(path)):
            forged = [*path[:place], bytes(32), *path[place + 1 :]]
            assert not is_included(leaf_hash(leaf), index, size, forged, root)


def test_a_tree_keeps_few_hashes_however_many_leaves() -> None:
    tree = tree_of([b"x"] * 5000, frozenset({17}))
    assert len(tree._parts) <= 13
    assert len(tree.paths[17]) <= 13
