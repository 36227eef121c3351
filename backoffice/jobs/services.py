"""Asking for jobs, claiming them under a lease, saving how far they are, ending them.

Every change is conditional on the record's version, so of two workers one has the job. Changes of
state are in its chain ``job:<id>``; progress and leases are not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit import trail
from audit.context import Actor
from audit.models import EntryOutcome
from audit.trail import Event
from backoffice.jobs.records import OPEN, Job, JobState
from backoffice.permissions import Permission
from dynamodb import store
from dynamodb.pages import PAGE_ROWS, Page, Query, read_page
from dynamodb.retries import Patience, settle
from dynamodb.times import utc_now
from dynamodb.transactions import Transaction
from payments.refusals import Refusal

LEASE = timedelta(seconds=60)
"""Longer than any step between two savings: whoever is silent for so long is taken for dead."""

MOST_STALLS = 5
"""So many workers may end at the same place of a job before it is given up."""

_COMMIT_SECONDS = 10.0


class JobNotFound(Refusal):
    code = "job_not_found"
    sentence = "There is no such job."


class NotOpen(Refusal):
    code = "job_not_open"
    sentence = "This job has ended already."


class NotRetryable(Refusal):
    code = "job_not_retryable"
    sentence = "Only a job that failed or was canceled can be tried again."


class NotYours(Refusal):
    code = "job_not_yours"
    sentence = "This job acts in the name of whoever asked for it: that is for them to say."


class JobLost(Exception):  # noqa: N818 - what has happened to it
    """The job is no longer this worker's: it was canceled, or taken over."""


class Interrupted(Exception):  # noqa: N818 - the same
    """The worker is told to end; the job is given back and goes on with another."""


class CannotBeDone(Exception):  # noqa: N818 - a sentence for people, not a fault
    """The job fails with this sentence. It may be tried again."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A job to be asked for. The same ``id`` twice is the same job."""

    id: str
    kind: str
    title: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def order_job(order: Order, *, actor: Actor, at: datetime) -> Job:
    """Ask for a job; returns the one that is there already where it was asked for before."""
    new = Job(
        id=order.id,
        kind=order.kind,
        title=order.title,
        parameters=dict(order.parameters) or None,
        state=JobState.QUEUED,
        open_key=OPEN,
        created_by=actor.id,
    )

    event = _event(new, "job.queued", actor)
    return trail.create_once("job", new, event, at=at, patience=_patience())


def find_job(job_id: str) -> Job:
    """A job by its id; raises ``JobNotFound``."""
    return store.get_or_raise(Job(id=job_id), JobNotFound)


def list_jobs(*, person: str, kind: str = "", cursor: str = "", rows: int = PAGE_ROWS) -> Page[Job]:
    """Jobs of a kind, or those that a person asked for, newest first."""
    index, partition = ("kind-index", kind) if kind else ("creator-index", person)
    query = Query(model=Job, index=index, partition=partition, hydrate=True)
    return read_page([query], person=person, cursor=cursor, rows=rows)


def open_jobs() -> list[Job]:
    """The oldest jobs that are not over, as they stand."""
    query = Query(
        model=Job, index="open-index", partition=OPEN, newest_first=False, hydrate=True
    )  # fmt: skip
    return [job for job in read_page([query], person="").rows if job.is_open]


def cancel_job(job_id: str, *, actor: Actor, at: datetime) -> Job:
    """End a job that is not over; its worker learns of it when it next saves."""

    def canceled(job: Job) -> Mapping[str, Any]:
        if not job.is_open:
            raise NotOpen
        return _ended(JobState.CANCELED)

    return _change(find_job(job_id), canceled, "job.canceled", actor, at)


def retry_job(job_id: str, *, actor: Actor, at: datetime) -> Job:
    """Queue a job again that failed or was canceled; it goes on where it was."""

    def queued(job: Job) -> Mapping[str, Any]:
        if not job.can_be_retried:
            raise NotRetryable
        return {"state": JobState.QUEUED, "open_key": OPEN, "error": None, "stalls": 0}

    return _change(find_job(job_id), queued, "job.retried", actor, at)


def claim_job(job: Job, *, worker: Actor, at: datetime) -> "Work | None":
    """Take a job under a lease, or ``None`` where another worker was faster.

    A job at which too many workers ended is failed instead.
    """

    def claimed(job: Job) -> Mapping[str, Any]:
        if not job.can_be_claimed(at):
            raise JobLost
        if job.stalls >= MOST_STALLS:
            return _ended(JobState.FAILED) | {
                "error": f"It did not get on in {MOST_STALLS} attempts."
            }
        counts = {"claims": job.claims + 1, "stalls": job.stalls + 1}
        lease = {"owner": worker.id, "lease_until": at + LEASE}
        return {"state": JobState.RUNNING, **counts, **lease}

    try:
        taken = _change(job, claimed, "job.claimed", worker, at)
    except JobLost:
        return None
    return Work(job=taken, worker=worker) if taken.is_open else None


