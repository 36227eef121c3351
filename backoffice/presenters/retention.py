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


def kept_record(last_change: datetime | None, holds: Sequence[Hold] | None = None) -> Kept:
    """Of an account, a payment, an alert or a case."""
    days = policy().transaction_retention_days
    rule = _("{days} days after the last change")
    return _kept(last_change, days, rule, holds)


def kept_chain(newest: AuditLog, holds: Sequence[Hold] | None) -> Kept:
    """Of a chain, by its newest entry."""
    days = settings().retention_days
    rule = _("{days} days after the newest entry")
    return _kept(newest.at, days, rule, holds)


def _kept(since: datetime | str | None, days: int, rule: str, holds: Sequence[Hold] | None) -> Kept:
    """So many days from then; ``until`` is ``None`` where what is stored is not a time."""
    try:
        since = from_rfc3339(since) if isinstance(since, str) else since
        until = since + timedelta(days=days) if since else None
    except (ValueError, OverflowError):
        until = None
    return Kept(until=until, rule=rule.format(days=said(f"{days:,}")), holds=holds)
