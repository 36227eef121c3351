"""Events for other systems: what a change of a payment or an alert is called, and what is told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dynamodb.attributes import plain
from dynamodb.models import Record
from dynamodb.streams import Change
from payments.alerts.records import Alert
from payments.models import Payment, PaymentStatus
from payments.wire import visible


@dataclass(frozen=True, kw_only=True)
class OutgoingEvent:
    """``number`` puts the events of one record in order; ``body`` is what is sent, as JSON."""

    entity_id: str
    number: int
    type: str
    body: str

    @property
    def id(self) -> str:
        """The same however often the event is told."""
        return _id(self.entity_id, self.number)


def event_of(model: type[Record], change: Change) -> OutgoingEvent | None:
    """The event that a change of a record is; ``None`` for what no other system is told of."""
    return _EVENTS[model](change)


def _of_alert(change: Change) -> OutgoingEvent | None:
    """That there is an alert, and nothing of whom or what it is about."""
    if not change.is_new:
        return None
    told: dict[str, Any] = {"event": "alert.raised"}
    for name, attribute in (("alert_id", "id"), ("rule", "rule"), ("raised_at", "created_at")):
        told[name] = plain(change.item.get(attribute, {"NULL": True}))
    body = json.dumps(told, default=str)
    return OutgoingEvent(entity_id=told["alert_id"], number=1, type=told["event"], body=body)


def _of_payment(change: Change) -> OutgoingEvent | None:
    now, before = visible(Payment, change.item), visible(Payment, change.before)
    happened = _happened(before, now) if now else ""
    if not happened:
        return None
    number = now["version"] if isinstance(now.get("version"), int) else 0
    name, kind = _id(now["id"], number), f"payment.{happened}"
    told = {"id": name, "type": kind, "timestamp": now.get("updated_at"), "data": now}
    body = json.dumps(told, default=str)
    return OutgoingEvent(entity_id=now["id"], number=number, type=kind, body=body)


_EVENTS: Mapping[type[Record], Callable[[Change], OutgoingEvent | None]] = {
    Alert: _of_alert,
    Payment: _of_payment,
}


def _happened(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What became of a payment, in a word; empty where it is only bookkeeping."""
    if _state(before) != _state(now):
        return _state(now)
    amounts = (each.get("reversed_amount") for each in (before, now))
    was, is_now = (amount if isinstance(amount, int) else 0 for amount in amounts)
    if was == is_now:
        return ""
    return "reversed" if is_now > was else "reversal_ended"


def _state(payment: Mapping[str, Any]) -> str:
    status, code = payment.get("status", ""), payment.get("failure_code")
    if status == PaymentStatus.PENDING:
        return "requested" if payment.get("reserved") else "scheduled"
    is_ended = status == PaymentStatus.FAILED and code in ("rejected", "expired")
    return str(code if is_ended else status)


def _id(entity_id: str, number: int) -> str:
    return f"{entity_id}_{number}"
