"""Running totals of the day by person: what somebody has moved without a second pair of eyes."""

from datetime import datetime

from audit.context import Actor
from dynamodb.times import utc_day
from dynamodb.transactions import Transaction
from payments.models import Activity, Payment


def maker_key(actor: Actor, currency: str) -> Activity | None:
    """The running total of a person in a currency; programs and the system have none."""
    return None if actor.is_system else Activity(subject=f"maker:{actor.id}:{currency}")


def maker_today(actor: Actor, activity: Activity | None, at: datetime) -> int | None:
    """What a person has moved alone today, in minor units; ``None`` for a program."""
    if actor.is_system:
        return None
    return activity.total_on(at) if activity else 0


def add_activity(
    tx: Transaction, activity: Activity | None, payment: Payment, actor: Actor
) -> None:
    """Add what a person has moved alone to their running total of the day."""
    key = maker_key(actor, payment.currency)
    if key is None:
        return
    if activity is None:
        tx.put_new("maker", key.with_changes({"day": utc_day(tx.at), "total": payment.amount}))
    else:
        total = activity.total_on(tx.at) + payment.amount
        tx.update("maker", activity, {"day": activity.current_day(tx.at), "total": total})
