"""The parts of the program that checks packs, against what they stand for."""

import os
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import verify_pack
from audit.chain import canonical_json
from audit.export import csv_lines
from audit.merkle import Tree
from audit.merkle import leaf_hash as hash_of_leaf


@pytest.mark.parametrize("size", [0, 1, 31, 32, 200])
def test_a_signature_holds_for_its_message_and_key_alone(size: int) -> None:
    key, message = Ed25519PrivateKey.generate(), os.urandom(size)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert verify_pack.is_signed(message, signature, public)
    assert not verify_pack.is_signed(message, signature, other)
    assert not verify_pack.is_signed(message + b"x", signature, public)
    for place in (0, 31, 32, 63):
        bad = bytearray(signature)
        bad[place] ^= 1
        assert not verify_pack.is_signed(message, bytes(bad), public)


def test_the_signatures_of_rfc_8032_hold() -> None:
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    parts = bytes.fromhex(signature), bytes.fromhex(public)
    assert verify_pack.is_signed(b"\x72", *parts)
    assert not verify_pack.is_signed(b"\x73", *parts)


def test_a_signature_that_could_be_written_otherwise_is_none() -> None:
    key = Ed25519PrivateKey.generate()
    signature, public = key.sign(b"x"), key.public_key().public_bytes_raw()
    scalar = int.from_bytes(signature[32:], "little") + verify_pack.L
    stretched = signature[:32] + scalar.to_bytes(32, "little")
    assert not verify_pack.is_signed(b"x", stretched, public)
    for broken in (b"", signature[:-1], signature + b"x"):
        assert not verify_pack.is_signed(b"x", broken, public)


def test_what_is_told_is_signed_as_a_whole() -> None:
    key = Ed25519PrivateKey.generate()
    public = b64encode(key.public_key().public_bytes_raw()).decode()
    told = {"day": "2026-03-02", "entries": 3, "public_key": public}
    signed = {**told, "signature": b64encode(key.sign(canonical_json(told))).decode()}
    assert verify_pack.is_told_signed(signed)
    assert not verify_pack.is_told_signed({**signed, "entries": 4})
    assert not verify_pack.is_told_signed(told)


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 70), data=st.data())
def test_a_path_leads_to_the_root_from_its_own_leaf_alone(size: int, data: st.DataObject) -> None:
    leaves = [str(number).encode() for number in range(size)]
    hashes = [hash_of_leaf(leaf) for leaf in leaves]
    wanted = data.draw(st.sets(st.integers(0, size - 1)))
    tree = Tree()
    for number, leaf in enumerate(leaves):
        tree.add(leaf, is_proved=number in wanted)
    assert verify_pack.root_of(hashes) == tree.root
    assert tree.paths.keys() == wanted
    for number, path in tree.paths.items():
        place = (number, size, path, tree.root)
        assert verify_pack.is_included(hashes[number], *place)
        assert not verify_pack.is_included(hash_of_leaf(b"x"), *place)
        if size > 1:
            other = ((number + 1) % size, size, path, tree.root)
            assert not verify_pack.is_included(hashes[number], *other)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert csv_lines([[text]]).decode().lstrip('"').startswith("'")
    assert csv_lines([[-12, "a=b", "safe"]]) == b"-12,a=b,safe\r\n"
