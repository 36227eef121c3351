"""What people did that changes no record: sign-ins, refused attempts, commands they ran.

Each is an entry of the chain ``person:<username>``. A wrong name may be a password typed into the
wrong field: such attempts are kept under a keyed hash of the name, in a few chains by its hash.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from audit import context, trail
from audit.context import Actor
from audit.models import AuditHead, Severity
from audit.trail import Event
from backoffice.staff import lockout
from backoffice.staff.models import Staff
from backoffice.staff.queries import as_username
from backoffice.staff.records import SignInAttempts, StaffRecord
from dynamodb.errors import StoreError
from dynamodb.times import to_rfc3339
from dynamodb.transactions import Transaction
from payments.policy import policy

_log = logging.getLogger(__name__)

Heads = Mapping[str, AuditHead | None]
"""Heads of chains that have been read already, by the chains' names."""

NOBODY = Actor(id="system:sign-in")
"""Who acts where nobody has signed in."""


def chain_of(typed: str) -> str:
    """The chain of a person's doings."""
    return f"person:{as_username(typed)}"


def chain_of_unknown(typed: str) -> str:
    """The chain of attempts under names like this one that nobody has."""
    return f"unknown:{lockout.digest(typed)[:2]}"


def signed_in(person: Staff, *, at: datetime) -> None:
    """Note a sign-in, when and from where, and forget failed ones, in one commit.

    Raises ``StoreError``: then nobody is signed in.
    """
    event = trail.by_person(Actor(id=person.username), "person.signed_in")
    known = {"staff": person.record, **_head(event, person.known_heads)}
    seen = {"last_login": at, "last_login_from": context.current().ip_address or None}

    def add(tx: Transaction) -> None:
        tx.update("staff", known["staff"], seen)
        tx.delete("attempts", lockout.of_name(person.username))

    trail.note(event, at=at, known=known, add=add)


def signed_out(username: str, *, at: datetime) -> None:
    trail.note(trail.by_person(Actor(id=username), "person.signed_out"), at=at)


def command_run(username: str, *, command: str, reason: str, at: datetime) -> None:
    """Note that an operator is about to run a command, and why."""
    values = {"command": command, "reason": reason}
    trail.note(trail.by_person(Actor(id=username), "command.run"), at=at, values=values)


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
    event = trail.by_person(Actor(id=username), "person.proved")
    values = {"purpose": purpose, "factor": factor}
    trail.note(event, at=at, values=values, known=known, add=add)


def proof_refused(username: str, purpose: str, *, tried: SignInAttempts, at: datetime) -> None:
    """Note a second factor that was not accepted, or the lock that it has brought."""
    reason = "locked" if lockout.is_too_many(tried) else "wrong code"
    values = {"purpose": purpose, "reason": reason}
    action, severity = _of_attempt(tried, "person.proof_refused", values)
    event = trail.refused(f"person:{username}", action, Actor(id=username), severity=severity)
    trail.note(event, at=at, values=values)


def sign_in_refused(
    typed: str,
    record: StaffRecord | None,
    reason: str,
    *,
    tried: SignInAttempts,
    known_heads: Heads,
    at: datetime,
) -> None:
    """Note a bad sign-in, at the same cost whether the name is known or not.

    The one that uses up the last attempt is the lock itself: ``person.locked``.
    """
    entity_id, values = chain_of(typed), {"reason": reason}
    if record is None:
        entity_id, values = chain_of_unknown(typed), {"name_digest": lockout.digest(typed)}
    action, severity = _of_attempt(tried, "person.sign_in_refused", values)
    event = trail.refused(entity_id, action, NOBODY, severity=severity, entity_type="person")
    trail.note(event, at=at, values=values, known=_head(event, known_heads))


def _of_attempt(tried: SignInAttempts, action: str, values: dict[str, str]) -> tuple[str, Severity]:
    """An attempt's action and severity; for the one that brings the lock, its end as a value."""
    if tried.failures != policy().max_failed_attempts:
        return action, Severity.WARNING
    values["locked_until"] = _utc(tried.expires_at)
    return "person.locked", Severity.HIGH


def address_failed(address: str, failed: SignInAttempts, *, at: datetime) -> None:
    """Note the failure that locks an address."""
    if failed.failures == policy().max_failed_attempts:
        values = {"locked_until": _utc(failed.expires_at)}
        chain = f"address:{address}"
        event = trail.refused(chain, "address.locked", NOBODY, severity=Severity.HIGH)
        trail.note(event, at=at, values=values)


def access_refused(username: str, *, values: Mapping[str, Any], at: datetime) -> None:
    """Note that a person was refused a page or a command.

    The refusal stands whether or not it can be noted: a store that fails here is logged only.
    """
    event = trail.refused(f"person:{username}", "access.refused", Actor(id=username))
    try:
        trail.note(event, at=at, values=values)
    except StoreError:
        _log.exception("a refused access of %s could not be recorded: %s", username, values)


def _head(event: Event, heads: Heads) -> dict[str, Any]:
    """The head of an event's chain, where it has been read already."""
    return {"head": heads[event.entity_id]} if event.entity_id in heads else {}


def _utc(seconds: int) -> str:
    return to_rfc3339(datetime.fromtimestamp(seconds, UTC))
