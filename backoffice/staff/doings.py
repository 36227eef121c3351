"""What people did that changes no record: sign-ins, refused attempts, commands they ran.

Each is an entry of the chain ``person:<username>``. A wrong name may be a password typed into the
wrong field: such attempts are kept under a keyed hash of the name, in a few chains by its hash.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils.crypto import salted_hmac

from audit import trail
from audit.context import Actor
from audit.models import EntryOutcome, Severity
from audit.trail import Event
from backoffice.staff.records import StaffRecord
from dynamodb.errors import StoreError
from dynamodb.retries import Patience, commit_within
from dynamodb.transactions import Transaction

_log = logging.getLogger(__name__)

NOBODY = Actor(id="system:sign-in")
"""Who acts where nobody has signed in."""


def signed_in(record: StaffRecord, *, at: datetime) -> None:
    """Note a sign-in and when it was. Raises ``StoreError``: then nobody is signed in."""
    _note(record.username, "person.signed_in", at)
    tx = Transaction(at=at)
    tx.update("staff", record, {"last_login": at})
    commit_within(tx.freeze(), Patience(limit_seconds=trail.NOTE_SECONDS))
    # Refused only if somebody changed the record meanwhile; then the next sign-in will tell.


def signed_out(username: str, *, at: datetime) -> None:
    _note(username, "person.signed_out", at)


def command_run(username: str, *, command: str, reason: str, at: datetime) -> None:
    """Note that an operator is about to run a command, and why."""
    _note(username, "command.run", at, {"command": command, "reason": reason})


def proved(
    username: str,
    purpose: str,
    factor: str,
    *,
    at: datetime,
    known: dict[str, Any],
    add: Callable[[Transaction], None],
) -> None:
    """Note that a person has shown a second factor, and use it up in the same commit."""
    event = Event(
        entity_id=f"person:{username}",
        entity_type="person",
        action="person.proved",
        actor=Actor(id=username),
    )
    values = {"purpose": purpose, "factor": factor}
    trail.note(event, at=at, values=values, known=known, add=add)


def proof_refused(username: str, purpose: str, *, at: datetime) -> None:
    """Note a second factor that was not accepted."""
    actor = Actor(id=username)
    _note_refusal(f"person:{username}", "person.proof_refused", actor, {"purpose": purpose}, at)


def sign_in_refused(typed: str, record: StaffRecord | None, *, at: datetime) -> None:
    """Note a bad sign-in, at the same cost whether the name is known or not."""
    if record is None:
        digest = salted_hmac("backoffice.sign_in", typed, algorithm="sha256").hexdigest()
        entity_id, values = f"unknown:{digest[:2]}", {"name_digest": digest}
    else:
        reason = "wrong password" if record.is_active else "disabled"
        entity_id, values = f"person:{record.username}", {"reason": reason}
    _note_refusal(entity_id, "person.sign_in_refused", NOBODY, values, at)


def access_refused(username: str, *, values: Mapping[str, Any], at: datetime) -> None:
    """Note that a person was refused a page or a command.

    The refusal stands whether or not it can be noted: a store that fails here is logged only.
    """
    try:
        entity_id, actor = f"person:{username}", Actor(id=username)
        _note_refusal(entity_id, "access.refused", actor, values, at)
    except StoreError:
        _log.exception("a refused access of %s could not be recorded: %s", username, values)


def _note(
    username: str, action: str, at: datetime, values: Mapping[str, Any] | None = None
) -> None:
    event = Event(
        entity_id=f"person:{username}",
        entity_type="person",
        action=action,
        actor=Actor(id=username),
    )
    trail.note(event, at=at, values=values)


def _note_refusal(
    entity_id: str, action: str, actor: Actor, values: Mapping[str, Any], at: datetime
) -> None:
    event = Event(
        entity_id=entity_id,
        entity_type="person",
        action=action,
        actor=actor,
        outcome=EntryOutcome.FAILURE,
        severity=Severity.WARNING,
    )
    trail.note(event, at=at, values=values)
