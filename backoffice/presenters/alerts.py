"""Alerts and cases in words: what was noticed, how old it is, and when it is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.presenters.values import money, span, url_of
from backoffice.templatetags.backoffice import in_words
from backoffice.wording import said
from payments.alerts.records import Alert, Case, Rule
from payments.events.deliveries import states
from payments.events.receivers import receivers
from payments.events.records import Feed
from payments.policy import policy

SILENCE = timedelta(minutes=15)
"""After so long without a run nobody seems to send notices."""

_OUTCOMES = {
    "reported": gettext_lazy("Reported: a report is filed"),
    "not_reported": gettext_lazy("Not reported"),
    "false_alarm": gettext_lazy("False alarm"),
}
_WHY = {
    Rule.LARGE_TRANSACTION: gettext_lazy("{amount} in one payment, or on one day, is large."),
    Rule.SUSPICIOUS_VELOCITY: gettext_lazy(
        "{count} payments within one minute are suspiciously many."
    ),
    Rule.STRUCTURING: gettext_lazy(
        "{count} payments, {amount} together, each just under what is large, within few days."
    ),
    Rule.DORMANT_ACTIVE: gettext_lazy(
        "{amount} moved on an account that had rested for {dormant_days} days or more."
    ),
    Rule.FAN_IN: gettext_lazy(
        "{amount} came from {fan_accounts} or more accounts within {fan_days} days."
    ),
    Rule.FAN_OUT: gettext_lazy(
        "{amount} went to {fan_accounts} or more accounts within {fan_days} days."
    ),
    Rule.ROUND_TRIP: gettext_lazy("{amount} came back to where it started, over {count} payments."),
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
        customer_url=url_of("admin:customer", alert.customer_id),
        case_url=case_url(alert.case_id),
        age=span(alert.created_at, at),
        left=span(at, due) if due and not overdue else "",
        is_overdue=overdue,
        outcome=str(_OUTCOMES.get(alert.outcome or "", "")),
    )


def case_row(case: Case) -> CaseRow:
    number = len(case.alerts)
    return CaseRow(
        case=case,
        url=case_url(case.id),
        customer_url=url_of("admin:customer", case.customer_id),
        size=ngettext("{number} alert", "{number} alerts", number).format(number=number),
        outcome=str(_OUTCOMES.get(case.outcome or "", "")),
    )


def case_url(case_id: str | None) -> str:
    return url_of("admin:case", case_id or "")


def why(alert: Alert) -> str:
    """What was noticed, in a sentence, with the numbers in force now."""
    numbers = policy()
    return str(_WHY.get(alert.rule, "")).format(
        amount=money(alert.amount, alert.currency),
        count=alert.payment_count,
        dormant_days=numbers.dormant_days,
        fan_accounts=numbers.fan_accounts,
        fan_days=numbers.fan_days,
    )


def off_sentence() -> str:
    """That nobody is notified; empty where somebody is."""
    return "" if receivers().of(Alert) else _("Notification is off: no topic set.")


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
            _(
                "Notices of alerts have not gone out since {failing_since:%Y-%m-%d %H:%M} UTC. "
                "{error} They are tried again."
            ).format(failing_since=kept.failing_since, error=said(kept.error))
        )
    if not kept.seen_at or at - kept.seen_at > SILENCE:
        found.append(
            _(
                "Nobody is sending notices of alerts: is the worker running? After a day of it, "
                "look through the queue itself."
            )
        )
    return found


def other_case(alert: Alert, related: Sequence[Alert]) -> str:
    """The case that the customer's other alerts are in and are still to be decided with."""
    if alert.case_id or alert.is_resolved():
        return ""
    return next((each.case_id for each in related if each.case_id and not each.is_resolved()), "")
