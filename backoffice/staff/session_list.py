"""A person's sessions, wherever they are, and their end."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth import HASH_SESSION_KEY

from audit import queries, trail
from audit.context import Actor
from audit.models import AuditLog
from audit.trail import Event
from backoffice.staff.models import Staff
from backoffice.staff.records import SessionRecord, StaffRecord
from backoffice.staff.sessions import SessionStore, is_live
from dynamodb.pages import Query, read_page
from dynamodb.transactions import Transaction

MOST = 50
_SIGN_INS = (
    "person.signed_in",
    "person.sign_in_refused",
    "person.locked",
    "person.proof_refused",
    "person.signed_out",
    "session.ended",
)


def name_of(record: SessionRecord) -> str:
    """What a session is called where its key must not stand."""
    return hashlib.sha256(record.session_key.encode()).hexdigest()[:16]


def live_sessions(record: StaffRecord, *, at: datetime) -> list[SessionRecord]:
    """A person's sessions that still let them in, the one used last first.

    One that has begun within the last second may be missing.
    """
    query = Query(
        model=SessionRecord, index="username-index", partition=record.username, hydrate=True
    )
    found = read_page([query], person=record.username, rows=MOST).rows
    made_for = Staff.of(record).get_session_auth_hash()
    live = [
        each
        for each in found
        if is_live(each, at) and SessionStore().decode(each.data).get(HASH_SESSION_KEY) == made_for
    ]
    return sorted(live, key=lambda each: each.last_seen_at, reverse=True)


def end_sessions(
    sessions: Sequence[SessionRecord], *, username: str, actor: Actor, at: datetime
) -> None:
    """End sessions of a person for good, with the entry that says who did."""
    event = Event(entity_id=f"person:{username}", action="session.ended", actor=actor)

    def add(tx: Transaction) -> None:
        for session in sessions:
            tx.delete(name_of(session), session)

    values = {
        "sessions": len(sessions),
        "addresses": sorted({s.ip_address or "" for s in sessions}),
    }
    trail.note(event, at=at, values=values, add=add)


def recent_sign_ins(username: str) -> list[AuditLog]:
    """The newest attempts to sign in, and how sessions ended."""
    return queries.chain_actions(f"person:{username}", *_SIGN_INS)
