"""A person's search against a plain search over the whole trail, postings and all."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pytest

from audit.chain import POSTINGS
from audit.context import Actor
from audit.models import AuditLog
from audit.queries import TrailFilter
from dynamodb.client import count_requests
from payments import approvals, policy
from payments.history import postings
from payments.policy import Policy
from payments.queries import get_payment
from payments.transfers import transfer_funds
from tests.bank import check_bank
from tests.builders import NOON, a_request, opened, transferred

PEOPLE = [Actor(id="ann"), Actor(id="ben"), Actor(id="service:shop")]
MIDNIGHT = NOON + timedelta(hours=12)
DAYS = [None, NOON.date(), MIDNIGHT.date()]


def some_trail(chance: random.Random) -> None:
    """Transfers, refusals, approvals and reversals of several people, around a midnight."""
    policy.configure(Policy(approval_threshold=500_00))
    accounts = [opened(name, balance=9_000) for name in "abc"]
    for number in range(12):
        at = MIDNIGHT + timedelta(microseconds=chance.choice([-3, -2, -1, 0, 0, 1]) + number // 6)
        source, target = chance.sample(accounts, 2)
        amount = chance.choice([100, 2_000, 90_000])
        transferred(source, target, actor=chance.choice(PEOPLE), at=at, amount_minor=amount)
    policy.configure(Policy(approval_threshold=0))
    for maker, checker in (PEOPLE[:2], PEOPLE[1::-1]):
        request = a_request(accounts[0], accounts[1], amount_minor=100)
        waiting = transfer_funds(request, actor=maker, at=NOON).payment
        shown = approvals.digest(waiting)
        approvals.approve_payment(payment_id=waiting.id, shown=shown, actor=checker, at=MIDNIGHT)


def expected(entries: list[AuditLog], wanted: TrailFilter) -> Counter[tuple[str, str]]:
    """A posting is of the day of its payment's entry, whatever clocks that step back say."""
    first, last = wanted.first_day or date.min, wanted.last_day or date.max
    days = {
        entry.entity_id: entry.timestamp[:10]
        for entry in entries
        if "processed_at" in (entry.new_values or {})
    }
    return Counter(
        (entry.entity_id, entry.timestamp)
        for entry in entries
        if wanted.keeps(entry) and first.isoformat() <= _day_of(entry, days) <= last.isoformat()
    )


def _day_of(entry: AuditLog, days: dict[str, str]) -> str:
    return days[entry.reference or ""] if entry.action in POSTINGS else entry.timestamp[:10]


def found(
    wanted: TrailFilter, rows: int, arrive: Callable[[], object] = lambda: None
) -> Counter[tuple[str, str]]:
    """What all pages show; ``arrive`` is called between two of them."""
    keys: Counter[tuple[str, str]] = Counter()
    cursor = ""
    while True:
        page = postings.browse(wanted, person="cora", cursor=cursor, rows=rows)
        keys.update((entry.entity_id, entry.timestamp) for entry in page.rows)
        assert page.examined >= len(page.rows)
        arrive()
        if not (cursor := page.next_cursor):
            return keys


@pytest.mark.parametrize("seed", range(3))
def test_a_persons_search_finds_both_sides_of_each_payment_once(
    moto_store: None, seed: int
) -> None:
    some_trail(random.Random(seed))
    assert not check_bank().faults
    entries: list[AuditLog] = list(AuditLog.scan())
    for person in (*PEOPLE, Actor(id="teller1")):
        for outcome in ("", "success", "failure"):
            for day in DAYS:
                wanted = TrailFilter(
                    user_id=person.id, outcome=outcome, first_day=day, last_day=day
                )
                for rows in (1, 7, 50):
                    assert found(wanted, rows) == expected(entries, wanted), (wanted, rows)


def test_what_arrives_between_pages_hides_and_repeats_nothing(moto_store: None) -> None:
    source, target = opened("a", balance=90_000), opened("b")
    for _ in range(6):
        transferred(source, target, actor=PEOPLE[0], amount_minor=1)
    wanted = TrailFilter(user_id="ann")
    for rows in (1, 4):
        before = expected(list(AuditLog.scan()), wanted)
        for at in (NOON, MIDNIGHT):
            keys = found(
                wanted, rows, partial(transferred, source, target, at, PEOPLE[0], amount_minor=1)
            )
            after = expected(list(AuditLog.scan()), wanted)
            assert before <= keys <= after
            assert max(keys.values()) == 1


def test_a_page_of_payments_and_their_postings_takes_three_requests(moto_store: None) -> None:
    source, target = opened("a", balance=90_000), opened("b")
    for _ in range(60):
        transferred(source, target, actor=PEOPLE[0], amount_minor=1)
    with count_requests() as requests:
        page = postings.browse(TrailFilter(user_id="ann"), person="cora")
    assert len(page.rows) == 150
    assert len(requests) == 3


def test_a_payment_tells_its_entries_to_nobody_but_the_search(moto_store: None) -> None:
    source, target = opened("a", balance=9_000), opened("b")
    payment = transferred(source, target).payment
    stored = get_payment(payment.id)
    assert stored is not None
    assert len(stored.posted_as or ()) == 2
    told = [entry for entry in AuditLog.scan() if entry.entity_id == payment.id]
    assert not any("posted_as" in (entry.new_values or {}) for entry in told)
