"""The rules alone: no store, no clock."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import rules
from payments.models import AccountStatus, AccountType
from payments.money import MAX_AMOUNT_MINOR, MAX_BALANCE_MINOR
from payments.refusals import (
    CurrencyMismatch,
    CustomerMismatch,
    DestinationNotActive,
    DestinationNotFound,
    InsufficientFunds,
    InvalidAmount,
    InvalidField,
    LimitExceeded,
    MissingField,
    Refusal,
    SameAccount,
    SourceLocked,
    SourceNotActive,
    SourceNotFound,
    UnknownCurrency,
)
from payments.requests import checked_transfer
from tests.builders import NOON, a_request, an_account

money = st.integers(1, MAX_AMOUNT_MINOR)


@given(balance=money, amount=money, held=st.integers(0, MAX_AMOUNT_MINOR))
def test_money_moves_exactly_when_it_is_available(balance: int, amount: int, held: int) -> None:
    source, target = an_account(1, balance=balance, held=held), an_account(2, balance=7)
    request = a_request(source, target, amount_minor=amount)
    if amount > balance - held:
        with pytest.raises(InsufficientFunds):
            rules.decide(request, source, target, NOON)
    else:
        posting = rules.decide(request, source, target, NOON).posting
        assert posting.source["balance"] == balance - amount >= held
        assert posting.target["balance"] == 7 + amount


@pytest.mark.parametrize(
    ("source", "target", "request_values", "refusal"),
    [
        ({"status": AccountStatus.FROZEN}, {}, {}, SourceNotActive),
        ({"status": AccountStatus.CLOSED}, {}, {}, SourceNotActive),
        ({}, {"status": AccountStatus.FROZEN}, {}, DestinationNotActive),
        ({}, {"status": AccountStatus.CLOSED}, {}, DestinationNotActive),
        ({"currency": "EUR"}, {}, {}, CurrencyMismatch),
        ({}, {"currency": "EUR"}, {}, CurrencyMismatch),
        ({}, {}, {"currency": "EUR"}, CurrencyMismatch),
        ({"locked_until": NOON + timedelta(seconds=1)}, {}, {}, SourceLocked),
        ({"balance": 999}, {}, {}, InsufficientFunds),
        ({"held": 99_001}, {}, {}, InsufficientFunds),
        ({}, {}, {"customer_id": "somebody else"}, CustomerMismatch),
        ({}, {"balance": MAX_BALANCE_MINOR - 999}, {}, LimitExceeded),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(
    source: dict[str, Any],
    target: dict[str, Any],
    request_values: dict[str, Any],
    refusal: type[Refusal],
) -> None:
    accounts = an_account(1, **{"balance": 100_000, **source}), an_account(2, **target)
    with pytest.raises(refusal) as refused:
        rules.decide(a_request(*accounts, **request_values), *accounts, NOON)
    assert str(refused.value)


def test_an_account_that_does_not_exist_is_told_by_its_side() -> None:
    account = an_account(balance=5000)
    with pytest.raises(SourceNotFound):
        rules.decide(a_request("acc_none", account), None, account, NOON)
    with pytest.raises(DestinationNotFound):
        rules.decide(a_request(account, "acc_none"), account, None, NOON)


def test_a_lock_that_has_run_out_locks_nothing() -> None:
    source = an_account(1, balance=1000, locked_until=NOON)
    target = an_account(2)
    assert (
        rules.decide(a_request(source, target), source, target, NOON).posting.source["balance"] == 0
    )


def test_only_system_accounts_go_negative() -> None:
    clearing, target = an_account(1, account_type=AccountType.SYSTEM), an_account(2)
    posting = rules.decide(a_request(clearing, target), clearing, target, NOON).posting
    assert posting.source == {"balance": -1000}


def test_day_totals_run_within_a_day_and_start_again_on_the_next() -> None:
    yesterday = {"day": "2026-03-01", "day_debits": 50, "day_credits": 60, "day_count": 2}
    source, target = an_account(1, balance=5000, **yesterday), an_account(2)
    posting = rules.decide(a_request(source, target), source, target, NOON).posting
    assert posting.source == {
        "balance": 4000, "day": "2026-03-02", "day_debits": 1000, "day_credits": 0, "day_count": 1,
    }  # fmt: skip
    later = rules.decide(
        a_request(source, target), source.with_changes(posting.source), target, NOON
    )
    assert later.posting.source["day_debits"] == 2000
    assert later.posting.source["day_count"] == 2


@pytest.mark.parametrize("minutes", [1, -1])
def test_a_clock_that_steps_over_midnight_and_back_forgets_no_totals(minutes: int) -> None:
    source, target = an_account(1, balance=5000), an_account(2)
    midnight = NOON.replace(hour=0)
    for step in (minutes, -minutes, minutes):
        at = midnight + timedelta(minutes=step)
        posting = rules.decide(a_request(source, target), source, target, at).posting
        source = source.with_changes(posting.source)
    assert (source.day, source.day_debits) == ("2026-03-02", 3000 if minutes > 0 else 2000)


def test_the_day_is_that_of_utc_wherever_the_clock_hangs() -> None:
    source, target = an_account(1, balance=5000), an_account(2)
    evening = datetime(2026, 3, 1, 19, tzinfo=timezone(timedelta(hours=-5)))
    posting = rules.decide(a_request(source, target), source, target, evening).posting
    assert posting.source["day"] == "2026-03-02"


def test_texts_of_any_script_fill_their_length_to_the_last_character() -> None:
    ends = an_account(1), an_account(2)
    for text in ("\N{PARTY POPPER}" * 140, "\N{ARABIC LETTER ALEF}" * 140):
        request = a_request(*ends, description=text)
        assert checked_transfer(request, NOON) == request


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"amount_minor": 0}, InvalidAmount),
        ({"amount_minor": -1}, InvalidAmount),
        ({"amount_minor": True}, InvalidAmount),
        ({"amount_minor": 1.0}, InvalidAmount),
        ({"amount_minor": MAX_AMOUNT_MINOR + 1}, InvalidAmount),
        ({"currency": "XXX"}, UnknownCurrency),
        ({"currency": ""}, MissingField),
        ({"from_account_id": ""}, MissingField),
        ({"to_account_id": ""}, MissingField),
        ({"description": "x" * 141}, InvalidField),
        ({"description": "a\x00b"}, InvalidField),
        ({"description": "\ud800"}, InvalidField),
        ({"merchant_id": "x" * 65}, InvalidField),
        ({"payment_id": "6f1ed002-ab5f-4f2b-8a3d-0d1b8f2a5b11"}, InvalidField),
        ({"payment_id": "nonsense"}, InvalidField),
        ({"payment_id": "ffffffff-ffff-7fff-bfff-ffffffffffff"}, InvalidField),
        ({"idempotency_key": "x" * 129}, InvalidField),
        ({"idempotency_key": "\udcff"}, InvalidField),
        ({"reverses": "nonsense"}, InvalidField),
        ({"scheduled_for": "soon"}, InvalidField),
        ({"scheduled_for": "20260303"}, InvalidField),
        ({"scheduled_for": "2026-W10-3"}, InvalidField),
        ({"scheduled_for": "2027-03-04"}, InvalidField),
    ],
)
def test_malformed_requests_are_refused_before_any_store(
    values: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        checked_transfer(a_request(an_account(1), an_account(2), **values), NOON)


def test_an_account_is_the_same_by_id_and_by_number() -> None:
    account, other = an_account(1), an_account(2)
    with pytest.raises(SameAccount):
        checked_transfer(a_request(account.id, account.account_number), NOON)
    by_id = checked_transfer(a_request(account.id, other.id, payment_id=_ID), NOON)
    by_number = checked_transfer(
        a_request(account.account_number, other.account_number, payment_id=_ID), NOON
    )
    assert by_id.hash == by_number.hash


_ID = "0199c2a0-0000-7000-8000-000000000001"


@given(st.sampled_from(["amount_minor", "currency", "description", "merchant_id", "customer_id"]))
def test_a_request_with_other_values_has_another_hash(name: str) -> None:
    others: dict[str, Any] = {"amount_minor": 1001, "currency": "EUR"}
    other = others.get(name, "other")
    ends = an_account(1), an_account(2)
    assert a_request(*ends).hash != a_request(*ends, **{name: other}).hash
    assert a_request(*ends).hash == a_request(*ends).hash


def test_can_debit_needs_an_active_unlocked_account_with_the_money() -> None:
    assert an_account(balance=10).can_debit(10, NOON)
    assert not an_account(balance=10).can_debit(11, NOON)
    assert not an_account(balance=10, held=1).can_debit(10, NOON)
    assert not an_account(balance=10, status=AccountStatus.FROZEN).can_debit(1, NOON)
    assert not an_account(balance=10, locked_until=NOON + timedelta(1)).can_debit(1, NOON)
    assert an_account(balance=1_234_56).format_balance() == "1,234.56 USD"
