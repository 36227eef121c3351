"""What was paid on each day: rolled up in the background, so that no page counts payments.

A day is walked a page at a time, by when its payments were asked for, and its figures are
published when the walk has come to its end. No transfer writes here, or waits for who does.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from dynamodb import store
from dynamodb.attributes import TextAttribute, TimeAttribute, ValuesAttribute, WholeNumberAttribute
from dynamodb.errors import ConditionFailedError
from dynamodb.models import Record
from dynamodb.pages import Query, read_page
from dynamodb.times import utc_day
from payments.models import Payment, PaymentStatus

DAYS = 30
LARGEST = 5
PAGES = 20
"""So many pages are read by one run at most, each in eight requests at most."""

_PAGE_ROWS = 100
_SETTLED = timedelta(days=1, hours=1)
"""After a day's begin: by then all that was asked for on it stands in the index."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_TODAY_EVERY, _OLDER_EVERY = timedelta(minutes=2), timedelta(hours=1)
_WALKED = sorted(PaymentStatus, key=lambda status: status != PaymentStatus.PENDING)
"""What waits comes first: if it moves on during a walk it is counted twice, not never, and the
day is walked again."""


class DayFigures(Record):
    """What was asked for on one UTC day, as it stood ``as_of``, when the last walk began.

    ``counts`` has ``state:failed`` and so on; of what was processed, in minor units, ``sum:USD``,
    ``count:USD``, and in ``largest:USD`` the largest payments as amount and id.
    ``running`` are those of a walk under way, from ``begun_at``, which has come to ``place``.
    ``step`` moves with every write, so that two workers never count one page twice.
    """

    class Meta:
        table_name = "figures"

    day = TextAttribute(hash_key=True)
    counts = ValuesAttribute(null=True)
    as_of = TimeAttribute(null=True)
    running = ValuesAttribute(null=True)
    begun_at = TimeAttribute(null=True)
    place = TextAttribute(null=True)
    step = WholeNumberAttribute(default=0)

    def number(self, name: str) -> int:
        """A figure of the day, such as ``sum:USD``; 0 where there is none."""
        return int((self.counts or {}).get(name, 0))

    def is_due(self, at: datetime) -> bool:
        """Whether to walk it: a day is never done before it is over and nothing of it waits."""
        if self.place or self.as_of is None:
            return True
        if self.day <= utc_day(self.as_of - _SETTLED) and not self.number("state:pending"):
            return False
        is_today = self.day == utc_day(at)
        return bool(at - self.as_of >= (_TODAY_EVERY if is_today else _OLDER_EVERY))


def read_window(at: datetime, *others: Record) -> tuple[list[DayFigures], list[Any]]:
    """Figures of the last 30 days, today first, and other records by their keys, in one request."""
    keys = [DayFigures(day=utc_day(at - timedelta(days=back))) for back in range(DAYS)]
    found = store.get_many([*keys, *others])
    days = [known or key for known, key in zip(found, keys, strict=False)]
    return days, found[DAYS:]


def roll_up(*, at: datetime, pages: int = PAGES) -> int:
    """Go on with what is due, a walk under way first; gives how many days were published."""
    days, _ = read_window(at)
    due = [day for day in days if day.is_due(at)]
    published = 0
    for day in sorted(due, key=lambda each: (not each.place, each.as_of or _NEVER)):
        walked = day
        while pages and (walked is day or walked.place):
            pages -= 1
            try:
                walked = _one_page_on(walked, at)
            except ConditionFailedError:
                break
            published += not walked.place
    return published


def _one_page_on(day: DayFigures, at: datetime) -> DayFigures:
    """Count the next hundred payments of a day; raises ``ConditionFailedError`` behind another."""
    queries = [
        Query(
            model=Payment,
            index="status-index",
            partition=status,
            between=(day.day, f"{day.day}~"),
            newest_first=False,
            hydrate=True,
        )
        for status in _WALKED
    ]
    page = read_page(
        queries,
        person="figures",
        cursor=day.place or "",
        rows=_PAGE_ROWS,
        max_requests=len(queries),
    )
    begun_at = day.begun_at if day.place else at
    counted = _tallied(day.running or {}, page.rows)
    changes = {"running": counted, "begun_at": begun_at, "place": page.next_cursor}
    if not page.next_cursor:
        changes = {"running": None, "place": None, "counts": counted, "as_of": begun_at}
    after = day.with_changes({**changes, "step": day.step + 1})
    is_same = DayFigures.step == day.step if day.step else DayFigures.day.does_not_exist()
    store.put(after, is_same)
    return after


def _tallied(counted: dict[str, Any], payments: list[Payment]) -> dict[str, Any]:
    """Figures with more payments in them."""
    tally = dict(counted)
    for payment in payments:
        figures = {f"state:{payment.status}": 1}
        if payment.is_processed():
            currency, amount = payment.currency, payment.amount
            figures |= {f"count:{currency}": 1, f"sum:{currency}": amount}
            largest = [*tally.get(f"largest:{currency}", ()), [amount, payment.id]]
            tally[f"largest:{currency}"] = sorted(largest, reverse=True)[:LARGEST]
        for name, more in figures.items():
            tally[name] = tally.get(name, 0) + more
    return tally
