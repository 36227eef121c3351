"""Making the tables, which is an event of the trail like any other [PCI DSS 10.2.1.7]."""

from datetime import datetime

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb.tables import TableReport, ensure_tables

CHAIN = "tables:all"
"""Its first entry tells when the books began, and its head was made with that."""

SETUP = Actor(id="system:setup")


def make_tables(*, at: datetime, actor: Actor = SETUP) -> list[TableReport]:
    """Add what is missing, compare what is there, and record what was made."""
    reports = ensure_tables()
    created = [report.name for report in reports if report.created]
    added = [f"{report.name}: {what}" for report in reports for what in report.added]
    for action, values in (("created", {"tables": created}), ("changed", {"added": added})):
        if any(values.values()):
            event = Event(entity_id=CHAIN, action=f"tables.{action}", actor=actor)
            trail.note(event, at=at, values=values)
    return reports
