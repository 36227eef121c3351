"""An entry and the change it tells of, always in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from audit import context
from audit.chain import SEQ_DIGITS, Head, entry_hash
from audit.context import ID_LENGTH, USER_AGENT_LENGTH, Actor
from audit.masking import masked
from audit.models import AuditHead, AuditLog, Chained, EntryOutcome, Severity
from dynamodb import store
from dynamodb.errors import StoreBusyError, StoreError
from dynamodb.models import Item
from dynamodb.retries import BUSY, Patience, commit_within, read_within
from dynamodb.times import from_rfc3339, to_rfc3339
from dynamodb.transactions import Committed, Condition, Transaction

C = TypeVar("C", bound=Chained)
T = TypeVar("T")

NOTE_SECONDS = 5.0
"""How long an entry without a change of its own may take to be written."""

_ENTRY = "audit:"
"""What the name of an entry's action begins with."""

_BOOKKEEPING = frozenset({
    "audit_at", "audit_hash", "audit_seq", "created_at", "updated_at", "version",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Event:
    """What an entry tells, apart from values and origin. ``action`` is ``subject.verb``."""

    entity_id: str
    entity_type: str
    action: str
    actor: Actor
    reference: str | None = None
    outcome: EntryOutcome = EntryOutcome.SUCCESS
    severity: Severity | None = None


def create(tx: Transaction, name: str, record: C, event: Event) -> C:
    """Add a new record and the first entry of its chain; returns the record as it will stand.

    The entry is the action ``audit:<name>``.
    """
    entry = _add_entry(tx, name, event, Head(), old={}, new=_audited(record, _names(record)))
    return tx.put_new(name, record.with_changes(_head_changes(entry)))


def change(
    tx: Transaction,
    name: str,
    record: C,
    changes: Mapping[str, Any],
    event: Event,
    condition: Condition | None = None,
) -> C:
    """Add a change of a record and the entry that tells of it; returns it as it will stand."""
    after = record.with_changes(changes)
    differing = {
        each for each in changes if record.attribute_values.get(each) != changes[each]
    } - _hidden(record)
    entry = _add_entry(
        tx,
        name,
        event,
        record.head,
        old=_audited(record, differing),
        new=_audited(after, differing),
    )
    return tx.update(name, record, {**changes, **_head_changes(entry)}, condition)


def note(event: Event, *, at: datetime, values: Mapping[str, Any] | None = None) -> None:
    """Write an entry about something that has no record of its own.

    Reads the chain's head and moves it with the entry. Raises ``StoreError`` when the entry
    cannot be written: what it tells of must then not be done or shown.
    """
    patience = Patience(limit_seconds=NOTE_SECONDS)

    def add_actions(tx: Transaction) -> AuditHead:
        key = AuditHead(entity_id=event.entity_id)
        found = read_within(partial(store.get, key), patience)
        head = found or key
        entry = _add_entry(tx, "head", event, head.head, old={}, new=values or {})
        moved = _head_changes(entry)
        if found is None:
            return tx.put_new("head", head.with_changes(moved))
        return tx.update("head", head, moved)

    settle(add_actions, at=at, patience=patience)


def settle(
    add_actions: Callable[[Transaction], T],
    learn: Callable[[Mapping[str, Item | None]], T | None] = lambda _: None,
    *,
    at: datetime,
    patience: Patience,
) -> T:
    """Fill a transaction and commit it, and again from how things stand now, until one stands.

    ``add_actions`` gives what the commit will have made. ``learn`` takes in what a refused one
    showed, the records by the names of their actions: an answer that was there before ends it.

    Raises ``StoreBusyError`` and ``OutcomeUnknownError`` as ``commit_within`` does, ``StoreError``
    where only an entry is refused: its place is taken though the head of its chain has not moved,
    so somebody wrote past us.
    """
    while True:
        tx = Transaction(at=at)
        made = add_actions(tx)
        outcome = commit_within(tx.freeze(), patience)
        if isinstance(outcome, Committed):
            return made
        if all(name.startswith(_ENTRY) for name in outcome.items):
            raise StoreError(f"The audit chain refuses its next entry: {sorted(outcome.items)}.")
        known = learn(outcome.items)
        if known is not None:
            return known
        if not patience.pause():
            raise StoreBusyError(BUSY)


def _add_entry(
    tx: Transaction,
    name: str,
    event: Event,
    head: Head,
    *,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> AuditLog:
    """Chain an entry to a head. Its time never lies before its predecessor's."""
    origin = context.current()
    at = max(tx.at, head.at or tx.at)
    seq = head.seq + 1
    entry = AuditLog(
        entity_id=event.entity_id,
        timestamp=f"{to_rfc3339(at)}#{seq:0{SEQ_DIGITS}d}",
        action=event.action,
        action_key=event.action,
        user_id=event.actor.id,
        user_key=event.actor.id,
        day_key=to_rfc3339(at)[:10],
        entity_type=event.entity_type,
        old_values=dict(masked(old)) or None,
        new_values=dict(masked(new)) or None,
        changes=sorted(old.keys() | new.keys()) or None,
        outcome=event.outcome,
        reference=event.reference,
        severity=event.severity,
        ip_address=origin.ip_address or None,
        user_agent=origin.user_agent[:USER_AGENT_LENGTH] or None,
        request_id=origin.request_id[:ID_LENGTH] or None,
        created_at=tx.at,
        seq=seq,
        prev_hash=head.hash,
    )
    entry.hash = entry_hash(entry.serialize())
    tx.put_once(_ENTRY + name, entry)
    return entry


def _head_changes(entry: AuditLog) -> dict[str, Any]:
    return {
        "audit_seq": entry.seq,
        "audit_hash": entry.hash,
        "audit_at": from_rfc3339(entry.at),
    }


def _hidden(record: Chained) -> frozenset[str]:
    return _BOOKKEEPING | record.unaudited


def _names(record: Chained) -> set[str]:
    return record.attribute_values.keys() - _hidden(record)


def _audited(record: Chained, names: set[str] | frozenset[str]) -> dict[str, Any]:
    """The named values of a record as an entry keeps them: plain, and only where there is one."""
    values = record.attribute_values
    return {name: values[name] for name in sorted(names) if values.get(name) is not None}
