"""Accounts between opening and closing: freezes, locks, limits, closing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit import queries as trail
from audit.context import Actor
from dynamodb import client, store
from dynamodb.client import count_requests
from dynamodb.errors import StoreBusyError, StoreError
from dynamodb.models import Record
from payments import directory, policy, queries, turns
from payments.accounts import clearing_account
from payments.approvals import approve_payment, digest
from payments.identifiers import new_payment_id
from payments.lifecycle import (
    close_account,
    edit_account,
    freeze_account,
    thaw_account,
    unfreeze_account,
    unlock_debits,
)
from payments.models import Account, AccountStatus, Activity, FrozenDirection
from payments.policy import Policy
from payments.refusals import (
    CustomerMismatch,
    DestinationNotActive,
    InvalidField,
    InvalidRequest,
    KeyReused,
    MissingField,
    SameAccount,
    StaleEdit,
    WrongState,
)
from payments.settling import settle_due
from tests.bank import check_bank
from tests.builders import NOON, insisted, opened, planted, transferred

pytestmark = pytest.mark.usefixtures("moto_store")

BOSS = Actor(id="supervisor1")
MINUTE = timedelta(minutes=1)


def now(account: Account) -> Account:
    found = queries.get_account(account.id)
    assert found is not None
    return found


def frozen(
    account: Account, side: FrozenDirection = FrozenDirection.BOTH, until: datetime | None = None
) -> Account:
    return freeze_account(
        account_id=account.id, direction=side, reason="court", until=until, actor=BOSS, at=NOON
    )


def closed(account: Account, rest_to: str = "", payment_id: str = "") -> Account:
    return close_account(
        account_id=account.id,
        reason="moved away",
        rest_to=rest_to,
        payment_id=payment_id or new_payment_id(NOON),
        actor=BOSS,
        at=NOON,
    )


def limited(account: Account, *, seen: int = 0, **limits: int | None) -> Account:
    return edit_account(
        account_id=account.id, values=limits, seen_version=seen, reason="new", actor=BOSS, at=NOON
    )


def code(source: Account, target: Account, amount: int = 100, at: datetime = NOON) -> str:
    return transferred(source, target, at=at, amount_minor=amount).payment.failure_code or ""


@pytest.mark.parametrize(
    ("side", "debit", "credit"),
    [
        (FrozenDirection.DEBITS, "source_not_active", ""),
        (FrozenDirection.CREDITS, "", "destination_not_active"),
        (FrozenDirection.BOTH, "source_not_active", "destination_not_active"),
    ],
)
def test_a_freeze_stops_its_side_and_no_other(
    side: FrozenDirection, debit: str, credit: str
) -> None:
    account, other = opened("a", balance=5000), opened("b", balance=5000)
    frozen(account, side)
    assert (code(account, other), code(other, account)) == (debit, credit)
    assert now(account).status == AccountStatus.FROZEN
    unfreeze_account(account_id=account.id, reason="lifted", actor=BOSS, at=NOON)
    assert (code(account, other), code(other, account)) == ("", "")
    entry = next(e for e in trail.chain_page(account.id, person="").rows if "unfrozen" in e.action)
    assert (entry.new_values or {})["reason"] == "lifted"
    assert check_bank().faults == []


def test_a_freeze_with_an_end_thaws_by_itself() -> None:
    account, other = opened("a", balance=5000), opened("b")
    frozen(account, until=NOON + 10 * MINUTE)
    assert code(account, other, at=NOON + 9 * MINUTE) == "source_not_active"
    assert code(account, other, at=NOON + 10 * MINUTE) == ""
    assert now(account).status == AccountStatus.ACTIVE


def test_a_freeze_that_has_ended_is_tidied_away_by_itself_with_its_entry() -> None:
    ends, lasts, open_end = opened("a"), opened("b"), opened("c")
    frozen(ends, until=NOON + MINUTE)
    frozen(lasts, until=NOON + 2 * MINUTE)
    frozen(open_end)
    assert settle_due(at=NOON) == {}
    assert now(ends).status_at(NOON + MINUTE) == AccountStatus.ACTIVE
    with count_requests() as requests:
        assert settle_due(at=NOON + MINUTE) == {"thawed": 1}
    assert "Scan" not in requests.operations
    assert settle_due(at=NOON + MINUTE) == {}
    after = now(ends)
    assert after.status == AccountStatus.ACTIVE
    assert [after.frozen_until, after.frozen_direction] == [None, None]
    assert {now(each).status for each in (lasts, open_end)} == {AccountStatus.FROZEN}
    entry = trail.chain_page(ends.id, person="").rows[0]
    assert (entry.action, entry.user_id) == ("account.thawed", "system:settlement")
    with pytest.raises(WrongState):
        thaw_account(account_id=lasts.id, actor=BOSS, at=NOON + MINUTE)
    assert check_bank().faults == []


def test_three_failed_debits_lock_and_the_lock_runs_out() -> None:
    account, other = opened("a", balance=100), opened("b")
    for _ in range(3):
        assert code(account, other, 500) == "insufficient_funds"
    assert code(account, other, 50) == "source_locked"
    assert trail.chain_page(account.id, person="").rows[0].action == "account.locked"
    assert code(other, account, 50) == "insufficient_funds"
    assert code(account, other, 50, at=NOON + 29 * MINUTE) == "source_locked"
    assert code(account, other, 50, at=NOON + 30 * MINUTE) == ""


def test_failures_far_apart_or_with_a_success_between_them_do_not_lock() -> None:
    account, other = opened("a", balance=1000), opened("b")
    for number in range(4):
        assert code(account, other, 5000, at=NOON + 31 * number * MINUTE) == "insufficient_funds"
    later = NOON + timedelta(days=1)
    for _ in range(2):
        code(account, other, 5000, at=later)
    assert code(account, other, 10, at=later) == ""
    for _ in range(2):
        code(account, other, 5000, at=later)
    assert code(account, other, 10, at=later) == ""


def test_any_three_failures_within_half_an_hour_lock_whenever_the_first_was() -> None:
    account, other = opened("a", balance=100), opened("b")
    for minutes in (0, 29, 31, 58):
        assert code(account, other, 500, at=NOON + minutes * MINUTE) == "insufficient_funds"
    assert now(account).locked_until == NOON + 88 * MINUTE


def test_a_locked_account_is_unlocked_with_a_reason() -> None:
    account, other = opened("a", balance=100), opened("b")
    for _ in range(3):
        code(account, other, 500)
    with pytest.raises(MissingField):
        unlock_debits(account_id=account.id, reason="", actor=BOSS, at=NOON)
    unlock_debits(account_id=account.id, reason="spoke to them", actor=BOSS, at=NOON)
    assert code(account, other, 50) == ""
    with pytest.raises(WrongState):
        unlock_debits(account_id=account.id, reason="again", actor=BOSS, at=NOON)


def test_an_account_closes_empty_or_with_its_rest_moved_in_the_same_commit() -> None:
    account, other = opened("a", balance=5000), opened("b")
    with pytest.raises(WrongState, match=r"50\.00 USD"):
        closed(account)
    closed(account, rest_to=other.id)
    assert (now(account).status, now(account).balance) == (AccountStatus.CLOSED, 0)
    assert now(other).balance == 5000
    assert code(other, account) == "destination_not_active"
    with pytest.raises(WrongState):
        closed(account)
    with pytest.raises(WrongState):
        frozen(account)
    closed(opened("empty"))
    assert check_bank().faults == []


def test_nothing_is_posted_to_a_closed_account_by_any_way() -> None:
    account, other, third = opened("a", balance=5000), opened("b", balance=500), opened("c")
    paid = transferred(account, other, amount_minor=100).payment
    scheduled = transferred(account, third, amount_minor=100, scheduled_for="2026-03-05").payment
    policy.configure(Policy(approval_threshold=1000))
    waits = transferred(account, third, amount_minor=2000).payment
    closed(third)
    assert code(account, third, 10) == "destination_not_active"
    with pytest.raises(DestinationNotActive):
        approve_payment(payment_id=waits.id, shown=digest(waits), actor=BOSS, at=NOON)
    assert settle_due(at=NOON + timedelta(days=3)) == {"expired": 1, "failed": 1}
    with pytest.raises(DestinationNotActive):
        closed(other, rest_to=third.id)
    policy.configure(Policy())
    closed(other, rest_to=account.id)
    back = transferred(other, account, amount_minor=100, reverses=paid.id).payment
    assert back.failure_code == "source_not_active"
    assert (now(other).balance, now(third).balance, now(account).balance) == (0, 0, 5500)
    assert queries.get_payments(scheduled.id)[0] is not None
    assert check_bank().faults == []


def test_no_account_closes_while_money_is_held() -> None:
    account, other = opened("a", balance=5000), opened("b")
    policy.configure(Policy(approval_threshold=1000))
    transferred(account, other, amount_minor=5000)
    with pytest.raises(WrongState, match="held"):
        closed(account, rest_to=other.id)


def test_rests_count_towards_what_their_maker_moves_alone() -> None:
    accounts, other = [opened(f"a{number}", balance=5000) for number in range(3)], opened("b")
    others = [other, opened("c")]
    policy.configure(Policy(approval_threshold=10_000))
    for account, to in zip(accounts, others, strict=False):
        closed(account, rest_to=to.id)
    with pytest.raises(WrongState, match="second person"):
        closed(accounts[2], rest_to=opened("d").id)


def test_closing_with_a_rest_again_is_closing_once() -> None:
    account, other, name = opened("a", balance=5000), opened("b"), new_payment_id(NOON)
    assert closed(account, other.id, name).status == AccountStatus.CLOSED
    assert closed(account, other.id, name).status == AccountStatus.CLOSED
    assert now(other).balance == 5000
    with pytest.raises(KeyReused):
        closed(other, opened("c").id, name)
    assert now(other).status == AccountStatus.ACTIVE


def test_closing_with_a_rest_at_the_same_time_is_closing_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, other, name = opened("a", balance=5000), opened("b"), new_payment_id(NOON)
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    read = store.get_many

    def torn(keys: Sequence[Record]) -> list[Any]:
        """As a batch may: some records as before the other's commit, some as after it."""
        monkeypatch.setattr(store, "get_many", read)
        before = read(keys[:1])
        closed(account, other.id, name)
        return [*before, *read(keys[1:])]

    monkeypatch.setattr(store, "get_many", torn)
    assert closed(account, other.id, name).status == AccountStatus.CLOSED
    assert now(other).balance == 5000


