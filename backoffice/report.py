"""The compliance report of a period: what moved, what was noticed, who looked at it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from audit.models import AuditLog
from backoffice.reviews import queries as reviews
from backoffice.reviews.gathering import entries_of
from backoffice.reviews.queries import Day, DayState
from dynamodb import store
from dynamodb.store import BATCH_KEYS
from dynamodb.times import to_rfc3339
from payments.alerts.records import Alert
from payments.queries import get_payments

MOVED = frozenset({"payment.processed", "payment.approved"})
DECIDED = ("payment.requested", "payment.approved", "payment.rejected", "payment.canceled",
           "payment.expired", "payment.failed")  # fmt: skip
LOCKS = ("account.locked", "account.unlocked", "account.frozen", "account.unfrozen",
         "person.locked", "staff.unlocked", "staff.disabled")  # fmt: skip
RAISED = "alert.raised"
REVIEWED = (DayState.SIGNED, DayState.OPEN, DayState.MISSED)


@dataclass(kw_only=True)
class Report:
    """A period of UTC days, both ends included, counted. Amounts are whole minor units."""

    first: date
    last: date
    made_at: datetime
    entries: int = 0
    payments: Counter[str] = field(default_factory=Counter)
    amounts_minor: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    days: list[Day] = field(default_factory=list)

    def days_that_are(self, *states: DayState) -> list[Day]:
        return [each for each in self.days if each.state in states]

    @property
    def data(self) -> dict[str, Any]:
        """As one JSON object."""
        totals = {
            currency: {"payments": self.payments[currency], "amount": amount}
            for currency, amount in sorted(self.amounts_minor.items())
        }
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "entries": self.entries,
            "totals": totals,
            "decisions": {action: self.actions[action] for action in DECIDED},
            "locks": {action: self.actions[action] for action in LOCKS},
            "alerts": {"raised": dict(self.alerts), "outcomes": dict(self.outcomes)},
            "reviews": {
                "signed": len(self.days_that_are(DayState.SIGNED)),
                "missed": [each.day.isoformat() for each in self.days_that_are(DayState.MISSED)],
                "open": len(self.days_that_are(DayState.OPEN)),
                "days": [_review(each) for each in self.days_that_are(*REVIEWED)],
            },
        }


def report(first: date, last: date, *, at: datetime) -> Iterator[Report]:
    """Count a period, day by day; gives the report as it stands after each day.

    Memory does not grow with the entries: payments and alerts are read a hundred at a time.
    Amounts are those of payments that were processed in the period, reversals among them; an
    alert is counted by what has become of it by now.
    """
    made = Report(first=first, last=last, made_at=at)
    for ahead in range((last - first).days + 1):
        _count_day(made, first + timedelta(days=ahead))
        yield made
    made.days = reviews.days(first, last, at=at)
    yield made


def _review(each: Day) -> dict[str, Any]:
    """A day to be reviewed: its state, and of a signed one by whom, when, and of what."""
    told: dict[str, Any] = {"day": each.day.isoformat(), "state": each.state}
    if (review := each.review) and review.signed_at:
        told |= {"signed_by": review.signed_by, "signed_at": to_rfc3339(review.signed_at)}
        told |= {"lines": review.items, "digest": review.digest}
    return told


def _count_day(made: Report, day: date) -> None:
    entries = entries_of(day)
    while batch := list(islice(entries, BATCH_KEYS)):
        made.entries += len(batch)
        made.actions.update(entry.action for entry in batch)
        _count_money(made, batch)
        _count_alerts(made, batch)


def _count_money(made: Report, entries: list[AuditLog]) -> None:
    ids = [entry.entity_id for entry in entries if entry.action in MOVED]
    for payment in filter(None, get_payments(*ids)):
        made.payments[payment.currency] += 1
        made.amounts_minor[payment.currency] += payment.amount


def _count_alerts(made: Report, entries: list[AuditLog]) -> None:
    keys = [Alert(id=entry.entity_id) for entry in entries if entry.action == RAISED]
    for alert in filter(None, store.get_many(keys)):
        made.alerts[alert.rule] += 1
        made.outcomes[alert.outcome or alert.status] += 1
