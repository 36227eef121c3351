"""What the worker does by the clock. Each is safe to do twice, also by two workers at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backoffice.jobs.exports import tidy_packs
from backoffice.jobs.sweeps import order_sweep
from backoffice.reviews.queries import end_of, find
from backoffice.reviews.services import LATE, SYSTEM, prepare
from backoffice.wording import counted
from payments.delivering import deliver_due
from payments.figures import roll_up
from payments.settling import settle_due


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