def test_an_account_is_not_closed_with_its_rest_moved_to_itself() -> None:
    account = opened("a", balance=5000)
    with pytest.raises(SameAccount):
        closed(account, account.id)
    assert now(account).balance == 5000


def test_an_empty_account_closes_although_its_rest_was_to_go_somewhere() -> None:
    assert closed(opened("a"), opened("b").id).status == AccountStatus.CLOSED
    with pytest.raises(InvalidField):
        closed(opened("c", balance=1), opened("b").id, "nonsense")


def test_limits_hold_per_transfer_and_per_day() -> None:
    account, other = opened("a", balance=90_000), opened("b")
    limited(account, transfer_limit=1000, day_limit=2500)
    assert code(account, other, 1001) == "limit_exceeded"
    assert [code(account, other, 1000) for _ in range(3)] == ["", "", "limit_exceeded"]
    assert code(account, other, 500) == ""
    assert code(account, other, 1000, at=NOON + timedelta(days=1)) == ""
    limited(account, seen=1, transfer_limit=None, day_limit=None)
    assert code(account, other, 5000) == ""


def test_limits_edited_from_an_old_page_are_not_saved() -> None:
    account, other = opened("a", balance=5000), opened("b")
    limited(account, transfer_limit=1000)
    code(account, other, 100)
    with pytest.raises(StaleEdit):
        limited(account, seen=0, transfer_limit=5)
    assert now(account).transfer_limit == 1000
    with pytest.raises(InvalidField):
        limited(account, seen=1, transfer_limit=-1)


