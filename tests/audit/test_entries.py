"""What an entry holds to the last attribute, and what it does to its record: no store needed."""

import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit import context, trail
from audit.chain import (
    FIRST_PREV_HASH,
    NO_ENTRY,
    Head,
    entry_hash,
    index_keys,
    is_findable,
    values_hash,
)
from audit.context import Context
from audit.models import AuditHead, AuditLog, EntryOutcome, Severity
from audit.trail import Event
from dynamodb.attributes import plain
from dynamodb.transactions import Transaction
from payments.models import Account
from tests.builders import NOON, TELLER, an_account
from tests.stores import spread_over

EVENT = Event(entity_id="acc_1", entity_type="account", action="account.changed", actor=TELLER)
BEFORE = "b" * 64


def a_chained(**values: Any) -> Account:
    """An account with three entries, the newest of a minute ago."""
    head: dict[str, Any] = {
        "audit_seq": 3,
        "audit_hash": BEFORE,
        "audit_at": NOON - timedelta(minutes=1),
    }
    return an_account(**head | {"balance": 100, "version": 3} | values)


def entry_of(tx: Transaction, name: str = "account") -> dict[str, Any]:
    item = tx.actions()[f"audit:{name}"]["Put"]["Item"]
    return {each: plain(typed) for each, typed in item.items()}


def changed(record: Account, changes: dict[str, Any], event: Event = EVENT) -> dict[str, Any]:
    tx = Transaction(at=NOON)
    trail.change(tx, "account", record, changes, event)
    return entry_of(tx)


def test_an_entry_of_a_change_holds_this_and_nothing_else() -> None:
    entry = changed(a_chained(), {"balance": 250})
    assert entry.pop("hash") == values_hash(entry)
    assert entry == {
        "entity_id": "acc_1",
        "timestamp": "2026-03-02T12:00:00.000000Z#000000000004",
        "action": "account.changed",
        "action_key": "account.changed",
        "user_id": "teller1",
        "user_key": "teller1",
        "day_key": "2026-03-02",
        "entity_type": "account",
        "old_values": {"balance": 100},
        "new_values": {"balance": 250},
        "changes": ["balance"],
        "outcome": "success",
        "created_at": "2026-03-02T12:00:00.000000Z",
        "seq": 4,
        "prev_hash": BEFORE,
    }


def test_an_entry_tells_all_that_its_event_and_its_origin_tell() -> None:
    event = Event(
        entity_id="acc_1", entity_type="account", action="account.frozen", actor=TELLER,
        reference="pay_1", reason="on request", outcome=EntryOutcome.FAILURE,
        severity=Severity.HIGH,
    )  # fmt: skip
    with context.use(Context(ip_address="192.0.2.1", user_agent="u" * 257, request_id="r" * 65)):
        entry = changed(a_chained(), {"balance": 250}, event)
    assert (
        entry.items()
        >= {
            "reference": "pay_1",
            "outcome": "failure",
            "severity": "high",
            "new_values": {"balance": 250, "reason": "on request"},
            "changes": ["balance", "reason"],
            "ip_address": "192.0.2.1",
            "user_agent": "u" * 256,
            "request_id": "r" * 64,
        }.items()
    )


def test_what_is_not_told_takes_no_attribute() -> None:
    entry = changed(a_chained(), {})
    absent = {"old_values", "new_values", "changes", "reference", "severity"}
    assert entry.keys().isdisjoint(absent | {"ip_address", "user_agent", "request_id"})


@pytest.mark.parametrize(
    ("head_at", "at"),
    [(NOON - timedelta(hours=1), NOON), (NOON, NOON), (NOON + timedelta(hours=13), None)],
)
def test_no_entry_lies_before_its_predecessor(head_at: Any, at: Any) -> None:
    entry = changed(a_chained(audit_at=head_at), {"balance": 1})
    told = (at or head_at).isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert entry["timestamp"] == f"{told}#000000000004"
    assert entry["day_key"] == told[:10]
    assert entry["created_at"] == "2026-03-02T12:00:00.000000Z"


def test_only_what_differs_is_told_and_no_bookkeeping() -> None:
    record = a_chained(customer_id="customer-1", day_debits=5)
    entry = changed(
        record,
        {
            "customer_id": "customer-1", "balance": 100, "day_debits": 6, "version": 9,
            "updated_at": NOON, "locked_until": NOON, "held": 7,
        },
    )  # fmt: skip
    assert entry["old_values"] == {"held": 0}
    assert entry["new_values"] == {"held": 7, "locked_until": "2026-03-02T12:00:00.000000Z"}
    assert entry["changes"] == ["held", "locked_until"]


def test_a_value_taken_away_is_told_as_it_was() -> None:
    entry = changed(a_chained(transfer_limit=500), {"transfer_limit": None})
    assert entry["old_values"] == {"transfer_limit": 500}
    assert "new_values" not in entry
    assert entry["changes"] == ["transfer_limit"]


def test_a_change_moves_the_head_with_it_under_the_version_and_a_further_condition() -> None:
    tx, record = Transaction(at=NOON), a_chained()
    after = trail.change(tx, "account", record, {"balance": 250}, EVENT, Account.held == 0)
    entry = entry_of(tx)
    assert (after.balance, after.version, record.balance) == (250, 4, 100)
    assert after.head == Head(seq=4, hash=entry["hash"], at=NOON)
    assert [*tx.actions()] == ["audit:account", "account"]
    update = tx.actions()["account"]["Update"]
    assert update["Key"] == record.key_item()
    assert {"N": "3"} in update["ExpressionAttributeValues"].values()
    assert {"held", "version"} <= {*update["ExpressionAttributeNames"].values()}
    assert {"S": entry["hash"]} in update["ExpressionAttributeValues"].values()


