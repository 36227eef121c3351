"""Reconciliation finds what is planted, names it, and finds nothing where nothing is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from audit import trail
from audit.chain import entry_hash
from audit.context import Actor
from audit.trail import Event
from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.models import Item
from dynamodb.transactions import Transaction
from payments import policy
from payments.approvals import approve_payment, cancel_payment, digest, reject_payment
from payments.identifiers import new_payment_id
from payments.lifecycle import close_account, edit_account, freeze_account
from payments.models import Account, FrozenDirection, IdempotencyKey, Payment, PaymentStatus
from payments.policy import Policy
from payments.reconciliation.run import Run, reconcile
from payments.settling import settle_due
from tests.builders import NOON, opened, planted, transferred
from tests.payments.banks import (
    Bank,
    a_bank,
    a_payment,
    about,
    altered,
    done,
    ended,
    entries,
    found,
    moved,
    moved_alone,
    raw,
    removed,
    stored,
)

READS = {"Scan", "Query", "GetItem", "BatchGetItem"}


@pytest.fixture
def bank(moto_store: None) -> Bank:
    return a_bank()


def without_entry(bank: Bank) -> None:
    """Write the movements' entries anew without the one of the target: its chain stays whole."""
    first, second = entries(bank.target)
    removed(second)
    first_hash = first.hash or ""
    altered(bank.target, audit_seq=1, audit_hash=first_hash, version=1, balance=700)


def with_forged_amount(bank: Bank) -> None:
    """Change the amount of an entry and all that follows from it: hash, head and balance."""
    entry = entries(bank.target)[-1]
    forged = entry.with_changes({"new_values": {"balance": 5700}})
    forged.hash = entry_hash(forged.serialize())
    planted(forged)
    altered(bank.target, balance=5700, audit_hash=forged.hash)


def with_altered_end(bank: Bank) -> None:
    """Change the last entry, and give the account's head a word in place of a hash."""
    altered(entries(bank.source)[-1], user_id="somebody")
    altered(bank.source, audit_hash="altered")


def with_entry_past_head(record: Payment) -> None:
    (entry,) = entries(record)
    late = entry.with_changes({
        "seq": 2, "timestamp": entry.timestamp[:-1] + "2", "prev_hash": entry.hash,
    })  # fmt: skip
    late.hash = entry_hash(late.serialize())
    planted(late)


def with_unchained_payment(bank: Bank) -> str:
    payment = a_payment(bank.source, bank.target, PaymentStatus.FAILED, 5)
    planted(payment)
    return payment.id


def a_key(payment_id: str) -> IdempotencyKey:
    return IdempotencyKey(key="key-2", payment_id=payment_id, request_hash="x")


def to_nowhere(bank: Bank) -> str:
    """A processed payment of which only the source knows: its target never was."""
    payment = a_payment(bank.source, bank.target, PaymentStatus.PROCESSED, 50)
    payment.to_account_id = "acc_11111111-1111-5111-8111-111111111111"
    tx = Transaction(at=NOON)
    trail.create(tx, "payment", payment, about(payment, "payment.processed"))
    moved(tx, stored(bank.source), {"balance": -50}, payment)
    done(tx)
    return payment.id


