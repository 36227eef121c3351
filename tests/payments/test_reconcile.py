"""Reconciliation finds what is planted, names it, and finds nothing where nothing is."""

import json
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from audit import trail
from audit.chain import entry_hash
from audit.models import AuditLog
from audit.replay import Fault, Values, read_chain
from dynamodb import client, scans
from dynamodb.client import count_requests
from dynamodb.models import Item, Record
from dynamodb.scans import Place
from dynamodb.transactions import Committed, Transaction, commit
from payments import rereads
from payments.effects import Effect
from payments.identifiers import new_payment_id
from payments.models import Account, IdempotencyKey, Payment, PaymentStatus
from payments.reconcile import Run, reconcile
from tests.builders import NOON, opened, planted, transferred
from tests.payments.load import a_payment, about, loaded_bank, moved

integration = pytest.mark.integration

READS = {"Scan", "Query", "GetItem", "BatchGetItem"}


def found() -> list[tuple[str, str]]:
    """The kinds and ids of all faults."""
    return [(fault["kind"], fault["id"]) for fault in reconcile(Run()).report["faults"]]


@dataclass
class Bank:
    """Two accounts, a processed and a failed payment between them, one pending."""

    source: Account
    target: Account
    paid: Payment
    failed: Payment
    pending: Payment


@pytest.fixture
def bank(moto_store: None) -> Bank:
    return a_bank()


def a_bank() -> Bank:
    source, target = opened("a", balance=5000), opened("b", balance=700)
    paid = transferred(source, target, idempotency_key="key-1").payment
    failed = transferred(source, target, amount_minor=999_999).payment
    return Bank(source, target, paid, failed, reserved(source, target, 300))


def reserved(source: Account, target: Account, amount_minor: int) -> Payment:
    """A pending payment that reserves its amount, in one commit."""
    payment = a_payment(source, target, PaymentStatus.PENDING, amount_minor)
    tx = Transaction(at=NOON)
    made = trail.create(tx, "payment", payment, about(payment, "payment.pending"))
    moved(tx, stored(source), {"held": amount_minor}, payment)
    done(tx)
    return made


def done(tx: Transaction) -> None:
    assert commit(tx.freeze()) == Committed()


def moved_alone(account: Account, payment: Payment, **amounts: int) -> None:
    """Move a balance or a hold in a chain that is whole, with nothing on the other side."""
    tx = Transaction(at=NOON)
    moved(tx, stored(account), amounts, payment)
    done(tx)


def ended(payment: Payment, status: PaymentStatus, *movements: tuple[Account, int, int]) -> None:
    """Let a pending payment end, and move balance and hold of accounts with it."""
    tx = Transaction(at=NOON)
    changes = {"status": status, "status_key": str(status)}
    trail.change(tx, "payment", payment, changes, about(payment, f"payment.{status}"))
    for account, balance, held in movements:
        moved(tx, stored(account), {"balance": balance, "held": held}, payment)
    done(tx)


def stored(account: Account) -> Account:
    return Account.from_item(raw(account))


def raw(record: Record) -> Item:
    answer = client.call("GetItem", TableName=record.table_name(), Key=record.key_item())
    item: Item = answer["Item"]
    return item


def altered(record: Record, **values: Any) -> None:
    """Change the raw item, as somebody with the right to write to the table could."""
    typed = {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in values.items()
    }
    item = {**raw(record), **typed}
    client.call("PutItem", TableName=record.table_name(), Item=item)


def removed(*records: Record) -> None:
    for record in records:
        client.call("DeleteItem", TableName=record.table_name(), Key=record.key_item())


def entries(record: Account | Payment) -> list[AuditLog]:
    return [AuditLog.from_item(item) for item in read_chain(record.id)]


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


class Killed(Exception):  # noqa: N818
    pass


@integration
@pytest.mark.usefixtures("local_store")
def test_a_run_killed_anywhere_and_taken_up_again_finds_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bank = a_bank()
    for plant in ("an amount of a payment", "an account that is gone", "a key of nothing"):
        PLANTS[plant][0](bank)
    monkeypatch.setattr(scans, "PAGE_ITEMS", 2)
    pages = count()

    def counted(_: Run) -> None:
        next(pages)

    whole = reconcile(Run(), counted).report
    assert not whole["ok"]
    for page in range(0, next(pages), 5):
        kept: list[str] = []

        def until_killed(run: Run, page: int = page, kept: list[str] = kept) -> None:
            kept.append(json.dumps(run.to_json()))
            if len(kept) > page:
                raise Killed

        with pytest.raises(Killed):
            reconcile(Run(), until_killed)
        assert reconcile(Run.from_json(json.loads(kept[-1]))).report == whole


@integration
@pytest.mark.usefixtures("local_store")
def test_memory_is_that_of_a_page_whatever_the_store_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "PAGE_ITEMS", 8)
    peaks = []
    reconcile(Run())
    for payments in (100, 900):
        loaded_bank(payments)
        tracemalloc.start()
        report = reconcile(Run()).report
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert report["ok"]
        assert report["payments"] >= payments
    assert peaks[1] < 1.1 * peaks[0]


@integration
@pytest.mark.usefixtures("local_store")
def test_a_live_store_has_no_faults_and_its_real_ones_are_still_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scans, "PAGE_ITEMS", 20)
    accounts = [opened(f"live-{number}", balance=100_000) for number in range(6)]
    over, landed = threading.Event(), []

    def write(step: int) -> None:
        for number in range(1000):
            if over.is_set():
                return
            ends = (accounts[number % 6], accounts[(number + step) % 6])
            landed.append(transferred(*ends, amount_minor=1).payment.id)

    writers = [threading.Thread(target=write, args=(step,)) for step in (1, 2, 4)]
    for writer in writers:
        writer.start()
    try:
        reports = [reconcile(Run()).report for _ in range(3)]
        failed = transferred(accounts[0], "nonsense").payment
        altered(failed, amount=7)
        found_live = found()
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert [report["faults"] for report in reports] == [[], [], []]
    assert [report["sums"] for report in reports] == [{"USD": 0}] * 3
    assert len(landed) > 30
    assert found_live == found() == [("amount_differs", failed.id)]


@integration
@pytest.mark.usefixtures("local_store")
def test_what_moves_between_the_walks_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A payment comes up after the first look at its account, and ends after the second."""
    bank, confirm = a_bank(), rereads.confirmed_faults
    doubted: list[str] = []
    pending: list[Payment] = []

    def watched(payment: Values, told: Sequence[Effect]) -> set[Fault]:
        doubted.append(payment["id"])
        return confirm(payment, told)

    def meanwhile(run: Run) -> None:
        if run.place == Place() and run.step == 1:
            pending.append(reserved(bank.source, bank.target, 100))
        elif run.place == Place() and run.step == 5:
            movements = ((bank.source, -100, -100), (bank.target, 100, 0))
            ended(pending[0], PaymentStatus.PROCESSED, *movements)

    monkeypatch.setattr(rereads, "confirmed_faults", watched)
    assert reconcile(Run(), meanwhile).report["faults"] == []
    assert doubted == [pending[0].id]
