"""What the rules say and change, to the word and the minor unit, at each of their edges."""

from datetime import timedelta
from typing import Any

import pytest

from payments import policy, rules
from payments.models import Account, AccountStatus, AccountType, FrozenDirection, Payment
from payments.money import MAX_BALANCE_MINOR
from payments.policy import Policy
from payments.refusals import (
    AlreadyReversed,
    CustomerMismatch,
    LimitExceeded,
    NotReversible,
    PaymentNotFound,
    Refusal,
)
from payments.role_limits import Limits
from payments.rules import Decision, Maker
from tests.builders import NOON, a_request, an_account

SECOND = timedelta(seconds=1)
TODAY = "2026-03-02"
FROZEN = {"status": AccountStatus.FROZEN}


@pytest.fixture(autouse=True)
def default_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A threshold of 100.00, a lock of half an hour after three failures."""
    monkeypatch.setattr(policy, "_policy", Policy(approval_threshold=10_000))


def decided(
    source: dict[str, Any] | None = None,
    target: dict[str, Any] | None = None,
    *,
    amount: int = 1000,
    maker: Maker | None = None,
    reserved: int = 0,
    **request: Any,
) -> Decision:
    ends = an_account(1, **{"balance": 50_000} | (source or {})), an_account(2, **target or {})
    asked = a_request(*ends, amount_minor=amount, **request)
    return rules.decide(asked, *ends, NOON, maker=maker, reserved_minor=reserved)


def a_maker(alone: int = 0, asked: int = 0, **limits: int) -> Maker:
    return Maker(alone_minor=alone, asked_minor=asked, limits=Limits(**limits))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"source": FROZEN}, "The source account is frozen."),
        ({"target": {"status": AccountStatus.CLOSED}}, "The destination account is closed."),
        (
            {"source": {"locked_until": NOON + SECOND}},
            "Debits of the source account are locked until 12:00 UTC after repeated failures.",
        ),
        ({"source": {"balance": 999}}, "The source account has 9.99 USD available."),
        ({"source": {"currency": "EUR"}}, "The source account is in EUR, not USD."),
        ({"target": {"currency": "JPY"}}, "The destination account is in JPY, not USD."),
        (
            {"target": {"balance": MAX_BALANCE_MINOR - 999}},
            "The balance would be larger than can be kept exactly.",
        ),
        (
            {"source": {"transfer_limit": 999}},
            "The source account may pay at most 9.99 USD at a time.",
        ),
        (
            {"source": {"day_limit": 1500, "day_debits": 501, "day": TODAY}},
            "The source account may pay 9.99 USD more today.",
        ),
        (
            {"source": {"day_limit": 300, "day_debits": 501, "day": TODAY}},
            "The source account may pay 0.00 USD more today.",
        ),
        (
            {"maker": a_maker(transfer=999)},
            "The maker's role allows at most 9.99 USD at a time.",
        ),
        ({"maker": a_maker(asked=501, day=1500)}, "The maker's role allows 9.99 USD more today."),
    ],
)
def test_a_refusal_says_why_in_words_and_amounts(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refusal) as refused:
        decided(**values)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "values",
    [
        {"source": {"balance": 1000}},
        {"source": {"balance": 1500, "held": 500}},
        {"source": {"balance": 1000, "held": 600}, "reserved": 600},
        {"source": {"locked_until": NOON}},
        {"source": {"transfer_limit": 1000}},
        {"source": {"day_limit": 1500, "day_debits": 500, "day": TODAY}},
        {"source": {"day_limit": 1000, "day_debits": 500, "day": "2026-03-01"}},
        {"source": {"day_limit": 1000, "day_credits": 500, "day": TODAY}},
        {"maker": a_maker(asked=500, alone=900, transfer=1000, day=1500)},
        {"customer_id": "customer-1"},
        {"target": {"balance": MAX_BALANCE_MINOR - 1000}},
        {"source": {"account_type": AccountType.SYSTEM, "balance": 1000 - MAX_BALANCE_MINOR}},
    ],
)
def test_what_just_fits_is_allowed(values: dict[str, Any]) -> None:
    assert decided(**values).triggers == []


@pytest.mark.parametrize(
    "values",
    [
        {"source": {"balance": 1000, "held": 601}, "reserved": 600},
        {"source": {"account_type": AccountType.SYSTEM, "balance": 999 - MAX_BALANCE_MINOR}},
    ],
)
def test_one_minor_unit_more_is_not(values: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        decided(**values)


def test_a_request_for_another_customer_is_refused_and_for_none_in_particular_is_not() -> None:
    with pytest.raises(CustomerMismatch):
        decided(customer_id="customer-2")
    assert decided(customer_id="").triggers == []


@pytest.mark.parametrize("side", FrozenDirection)
def test_a_freeze_of_one_side_stops_that_side(side: FrozenDirection) -> None:
    frozen: Any = FROZEN | {"frozen_direction": side}
    for end, stops in (
        ("source", (FrozenDirection.DEBITS, FrozenDirection.BOTH)),
        ("target", (FrozenDirection.CREDITS, FrozenDirection.BOTH)),
    ):
        if side in stops:
            with pytest.raises(Refusal):
                decided(**{end: frozen})
        else:
            assert "status" not in getattr(decided(**dict[str, Any]({end: frozen})).posting, end)


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_posting_ends_a_freeze_whose_time_has_come(end: str) -> None:
    frozen: Any = FROZEN | {"frozen_direction": FrozenDirection.BOTH, "frozen_until": NOON}
    changes = getattr(decided(**dict[str, Any]({end: frozen})).posting, end)
    assert changes.items() >= {
        "status": AccountStatus.ACTIVE, "frozen_direction": None, "frozen_until": None,
    }.items()  # fmt: skip
    with pytest.raises(Refusal):
        decided(**{end: frozen | {"frozen_until": NOON + SECOND}})


def test_a_posting_counts_what_left_and_what_arrived_today() -> None:
    before = {"day": TODAY, "day_debits": 5, "day_credits": 7, "day_count": 2}
    posting = decided(before, before | {"balance": 3}).posting
    assert posting.source == {
        "balance": 49_000, "day": TODAY, "day_debits": 1005, "day_credits": 7, "day_count": 3,
    }  # fmt: skip
    assert posting.target == {
        "balance": 1003, "day": TODAY, "day_debits": 5, "day_credits": 1007, "day_count": 3,
    }  # fmt: skip


def test_a_posting_forgives_the_failures_of_its_source_only() -> None:
    failed = {"failed_attempts": 2, "failed_times": ["2026-03-02T11:59:00.000000Z"]}
    posting = decided(failed, failed).posting
    assert posting.source.items() >= {"failed_attempts": None, "failed_times": None}.items()
    assert "failed_attempts" not in posting.target


ABOVE = "100.01 USD today, above 100.00 USD"


@pytest.mark.parametrize(
    ("values", "triggers"),
    [
        ({"amount": 10_000, "maker": a_maker()}, []),
        (
            {"amount": 10_001, "maker": a_maker()},
            [
                f"maker: {ABOVE}",
                f"source: {ABOVE}",
                f"beneficiary: {ABOVE}",
            ],
        ),
        ({"maker": a_maker(alone=9000)}, []),
        ({"maker": a_maker(alone=9001, asked=1)}, [f"maker: {ABOVE}"]),
        ({"maker": a_maker(asked=9001)}, []),
        ({"source": {"day": TODAY, "day_debits": 9000}}, []),
        ({"source": {"day": TODAY, "day_debits": 9001}}, [f"source: {ABOVE}"]),
        ({"source": {"day": TODAY, "day_credits": 9001}}, []),
        ({"target": {"day": TODAY, "day_credits": 9000}}, []),
        ({"target": {"day": TODAY, "day_credits": 9001}}, [f"beneficiary: {ABOVE}"]),
        ({"target": {"day": TODAY, "day_debits": 9001}}, []),
        ({"target": {"day": "2026-03-01", "day_credits": 9001}}, []),
        (
            {"amount": 10_001, "source": {"account_type": AccountType.SYSTEM}},
            [f"beneficiary: {ABOVE}"],
        ),
        (
            {"amount": 10_001, "target": {"account_type": AccountType.SYSTEM}},
            [f"source: {ABOVE}"],
        ),
        ({"batch_trigger": "batch: 60.00 USD in all"}, ["batch: 60.00 USD in all"]),
    ],
)
def test_a_second_person_is_needed_above_the_threshold_of_each_running_total(
    values: dict[str, Any], triggers: list[str]
) -> None:
    assert decided(**values).triggers == triggers


def failing(*minutes_ago: int) -> Account:
    times = [f"2026-03-02T{11 - (m - 1) // 60:02}:{-m % 60:02}:00.000000Z" for m in minutes_ago]
    return an_account(failed_times=times)


def test_failures_within_the_time_of_a_lock_count_together() -> None:
    first = rules.failed_debit(an_account(), NOON)
    assert first == {"failed_attempts": 1, "failed_times": ["2026-03-02T12:00:00.000000Z"]}
    assert rules.failed_debit(failing(30), NOON)["failed_attempts"] == 1
    second = rules.failed_debit(failing(45, 29), NOON)
    assert second["failed_attempts"] == 2
    assert second["failed_times"] == [
        "2026-03-02T11:31:00.000000Z", "2026-03-02T12:00:00.000000Z",
    ]  # fmt: skip


def test_the_third_failure_locks_for_half_an_hour_and_counts_anew() -> None:
    assert rules.failed_debit(failing(29, 1), NOON) == {
        "failed_attempts": None,
        "failed_times": None,
        "locked_until": NOON + timedelta(minutes=30),
    }


def paid(**values: Any) -> Payment:
    defaults: dict[str, Any] = {
        "id": "pay_1", "status": "processed", "amount": 1000, "currency": "USD",
        "from_account_id": an_account(1).id, "to_account_id": an_account(2).id,
    }  # fmt: skip
    return Payment(**defaults | values)


def back(amount: int = 1000, **values: Any) -> Any:
    return a_request(an_account(2), an_account(1), amount_minor=amount, **values)


def test_a_processed_payment_may_go_back_in_parts_and_as_a_whole() -> None:
    rules.check_reversal(paid(), back())
    rules.check_reversal(paid(reversed_amount=400), back(600))


@pytest.mark.parametrize(
    ("original", "request_values", "refusal"),
    [
        (None, {}, PaymentNotFound),
        (paid(status="pending"), {}, NotReversible),
        (paid(reverses="pay_0"), {}, NotReversible),
        (paid(), {"from_account_id": an_account(3).id}, NotReversible),
        (paid(), {"to_account_id": an_account(3).id}, NotReversible),
        (paid(), {"amount": 1001}, AlreadyReversed),
        (paid(reversed_amount=400), {"amount": 601}, AlreadyReversed),
    ],
)
def test_nothing_else_goes_back(
    original: Payment | None, request_values: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal) as refused:
        rules.check_reversal(original, back(**request_values))
    if refusal is AlreadyReversed and original is not None:
        left = {1000: "10.00", 600: "6.00"}[original.reversible]
        assert str(refused.value) == f"Of this payment {left} USD can still be reversed."


def test_no_balance_goes_past_what_is_kept_exactly() -> None:
    rich, other = an_account(1, balance=MAX_BALANCE_MINOR), an_account(2, balance=0)
    assert rules.post(rich, other, MAX_BALANCE_MINOR, NOON).target["balance"] == MAX_BALANCE_MINOR
    with pytest.raises(LimitExceeded):
        rules.post(other, rich, 1, NOON)
