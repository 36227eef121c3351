"""Until when a record is kept, by which rule, and whether a hold keeps it longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from audit.models import AuditLog, Hold
from audit.settings import settings
from backoffice.wording import said
from dynamodb.times import from_rfc3339
from payments.policy import policy


@dataclass(frozen=True, kw_only=True)
class Kept:
    """``until`` is the earliest day that a record may go; the tables themselves let none go.

    Holds are ``None`` where a page has not looked for them.
    """

    until: datetime | None
    rule: str
    holds: Sequence[Hold] | None

    @property
    def are_holds_known(self) -> bool:
        return self.holds is not None


def kept_record(last_change: datetime | None, holds: Sequence[Hold] | None = None) -> Kept:
    """Of an account, a payment, an alert or a case."""
    days = policy().transaction_retention_days
    rule = _("{days} days after the last change (TRANSACTION_RETENTION_DAYS)").format(
        days=said(f"{days:,}")
    )
    return Kept(until=_after(last_change, days), rule=rule, holds=holds)


def kept_chain(newest: AuditLog, holds: Sequence[Hold] | None) -> Kept:
    """Of a chain, by its newest entry."""
    days = settings().retention_days
    rule = _("{days} days after the newest entry (AUDIT_LOG_RETENTION_DAYS)").format(
        days=said(f"{days:,}")
    )
    return Kept(until=_after(newest.at, days), rule=rule, holds=holds)


def _after(moment: datetime | str | None, days: int) -> datetime | None:
    """So many days later; ``None`` where what is stored is not a time."""
    try:
        moment = from_rfc3339(moment) if isinstance(moment, str) else moment
        return moment + timedelta(days=days) if moment else None
    except (ValueError, OverflowError):
        return None
