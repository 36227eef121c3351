"""Reversals: back the same way, linked both ways, never more than the payment."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest

from audit.context import Actor
from payments import policy, queries, turns
from payments.approvals import approve_payment, digest, reject_payment
from payments.models import Account, Payment, PaymentStatus
from payments.policy import Policy
from payments.transfers import Transfer
from tests.bank import check_bank
from tests.builders import NOON, opened, transferred

pytestmark = pytest.mark.usefixtures("moto_store")
BOSS = Actor(id="supervisor1")


def paid(amount: int = 1000, balance: int = 5000) -> Payment:
    return transferred(opened("a", balance=balance), opened("b"), amount_minor=amount).payment


def reversed_back(payment: Payment, amount: int, **values: Any) -> Transfer:
    ends = (payment.to_account_id, payment.from_account_id)
    return transferred(*ends, amount_minor=amount, reverses=payment.id, **values)


def now(payment: Payment) -> Payment:
    found = queries.get_payment(payment.id)
    assert found is not None
    return found


def balance(account_id: str) -> int:
    found: Account | None = queries.get_account(account_id)
    assert found is not None
    return found.balance


def test_a_payment_is_reversed_in_part_and_whole_and_no_further() -> None:
    payment = paid()
    first = reversed_back(payment, 400).payment
    assert first.is_processed()
    assert (first.reverses, now(payment).reversed_by) == (payment.id, first.id)
    assert now(payment).reversible == 600
    assert reversed_back(payment, 601).payment.failure_code == "already_reversed"
    assert reversed_back(payment, 600).payment.is_processed()
    assert reversed_back(payment, 1).payment.failure_code == "already_reversed"
    assert (balance(payment.from_account_id), balance(payment.to_account_id)) == (5000, 0)
    assert check_bank().faults == []


def test_only_a_processed_payment_the_same_way_back_is_reversed() -> None:
    payment = paid()
    reversal = reversed_back(payment, 100).payment
    failed = transferred(payment.from_account_id, payment.to_account_id, amount_minor=99_999)
    for what in (reversal, failed.payment):
        assert reversed_back(what, 10).payment.failure_code == "not_reversible"
    wrong_way = transferred(
        payment.from_account_id, payment.to_account_id, amount_minor=10, reverses=payment.id
    )
    assert wrong_way.payment.failure_code == "not_reversible"
    unknown = payment.with_changes({"id": "0199c2a0-0000-7000-8000-000000000001"})
    assert reversed_back(unknown, 10).payment.failure_code == "payment_not_found"


def test_a_reversal_needs_the_money_to_be_still_there() -> None:
    payment = paid()
    transferred(payment.to_account_id, payment.from_account_id, amount_minor=1000)
    assert reversed_back(payment, 1000).payment.failure_code == "insufficient_funds"
    assert now(payment).reversible == 1000


def test_a_large_reversal_waits_and_counts_until_it_comes_to_nothing() -> None:
    payment = paid(amount=5000)
    policy.configure(Policy(approval_threshold=1000))
    waiting = reversed_back(payment, 4000).payment
    assert waiting.status == PaymentStatus.PENDING
    assert reversed_back(payment, 2000).payment.failure_code == "already_reversed"
    reject_payment(payment_id=waiting.id, reason="no", actor=BOSS, at=NOON)
    assert now(payment).reversible == 5000
    assert now(payment).reversed_by is None
    again = reversed_back(payment, 5000).payment
    approve_payment(payment_id=again.id, shown=digest(again), actor=BOSS, at=NOON)
    assert now(payment).reversible == 0
    assert balance(payment.from_account_id) == 5000
    assert check_bank().faults == []


@pytest.mark.integration
def test_fifty_parallel_reversals_never_exceed_the_payment(
    local_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    payment = paid()
    with ThreadPoolExecutor(16) as pool:
        sent = list(pool.map(lambda _: reversed_back(payment, 300).payment, range(50)))
    assert sum(each.is_processed() for each in sent) == 3
    assert now(payment).reversible == 100
    assert check_bank().faults == []
