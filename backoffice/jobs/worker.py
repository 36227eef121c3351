"""A worker: does the chores when they are due and the jobs that were asked for, one at a time."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from uuid_utils import uuid7

from audit import context
from audit.context import Actor, Context
from backoffice.jobs.chores import CHORES, KINDS, Chore
from backoffice.jobs.records import Job
from backoffice.jobs.services import CannotBeDone, Interrupted, JobLost, Work, claim_job, open_jobs
from dynamodb import measures
from dynamodb.errors import StoreError
from dynamodb.times import utc_now

_log = logging.getLogger(__name__)

POLL_SECONDS = 2.0


def worker_actor() -> Actor:
    """This process as one who acts: its machine and its number there."""
    return Actor(id=f"system:worker@{socket.gethostname()}/{os.getpid()}"[:64])


@dataclass(kw_only=True)
class Worker:
    """``say`` takes a line for whoever watches. Trouble with the store is said and outlived."""

    say: Callable[[str], None]
    watch: Callable[[Job], None] = lambda _: None
    chores: Sequence[Chore] = field(default_factory=lambda: CHORES)
    actor: Actor = field(default_factory=worker_actor)
    stopping: threading.Event = field(default_factory=threading.Event)
    _next: dict[str, datetime] = field(default_factory=dict)

    def run(self) -> None:
        """Go on until ``stopping``. Chores have their own thread: a long job delays none."""
        threading.Thread(target=self._go_round, args=[self.do_chores], daemon=True).start()
        self._go_round(self.do_jobs)

    def run_once(self) -> None:
        """Do what is due now. Raises ``StoreError``."""
        self.do_chores()
        self.do_jobs()

    def do_chores(self) -> None:
        at = utc_now()
        for chore in self.chores:
            if self._next.get(chore.name, at) <= at:
                self._next[chore.name] = at + chore.every
                with context.use(_origin()):
                    did = chore.run(utc_now())
                if did:
                    self.say(f"{chore.name.capitalize()}: {did}.")

    def do_jobs(self) -> None:
        """Do jobs, oldest first, until none is left that can be claimed."""
        is_busy = True
        while is_busy and not self.stopping.is_set():
            is_busy = False
            for job in open_jobs():
                is_busy |= self.do_job(job)

    def do_job(self, job: Job) -> bool:
        """Do a job; ``False`` where it is another worker's, or of a kind that nobody knows."""
        if job.kind not in KINDS or not job.can_be_claimed(utc_now()):
            return False
        with context.use(_origin()):
            context.name_actor(self.actor.id)
            work = claim_job(job, worker=self.actor, at=utc_now())
            if work is not None:
                work.is_stopping, work.watch = self.stopping.is_set, self.watch
                with measures.timed("job", kind=job.kind) as told:
                    told["outcome"] = self._do(work)
        return work is not None

    def _do(self, work: Work) -> str:
        """Do it, whatever comes; says in a word how it ended."""
        title = work.job.title
        self.say(f"{title}: begun.")
        try:
            KINDS[work.job.kind].run(work)
        except JobLost:
            self.say(f"{title}: canceled or taken over.")
            return "lost"
        except CannotBeDone as error:
            work.fail(str(error))
            self.say(f"{title}: {error}")
            return "failed"
        except StoreError as error:
            self.say(f"{title}: {error} It is taken up again when its lease ends.")
            return "store"
        except Interrupted:
            work.give_back()
            return "given back"
        except Exception:  # noqa: BLE001 - logged; one bad job must not keep the others waiting
            _log.exception("job %s failed", work.job.id)
            work.fail("Something unexpected happened; the log of the worker says more.")
            return "failed"
        self.say(f"{title}: done.")
        return "done"

    def _go_round(self, act: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            self._outlive(act)
            self.stopping.wait(POLL_SECONDS)

    def _outlive(self, act: Callable[[], None]) -> None:
        try:
            act()
        except JobLost:
            pass
        except StoreError as error:
            self.say(f"{error} It is tried again.")
        except Exception:  # noqa: BLE001 - the same
            _log.exception("a round of the worker failed")


def _origin() -> Context:
    return Context(user_agent="manage.py run_worker", request_id=str(uuid7()))
