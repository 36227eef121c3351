"""Reading reviews: one day, its items, and which days of a period nobody has signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from audit.models import AuditHead
from audit.tables import CHAIN as TABLES_CHAIN
from backoffice.reviews.records import DayReview, ReviewItem, ReviewStatus
from dynamodb import store
from dynamodb.pages import Page, Query, read_page
from dynamodb.scans import query_items


class DayState(StrEnum):
    """What has become of a day: it may be still running, or lie before the books began.

    A day that was prepared is to be signed whenever it lies: imported history is older than the
    tables that keep it.
    """

    SIGNED = "signed"
    OPEN = "open"
    MISSED = "missed"
    RUNNING = "running"
    OUTSIDE = "outside"


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day and its review; ``review`` is ``None`` until one is prepared."""

    day: date
    state: DayState
    review: DayReview | None = None

    @property
    def is_waiting(self) -> bool:
        return self.state in {DayState.OPEN, DayState.MISSED}


def find(day: date) -> DayReview | None:
    return store.get(DayReview(day=day.isoformat()))


def list_items(day: date, *, person: str, cursor: str = "") -> Page[ReviewItem]:
    """A page of what there is to review in a day, by kind."""
    query = Query(model=ReviewItem, partition=day.isoformat(), newest_first=False)
    return read_page([query], person=person, cursor=cursor)


def all_items(day: date) -> Iterator[ReviewItem]:
    query = Query(model=ReviewItem, partition=day.isoformat(), newest_first=False)
    return map(ReviewItem.from_item, query_items(query))


def days(first: date, last: date, *, at: datetime) -> list[Day]:
    """Every day of a period with its state, oldest first: a request for some three months."""
    wanted = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    keys = [DayReview(day=day.isoformat()) for day in wanted]
    books, *reviews = store.get_all([AuditHead(entity_id=TABLES_CHAIN), *keys])
    begin = books.created_at.date() if books else None
    return [
        Day(day=day, state=_state(day, review, begin, at), review=review)
        for day, review in zip(wanted, reviews, strict=True)
    ]


def missed(*, at: datetime) -> list[date]:
    """Days of the last 30 that should have been signed by now and are not."""
    today = at.astimezone(UTC).date()
    found = days(today - timedelta(days=30), today - timedelta(days=1), at=at)
    return [each.day for each in found if each.state == DayState.MISSED]


def end_of(day: date) -> datetime:
    """The first moment after a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def _state(day: date, review: DayReview | None, begin: date | None, at: datetime) -> DayState:
    if review is not None and review.status == ReviewStatus.SIGNED:
        return DayState.SIGNED
    if at < end_of(day):
        return DayState.RUNNING
    if review is None and (begin is None or day < begin):
        return DayState.OUTSIDE
    # A day is to be reviewed on the day after it; whoever has not done so then has missed it.
    return DayState.OPEN if at < end_of(day + timedelta(days=1)) else DayState.MISSED
