"""Alerts: raised once for a cause, each with a chain of its own, worked on until resolved."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb import store
from dynamodb.retries import settle
from dynamodb.transactions import Transaction
from payments import attempts, turns
from payments.alerts.records import Alert, AlertStatus, Case, Outcome, Rule
from payments.refusals import AlertNotFound, WrongState
from payments.requests import checked_reason

W = TypeVar("W", Alert, Case)

Changes = Callable[[W, Transaction, Mapping[str, Any]], dict[str, Any] | None]

NOTE_LENGTH = 500

WATCH = Actor(id="system:watch")
"""Who raises alerts. Not whoever made the payment: what they did is listed to them."""

MOST_PAYMENTS = 50
"""An alert names at most so many payments, so that it stays small."""

_NAMES = uuid.UUID("6d6e3a63-5c4f-5e0e-8f53-5f0a8f1d2b77")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something noticed about a customer. The same ``cause`` under a rule is the same alert."""

    rule: Rule
    cause: str
    customer_id: str
    since: str
    until: str
    payments: Sequence[str] = ()
    currency: str = ""
    amount_minor: int | None = None

    @property
    def alert_id(self) -> str:
        return f"alert_{uuid.uuid5(_NAMES, f'{self.rule}:{self.cause}')}"


def raise_alert(tx: Transaction, name: str, finding: Finding) -> Alert:
    """Add an alert and the first entry of its chain to a transaction."""
    alert = Alert(
        id=finding.alert_id,
        rule=finding.rule,
        status=AlertStatus.OPEN,
        customer_id=finding.customer_id,
        currency=finding.currency or None,
        amount=finding.amount_minor,
        payment_count=len(finding.payments),
        since=finding.since,
        until=finding.until,
        payments=list(finding.payments[:MOST_PAYMENTS]) or None,
    )
    return trail.create(tx, name, alert, event_of(alert.id, "alert.raised", WATCH))


def find_alert(alert_id: str) -> Alert:
    """An alert by its id; raises ``AlertNotFound``."""
    return store.get_or_raise(Alert(id=alert_id), AlertNotFound)


def assign_alert(*, alert_id: str, assignee: str, reason: str, actor: Actor, at: datetime) -> Alert:
    """Say who works on an alert; whether they may is for the caller to have checked."""

    def assigned(alert: Alert, *_: Any) -> dict[str, Any] | None:
        require_unresolved(alert)
        if alert.assigned_to == assignee:
            return None
        is_escalated = alert.status == AlertStatus.ESCALATED
        status = AlertStatus.ESCALATED if is_escalated else AlertStatus.ASSIGNED
        return {"assigned_to": assignee, "status": status}

    return change_work(find_alert, alert_id, "alert.assigned", assigned, reason, actor, at)


def note_alert(*, alert_id: str, reason: str, actor: Actor, at: datetime) -> Alert:
    """Add a note to the chain of an alert, also of one that is resolved."""
    return change_work(find_alert, alert_id, "alert.noted", lambda *_: {}, reason, actor, at)


def escalate_alert(*, alert_id: str, reason: str, actor: Actor, at: datetime) -> Alert:
    """Mark an alert for those who decide; it keeps whoever works on it."""

    def escalated(alert: Alert, *_: Any) -> dict[str, Any] | None:
        require_unresolved(alert)
        is_already = alert.status == AlertStatus.ESCALATED
        return None if is_already else {"status": AlertStatus.ESCALATED}

    return change_work(find_alert, alert_id, "alert.escalated", escalated, reason, actor, at)


def resolve_alert(
    *, alert_id: str, outcome: Outcome, reason: str, actor: Actor, at: datetime
) -> Alert:
    """Decide an alert for good; one in a case is decided with it. The same again is no more."""

    def resolved(alert: Alert, *_: Any) -> dict[str, Any] | None:
        if (alert.resolved_by, alert.outcome) == (actor.id, outcome):
            return None
        require_unresolved(alert)
        if alert.case_id:
            raise WrongState("This alert is part of a case: decide the case.")
        return resolution(outcome, actor, at)

    return change_work(find_alert, alert_id, "alert.resolved", resolved, reason, actor, at)


def resolution(outcome: Outcome, actor: Actor, at: datetime) -> dict[str, Any]:
    """What a decision changes on an alert."""
    return {
        "status": AlertStatus.RESOLVED,
        "outcome": outcome,
        "resolved_by": actor.id,
        "resolved_at": at,
    }


def require_unresolved(alert: Alert) -> None:
    if alert.is_resolved():
        raise WrongState(f"This alert is resolved already, by {alert.resolved_by}.")


def change_work(
    find: Callable[[str], W],
    name: str,
    action: str,
    changes: Changes[W],
    reason: str,
    actor: Actor,
    at: datetime,
    beside: Sequence[Alert] = (),
) -> W:
    """Change an alert or a case as it stands, with the entry that says why.

    ``changes`` gives what is new of it, ``None`` to leave it as it is; it may change what is known
    ``beside`` it, by id, in the same commit. A refused attempt is recorded.
    """
    event = event_of(name, action, actor, reason)
    with attempts.recorded_refusals(subject=event.kind, actor=actor, at=at, reference=name):
        checked_reason(reason, NOTE_LENGTH)
        known: dict[str, Any] = {event.kind: find(name), **{each.id: each for each in beside}}

        def build(tx: Transaction) -> W:
            record: W = known[event.kind]
            wanted = changes(record, tx, known)
            return record if wanted is None else trail.change(tx, event.kind, record, wanted, event)

        return settle(build, known, at=at, patience=turns.patience())


def event_of(
    entity_id: str, action: str, actor: Actor, reason: str = "", reference: str | None = None
) -> Event:
    """What an entry of an alert's or a case's chain tells; an alert's may refer to its case."""
    return Event(
        entity_id=entity_id, action=action, actor=actor, reason=reason, reference=reference
    )
