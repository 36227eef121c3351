"""Background jobs: claimed once, taken over and resumed, canceled, retried, seen by their own."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from uuid_utils import uuid7

from audit.context import Actor
from audit.replay import read_chain
from audit.trail import Event
from audit.verification import verify_entity
from audit.verify import verify_chain
from backoffice.jobs import services
from backoffice.jobs.chores import KINDS, Chore
from backoffice.jobs.records import Job, JobState
from backoffice.jobs.services import (
    LEASE,
    MOST_STALLS,
    CannotBeDone,
    JobLost,
    Kind,
    Order,
    Work,
    claim_job,
)
from backoffice.jobs.worker import Worker
from backoffice.permissions import Permission, Role
from dynamodb.client import count_requests
from dynamodb.errors import StoreUnavailableError
from payments import policy
from payments.models import PaymentStatus
from payments.queries import get_payment
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import chain
from tests.builders import NOON, opened, transferred

ANN = Actor(id="someone")
AN_EVENT = Event(entity_id="person:someone", entity_type="person", action="x.y", actor=ANN)
ONE, OTHER = Actor(id="system:worker@a/1"), Actor(id="system:worker@b/2")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A kind of job that counts to five, and where all its runs together have been."""
    been: list[int] = []

    def count(work: Work) -> None:
        for number in range((work.job.checkpoint or {}).get("number", 0), 5):
            been.append(number)
            work.save({"number": number + 1}, done=number + 1, total=5)
        work.finish({"sum": sum(range(5))})

    a_kind(monkeypatch, count)
    return been


def a_kind(
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[[Work], None],
    permission: Permission = Permission.READ_TRAIL,
) -> None:
    monkeypatch.setitem(KINDS, "count", Kind(name="count", run=run, permission=permission))


def ordered(at: datetime = NOON, actor: Actor = ANN) -> Job:
    order = Order(id=str(uuid7()), kind="count", title="Count to five", parameters={"to": 5})
    return services.order_job(order, actor=actor, at=at)


def test_the_chain_of_a_job_is_verified_by_its_record(moto_store: None, steps: list[int]) -> None:
    job = ordered()
    Worker(say=lambda _: None).do_job(job)
    run = verify_entity(f"job:{job.id}")
    assert (run.entries > 1, run.faults) == (True, set())


def claimed(job: Job, worker: Actor = ONE, at: datetime = NOON) -> Work:
    work = claim_job(services.find_job(job.id), worker=worker, at=at)
    assert work is not None
    work.clock = lambda: at
    return work


def a_worker(**values: Any) -> Worker:
    return Worker(say=lambda _: None, actor=ONE, **values)


def told(job: Job) -> list[str]:
    return [entry.action for entry in chain(f"job:{job.id}")]


def test_a_job_is_asked_for_done_and_recorded(moto_store: None, steps: list[int]) -> None:
    job = ordered()
    a_worker(chores=[]).run_once()
    done = services.find_job(job.id)
    assert (done.state, done.done, done.total, done.result) == (JobState.DONE, 5, 5, {"sum": 10})
    assert told(job) == ["job.done", "job.claimed", "job.queued"]
    assert steps == [0, 1, 2, 3, 4]
    assert services.open_jobs() == []
    assert not list(verify_chain(read_chain(f"job:{job.id}"), done.head))


def test_the_same_order_twice_is_one_job(moto_store: None) -> None:
    order = Order(id=str(uuid7()), kind="count", title="Count")
    first = services.order_job(order, actor=ANN, at=NOON)
    again = services.order_job(order, actor=ANN, at=NOON + timedelta(hours=1))
    assert again.created_at == first.created_at
    assert told(first) == ["job.queued"]


def test_of_two_workers_one_has_the_job(moto_store: None) -> None:
    job = ordered()
    assert claim_job(job, worker=ONE, at=NOON)
    assert claim_job(job, worker=OTHER, at=NOON) is None
    assert services.find_job(job.id).owner == ONE.id


