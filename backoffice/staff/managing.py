"""What administrators do with other people's accounts: state, roles, passwords.

Each is one commit with its entry in the person's chain, and none works on oneself. The commit
holds only while whoever acts is an active administrator, so two of them cannot shut each other out
at once, and what somebody has just lost the right to does not slip through.
"""

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from audit.context import Actor
from backoffice.permissions import Role
from backoffice.staff import lockout, queries, refusals, services
from backoffice.staff.records import StaffRecord
from backoffice.staff.services import Also, NewStaff
from dynamodb.transactions import Transaction
from payments import attempts
from payments.requests import checked_reason

_PASSWORD_WORDS = 4
_WORD_LENGTH = 5
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike: a first password is read from a screen and typed."""


def first_password() -> str:
    """A password for one sign-in, of 99 random bits."""
    words = (
        "".join(secrets.choice(_LETTERS) for _ in range(_WORD_LENGTH))
        for _ in range(_PASSWORD_WORDS)
    )
    return "-".join(words)


def add_staff(new: NewStaff, *, actor: Actor, at: datetime) -> StaffRecord:
    """As ``services.create_staff``; a refused attempt is recorded."""
    with attempts.recorded_refusals(subject="staff", actor=actor, at=at):
        return services.create_staff(new, actor=actor, at=at)


def disable_staff(*, username: str, reason: str, actor: Actor, at: datetime) -> StaffRecord:
    """Shut a person out: their sessions end at the next request and do not rise again."""
    return manage(
        username, lambda record: disabled(record, at), "staff.disabled", reason, actor, at
    )


def disabled(record: StaffRecord, at: datetime) -> dict[str, Any]:
    """The change that shuts a person out, or ``NoChange``."""
    if not record.is_active:
        raise refusals.NoChange(f"{record.username} is disabled already.")
    return {"is_active": False, "state_since": at, **ended_sessions(record)}


def enable_staff(*, username: str, reason: str, actor: Actor, at: datetime) -> StaffRecord:
    def decide(record: StaffRecord) -> dict[str, Any]:
        if record.is_active:
            raise refusals.NoChange(f"{username} is active already.")
        return {"is_active": True, "state_since": at}

    return manage(username, decide, "staff.enabled", reason, actor, at)


def change_roles(
    *, username: str, roles: Collection[Role], reason: str, actor: Actor, at: datetime
) -> StaffRecord:
    """Replace a person's roles. Raises ``NoRole`` or ``ConflictingRoles``, which names the rule."""

    def decide(record: StaffRecord) -> dict[str, Any]:
        wanted = services.checked_roles(roles)
        if wanted == sorted(record.roles):
            raise refusals.NoChange(f"{username} has exactly these roles already.")
        return {"roles": wanted, "roles_since": at}

    return manage(username, decide, "staff.roles_changed", reason, actor, at)


def reset_password(*, username: str, reason: str, actor: Actor, at: datetime) -> str:
    """Give a person a first password anew, which ends their sessions; returns it."""
    password = first_password()
    with _others_only(username, reason, actor, at):
        services.set_password(
            username=username, password=password, reason=reason, actor=actor, at=at
        )
    return password


def unlock_staff(*, username: str, reason: str, actor: Actor, at: datetime) -> StaffRecord:
    """Let a person sign in again before their lock ends."""

    def decide(_: StaffRecord) -> dict[str, Any]:
        if lockout.locked_until(username, at) is None:
            raise refusals.NoChange(f"{username} is not locked.")
        return {}

    def forget(tx: Transaction, _known: object) -> None:
        tx.delete("attempts", lockout.of_name(username))

    return manage(username, decide, "staff.unlocked", reason, actor, at, also=forget)


def ended_sessions(record: StaffRecord) -> dict[str, Any]:
    """The change that ends every session of a person, wherever it is."""
    return {"session_epoch": record.session_epoch + 1}


def manage(
    username: str,
    decide: Callable[[StaffRecord], Mapping[str, Any]],
    action: str,
    reason: str,
    actor: Actor,
    at: datetime,
    also: Also | None = None,
) -> StaffRecord:
    """Change another person's account. Raises ``Oneself`` and what ``decide`` raises."""
    event = services.staff_event(username, action, actor, reason)
    with _others_only(username, reason, actor, at):
        return services.change_staff(username, decide, event, at=at, also=also)


@contextmanager
def _others_only(username: str, reason: str, actor: Actor, at: datetime) -> Iterator[None]:
    with attempts.recorded_refusals(
        subject="staff", actor=actor, at=at, reference=f"staff:{username}"
    ):
        checked_reason(reason)
        if username == actor.id:
            raise refusals.Oneself
        yield


def unused_since(record: StaffRecord) -> datetime:
    """When a person last signed in, was added or was enabled again."""
    times = (record.last_login, record.state_since, record.created_at)
    return max(at for at in times if at is not None)


def list_unused(*, before: datetime) -> Iterator[StaffRecord]:
    """Active staff whose account was last used before a time (PCI DSS 8.2.6)."""
    return (
        record
        for record in queries.everybody()
        if record.is_active and unused_since(record) < before
    )


def disable_unused(
    *, username: str, before: datetime, reason: str, actor: Actor, at: datetime
) -> StaffRecord:
    """Disable a person's account, unless it has been used meanwhile: then ``NoChange``."""

    def decide(record: StaffRecord) -> dict[str, Any]:
        if unused_since(record) >= before:
            raise refusals.NoChange(f"{username} has been used since.")
        return disabled(record, at)

    return manage(username, decide, "staff.disabled", reason, actor, at)
