"""Making the tables, which is an event of the trail like any other [PCI DSS 10.2.1.7]."""

from datetime import datetime

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb.tables import TableReport, ensure_tables

CHAIN = "tables:all"
"""Its first entry tells when the books began."""

SETUP = Actor(id="system:setup")


def make_tables(*, at: datetime, actor: Actor = SETUP) -> list[TableReport]:
    """Create what is missing, compare what is there, and record which tables were made."""
    reports = ensure_tables()
    created = [report.name for report in reports if report.created]
    if created:
        event = Event(entity_id=CHAIN, entity_type="tables", action="tables.created", actor=actor)
        trail.note(event, at=at, values={"tables": created})
    return reports
