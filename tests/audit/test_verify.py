"""Whether a chain is whole, and whether a record is what its chain tells."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audit.chain import FIRST_PREV_HASH, Head, entry_hash
from audit.models import AuditLog
from audit.replay import read_chain, verify_record
from audit.verify import (
    NOT_COMPLETE,
    NOT_UNALTERED,
    NOT_WITHOUT_GAPS,
    Breach,
    ChainFault,
    verify_chain,
)
from dynamodb import store
from dynamodb.models import Item
from dynamodb.scans import plain_item
from payments.models import Account
from tests.builders import opened, planted, transferred

Chain = list[dict[str, Any]]
LENGTH = 5


def sealed(item: Item) -> dict[str, Any]:
    return {**item, "hash": {"S": entry_hash(item)}}


def a_chain(length: int = LENGTH) -> tuple[Chain, Head]:
    entries: Chain = []
    before = FIRST_PREV_HASH
    for seq in range(1, length + 1):
        entry = sealed({"seq": {"N": str(seq)}, "prev_hash": {"S": before}, "word": {"S": "x"}})
        before = entry["hash"]["S"]
        entries.append(entry)
    return entries, Head(seq=length, hash=before)


def faults(entries: Chain, head: Head) -> list[tuple[Breach, int]]:
    return [(fault.breach, fault.seq) for fault in verify_chain(iter(entries), head)]


@pytest.mark.parametrize("length", [0, 1, LENGTH])
def test_a_whole_chain_has_no_faults(length: int) -> None:
    assert faults(*a_chain(length)) == []


def reworded(entries: Chain) -> Chain:
    return [*entries[:2], {**entries[2], "word": {"S": "y"}}, *entries[3:]]


def reworded_and_sealed(entries: Chain) -> Chain:
    return [*entries[:2], sealed({**entries[2], "word": {"S": "y"}}), *entries[3:]]


def with_bytes(entries: Chain) -> Chain:
    return [*entries[:2], {**entries[2], "word": {"B": b"y"}}, *entries[3:]]


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (reworded, [(Breach.ALTERED, 3)]),
        (with_bytes, [(Breach.ALTERED, 3)]),
        (reworded_and_sealed, [(Breach.UNLINKED, 4)]),
        (lambda chain: chain[:2] + chain[3:], [(Breach.MISSING, 3)]),
        (lambda chain: chain[1:], [(Breach.MISSING, 1)]),
        (lambda chain: chain[:-1], [(Breach.TAIL_MISSING, 5)]),
        (lambda _: [], [(Breach.TAIL_MISSING, 1)]),
        (lambda chain: [*chain[:2], *chain[1:]], [(Breach.REPEATED, 2)]),
        (lambda chain: [*chain[:-1], sealed({**chain[-1], "word": {"S": "y"}})],
         [(Breach.HEAD_DIFFERS, 5)]),
        (lambda chain: [*chain[:-1], sealed({"seq": {"S": "five"}})],
         [(Breach.REPEATED, 0), (Breach.TAIL_MISSING, 1)]),
        (lambda chain: [*chain[:-1], {}],
         [(Breach.REPEATED, 0), (Breach.ALTERED, 0), (Breach.TAIL_MISSING, 1)]),
    ],
)  # fmt: skip
def test_each_breach_is_named_by_the_number_it_is_at(
    tamper: Callable[[Chain], Chain], expected: list[tuple[Breach, int]]
) -> None:
    entries, head = a_chain()
    assert faults(tamper(entries), head) == expected


def test_entries_that_the_head_does_not_know_of_are_one_fault_at_the_newest() -> None:
    entries, head = a_chain()
    older = Head(seq=3, hash=entries[2]["hash"]["S"])
    assert faults(entries, older) == [(Breach.PAST_HEAD, 5)]
    assert faults(entries, replace(head, hash="0" * 64)) == [(Breach.HEAD_DIFFERS, 5)]


def test_every_breach_breaks_one_promise_and_has_its_sentence() -> None:
    assert sorted([*NOT_UNALTERED, *NOT_WITHOUT_GAPS, *NOT_COMPLETE]) == sorted(Breach)
    for breach in Breach:
        of_a_seal = breach in {Breach.SEAL_MISSING, Breach.SEAL_ALTERED}
        assert (" seal " if of_a_seal else "7") in ChainFault(seq=7, breach=breach).sentence


@pytest.mark.usefixtures("moto_store")
def test_a_record_that_moved_on_after_it_was_read_is_judged_as_it_was() -> None:
    source, target = opened("a", balance=5000), opened("b")
    before = plain_item(source.serialize())
    transferred(source, target)
    assert list(verify_record(Account, before)) == []
    now = store.get(source)
    assert now is not None
    assert list(verify_record(Account, plain_item(now.serialize()))) == []
    stale = {**before, "balance": 1}
    assert [fault.kind for fault in verify_record(Account, stale)] == ["balance_differs"]


@pytest.mark.usefixtures("moto_store")
def test_an_entry_that_begins_elsewhere_is_named() -> None:
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    _, second = read_chain(source.id)
    forged = sealed({**second, "old_values": {"M": {"balance": {"N": "1"}}}})
    planted(AuditLog.from_item(forged))
    now = store.get(source)
    assert now is not None
    kinds = {fault.kind for fault in verify_record(Account, plain_item(now.serialize()))}
    assert kinds == {"entry_unsteady", "head_differs"}
