"""Controls: each takes one safety away and must be caught, or the check would prove nothing."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from audit.models import AuditLog
from dynamodb import client, store, transactions
from dynamodb.client import settings
from dynamodb.transactions import Attempt, Committed, Transaction, _Write, commit
from payments.identifiers import new_payment_id
from payments.models import Account, Payment
from payments.transfers import transfer_many
from tests.bank import check_bank
from tests.builders import NOON, TELLER, a_request, opened, planted, transferred
from tests.crowd import colliding, crowd
from tests.tried import tell

__all__ = ["colliding"]

NAME = "controls that must be caught"

integration = pytest.mark.integration


def caught(control: str) -> list[str]:
    """What the bank check finds, into the table."""
    found = check_bank().faults
    tell(NAME, f"faults found: {control}", len(found), at_least=1)
    assert found
    return found


def three_together(source: Account, target: Account, **values: Any) -> Any:
    """The transfer, and two like it, in one commit."""
    actor, one = values.pop("actor", TELLER), a_request(source, target, **values)
    others = [replace(one, payment_id=new_payment_id(NOON)) for _ in range(2)]
    first, *_ = transfer_many([one, *others], actor=actor, at=NOON)
    if isinstance(first, Exception):
        raise first
    return first


@integration
@pytest.mark.parametrize("work", [transferred, three_together])
@pytest.mark.usefixtures("local_store", "colliding")
def test_without_the_version_condition_the_check_fails(
    monkeypatch: pytest.MonkeyPatch, work: Callable[..., Any]
) -> None:
    to_action = _Write.to_action

    def unguarded(self: _Write) -> dict[str, Any]:
        action = to_action(self)
        if update := action.get("Update"):
            update["ConditionExpression"] = (
                f"attribute_exists(#i) OR {update['ConditionExpression']}"
            )
            update["ExpressionAttributeNames"] |= {"#i": "id"}
        return action

    monkeypatch.setattr(_Write, "to_action", unguarded)
    with free_audit_keys(monkeypatch):
        crowd(80, work)
    caught(f"no version condition, {work.__name__}")


@contextmanager
def free_audit_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let entries overwrite each other, or their keys would guard the chain on their own."""
    to_action = _Write.to_action

    def unguarded(self: _Write) -> dict[str, Any]:
        action = to_action(self)
        return _unconditional(action) if isinstance(self.record, AuditLog) else action

    monkeypatch.setattr(_Write, "to_action", unguarded)
    yield


def _unconditional(action: dict[str, Any]) -> dict[str, Any]:
    for part in ("ConditionExpression", "ExpressionAttributeNames"):
        action["Put"].pop(part)
    return action


@integration
@pytest.mark.usefixtures("local_store")
def test_with_entries_outside_the_commit_the_check_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process dies between the commit and its entries once in twenty times."""
    put_once = Transaction.put_once
    waiting = threading.local()

    def set_aside(self: Transaction, name: str, record: Any, item: Any = None) -> None:
        if isinstance(record, AuditLog):
            waiting.entries = [*getattr(waiting, "entries", []), record]
        else:
            put_once(self, name, record, item)

    def entries_afterwards(source: Account, target: Account, **values: Any) -> Any:
        waiting.entries = []
        transfer = transferred(source, target, **values)
        if values["amount_minor"] % 20:
            for entry in waiting.entries:
                store.put(entry)
        return transfer

    monkeypatch.setattr(Transaction, "put_once", set_aside)
    crowd(80, entries_afterwards)
    caught("audit outside the commit")


@pytest.mark.parametrize("work", [transferred, three_together])
@pytest.mark.usefixtures("moto_store")
def test_with_a_new_token_and_no_condition_on_the_payment_the_check_fails(
    monkeypatch: pytest.MonkeyPatch, work: Callable[..., Any]
) -> None:
    source, target = opened("a", balance=20_000), opened("b")
    to_action, lost = _Write.to_action, iter([True])

    def unguarded(self: _Write) -> dict[str, Any]:
        action = to_action(self)
        is_new_payment = isinstance(self.record, Payment) and "Put" in action
        return _unconditional(action) if is_new_payment else action

    def answer_lost_once(attempt: Attempt) -> transactions.Outcome:
        outcome = commit(attempt)
        if next(lost, False):
            return commit(replace(attempt, token=str(uuid.uuid4())))
        return outcome

    monkeypatch.setattr(_Write, "to_action", unguarded)
    monkeypatch.setattr("dynamodb.retries.commit", answer_lost_once)
    with free_audit_keys(monkeypatch):
        payment = work(source, target, amount_minor=1500).payment
    found = caught(f"a new token, no condition on the payment, {work.__name__}")
    assert f"{payment.id}: processed, told 4 times" in found
    assert any(each.startswith(f"{source.id}: balance") for each in found)


def newest_entry(entity_id: str) -> AuditLog:
    return max(AuditLog.query(entity_id), key=lambda entry: entry.seq)


@pytest.mark.usefixtures("moto_store")
def test_one_changed_byte_of_an_entry_is_named() -> None:
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    assert check_bank().faults == []
    entry = newest_entry(source.id)
    planted(entry.with_changes({"user_id": "teller2"}))
    found = caught("one changed byte of an entry")
    assert found == [f"{source.id}: entry {entry.seq} does not fit its chain"]


@pytest.mark.usefixtures("moto_store")
def test_the_newest_entry_deleted_is_named() -> None:
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    entry = newest_entry(source.id)
    client.call("DeleteItem", TableName=AuditLog.table_name(), Key=entry.key_item())
    found = caught("the newest entry deleted")
    assert f"{source.id}: the head is not the newest entry" in found
    assert f"{source.id}: version {entry.seq}, {entry.seq - 1} entries" in found


def two_sends_of_an_unconditional_addition() -> int:
    """Add 10 to a balance, lose the answer, send the same attempt again; gives the balance."""
    account = opened("a", balance=100)
    addition = {
        "Update": {
            "TableName": settings().table_prefix + "accounts",
            "Key": account.key_item(),
            "UpdateExpression": "ADD balance :ten",
            "ExpressionAttributeValues": {":ten": {"N": "10"}},
        }
    }
    attempt = Attempt(names=("add",), actions=(addition,), token="a" * 36)
    assert isinstance(commit(attempt), Committed)
    assert isinstance(commit(attempt), Committed)
    after = store.get(account)
    assert after is not None
    return after.balance


@integration
@pytest.mark.usefixtures("local_store")
def test_a_token_makes_a_resent_attempt_count_once() -> None:
    assert two_sends_of_an_unconditional_addition() == 110


@pytest.mark.usefixtures("moto_store")
def test_moto_ignores_tokens_so_an_unconditional_attempt_counts_twice() -> None:
    assert two_sends_of_an_unconditional_addition() == 120
    assert any(
        "balance 120, entries say 100" in fault
        for fault in caught("an unconditional attempt resent")
    )
