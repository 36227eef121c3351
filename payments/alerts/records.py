"""Alerts and cases: attributes, keys and indexes. Nobody but compliance is to know of them."""

from datetime import datetime
from enum import StrEnum

from audit.models import Chained
from dynamodb.attributes import (
    EnumAttribute,
    TextAttribute,
    TextListAttribute,
    TimeAttribute,
    ValuesAttribute,
    WholeNumberAttribute,
)
from dynamodb.models import Index, Record
from payments.policy import policy


class Rule(StrEnum):
    """What an alert was raised by: the first two with the payment itself, the rest by sweep."""

    LARGE_TRANSACTION = "large_transaction"
    SUSPICIOUS_VELOCITY = "suspicious_velocity"
    STRUCTURING = "structuring"
    DORMANT_ACTIVE = "dormant_active"
    FAN_IN = "fan_in"
    FAN_OUT = "fan_out"
    ROUND_TRIP = "round_trip"


class AlertStatus(StrEnum):
    OPEN = "open"
    ASSIGNED = "assigned"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """What an alert or a case has come to. That nothing is reported is a decision like any."""

    REPORTED = "reported"
    NOT_REPORTED = "not_reported"
    FALSE_ALARM = "false_alarm"


_ROW_ATTRIBUTES = ["rule", "currency", "amount", "payment_count", "assigned_to", "case_id"]
"""What a row of the queue shows besides the keys."""


class Alert(Chained):
    """Something noticed about a customer, once, and what became of it; amounts in minor units.

    ``since`` and ``until`` are the days it looks at, both included, in UTC.
    """

    class Meta:
        table_name = "alerts"

    indexes = (
        Index("customer-index", "customer_id", "created_at", carries=[*_ROW_ATTRIBUTES, "status"]),
        Index("status-index", "status", "created_at", carries=[*_ROW_ATTRIBUTES, "customer_id"]),
    )
    stream = "NEW_IMAGE"
    unaudited = frozenset({"id"})

    id = TextAttribute(hash_key=True)
    rule = EnumAttribute(Rule)
    status = EnumAttribute(AlertStatus)
    customer_id = TextAttribute()
    currency = TextAttribute(null=True)
    amount = WholeNumberAttribute(null=True)
    payment_count = WholeNumberAttribute(default=1)
    since = TextAttribute()
    until = TextAttribute()
    payments = TextListAttribute(null=True)
    assigned_to = TextAttribute(null=True)
    outcome = EnumAttribute(Outcome, null=True)
    resolved_by = TextAttribute(null=True)
    resolved_at = TimeAttribute(null=True)
    case_id = TextAttribute(null=True)

    @property
    def due_at(self) -> datetime | None:
        """When it must be decided; ``None`` once it is."""
        return None if self.is_resolved() else self.created_at + policy().alert_time

    def is_resolved(self) -> bool:
        return self.status == AlertStatus.RESOLVED

    def is_overdue(self, at: datetime) -> bool:
        return self.due_at is not None and self.due_at <= at


_CASE_ROW = ["opened_by", "alerts", "outcome"]


class CaseStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Case(Chained):
    """Related alerts of one customer, by their ids, decided together."""

    class Meta:
        table_name = "cases"

    indexes = (
        Index("customer-index", "customer_id", "created_at", carries=["status", *_CASE_ROW]),
        Index("status-index", "status", "created_at", carries=["customer_id", *_CASE_ROW]),
    )
    unaudited = frozenset({"id"})

    id = TextAttribute(hash_key=True)
    customer_id = TextAttribute()
    status = EnumAttribute(CaseStatus)
    alerts = TextListAttribute()
    opened_by = TextAttribute()
    outcome = EnumAttribute(Outcome, null=True)
    closed_by = TextAttribute(null=True)
    closed_at = TimeAttribute(null=True)

    def is_open(self) -> bool:
        return self.status == CaseStatus.OPEN


class SweepState(Record):
    """How far the sweep is, and until when one has looked at everything; the newest run's alone."""

    class Meta:
        table_name = "sweeps"

    name = TextAttribute(hash_key=True)
    since = TimeAttribute()
    until = TimeAttribute()
    place = TextAttribute(null=True)
    counts = ValuesAttribute(null=True)
