"""Alerts and cases in words: what was noticed, how old it is, and when it is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.timesince import timesince

from backoffice.presenters.values import money
from backoffice.templatetags.backoffice import in_words
from payments.alert_records import Alert, Case, Rule
from payments.deliveries import states
from payments.event_records import Feed
from payments.policy import policy
from payments.receivers import receivers

SILENCE = timedelta(minutes=15)
"""After so long without a run nobody seems to send notices."""

_OUTCOMES = {
    "reported": "Reported: a report is filed",
    "not_reported": "Not reported",
    "false_alarm": "False alarm",
}


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """``age`` and ``left`` are in words; ``left`` is empty once it is overdue or resolved."""

    alert: Alert
    url: str
    rule: str
    amount: str
    days: str
    customer_url: str
    case_url: str
    age: str
    left: str
    is_overdue: bool
    outcome: str


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    case: Case
    url: str
    customer_url: str
    size: str
    outcome: str


def alert_row(alert: Alert, *, at: datetime) -> AlertRow:
    due, overdue = alert.due_at, alert.is_overdue(at)
    return AlertRow(
        alert=alert,
        url=reverse("admin:alert", args=[alert.id]),
        rule=in_words(alert.rule),
        amount=money(alert.amount, alert.currency),
        days=alert.since if alert.since == alert.until else f"{alert.since} to {alert.until}",
        customer_url=reverse("admin:customer", args=[alert.customer_id]),
        case_url=case_url(alert.case_id),
        age=timesince(alert.created_at, at, depth=1),
        left=timesince(at, due, depth=1) if due and not overdue else "",
        is_overdue=overdue,
        outcome=_OUTCOMES.get(alert.outcome or "", ""),
    )


def case_row(case: Case) -> CaseRow:
    return CaseRow(
        case=case,
        url=case_url(case.id),
        customer_url=reverse("admin:customer", args=[case.customer_id]),
        size=f"{len(case.alerts)} alert{pluralize(len(case.alerts))}",
        outcome=_OUTCOMES.get(case.outcome or "", ""),
    )


def case_url(case_id: str | None) -> str:
    return reverse("admin:case", args=[case_id]) if case_id else ""


def why(alert: Alert) -> str:
    """What was noticed, in a sentence, with the numbers in force now."""
    numbers, amount = policy(), money(alert.amount, alert.currency)
    count = alert.payment_count
    sentences = {
        Rule.LARGE_TRANSACTION: f"{amount} in one payment, or on one day, is large.",
        Rule.SUSPICIOUS_VELOCITY: f"{count} payments within one minute are suspiciously many.",
        Rule.STRUCTURING: (
            f"{count} payments, {amount} together, each just under what is large, within few days."
        ),
        Rule.DORMANT_ACTIVE: (
            f"{amount} moved on an account that had rested for {numbers.dormant_days} days or more."
        ),
        Rule.FAN_IN: (
            f"{amount} came from {numbers.fan_accounts} or more accounts "
            f"within {numbers.fan_days} days."
        ),
        Rule.FAN_OUT: (
            f"{amount} went to {numbers.fan_accounts} or more accounts "
            f"within {numbers.fan_days} days."
        ),
        Rule.ROUND_TRIP: f"{amount} came back to where it started, over {count} payments.",
    }
    return sentences.get(alert.rule, "")


def off_sentence() -> str:
    """That nobody is notified; empty where somebody is."""
    return "" if receivers().of(Alert) else "Notification is off: no topic set."


def notice_sentences(at: datetime, kept: Feed | None = None) -> list[str]:
    """What keeps notices of alerts from going out; one request, none where they are off.

    None either where it is given how they stand.
    """
    if off_sentence():
        return [off_sentence()]
    kept = kept or states(receivers().of(Alert))[0]
    found = []
    if kept.failing_since:
        found.append(
            f"Notices of alerts have not gone out since {kept.failing_since:%Y-%m-%d %H:%M} UTC. "
            f"{kept.error} They are tried again."
        )
    if not kept.seen_at or at - kept.seen_at > SILENCE:
        found.append(
            "Nobody is sending notices of alerts: is the worker running? After a day of it, look "
            "through the queue itself."
        )
    return found


def other_case(alert: Alert, related: Sequence[Alert]) -> str:
    """The case that the customer's other alerts are in and are still to be decided with."""
    if alert.case_id or alert.is_resolved():
        return ""
    return next((each.case_id for each in related if each.case_id and not each.is_resolved()), "")
