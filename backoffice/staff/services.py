"""Changes of staff, each with its entry in one commit, and what is noted of people's doings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from audit import trail
from audit.context import Actor
from audit.trail import Event
from backoffice.permissions import Role, conflicting
from backoffice.staff import queries, refusals
from backoffice.staff.models import Staff
from backoffice.staff.records import StaffRecord
from backoffice.staff.time_zones import known_time_zones
from dynamodb.retries import Patience, commit_within, settle
from dynamodb.transactions import Committed, Transaction

_COMMIT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class NewStaff:
    """A member of staff to be. ``first_password_stays`` is for demonstrations only."""

    username: str
    roles: Collection[Role]
    password: str
    full_name: str = ""
    email: str = ""
    time_zone: str = "UTC"
    first_password_stays: bool = False


def create_staff(new: NewStaff, *, actor: Actor, at: datetime) -> StaffRecord:
    """Add a member of staff. Raises a refusal of ``backoffice.staff.refusals``."""
    record = _checked(new)
    record.password = make_password(new.password)
    record.password_changed_at = at
    tx = Transaction(at=at)
    created = trail.create(tx, "staff", record, _event(record.username, "staff.created", actor))
    outcome = commit_within(tx.freeze(), Patience(limit_seconds=_COMMIT_SECONDS))
    if not isinstance(outcome, Committed):
        raise refusals.UsernameTaken
    return created


def _checked(new: NewStaff) -> StaffRecord:
    if not new.username or queries.as_username(new.username) != new.username:
        raise refusals.InvalidUsername
    if not new.roles:
        raise refusals.NoRole
    if pair := conflicting(new.roles):
        raise refusals.ConflictingRoles(pair)
    _check_time_zone(new.time_zone)
    record = StaffRecord(
        username=new.username,
        password="",
        roles=sorted(set(new.roles)),
        full_name=new.full_name or None,
        email=new.email or None,
        time_zone=new.time_zone,
        must_change_password=not new.first_password_stays,
    )
    _check_password(new.password, record)
    return record


def set_password(*, username: str, password: str, actor: Actor, at: datetime) -> StaffRecord:
    """Give a person another password, which ends their other sessions.

    Raises ``WeakPassword``. Whoever is given one by somebody else changes it at the next sign-in.
    """
    _check_password(password, _found(username))
    changes = {
        "password": make_password(password),
        "password_changed_at": at,
        "must_change_password": username != actor.id,
    }
    return _change(username, changes, "staff.password_changed", actor, at)


def set_time_zone(*, username: str, time_zone: str, actor: Actor, at: datetime) -> StaffRecord:
    """Show times to a person in another zone. Raises ``UnknownTimeZone``."""
    _check_time_zone(time_zone)
    return _change(username, {"time_zone": time_zone}, "staff.time_zone_changed", actor, at)


def _change(
    username: str, changes: Mapping[str, Any], action: str, actor: Actor, at: datetime
) -> StaffRecord:
    event = _event(username, action, actor)

    known = {"staff": _found(username)}

    def build(tx: Transaction) -> StaffRecord:
        return trail.change(tx, "staff", known["staff"], changes, event)

    return settle(build, known, at=at, patience=Patience(limit_seconds=_COMMIT_SECONDS))


def _found(username: str) -> StaffRecord:
    record = queries.find(username)
    if record is None:
        raise refusals.StaffNotFound
    return record


def _event(username: str, action: str, actor: Actor) -> Event:
    return Event(entity_id=f"staff:{username}", entity_type="staff", action=action, actor=actor)


def _check_time_zone(name: str) -> None:
    if name not in known_time_zones():
        raise refusals.UnknownTimeZone(name)


def _check_password(password: str, record: StaffRecord) -> None:
    try:
        validate_password(password, user=Staff.of(record))
    except ValidationError as error:
        raise refusals.WeakPassword(" ".join(error.messages)) from None