def test_a_new_record_begins_its_chain_with_all_its_values() -> None:
    tx, record = Transaction(at=NOON), an_account(balance=5, day="2026-03-02", request_id="r")
    made = trail.create(tx, "account", record, EVENT)
    entry = entry_of(tx)
    assert (entry["seq"], entry["prev_hash"]) == (1, FIRST_PREV_HASH)
    assert "old_values" not in entry
    assert entry["new_values"] == {
        "account_number": record.account_number, "account_type": "checking", "balance": 5,
        "currency": "USD", "customer_id": "customer-1", "details_version": 0, "held": 0,
        "status": "active",
    }  # fmt: skip
    assert made.head == Head(seq=1, hash=entry["hash"], at=NOON)
    assert made.version == 1
    put = tx.actions()["account"]["Put"]
    assert put["Item"]["audit_hash"] == {"S": entry["hash"]}
    assert "attribute_not_exists" in put["ConditionExpression"]
    assert "attribute_not_exists" in tx.actions()["audit:account"]["Put"]["ConditionExpression"]


def test_secrets_are_masked_before_and_after() -> None:
    entry = changed(a_chained(customer_id="4111 1111 1111 1111"), {"customer_id": "other"})
    assert entry["old_values"] == {"customer_id": "411111******1111"}
    entry = changed(a_chained(), {"customer_id": "4111 1111 1111 1111"})
    assert entry["new_values"] == {"customer_id": "411111******1111"}


def test_a_chain_without_entries_begins_at_naught() -> None:
    assert Head(seq=0, hash="0" * 64, at=None) == NO_ENTRY
    assert AuditHead(entity_id="x").head == NO_ENTRY


def test_an_entry_is_found_by_what_it_tells_or_not_at_all() -> None:
    keys = index_keys(entity_id="e", action="a.b", user_id="u", timestamp="2026-03-02T12:00:00Z#1")
    assert keys == {"action_key": "a.b", "user_key": "u", "day_key": "2026-03-02"}
    tx = Transaction(at=NOON)
    trail.change(tx, "account", a_chained(), {"balance": 1}, EVENT)
    item = tx.actions()["audit:account"]["Put"]["Item"]
    assert is_findable(item)
    for name in ("action_key", "user_key", "day_key"):
        assert not is_findable({**item, name: {"S": "elsewhere"}})
        assert not is_findable({each: item[each] for each in item if each != name})


def test_entries_are_spread_by_their_record_and_time() -> None:
    at = "2026-03-02T12:00:00.000000Z#000000000004"
    with spread_over(97):
        entry = changed(a_chained(), {"balance": 250})
        for name, told in (
            ("action_key", "account.changed"),
            ("user_key", TELLER.id),
            ("day_key", "2026-03-02"),
        ):
            assert entry[name] == f"{told}#{zlib.crc32(f'acc_1{at}'.encode()) % 97:02d}"


def test_what_a_person_did_is_told_in_their_own_chain() -> None:
    event = trail.by_person(TELLER, "page.viewed", reference="/admin/", severity=Severity.WARNING)
    assert event == Event(
        entity_id="person:teller1",
        action="page.viewed",
        actor=TELLER,
        reference="/admin/",
        severity=Severity.WARNING,
    )


def test_a_type_that_an_event_does_not_name_is_the_first_word_of_its_id() -> None:
    event = Event(entity_id="month:2026-03:acc_1", action="month.archived", actor=TELLER)
    assert changed(a_chained(), {"balance": 1}, event)["entity_type"] == "month"


@pytest.mark.parametrize("action", ["account.credited", "account.debited"])
def test_a_posting_is_found_by_its_day_and_by_no_other_key_that_is_not_its_own(
    action: str,
) -> None:
    keys = index_keys(entity_id="e", action=action, user_id="u", timestamp="2026-03-02T12:00:00Z#1")
    assert keys == {"day_key": "2026-03-02"}
    tx = Transaction(at=NOON)
    event = replace(EVENT, action=action)
    trail.change(tx, "account", a_chained(), {"balance": 1}, event)
    item = tx.actions()["audit:account"]["Put"]["Item"]
    assert is_findable(item)
    assert is_findable({**item, "action_key": {"S": action}, "user_key": {"S": TELLER.id}})
    for name in ("action_key", "user_key", "day_key"):
        assert not is_findable({**item, name: {"S": "elsewhere"}})
    assert not is_findable({each: item[each] for each in item if each != "day_key"})


@pytest.mark.parametrize("name", ["hash", "action_key", "user_key", "day_key"])
def test_the_hash_leaves_out_itself_and_the_index_keys_only(name: str) -> None:
    entry = AuditLog(
        entity_id="acc_1", timestamp="t#1", action="a.b", user_id="u", entity_type="account",
        outcome=EntryOutcome.SUCCESS,
    )  # fmt: skip
    item = entry.serialize()
    assert entry_hash({**item, name: {"S": "other"}}) == entry_hash(item)
    assert entry_hash({**item, "action": {"S": "other"}}) != entry_hash(item)
