"""What the worker does: kinds of jobs that are asked for, and by the clock what is due.

A chore is safe to do twice, also by two workers at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backoffice.jobs.backfills import BACKFILL
from backoffice.jobs.exports import EXPORT, LIST, tidy_packs
from backoffice.jobs.imports import DECIDE, IMPORT
from backoffice.jobs.records import Job
from backoffice.jobs.services import Kind, Order, Work, order_job
from backoffice.permissions import Permission
from backoffice.reviews.queries import end_of, find
from backoffice.reviews.services import LATE, SYSTEM, prepare
from backoffice.wording import counted
from dynamodb import store
from dynamodb.times import utc_day
from payments.alerts.services import WATCH
from payments.alerts.sweep import Sweep, sweep, take_up
from payments.events.relay import deliver_due
from payments.history.figures import roll_up
from payments.settling import settle_due


def order_sweep(at: datetime) -> str:
    """Ask for the sweep of the day, unless it was asked for already."""
    day = utc_day(at)
    order = Order(id=f"sweep-{day}", kind=SWEEP.name, title=f"Sweep for alerts, {day}")
    if store.get(Job(id=order.id)):
        return ""
    order_job(order, actor=WATCH, at=at)
    return f"asked for on {day}"


def run_sweep(work: Work) -> None:
    """Sweep for alerts: stopped, it goes on with the next worker."""

    def on_page(run: Sweep) -> None:
        work.save({}, done=run.counts["accounts"])

    run = sweep(take_up(at=work.clock()), on_page, beat=work.keep)
    work.finish(run.counts)


SWEEP = Kind(name="sweep", run=run_sweep, permission=Permission.MANAGE_ALERTS)

KINDS = {kind.name: kind for kind in (BACKFILL, DECIDE, EXPORT, IMPORT, LIST, SWEEP)}
"""What can be asked for: each kind of job by its name."""


@dataclass(frozen=True, kw_only=True)
class Chore:
    """``run`` is given the time, and says in words what it did; nothing where it had no work."""

    name: str
    every: timedelta
    run: Callable[[datetime], str]


def _settle(at: datetime) -> str:
    return counted(settle_due(at=at))


def _deliver(at: datetime) -> str:
    return counted(deliver_due(at=at))


def _prepare_review(at: datetime) -> str:
    yesterday = at.astimezone(UTC).date() - timedelta(days=1)
    if at < end_of(yesterday) + LATE or find(yesterday):
        return ""
    review = prepare(yesterday, actor=SYSTEM, at=at)
    return f"{review.items} lines to review of {yesterday}"


def _count(at: datetime) -> str:
    published = roll_up(at=at)
    return f"{published} days counted" if published > 1 else ""


CHORES = [
    Chore(name="settle payments", every=timedelta(minutes=1), run=_settle),
    Chore(name="deliver events", every=timedelta(seconds=10), run=_deliver),
    Chore(name="prepare the daily review", every=timedelta(minutes=10), run=_prepare_review),
    Chore(name="count payments", every=timedelta(minutes=1), run=_count),
    Chore(name="sweep for alerts", every=timedelta(minutes=10), run=order_sweep),
    Chore(name="tidy evidence packs", every=timedelta(hours=1), run=tidy_packs),
]
