"""Groups of two processes on the same accounts, in trouble: everybody learns their own outcome."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from audit.context import Actor
from dynamodb import transactions
from dynamodb.errors import (
    OutcomeUnknownError,
    StoreBusyError,
    StoreRefusedError,
    StoreUnavailableError,
)
from dynamodb.retries import BUSY
from dynamodb.transactions import Attempt, Contended, Unknown, commit
from payments import approvals, groups, policy, turns
from payments.deciding import Deciding
from payments.groups import Member
from payments.models import Payment, PaymentStatus
from payments.policy import Policy
from payments.refusals import KeyReused, Refusal
from payments.requests import TransferRequest
from payments.transfers import Transfer, transfer_funds, transfer_many
from tests.bank import check_bank, scanned
from tests.builders import NOON, PROGRAM, TELLER, a_request, opened
from tests.payments.test_groups import a_member

YESTERDAY = NOON - timedelta(days=1)
CHECKER = Actor(id="checker", roles=("supervisor",))
LINE = 6_000


class KilledError(RuntimeError):
    """A leader that ends where it stands."""


@pytest.fixture
def fired(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Trouble with commits: throttled, lost before or after they happened, their thread killed."""
    counts: Counter[str] = Counter()
    chance = random.Random(1)

    def troubled(attempt: Attempt) -> transactions.Outcome:
        trouble = chance.choice([""] * 7 + ["throttled", "lost", "unsent", "killed", "stillborn"])
        counts[trouble] += 1
        lost = Unknown(StoreUnavailableError("no answer"))
        if trouble == "throttled":
            return Contended()
        if trouble == "unsent":
            return lost
        if trouble == "stillborn":
            raise KilledError
        outcome = commit(attempt)
        if trouble == "killed":
            raise KilledError
        return lost if trouble == "lost" else outcome

    monkeypatch.setattr("dynamodb.retries.commit", troubled)
    return counts


class TwoProcesses:
    """A queue for each half of the threads: what they know of each other is what the store says."""

    def __init__(self) -> None:
        self.queues = [groups._Queue(), groups._Queue()]
        self.here = threading.local()

    def wait(self, member: Member) -> None:
        self.queues[self.here.number].wait(member)

    def leave(self, group: Sequence[Member]) -> None:
        self.queues[self.here.number].leave(group)


def asked_until_known(
    request: TransferRequest, actor: Actor, chance: random.Random
) -> Payment | KeyReused:
    """What a caller learns in the end who asks again, now with more time and now with less."""
    while True:
        seconds, at = chance.choice([0.05, 0.5, 10.0]), NOON + timedelta(seconds=chance.random())
        with suppress(StoreBusyError, OutcomeUnknownError, KilledError):
            try:
                done = transfer_funds(request, actor=actor, at=at, limit_seconds=seconds)
            except KeyReused as refusal:
                return refusal
            return done.payment


def decided_meanwhile(until: threading.Event, chance: random.Random) -> None:
    """Approve, reject or take back whatever waits, while more is asked for."""
    while not until.wait(0.02):
        for payment in scanned(Payment):
            if payment.can_cancel():
                shown = approvals.digest(payment)
                act: Callable[..., Any] = chance.choice([
                    partial(approvals.approve_payment, shown=shown, actor=CHECKER),
                    partial(approvals.reject_payment, reason="No", actor=CHECKER),
                    partial(approvals.cancel_payment, reason="No", actor=TELLER),
                ])  # fmt: skip
                with suppress(Refusal, StoreBusyError, OutcomeUnknownError, KilledError):
                    act(payment_id=payment.id, at=NOON)


