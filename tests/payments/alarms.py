"""Builders of alerts."""

from datetime import datetime
from typing import Any

from dynamodb.transactions import Committed, Transaction, commit
from payments.alerts.records import Alert, Rule
from payments.alerts.services import Finding, raise_alert
from tests.builders import NOON


def an_alert(name: str, customer: str = "c", at: datetime = NOON, **values: Any) -> Alert:
    """An alert in the store; its name is its cause."""
    defaults: dict[str, Any] = {
        "rule": Rule.LARGE_TRANSACTION,
        "since": "2026-03-02",
        "until": "2026-03-02",
        "currency": "USD",
        "amount_minor": 1_234_500,
    }
    finding = Finding(cause=name, customer_id=customer, **(defaults | values))
    tx = Transaction(at=at)
    alert = raise_alert(tx, "alert", finding)
    assert commit(tx.freeze()) == Committed()
    return alert