@pytest.mark.integration
def test_of_many_workers_at_once_one_has_the_job(local_store: None) -> None:
    job, start, got = ordered(), Barrier(6), []

    def claim(number: int) -> None:
        start.wait()
        if claim_job(job, worker=Actor(id=f"system:worker@{number}"), at=NOON):
            got.append(number)

    threads = [Thread(target=claim, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert told(job) == ["job.claimed", "job.queued"]


def test_a_dead_workers_job_is_taken_over_where_it_was(moto_store: None, steps: list[int]) -> None:
    job = ordered()
    dead = claimed(job)
    dead.save({"number": 3}, done=3, total=5)
    with time_machine.travel(NOON + LEASE - timedelta(seconds=1), tick=False):
        a_worker(chores=[]).run_once()
    assert steps == []
    with time_machine.travel(NOON + LEASE, tick=False):
        a_worker(chores=[]).run_once()
    assert steps == [3, 4]
    assert services.find_job(job.id).state == JobState.DONE


def test_a_worker_that_was_thought_dead_writes_nothing_more(moto_store: None) -> None:
    job = ordered()
    slow = claimed(job)
    fast = claimed(job, OTHER, NOON + LEASE)
    fast.save({"number": 4}, done=4)
    acts: list[Callable[[], None]] = [
        lambda: slow.save({"number": 1}, done=1),
        lambda: slow.finish({"sum": 1}),
        lambda: slow.finish({"sum": 1}, told=(AN_EVENT, {})),
        lambda: slow.fail("It broke."),
        slow.give_back,
    ]
    for act in acts:
        with pytest.raises(JobLost):
            act()
    stands = services.find_job(job.id)
    assert (stands.state, stands.done, stands.owner) == (JobState.RUNNING, 4, OTHER.id)
    assert chain("person:someone") == []


def test_a_canceled_job_ends_and_can_go_on(moto_store: None, steps: list[int]) -> None:
    job = ordered()
    work = claimed(job)
    work.save({"number": 2}, done=2)
    services.cancel_job(job.id, actor=ANN, at=NOON)
    with pytest.raises(JobLost):
        work.save({"number": 3}, done=3)
    with pytest.raises(services.NotOpen):
        services.cancel_job(job.id, actor=ANN, at=NOON)
    a_worker(chores=[]).run_once()
    assert steps == []
    services.retry_job(job.id, actor=ANN, at=NOON)
    a_worker(chores=[]).run_once()
    assert steps == [2, 3, 4]
    with pytest.raises(services.NotRetryable):
        services.retry_job(job.id, actor=ANN, at=NOON)


def test_a_job_that_kills_its_workers_is_given_up(moto_store: None) -> None:
    job, at = ordered(), NOON
    for _ in range(MOST_STALLS):
        claimed(job, at=at)
        at += LEASE
    assert claim_job(services.find_job(job.id), worker=ONE, at=at) is None
    stands = services.find_job(job.id)
    assert (stands.state, stands.error) == (JobState.FAILED, "It did not get on in 5 attempts.")
    assert chain(f"job:{job.id}")[0].outcome == "failure"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CannotBeDone("There is nothing to count."), "There is nothing to count."),
        (ValueError("secret detail"), "Something unexpected happened"),
    ],
)
def test_a_failure_is_said_and_holds_up_no_other_job(
    moto_store: None, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    bad, good = ordered(), ordered()

    def run(work: Work) -> None:
        if work.job.id == bad.id:
            raise error
        work.finish({})

    a_kind(monkeypatch, run)
    a_worker(chores=[]).run_once()
    assert str(services.find_job(bad.id).error).startswith(sentence)
    assert "secret" not in str(services.find_job(bad.id).error)
    assert services.find_job(good.id).state == JobState.DONE


def test_a_worker_that_is_told_to_end_gives_its_job_back(
    moto_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, worker = ordered(), a_worker(chores=[])

    def interrupted(work: Work) -> None:
        worker.stopping.set()
        work.save({"number": 1}, done=1)
        work.save({"number": 2}, done=2)

    a_kind(monkeypatch, interrupted)
    worker.run_once()
    stands = services.find_job(job.id)
    assert stands.state == JobState.RUNNING
    assert stands.can_be_claimed(NOON)
    assert stands.checkpoint == {"number": 1}


def test_a_lease_is_extended_within_long_steps(moto_store: None) -> None:
    work, at = claimed(ordered()), NOON
    for seconds, requests in ((10, 0), (30, 1), (35, 0), (90, 1)):
        at = NOON + timedelta(seconds=seconds)
        work.clock = lambda at=at: at  # type: ignore[misc]
        with count_requests() as sent:
            work.keep()
        assert len(sent) == requests, seconds
    assert work.job.lease_until == at + LEASE


def test_chores_are_done_when_due_and_trouble_is_outlived(moto_store: None) -> None:
    done: list[datetime] = []
    said: list[str] = []

    def chore(at: datetime) -> str:
        done.append(at)
        if len(done) == 2:
            raise StoreUnavailableError("The store did not answer.")
        return "1 thing"

    worker = Worker(
        say=said.append, chores=[Chore(name="tidy", every=timedelta(minutes=1), run=chore)]
    )  # fmt: skip
    with time_machine.travel(NOON, tick=False) as clock:
        for seconds in (0, 59, 1, 60):
            clock.shift(seconds)
            worker._outlive(worker.do_chores)
    assert len(done) == 3
    assert said == ["Tidy: 1 thing.", "The store did not answer. It is tried again.",
                    "Tidy: 1 thing."]  # fmt: skip


def test_the_worker_settles_what_is_due(moto_store: None) -> None:
    source, target = opened("a", balance=500_00), opened("b")
    policy.configure(policy.Policy(approval_threshold=1_00))
    payment = transferred(source, target, amount_minor=20_00).payment
    assert payment.status == PaymentStatus.PENDING
    with time_machine.travel(NOON + timedelta(days=2), tick=False):
        call_command("run_worker", once=True)
    found = get_payment(payment.id)
    assert found is not None
    assert found.failure_code == "expired"


def test_people_see_their_own_jobs(signed_in: SignIn, steps: list[int]) -> None:
    job, foreign = ordered(), ordered(actor=Actor(id="other"))
    client = signed_in(Role.TELLER)
    with count_requests() as requests:
        text = client.get("/admin/jobs/").text
    assert requests.operations == ["BatchGetItem", "Query", "BatchGetItem"]
    assert job.id in text
    assert foreign.id not in text
    assert client.get(f"/admin/jobs/{foreign.id}/").status_code == 404
    assert client.post(f"/admin/jobs/{foreign.id}/cancel/").status_code == 404
    assert services.find_job(foreign.id).state == JobState.QUEUED
    assert client.get("/admin/jobs/nothing/").status_code == 404
    overseer = signed_in(Role.COMPLIANCE, username="c")
    assert overseer.get(f"/admin/jobs/{foreign.id}/").status_code == 200


def test_a_job_is_followed_canceled_and_retried_on_its_page(
    signed_in: SignIn, steps: list[int]
) -> None:
    job = ordered()
    client, address = signed_in(Role.TELLER), f"/admin/jobs/{job.id}/"
    claimed(job).save({"number": 2}, done=2, total=5)
    page = client.get(address).text
    for shown in ("running", "2 of 5", "someone", "worker@a/1", f'data-again="{address}progress/"'):
        assert shown in page
    assert client.get(f"{address}cancel/").status_code == 405
    assert "The job is canceled." in client.post(f"{address}cancel/", follow=True).text
    assert services.find_job(job.id).state == JobState.CANCELED
    assert "data-again" not in client.get(f"{address}progress/").text
    assert "has ended already" in client.post(f"{address}cancel/", follow=True).text
    assert "goes on where it was" in client.post(f"{address}retry/", follow=True).text
    a_worker(chores=[]).run_once()
    assert steps == [2, 3, 4]
    assert "5 of 5" in client.get(address).text
    assert chain(f"job:{job.id}")[2].user_id == "someone"