Plant = Callable[[Bank], Any]
PLANTS: dict[str, tuple[Plant, str, Callable[[Bank], str]]] = {
    "a balance": (
        lambda bank: altered(bank.source, balance=1), "balance_differs", lambda b: b.source.id,
    ),
    "a hold": (
        lambda bank: altered(bank.target, held=5), "held_differs", lambda b: b.target.id,
    ),
    "a state": (
        lambda bank: altered(bank.source, status="closed"), "status_differs", lambda b: b.source.id,
    ),
    "a version": (
        lambda bank: altered(bank.source, version=9), "version_differs", lambda b: b.source.id,
    ),
    "a head": (
        lambda bank: altered(bank.source, audit_hash="0"), "head_differs", lambda b: b.source.id,
    ),
    "an entry": (
        lambda bank: altered(entries(bank.source)[1], user_id="somebody"),
        "entry_altered", lambda b: b.source.id,
    ),
    "an index key": (
        lambda bank: altered(entries(bank.source)[1], day_key="2001-01-01"),
        "entry_hidden", lambda b: b.source.id,
    ),
    "an entry and its head": (
        with_altered_end, "entry_altered", lambda b: b.source.id,
    ),
    "a hash": (
        lambda bank: altered(entries(bank.source)[0], hash="0"),
        "entry_unlinked", lambda b: b.source.id,
    ),
    "a hole": (
        lambda bank: removed(entries(bank.source)[1]), "entry_missing", lambda b: b.source.id,
    ),
    "a tail": (
        lambda bank: removed(entries(bank.source)[-1]), "tail_missing", lambda b: b.source.id,
    ),
    "no chain": (
        lambda bank: removed(*entries(bank.target)), "chain_missing", lambda b: b.target.id,
    ),
    "a negative balance": (
        lambda bank: altered(bank.target, balance=-1), "negative_balance", lambda b: b.target.id,
    ),
    "money out of nothing": (
        lambda bank: altered(bank.target, balance=9999), "sum_not_zero", lambda _: "USD",
    ),
    "an amount of a payment": (
        lambda bank: altered(bank.paid, amount=1001), "wrong_amount", lambda b: b.paid.id,
    ),
    "an amount of a failed payment": (
        lambda bank: altered(bank.failed, amount=1), "amount_differs", lambda b: b.failed.id,
    ),
    "a currency": (
        lambda bank: altered(bank.paid, currency="EUR"), "wrong_currency", lambda b: b.paid.id,
    ),
    "sides": (
        lambda bank: altered(
            bank.paid, from_account_id=bank.target.id, to_account_id=bank.source.id
        ),
        "wrong_side", lambda b: b.paid.id,
    ),
    "a posting that its payment does not name": (
        lambda bank: altered(bank.paid, posted_as="gone"), "posting_not_named", lambda b: b.paid.id,
    ),
    "another target": (
        lambda bank: altered(bank.paid, to_account_id=bank.source.id),
        "wrong_account", lambda b: b.paid.id,
    ),
    "a state of a payment": (
        lambda bank: altered(bank.paid, status="failed"), "moved_unprocessed", lambda b: b.paid.id,
    ),
    "a payment processed by hand": (
        lambda bank: altered(bank.failed, status="processed"),
        "payment_without_entry", lambda b: b.failed.id,
    ),
    "a payment without one of its entries": (
        without_entry, "payment_without_entry", lambda b: b.paid.id,
    ),
    "a forged amount": (with_forged_amount, "wrong_amount", lambda b: b.paid.id),
    "a movement told twice": (
        lambda bank: moved_alone(bank.target, bank.paid, balance=1000),
        "told_twice", lambda b: b.paid.id,
    ),
    "a payment that is gone": (
        lambda bank: removed(bank.paid), "entry_without_payment", lambda b: b.paid.id,
    ),
    "a failed payment that is gone": (
        lambda bank: removed(bank.failed), "entry_without_payment", lambda b: b.failed.id,
    ),
    "an account that is gone": (
        lambda bank: removed(bank.target), "missing_account", lambda b: b.paid.id,
    ),
    "a chain of an account that is gone": (
        lambda bank: removed(bank.target), "entry_without_account", lambda b: b.target.id,
    ),
    "a head of a payment": (
        lambda bank: altered(bank.paid, audit_hash="0"), "head_differs", lambda b: b.paid.id,
    ),
    "an entry of a payment": (
        lambda bank: altered(entries(bank.failed)[0], action="payment.canceled"),
        "entry_altered", lambda b: b.failed.id,
    ),
    "an entry past the head": (
        lambda bank: with_entry_past_head(bank.paid), "entry_past_head", lambda b: b.paid.id,
    ),
    "a canceled payment that still holds": (
        lambda bank: ended(bank.pending, PaymentStatus.CANCELED),
        "stuck_hold", lambda b: b.source.id,
    ),
    "a pending payment that holds nothing": (
        lambda bank: moved_alone(bank.source, bank.pending, held=-300),
        "hold_missing", lambda b: b.source.id,
    ),
    "a key of nothing": (
        lambda _: planted(a_key(new_payment_id(NOON))),
        "key_without_payment", lambda _: "key-2",
    ),
    "a key of nonsense": (
        lambda _: planted(a_key("nonsense")), "key_without_payment", lambda _: "key-2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_found_and_named(bank: Bank, name: str) -> None:
    plant, kind, place = PLANTS[name]
    expected = (kind, place(bank))
    assert found() == []
    plant(bank)
    assert expected in found()


@pytest.mark.parametrize("plant", [with_unchained_payment, to_nowhere])
def test_a_payment_that_stands_alone_is_found(bank: Bank, plant: Callable[[Bank], str]) -> None:
    kinds = {"with_unchained_payment": "chain_missing", "to_nowhere": "missing_account"}
    assert (kinds[plant.__name__], plant(bank)) in found()


@pytest.mark.parametrize(
    ("name", "value"),
    [("balance", {"S": "much"}), ("audit_seq", {"S": "1"}), ("held", {"N": "1.5"}),
     ("status", {"B": b"\0"}), ("currency", {"NULL": True})],
)  # fmt: skip
def test_an_unreadable_value_is_a_fault_and_no_crash(bank: Bank, name: str, value: Item) -> None:
    item = {**raw(bank.target), name: value}
    client.call("PutItem", TableName=Account.table_name(), Item=item)
    assert bank.target.id in {name for _, name in found()}


def test_a_movement_that_names_no_payment_is_found(bank: Bank) -> None:
    tx = Transaction(at=NOON)
    event = about(bank.source, "account.debited")
    trail.change(tx, "source", stored(bank.source), {"balance": 0}, event)
    done(tx)
    assert ("movement_without_payment", bank.source.id) in found()


def test_a_hold_that_was_released_and_posted_is_no_fault(bank: Bank) -> None:
    movements = ((bank.source, -300, -300), (bank.target, 300, 0))
    ended(bank.pending, PaymentStatus.PROCESSED, *movements)
    assert found() == []


def test_a_clean_store_is_counted_and_nothing_is_written(bank: Bank) -> None:
    with count_requests() as seen:
        report = reconcile(Run()).report
    assert report == {
        "ok": True, "accounts": 3, "payments": 5, "sums": {"USD": 0}, "faults": [],
    }  # fmt: skip
    assert set(seen.operations) <= READS
    altered(bank.paid, amount=1001)
    with count_requests() as seen:
        assert not reconcile(Run()).report["ok"]
    assert set(seen.operations) <= READS


def test_an_empty_store_is_in_order(moto_store: None) -> None:
    assert reconcile(Run()).report == {
        "ok": True, "accounts": 0, "payments": 0, "sums": {}, "faults": [],
    }  # fmt: skip


SUPERVISOR = Actor(id="supervisor1")


@pytest.mark.parametrize("kind", ["account", "payment"])
def test_who_looked_at_a_record_is_no_fault_of_it(bank: Bank, kind: str) -> None:
    record = bank.source if kind == "account" else bank.paid
    seen = Event(entity_id=f"views:{record.id}", entity_type=kind, action=f"{kind}.viewed",
                 actor=SUPERVISOR)  # fmt: skip
    trail.note(seen, at=NOON)
    assert found() == []
    altered(record, version=9)
    assert found() == [("version_differs", record.id)]


def test_whatever_the_services_do_is_in_order(moto_store: None) -> None:
    policy.configure(Policy(approval_threshold=10**15))
    source, target = opened("a", balance=100_000), opened("b", balance=10_000)
    policy.configure(Policy(approval_threshold=5_000))
    paid = transferred(source, target, amount_minor=100).payment
    transferred(target, source, amount_minor=40, reverses=paid.id)
    transferred(source, target, amount_minor=70, scheduled_for="2026-03-03")
    transferred(source, target, amount_minor=80, scheduled_for="2026-03-09")
    waiting = [transferred(source, target, amount_minor=6_000).payment for _ in range(5)]
    why: dict[str, Any] = {"actor": SUPERVISOR, "at": NOON + timedelta(hours=1)}
    approve_payment(payment_id=waiting[0].id, shown=digest(waiting[0]), **why)
    reject_payment(payment_id=waiting[1].id, reason="unclear", **why)
    cancel_payment(payment_id=waiting[2].id, reason="mistaken", **why)
    assert found() == []
    for _ in range(3):
        transferred(target, source, amount_minor=999_999)
    settle_due(at=NOON + timedelta(days=1))
    edit_account(account_id=source.id, values={"day_limit": 5}, seen_version=0, reason="new", **why)
    side = FrozenDirection.DEBITS
    freeze_account(account_id=source.id, direction=side, reason="court", until=None, **why)
    empty = opened("c")
    name = new_payment_id(NOON)
    close_account(account_id=empty.id, reason="gone", rest_to="", payment_id=name, **why)
    assert found() == []
