"""Accounts as they stood."""

from datetime import timedelta
from typing import Any

import pytest

from audit import trail
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.transactions import Committed, Transaction, commit
from payments.history import timeline
from payments.history.timeline import Standing, account_at
from payments.models import Account, AccountStatus
from tests.builders import NOON, opened, transferred
from tests.payments.banks import about

pytestmark = pytest.mark.usefixtures("moto_store")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def stood(account: Account, minute: float) -> Standing:
    found = account_at(account.id, NOON + minutes(minute))
    assert found is not None
    return found


def changed(account: Account, minute: float, **changes: Any) -> None:
    now = store.get(account)
    assert now is not None
    tx = Transaction(at=NOON + minutes(minute))
    trail.change(tx, "account", now, changes, about(now, "account.changed"))
    assert commit(tx.freeze()) == Committed()


def test_the_newest_entry_not_after_the_instant_decides() -> None:
    source, target = opened("a", balance=5000), opened("b")
    paid = transferred(source, target, at=NOON + minutes(10)).payment
    transferred(source, target, at=NOON + minutes(20))
    assert account_at(source.id, NOON - timedelta(microseconds=1)) is None
    for minute, seq, balance in ((0, 1, 5000), (9.9, 1, 5000), (10, 2, 4000), (99, 3, 3000)):
        found = stood(source, minute)
        assert (found.entry.seq, found.values["balance"]) == (seq, balance)
    assert stood(source, 15).entry.reference == paid.id
    assert account_at("acc_nowhere", NOON) is None


def test_each_value_is_that_of_the_newest_entry_that_names_it() -> None:
    account, other = opened("a", balance=5000), opened("b", balance=1000)
    changed(account, 1, status=AccountStatus.FROZEN, locked_until=NOON + minutes(30))
    changed(account, 2, status=AccountStatus.ACTIVE)
    changed(account, 3, held=700)
    transferred(other, account, at=NOON + minutes(4))
    changed(account, 5, locked_until=None)

    def values(minute: float) -> list[Any]:
        found = stood(account, minute)
        assert found.unknown == frozenset()
        return [found.values.get(n) for n in ("status", "balance", "held", "locked_until")]

    until = "2026-03-02T12:30:00.000000Z"
    assert values(0) == ["active", 5000, 0, None]
    assert values(1) == ["frozen", 5000, 0, until]
    assert values(2) == ["active", 5000, 0, until]
    assert values(4) == ["active", 6000, 700, until]
    assert values(5) == ["active", 6000, 700, None]


def test_order_is_by_number_whatever_the_clock_said() -> None:
    """The clock steps back an hour: what it times earlier still stands after its predecessor."""
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target, at=NOON + minutes(60))
    transferred(source, target, at=NOON + minutes(5))
    assert stood(source, 5).values["balance"] == 5000
    assert stood(source, 59).values["balance"] == 5000
    assert stood(source, 60).values["balance"] == 3000
    assert stood(source, 60).entry.seq == 3


def test_what_lies_further_back_than_is_read_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = opened("a", balance=5000), opened("b")
    for minute in range(4):
        transferred(source, target, at=NOON + minutes(minute))
    monkeypatch.setattr(timeline, "READ_BACK", (1, 2))
    with count_requests() as seen:
        found = stood(source, 9)
    assert seen.operations == ["Query", "Query"]
    assert found.values == {"balance": 1000}
    assert {"status", "held"} <= found.unknown
    assert "balance" not in found.unknown
