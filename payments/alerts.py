"""Alerts: raised once for a cause, each with a chain of its own."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb.transactions import Transaction
from payments.alert_records import Alert, AlertStatus, Rule

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
    event = Event(entity_id=alert.id, entity_type="alert", action="alert.raised", actor=WATCH)
    return trail.create(tx, name, alert, event)
