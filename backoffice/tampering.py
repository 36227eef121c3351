"""What no page of ours ever sends: it is ignored, and who sends it is remembered."""

from django.http import HttpRequest

from audit import trail
from audit.context import Actor
from dynamodb.times import utc_now

NEVER_SENT = frozenset({
    "approved_by", "balance", "created_by", "held", "is_active", "requested_by", "status",
    "version",
})  # fmt: skip
"""Attributes of records that no form has as a field."""


def note_tampering(request: HttpRequest, username: str) -> None:
    """Leave an entry with the names of such fields, without what was in them."""
    if tried := NEVER_SENT & request.POST.keys():
        event = trail.refused(f"person:{username}", "request.tampered", Actor(id=username))
        values = {"path": request.path[:256], "fields": ", ".join(sorted(tried))}
        trail.note(event, at=utc_now(), values=values)
