"""What a role lets its people move: by transfer, by day and currency, on every way in."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest

from audit.context import Actor
from dynamodb import store
from payments import accounts, approvals, policy, queries, turns
from payments.identifiers import new_payment_id
from payments.lifecycle import close_account
from payments.models import Account, Activity, Payment, PaymentStatus
from payments.policy import Policy
from payments.refusals import LimitExceeded
from payments.requests import OpeningRequest
from payments.role_limits import Limits, RoleLimits
from payments.settling import settle_due
from payments.transfers import transfer_funds
from tests.bank import check_bank
from tests.builders import NOON, PROGRAM, a_request, insisted, opened, transferred

pytestmark = pytest.mark.usefixtures("moto_store")

ANN = Actor(id="ann", roles=("teller",))
BOSS = Actor(id="boss", roles=("supervisor",))
BOTH = Actor(id="both", roles=("supervisor", "teller"))
NOBODY_SAYS = Actor(id="ann")


def limited(text: str, threshold: int = 10**15) -> None:
    limits = RoleLimits.parse(text)
    policy.configure(Policy(approval_threshold=threshold, role_limits=limits))


def code(source: Account, target: Account, amount_minor: int, actor: Actor = ANN) -> str:
    payment = transferred(source, target, actor=actor, amount_minor=amount_minor).payment
    return payment.failure_code or str(payment.status)


@pytest.fixture
def ends() -> tuple[Account, Account]:
    return opened("a", balance=90_000), opened("b", balance=90_000)


def test_the_widest_of_several_roles_holds_and_the_narrowest_of_all_for_want_of_any() -> None:
    limits = RoleLimits.parse("teller=500/2000, teller/JPY=70/, supervisor=900/,")
    assert limits.limits(["teller"], "USD") == Limits(transfer=500, day=2000)
    assert limits.limits(["teller"], "KWD") == Limits(transfer=5000, day=20_000)
    assert limits.limits(["teller"], "JPY") == Limits(transfer=70)
    assert limits.limits(["teller", "supervisor"], "USD") == Limits(transfer=900)
    assert limits.limits(["teller", "compliance"], "USD") == Limits()
    assert limits.limits([], "USD") == Limits(transfer=500, day=2000)
    assert RoleLimits().limits([], "USD") == RoleLimits().limits(["teller"], "USD") == Limits()
    assert RoleLimits.parse("teller=0/0").limits(["teller"], "USD") == Limits(transfer=0, day=0)


def test_no_more_at_a_time_or_in_a_day_than_the_role_allows(ends: tuple[Account, Account]) -> None:
    limited("teller=1000/2500")
    refused = transferred(*ends, actor=ANN, amount_minor=1001).payment
    assert refused.failure_code == "limit_exceeded"
    assert refused.failure_reason == "The maker's role allows at most 10.00 USD at a time."
    assert [code(*ends, 1000) for _ in range(3)] == ["processed", "processed", "limit_exceeded"]
    assert code(*ends[::-1], 501) == "limit_exceeded", "another account changes nothing"
    assert code(*ends, 500) == "processed"
    assert code(*ends, 5000, BOSS) == code(*ends, 5000, BOTH) == "processed"
    assert code(*ends, 5000, PROGRAM) == "processed"
    tomorrow = NOON + timedelta(days=1)
    assert transferred(*ends, at=tomorrow, actor=ANN, amount_minor=1000).payment.is_processed()


def test_each_currency_has_a_day_of_its_own(ends: tuple[Account, Account]) -> None:
    yen, other = (opened(name, balance=90_000, currency="JPY") for name in "cd")
    limited("teller=/1000")
    assert code(*ends, 1000) == "processed"
    codes = [
        transferred(yen, other, actor=ANN, amount_minor=each, currency="JPY").payment.failure_code
        for each in (11, 10, 1)
    ]
    assert codes == ["limit_exceeded", None, "limit_exceeded"]


def test_who_comes_without_roles_is_limited_as_the_least(ends: tuple[Account, Account]) -> None:
    limited("teller=100/,supervisor=/500")
    assert code(*ends, 101, NOBODY_SAYS) == "limit_exceeded"
    assert [code(*ends, 100, NOBODY_SAYS) for _ in range(6)].count("processed") == 5


def test_what_waits_for_approval_counts_once_from_when_it_is_asked_for(
    ends: tuple[Account, Account],
) -> None:
    other, last = opened("c", balance=1000), opened("d")
    limited("teller=/2500", threshold=1000)
    assert code(other, last, 500) == "processed"
    waits = transferred(*ends, actor=ANN, amount_minor=2000).payment
    assert waits.status == PaymentStatus.PENDING
    assert code(*ends, 1) == "limit_exceeded"
    shown = approvals.digest(waits)
    approvals.approve_payment(payment_id=waits.id, shown=shown, actor=BOSS, at=NOON)
    assert code(*ends, 1) == "limit_exceeded"
    activity = store.get(Activity(subject="maker:ann:USD"))
    assert activity is not None
    assert (activity.total, activity.asked) == (500, 2500)


def test_the_same_request_again_and_refused_ones_count_nothing(
    ends: tuple[Account, Account],
) -> None:
    limited("teller=/1000")
    name = new_payment_id(NOON)
    for _ in range(3):
        assert transferred(*ends, actor=ANN, payment_id=name).payment.is_processed()
    assert code(*ends, 1) == "limit_exceeded"
    limited("teller=/1001")
    assert code(*ends, 1) == "processed"


def test_a_scheduled_transfer_is_limited_on_its_day_by_the_roles_of_who_asked(
    ends: tuple[Account, Account],
) -> None:
    day = NOON + timedelta(days=3)
    asked = [
        transferred(*ends, actor=who, amount_minor=1000, scheduled_for="2026-03-05").payment
        for who in (ANN, ANN, BOSS)
    ]
    limited("teller=/1500, supervisor=/")
    assert dict(settle_due(at=day)) == {"processed": 2, "failed": 1}
    found = queries.get_payments(*(each.id for each in asked))
    codes = [each.failure_code or "" for each in found if each]
    assert (sorted(codes[:2]), codes[2]) == (["", "limit_exceeded"], "")
    assert check_bank().faults == []


def test_deposits_rests_and_reversals_count_like_any_transfer(
    ends: tuple[Account, Account],
) -> None:
    paid = transferred(*ends, actor=PROGRAM, amount_minor=800).payment
    limited("teller=/1000")
    with pytest.raises(LimitExceeded):
        close_account(
            account_id=ends[0].id,
            reason="moved",
            rest_to=ends[1].id,
            payment_id=new_payment_id(NOON),
            actor=ANN,
            at=NOON,
        )
    values: dict[str, Any] = {"customer_id": "c", "account_type": "checking", "currency": "USD"}
    large = OpeningRequest(request_id="r1", opening_balance_minor=1001, **values)
    with pytest.raises(LimitExceeded):
        accounts.open_account(large, actor=ANN, at=NOON)
    small = OpeningRequest(request_id="r2", opening_balance_minor=300, **values)
    assert accounts.open_account(small, actor=ANN, at=NOON).account.balance == 300
    assert code(ends[1], ends[0], 701) == "limit_exceeded"
    back = transferred(ends[1], ends[0], actor=ANN, amount_minor=701, reverses=paid.id).payment
    assert back.failure_code == "limit_exceeded"
    assert check_bank().faults == []


@pytest.mark.integration
def test_sixteen_writers_cannot_split_the_limit_of_a_role(
    local_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    pairs = [(opened(f"a{n}", balance=90_000), opened(f"b{n}")) for n in range(8)]
    limited("teller=/1000", threshold=500)

    def pay(number: int) -> Payment:
        request = a_request(*pairs[number % 8], amount_minor=100)
        return insisted(lambda: transfer_funds(request, actor=ANN, at=NOON).payment)

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(pay, range(16)))
    by_state = [str(payment.status) for payment in made]
    assert by_state.count("failed") == 6
    assert by_state.count("processed") == 5, "above the threshold they wait, and count"
    assert by_state.count("pending") == 5
    assert check_bank().faults == []
