"""Running totals of the day by person: what somebody has moved alone, and asked for in all.

What waits for a second person counts towards a role's limit from the moment it is asked for:
else one person could ask for any sum in parts, and have all of them approved. It is not given back
when the request is rejected, canceled or expires, so that no approval needs the total again: the
limit bounds what a person sets going in a day.
"""

from datetime import datetime
from typing import Any

from audit.context import Actor
from dynamodb.times import utc_day
from dynamodb.transactions import Transaction
from payments.models import Activity, Payment
from payments.policy import policy
from payments.rules import Maker


def maker_key(actor: Actor, currency: str) -> Activity | None:
    """The running total of a person in a currency; programs and the system have none."""
    return None if actor.is_system else Activity(subject=f"maker:{actor.id}:{currency}")


def maker_today(
    actor: Actor, activity: Activity | None, currency: str, at: datetime
) -> Maker | None:
    """What a person has done today, and what their roles allow; ``None`` for a program."""
    if actor.is_system:
        return None
    return Maker(
        alone_minor=activity.total_on(at) if activity else 0,
        asked_minor=activity.asked_on(at) if activity else 0,
        limits=policy().role_limits.limits(actor.roles, currency),
    )


def add_activity(
    tx: Transaction, activity: Activity | None, payment: Payment, actor: Actor
) -> None:
    """Add a payment, processed or pending, to what its maker has asked for and moved alone."""
    key = maker_key(actor, payment.currency)
    if key is None:
        return
    alone_minor = payment.amount if payment.is_processed() else 0
    moved = counted(activity, payment.amount, alone_minor, tx.at)
    if activity is None:
        tx.put_new("maker", key.with_changes(moved))
    else:
        tx.update("maker", activity, moved)


def counted(
    activity: Activity | None, asked_minor: int, alone_minor: int, at: datetime
) -> dict[str, Any]:
    """What one more payment changes in its maker's record. Pure."""
    if activity is None:
        return {"day": utc_day(at), "total": alone_minor, "asked": asked_minor}
    return {
        "day": activity.current_day(at),
        "total": activity.total_on(at) + alone_minor,
        "asked": activity.asked_on(at) + asked_minor,
    }