def test_only_limits_are_set_as_limits() -> None:
    account = opened("a")
    with pytest.raises(InvalidField):
        limited(account, balance=5000)
    assert now(account).balance == 0


@pytest.mark.integration
def test_sixteen_writers_cannot_pass_one_limit(
    local_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    account, other = opened("a", balance=90_000), opened("b")
    limited(account, day_limit=1000)
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: insisted(lambda: code(account, other)), range(16)))
    assert (codes.count(""), codes.count("limit_exceeded")) == (10, 6)
    assert now(account).day_debits == 1000
    assert check_bank().faults == []


def owned(account: Account, customer_id: str, seen: int = 0) -> Account:
    return edit_account(
        account_id=account.id,
        values={"customer_id": customer_id},
        seen_version=seen,
        reason="moved to the heir",
        actor=BOSS,
        at=NOON,
    )


def accounts_of(customer_id: str) -> list[str]:
    found = queries.list_accounts(person="", customer_id=customer_id).rows
    return [account.id for account in found]


def test_an_account_gets_another_owner_with_an_entry_and_keeps_its_past() -> None:
    account, other = opened("a", balance=5000), opened("b")
    before = transferred(account, other).payment
    owned(account, "heir")
    after = transferred(account, other).payment
    assert (before.customer_id, after.customer_id) == (account.customer_id, "heir")
    assert (accounts_of(account.customer_id), accounts_of("heir")) == ([], [account.id])
    paid = queries.list_payments(person="", customer_id=account.customer_id).rows
    assert [payment.id for payment in paid] == [before.id]
    (entry,) = [e for e in trail.chain_page(account.id, person="").rows if "edited" in e.action]
    assert (entry.old_values or {})["customer_id"] == account.customer_id
    assert (entry.new_values or {})["customer_id"] == "heir"
    assert (entry.new_values or {})["reason"] == "moved to the heir"
    assert check_bank().faults == []


