"""What is noticed as money moves: large sums and a quick pace. Alerts travel with the payment.

A payment counts to one customer: who pays or, where the house pays, who receives. The house has
no record of its own, for every transfer would have to queue up for it. What a customer pays and
what the house pays them are summed apart, as 31 CFR 1010.313 does with what goes out and in.

A payment counts on the day it is processed: at once or after approval, on its scheduled day, as
an opening deposit or the rest of a closed account, for the customer's money moves all the same. A
reversal does not count, for the house moves it, and takes nothing from the sum either: otherwise
paying and reversing would hide how much was paid. The pace is that of the customer's asking, so
only what is processed at once counts for it: approved and scheduled payments move at the pace of
a checker, or all on one morning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dynamodb.times import to_rfc3339
from dynamodb.transactions import Transaction
from payments.alerts.records import Rule
from payments.alerts.services import Finding, raise_alert
from payments.directory import HOUSE
from payments.models import Account, Activity, Payment
from payments.policy import policy

PACE = timedelta(minutes=1)
"""The time within which payments are counted for velocity."""

RAISED_HERE = (Rule.LARGE_TRANSACTION, Rule.SUSPICIOUS_VELOCITY)


@dataclass(frozen=True, kw_only=True)
class Noticed:
    """What a payment changes in its customer's record, and what it gives cause to look at."""

    changes: dict[str, Any]
    findings: list[Finding]


def counted_to(source: Account, target: Account) -> Account | None:
    """The account whose owner a payment counts to; ``None`` between accounts of the house."""
    return next((account for account in (source, target) if not account.is_system), None)


def watched(source: Account | None, target: Account | None) -> dict[str, Activity | None]:
    """What a movement between two accounts reads besides, by names of actions, given their keys.

    There is no customer's record where there is no customer to be found.
    """
    owner = source.customer_id if source else None
    if owner == HOUSE:
        owner = target.customer_id if target else None
    return {"customer": customer_key(owner) if owner else None, **dict.fromkeys(RAISED_HERE)}


def customer_key(customer_id: str) -> Activity:
    """The key of a customer's running record."""
    return Activity(subject=f"customer:{customer_id}")


def watch(
    tx: Transaction, known: dict[str, Any], payment: Payment, source: Account, target: Account
) -> None:
    """Count a payment that is processed in this commit, and add the alerts that it causes.

    ``known`` has what ``watched`` names. An alert that is there already is left alone, so that it
    never stops a payment.
    """
    owner = counted_to(source, target)
    if owner is None or payment.reverses:
        return
    key = customer_key(owner.customer_id)
    found: Activity | None = known.get("customer")
    if found is not None and found.subject != key.subject:
        found = None  # read by an owner that the account no longer has; the commit tells of its own
    activity = found or key.with_changes({"day": ""})
    noticed = notice(activity, payment, owner.customer_id, tx.at, is_paying=owner is source)
    if found is None:
        tx.put_new("customer", activity.with_changes(noticed.changes))
    else:
        tx.update("customer", found, noticed.changes)
    for finding in noticed.findings:
        if known.get(finding.rule) is None:
            raise_alert(tx, finding.rule, finding)


def notice(
    activity: Activity, payment: Payment, customer_id: str, at: datetime, *, is_paying: bool
) -> Noticed:
    """Count a payment in its customer's record. Pure."""
    day = activity.current_day(at)
    sums = dict(activity.sums or {}) if activity.day == day else {}
    name = payment.currency if is_paying else f"received {payment.currency}"
    before = sums.get(name, 0)
    sums[name] = before + payment.amount
    changes: dict[str, Any] = {"day": day, "sums": sums}
    findings = list(_large(payment, customer_id, day, before, name))
    if is_paying and payment.created_at == payment.processed_at:
        paced, burst = _paced(activity, payment.id, at)
        changes |= paced
        if burst:
            findings.append(
                Finding(
                    rule=Rule.SUSPICIOUS_VELOCITY,
                    cause=payment.id,
                    customer_id=customer_id,
                    since=day,
                    until=day,
                    payments=burst,
                )
            )
    return Noticed(changes=changes, findings=findings)


def _large(
    payment: Payment, customer_id: str, day: str, before_minor: int, name: str
) -> Iterator[Finding]:
    """A payment that is large by itself, or the one with which the sum of the day becomes so.

    Each large payment is a cause of its own; a sum of smaller ones is one a day, currency and
    direction.
    """
    line = policy().large_transaction_minor(payment.currency)
    after = before_minor + payment.amount
    is_large = payment.amount >= line
    if is_large or before_minor < line <= after:
        yield Finding(
            rule=Rule.LARGE_TRANSACTION,
            cause=payment.id if is_large else day_cause(customer_id, day, name),
            customer_id=customer_id,
            since=day,
            until=day,
            payments=[payment.id],
            currency=payment.currency,
            amount_minor=payment.amount if is_large else after,
        )


def day_cause(customer_id: str, day: str, name: str) -> str:
    """What names the sum of a customer's day; ``name`` is the currency or ``received USD``."""
    return f"{day}:{name}:{customer_id}"


def _paced(activity: Activity, payment_id: str, at: datetime) -> tuple[dict[str, Any], list[str]]:
    """The last payments' times and ids, and those of a burst that nobody was told of yet.

    A burst is told once: until a minute passes without a payment, the next ones belong to it.
    """
    if activity.burst_until is not None and at <= activity.burst_until:
        return {"burst_until": at + PACE}, []
    begin = to_rfc3339(at - PACE)
    recent = [each for each in activity.recent or [] if each > begin]
    recent.append(f"{to_rfc3339(at)} {payment_id}")
    if len(recent) < policy().suspicious_velocity_threshold:
        return {"recent": recent, "burst_until": None}, []
    return {"recent": None, "burst_until": at + PACE}, [each.split()[1] for each in recent]
