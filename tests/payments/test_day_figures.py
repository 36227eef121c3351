"""Figures of days: what payments say, counted once, wherever a walk was stopped or met another."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.context import Actor
from dynamodb.client import count_requests
from dynamodb.errors import ConditionFailedError
from payments import approvals, policy, queries
from payments.history import figures
from payments.history.figures import DayFigures, read_window, roll_up
from payments.identifiers import new_payment_id
from payments.models import Account, Payment
from tests.builders import NOON, opened, transferred
from tests.stores import NO_FOUR_EYES

pytestmark = pytest.mark.usefixtures("moto_store")
LATER = NOON + timedelta(hours=1)
CHECKER = Actor(id="supervisor1")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_PAGE_ROWS", 3)


@pytest.fixture
def accounts(moto_store: None) -> tuple[Account, Account]:
    """Two accounts that have paid on three days, and failed on one."""
    source = opened("a", balance=100_000, at=NOON - timedelta(days=3))
    target = opened("b", at=NOON - timedelta(days=3))
    for number in range(8):
        at = NOON - timedelta(days=number % 3)
        transferred(source, target, at, payment_id=new_payment_id(at), amount_minor=100 + number)
    transferred(target, source, NOON, payment_id=new_payment_id(NOON), amount_minor=10**9)
    for name, currency in (("y", "JPY"), ("z", "JPY")):
        opened(name, balance=500 if name == "y" else 0, currency=currency, at=NOON)
    return source, target


def published() -> dict[str, dict[str, object]]:
    days, _ = read_window(LATER)
    return {day.day: dict(day.counts) for day in days if day.counts}


def told_by_payments() -> dict[str, dict[str, object]]:
    days: dict[str, Counter[str]] = {}
    largest: dict[tuple[str, str], list[list[object]]] = {}
    for payment in Payment.scan():
        day = days.setdefault(payment.timestamp[:10], Counter())
        day[f"state:{payment.status}"] += 1
        if payment.is_processed():
            day[f"count:{payment.currency}"] += 1
            day[f"sum:{payment.currency}"] += payment.amount
            place = payment.timestamp[:10], f"largest:{payment.currency}"
            largest.setdefault(place, []).append([payment.amount, payment.id])
    told: dict[str, dict[str, object]] = {day: dict(counts) for day, counts in days.items()}
    for (day_name, name), found in largest.items():
        told[day_name][name] = sorted(found, reverse=True)[:5]
    return told


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("pages", [1, 1000])
def test_figures_are_what_the_payments_say_however_often_a_walk_is_stopped(pages: int) -> None:
    for _ in range(120 if pages == 1 else 1):
        roll_up(at=LATER, pages=pages)
    assert published() == told_by_payments()
    assert len(published()) == 4


@pytest.mark.usefixtures("accounts")
def test_two_workers_do_not_count_a_page_twice() -> None:
    roll_up(at=LATER, pages=1)
    (half,) = (day for day in read_window(LATER)[0] if day.place)
    figures._one_page_on(half, LATER)
    with pytest.raises(ConditionFailedError):
        figures._one_page_on(half, LATER)
    roll_up(at=LATER, pages=1000)
    assert published() == told_by_payments()


def test_a_day_is_counted_again_until_nothing_of_it_waits(
    accounts: tuple[Account, Account],
) -> None:
    policy.configure(replace(NO_FOUR_EYES, approval_threshold=5_000))
    waiting = transferred(*accounts, NOON, payment_id=new_payment_id(NOON), amount_minor=9_000)
    assert waiting.payment.can_cancel()
    next_day = NOON + timedelta(days=1, hours=14)
    roll_up(at=next_day, pages=1000)
    assert DayFigures.get("2026-03-02").number("state:pending") == 1
    with count_requests() as seen:
        assert roll_up(at=next_day + timedelta(seconds=1)) == 0
    assert seen.operations == ["BatchGetItem"]

    shown = approvals.digest(queries.get_payment(waiting.payment.id))  # type: ignore[arg-type]
    approvals.approve_payment(payment_id=waiting.payment.id, shown=shown, actor=CHECKER, at=LATER)
    roll_up(at=next_day + timedelta(hours=2), pages=1000)
    counted = DayFigures.get("2026-03-02")
    assert (counted.number("state:pending"), counted.number("state:processed")) == (0, 5)
    assert not counted.is_due(next_day + timedelta(days=20))


def test_today_is_counted_again_although_nothing_waits(accounts: tuple[Account, Account]) -> None:
    roll_up(at=LATER, pages=1000)
    before = DayFigures.get("2026-03-02").number("count:USD")
    transferred(*accounts, LATER, payment_id=new_payment_id(LATER))
    roll_up(at=LATER + timedelta(minutes=3), pages=1000)
    assert DayFigures.get("2026-03-02").number("count:USD") == before + 1
