"""Changes of staff, each with its entry in one commit, and what is noted of people's doings."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from audit import trail
from audit.context import Actor
from audit.trail import Event
from backoffice.permissions import Role, conflicting
from backoffice.staff import queries, refusals
from backoffice.staff.models import Staff
from backoffice.staff.passwords import REMEMBERED
from backoffice.staff.records import StaffRecord
from dynamodb.retries import settle
from dynamodb.transactions import Transaction

RESERVED = frozenset({"new", "review"})
"""Names that stand in addresses where usernames do."""


Also = Callable[[Transaction, dict[str, Any]], None]
"""Adds actions to a transaction, given what is known of their records."""


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
    record.password_changed_at = record.state_since = record.roles_since = at
    event = staff_event(record.username, "staff.created", actor)
    stands: dict[str, Any] = {"staff": None, "actor": _supposed(actor)}

    def build(tx: Transaction) -> StaffRecord:
        if stands["staff"] is not None:
            raise refusals.UsernameTaken
        _check_actor(tx, actor, record.username, stands["actor"])
        return trail.create(tx, "staff", record, event)

    return settle(build, stands, at=at)


def _checked(new: NewStaff) -> StaffRecord:
    if not new.username or queries.as_username(new.username) != new.username:
        raise refusals.InvalidUsername
    if new.username in RESERVED:
        raise refusals.InvalidUsername("This name is taken by a page. Choose another one.")
    roles = checked_roles(new.roles)
    _check_time_zone(new.time_zone)
    record = StaffRecord(
        username=new.username,
        password="",
        roles=roles,
        full_name=new.full_name or None,
        email=new.email or None,
        time_zone=new.time_zone,
        must_change_password=not new.first_password_stays,
    )
    _check_password(new.password, record)
    return record


def checked_roles(roles: Collection[Role]) -> list[str]:
    """Roles as they are stored; raises ``NoRole`` or ``ConflictingRoles``."""
    if not roles:
        raise refusals.NoRole
    if pair := conflicting(roles):
        raise refusals.ConflictingRoles(pair)
    return sorted(set(roles))


def set_password(
    *, username: str, password: str, actor: Actor, at: datetime, reason: str = ""
) -> StaffRecord:
    """Give a person another password, which ends their other sessions.

    Raises ``WeakPassword``. Whoever is given one by somebody else changes it at the next sign-in.
    """
    _check_password(password, find_staff(username))
    changes = {
        "password": make_password(password),
        "password_changed_at": at,
        "must_change_password": username != actor.id,
    }

    def decide(record: StaffRecord) -> dict[str, Any]:
        past = [record.password, *(record.past_passwords or ())]
        return {**changes, "past_passwords": past[: REMEMBERED - 1]}

    event = staff_event(username, "staff.password_changed", actor, reason)
    return change_staff(username, decide, event, at=at)


def set_preferences(
    *,
    username: str,
    time_zone: str,
    language: str = "",
    number_format: str = "",
    shortcuts_off: bool = False,
    actor: Actor,
    at: datetime,
) -> StaffRecord:
    """Show times, words and numbers to a person in another way; let keys do nothing or something.

    An empty language is the browser's, an empty number format ``1,234.56``. Raises
    ``UnknownTimeZone``.
    """
    _check_time_zone(time_zone)
    chosen = {
        "time_zone": time_zone,
        "language": language or None,
        "number_format": number_format or None,
        "shortcuts_off": shortcuts_off or None,
    }
    event = staff_event(username, "staff.preferences_changed", actor)
    return change_staff(username, lambda _: chosen, event, at=at)


def change_staff(
    username: str,
    decide: Callable[[StaffRecord], Mapping[str, Any]],
    event: Event,
    *,
    at: datetime,
    also: Also | None = None,
    known: Mapping[str, Any] | None = None,
) -> StaffRecord:
    """Commit what ``decide`` changes of a person's record as it stands, with its entry.

    ``also`` adds other actions, given what is ``known`` of their records. Raises what both raise,
    and ``NotAllowed`` where the record is another's and whoever acts is no administrator any more.
    """
    stands: dict[str, Any] = {"staff": find_staff(username), "actor": _supposed(event.actor)}
    stands |= known or {}

    def build(tx: Transaction) -> StaffRecord:
        _check_actor(tx, event.actor, username, stands["actor"])
        if also is not None:
            also(tx, stands)
        record: StaffRecord = stands["staff"]
        return trail.change(tx, "staff", record, decide(record), event)

    return settle(build, stands, at=at)


def _supposed(actor: Actor) -> StaffRecord:
    """Whoever acts, as the commit is first built: as they should be, without reading them."""
    return StaffRecord(username=actor.id, is_active=True, roles=[Role.ADMIN])


def _check_actor(tx: Transaction, actor: Actor, username: str, stands: StaffRecord | None) -> None:
    """Let a commit about another hold only while whoever acts is an active administrator."""
    if actor.is_system or actor.id == username:
        return
    if stands is None or not stands.is_active:
        raise refusals.NotAllowed("Your own account is not active any more.")
    if Role.ADMIN not in stands.roles:
        raise refusals.NotAllowed("You are not an administrator any more.")
    is_active = StaffRecord.is_active == True  # noqa: E712 - a condition
    tx.check("actor", stands, is_active & StaffRecord.roles.contains(Role.ADMIN))


def staff_event(username: str, action: str, actor: Actor, reason: str = "") -> Event:
    return Event(entity_id=f"staff:{username}", action=action, actor=actor, reason=reason)


def find_staff(username: str) -> StaffRecord:
    """A member of staff; raises ``StaffNotFound``."""
    record = queries.find(username)
    if record is None:
        raise refusals.StaffNotFound
    return record


def _check_time_zone(name: str) -> None:
    if name not in known_time_zones():
        raise refusals.UnknownTimeZone(name)


def _check_password(password: str, record: StaffRecord) -> None:
    try:
        validate_password(password, user=Staff.of(record))
    except ValidationError as error:
        raise refusals.WeakPassword(" ".join(error.messages)) from None


@cache
def known_time_zones() -> tuple[str, ...]:
    """UTC, and places by their region: not the old short names, nor this machine's own zone."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name))


def views_of(record: StaffRecord, path: str = "") -> list[tuple[str, str]]:
    """Name and address of the views that somebody has saved, of one list or of all."""
    kept = (text.split("\t", 1) for text in record.saved_views or ())
    return [(name, address) for address, name in kept if path in ("", address.partition("?")[0])]


def save_view(*, name: str, address: str, actor: Actor, at: datetime) -> None:
    """Keep an address under a name, in place of what had the name in the same list.

    Without a name the view of the address is removed. Raises ``TooManyViews``.
    """
    path = address.partition("?")[0]

    def saved(record: StaffRecord) -> Mapping[str, Any]:
        kept = [
            text for text in record.saved_views or ()
            if not _is_in_the_way(text, path, address, name)
        ]  # fmt: skip
        if name:
            kept.append(f"{address}\t{name}")
        if len(kept) > refusals.MOST_VIEWS:
            raise refusals.TooManyViews
        return {"saved_views": kept or None}

    event = staff_event(actor.id, "staff.views_changed", actor)
    change_staff(actor.id, saved, event, at=at)


def _is_in_the_way(text: str, path: str, address: str, name: str) -> bool:
    kept, called = text.split("\t", 1)
    return kept == address or (called == name and kept.partition("?")[0] == path)