@dataclass(kw_only=True)
class Work:
    """A job in the hands of a worker: what the function of its kind is given."""

    job: Job
    worker: Actor
    clock: Callable[[], datetime] = utc_now
    is_stopping: Callable[[], bool] = lambda: False
    watch: Callable[[Job], None] = lambda _: None

    def save(self, checkpoint: Mapping[str, Any], *, done: int, total: int | None = None) -> None:
        """Keep where the job is, and the lease. Raises ``JobLost`` or ``Interrupted``."""
        progress = {"checkpoint": dict(checkpoint), "done": done, "stalls": 0}
        self._update(progress | ({} if total is None else {"total": total}))
        self.watch(self.job)
        if self.is_stopping():
            raise Interrupted

    def keep(self) -> None:
        """Extend the lease within a long step, once a third of it is used. Raises ``JobLost``."""
        lease_until = self.job.lease_until
        if lease_until is None or lease_until - self.clock() < LEASE * 2 / 3:
            self._update({})

    def give_back(self) -> None:
        """End the lease, so that another worker goes on at once."""
        self._update({"lease_until": None, "stalls": 0})

    def finish(
        self, result: Mapping[str, Any], told: tuple[Event, Mapping[str, Any]] | None = None
    ) -> None:
        """End the job well. What else is to be ``told`` is an entry of the same commit."""
        known: dict[str, Any] = {"job": self.job}
        changes = _ended(JobState.DONE) | {"result": dict(result), "total": self.job.done}

        def build(tx: Transaction) -> None:
            job = self._own(known["job"])
            trail.change(tx, "job", job, changes, _event(job, "job.done", self.worker))

        if told is None:
            settle(build, known, at=self.clock(), patience=_patience())
        else:
            event, values = told
            trail.note(event, at=self.clock(), values=values, known=known, add=build)

    def fail(self, error: str) -> None:
        """End the job with a sentence that says why; it may be tried again."""

        def failed(job: Job) -> Mapping[str, Any]:
            self._own(job)
            return _ended(JobState.FAILED) | {"error": error}

        _change(self.job, failed, "job.failed", self.worker, self.clock())

    def _update(self, changes: Mapping[str, Any]) -> None:
        at = self.clock()
        known: dict[str, Any] = {"job": self.job}

        def build(tx: Transaction) -> Job:
            return tx.update("job", self._own(known["job"]), {"lease_until": at + LEASE, **changes})

        self.job = settle(build, known, at=at, patience=_patience())

    def _own(self, job: Job) -> Job:
        if (job.state, job.claims) != (JobState.RUNNING, self.job.claims):
            raise JobLost
        return job


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of job. ``run`` does one, and goes on from its checkpoint if it has one.

    It saves often, and ends by ``work.finish``; whoever has the ``permission`` sees all jobs of
    the kind, not their own alone. ``page`` is the address of what a finished one has made. A job
    ``in_name`` of whoever asked for it does what only they may do: nobody else tries it again.
    """

    name: str
    run: Callable[[Work], None]
    permission: Permission
    page: str = ""
    in_name: bool = False


def told_by(job: Job, action: str) -> Event:
    """What whoever asked for a job has done by it, for their own chain."""
    return trail.by_person(Actor(id=job.created_by), action, reference=f"job:{job.id}")


def _change(
    job: Job,
    changes: Callable[[Job], Mapping[str, Any]],
    action: str,
    actor: Actor,
    at: datetime,
) -> Job:
    known: dict[str, Any] = {"job": job}

    def build(tx: Transaction) -> Job:
        job: Job = known["job"]
        after = changes(job)
        failed = after["state"] == JobState.FAILED
        event = _event(job, "job.failed" if failed else action, actor)
        return trail.change(tx, "job", job, after, event)

    return settle(build, known, at=at, patience=_patience())


def _ended(state: JobState) -> dict[str, Any]:
    return {"state": state, "open_key": None, "lease_until": None, "owner": None}


def _event(job: Job, action: str, actor: Actor) -> Event:
    return Event(
        entity_id=f"job:{job.id}",
        action=action,
        actor=actor,
        outcome=EntryOutcome.FAILURE if action == "job.failed" else EntryOutcome.SUCCESS,
    )


def _patience() -> Patience:
    return Patience(limit_seconds=_COMMIT_SECONDS, longest_pause_seconds=0.06)