def test_an_owner_stays_where_another_would_break_something() -> None:
    account, other, empty = opened("a", balance=5000), opened("b"), opened("c")
    closed(empty)
    house = clearing_account("USD", at=NOON)
    for which in (empty, house):
        with pytest.raises(WrongState):
            owned(which, "heir")
    for name in ("", "clearing", "x" * 65, "a\tb"):
        with pytest.raises(InvalidRequest):
            owned(account, name)
    owned(account, "heir")
    with pytest.raises(StaleEdit):
        owned(account, "other heir")
    policy.configure(Policy(approval_threshold=100))
    transferred(account, other)
    with pytest.raises(WrongState, match="held"):
        owned(account, "third", seen=1)
    limits = {"customer_id": "heir", "day_limit": 5}
    edit_account(
        account_id=account.id, values=limits, seen_version=1, reason="x", actor=BOSS, at=NOON
    )
    assert now(account).customer_id == "heir"


def test_what_waits_under_an_owner_is_not_paid_by_the_next() -> None:
    account, other = opened("a", balance=5000), opened("b")
    scheduled = transferred(account, other, scheduled_for="2026-03-05").payment
    policy.configure(Policy(approval_threshold=100))
    waits = transferred(account, other).payment
    planted(now(account).with_changes({"customer_id": "heir"}))
    with pytest.raises(CustomerMismatch):
        approve_payment(payment_id=waits.id, shown=digest(waits), actor=BOSS, at=NOON)
    assert settle_due(at=NOON + timedelta(hours=72))["failed"] == 1
    kept = [queries.get_payment(each.id) for each in (waits, scheduled)]
    assert [each.status for each in kept if each] == ["failed", "failed"]
    assert kept[1] is not None
    assert kept[1].failure_code == "customer_mismatch"
    assert now(account).balance == 5000


def test_what_another_process_remembers_of_an_owner_does_no_harm() -> None:
    account, other = opened("a", balance=5000), opened("b")
    transferred(account, other, amount_minor=100)
    remembered = dict(directory._numbers)
    owned(account, "heir")
    for amount in (200, 300):
        directory._numbers.clear()
        directory._numbers.update(remembered)
        assert code(account, other, amount) == ""
    sums = {
        name: (store.get(Activity(subject=f"customer:{name}")) or Activity()).sums
        for name in (account.customer_id, "heir")
    }
    assert sums["heir"] == {"USD": 500}
    assert sums[account.customer_id] == {"USD": 100, "received USD": 5000}


def test_an_account_without_a_version_is_no_busy_one() -> None:
    account = opened("a")
    item = {name: value for name, value in now(account).serialize().items() if name != "version"}
    client.call("PutItem", TableName=Account.table_name(), Item=item)
    with pytest.raises(StoreError, match="refuses") as told:
        frozen(account)
    assert not isinstance(told.value, StoreBusyError)