def moved_alone(payments: Iterable[Payment]) -> Counter[str]:
    """What moved without a second person, by source, beneficiary and person."""
    sums: Counter[str] = Counter()
    for each in payments:
        is_asked = each.created_at is not None and each.created_at >= NOON
        if is_asked and each.is_processed() and not each.approved_by:
            people = {str(each.requested_by)} - {PROGRAM.id}
            for name in (f"from {each.from_account_id}", f"to {each.to_account_id}", *people):
                sums[name] += each.amount
    return sums


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_two_processes_in_trouble_move_everything_once(
    monkeypatch: pytest.MonkeyPatch, fired: Counter[str]
) -> None:
    """Each request is asked for by both, in other company each time, half of them once changed."""
    chance = random.Random(2)
    with monkeypatch.context() as calm:
        calm.setattr("dynamodb.retries.commit", commit)
        accounts = [opened(f"a{n}", balance=9_000, at=YESTERDAY) for n in range(4)]
    policy.configure(
        Policy(approval_threshold=LINE, large_transaction_threshold=2_000, max_failed_attempts=5)
    )
    lists = [
        [
            a_request(*chance.sample(accounts, 2), amount_minor=chance.choice([1, 300, 900, 9_500]))
            for _ in range(10)
        ]
        for _ in range(6)
    ]
    processes, over = TwoProcesses(), threading.Event()
    monkeypatch.setattr(groups, "_queue", processes)
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())

    def write(number: int) -> dict[str, list[Any]]:
        processes.here.number = number % 2
        own = random.Random(number)
        actor = [TELLER, PROGRAM][number // 2 % 2]
        asked = lists[number // 2]
        mine = [*asked, *(replace(each, amount_minor=2) for each in asked[::2])]
        answers: dict[str, list[Any]] = {}
        for request in own.sample(mine, len(mine)):
            answers.setdefault(request.payment_id, []).append(
                (request.hash, asked_until_known(request, actor, own))
            )
        return answers

    with ThreadPoolExecutor(13) as pool:
        deciding = pool.submit(decided_meanwhile, over, random.Random(3))
        try:
            answered = list(pool.map(write, range(12), timeout=120))
        finally:
            over.set()
        deciding.result(60)
    monkeypatch.setattr("dynamodb.retries.commit", commit)
    assert all(fired[trouble] for trouble in ("throttled", "lost", "unsent", "killed", "stillborn"))
    assert check_bank().faults == []
    kept = {payment.id: payment for payment in scanned(Payment)}
    for answers in answered:
        for name, found in answers.items():
            for asked, answer in found:
                is_its_own = asked == kept[name].request_hash
                assert isinstance(answer, Payment) == is_its_own
                if isinstance(answer, Payment):
                    assert answer.id == name
                    assert answer.status in (PaymentStatus.PENDING, kept[name].status)
    assert max(moved_alone(kept.values()).values()) <= LINE


@pytest.mark.usefixtures("moto_store")
def test_what_a_group_may_have_done_is_never_called_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commit happens, its leader fails, and nobody finds out in the time there is."""
    source, target = opened("a", balance=100), opened("b")
    requests = [a_request(source, target, amount_minor=1) for _ in range(3)]

    def failing(attempt: Attempt) -> transactions.Outcome:
        commit(attempt)
        raise RuntimeError

    def busy(_: Deciding) -> Transfer:
        raise StoreBusyError(BUSY)

    with monkeypatch.context() as trouble:
        trouble.setattr("dynamodb.retries.commit", failing)
        trouble.setattr(Deciding, "settle", busy)
        answers = transfer_many(requests, actor=TELLER, at=NOON)
    for request, answer in zip(requests, answers, strict=True):
        assert isinstance(answer, OutcomeUnknownError)
        assert answer.reference == request.payment_id
    again = transfer_many(requests, actor=TELLER, at=NOON)
    assert all(isinstance(each, Transfer) and each.is_replay for each in again)
    assert check_bank().faults == []


@pytest.mark.usefixtures("moto_store")
@pytest.mark.parametrize("is_foreign", [True, False])
def test_what_a_group_has_made_is_no_replay(
    monkeypatch: pytest.MonkeyPatch, *, is_foreign: bool
) -> None:
    """Its commit happens and its answer is lost: each member finds its payment, or cannot tell."""
    source, target = opened("a", balance=100), opened("b")
    requests = [a_request(source, target, amount_minor=1) for _ in range(3)]
    tried = iter([True])

    def losing(attempt: Attempt) -> transactions.Outcome:
        if next(tried, False):
            commit(attempt)
            raise RuntimeError
        if is_foreign:
            raise StoreRefusedError({"Error": {"Code": "AccessDeniedException"}})
        return commit(attempt)

    with monkeypatch.context() as trouble:
        trouble.setattr("dynamodb.retries.commit", losing)
        answers = transfer_many(requests, actor=TELLER, at=NOON)
    if is_foreign:
        assert [type(each) for each in answers] == [OutcomeUnknownError] * 3
    else:
        assert [isinstance(each, Transfer) and each.is_replay for each in answers] == [False] * 3
    later = transfer_many(requests, actor=TELLER, at=NOON + timedelta(seconds=1))
    assert all(isinstance(each, Transfer) and each.is_replay for each in later)
    assert check_bank().faults == []


def test_of_a_group_in_two_commits_each_waits_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [a_member(1, 2) for _ in range(4)]
    awake: list[int] = []

    def two_at_a_time(group: Sequence[groups.Member]) -> int:
        awake.append(sum(member.wake.is_set() for member in members))
        return len(group[:2])

    monkeypatch.setattr(groups, "_settle_some", two_at_a_time)
    groups._lead(members)
    assert awake == [0, 2]
