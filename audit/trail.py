"""An entry and the change it tells of, always in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from audit import context
from audit.chain import SEQ_DIGITS, Head, entry_hash, index_keys
from audit.context import ID_LENGTH, USER_AGENT_LENGTH, Actor
from audit.masking import masked
from audit.models import AuditHead, AuditLog, Chained, EntryOutcome, Severity
from dynamodb import store
from dynamodb.retries import Patience, read_within, settle
from dynamodb.times import from_rfc3339, to_rfc3339
from dynamodb.transactions import Condition, Transaction

C = TypeVar("C", bound=Chained)

NOTE_SECONDS = 10.0
"""How long an entry without a change of its own may take to be written."""

_BOOKKEEPING = frozenset({
    "audit_at", "audit_hash", "audit_seq", "created_at", "updated_at", "version",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Event:
    """What an entry tells, apart from values and origin. ``action`` is ``subject.verb``.

    A chain ``job:<id>`` is of a job and any other of what its ``action`` is done with, unless the
    ``entity_type`` says otherwise. A ``reason`` is a person's own words for it, and stands among
    the new values.
    """

    entity_id: str
    action: str
    actor: Actor
    entity_type: str = ""
    reference: str | None = None
    reason: str = ""
    outcome: EntryOutcome = EntryOutcome.SUCCESS
    severity: Severity | None = None

    @property
    def kind(self) -> str:
        """What the chain is of."""
        prefix, colon, _ = self.entity_id.partition(":")
        return self.entity_type or (prefix if colon else self.action.partition(".")[0])


def by_person(actor: Actor, action: str, **more: Any) -> Event:
    """What a person did that changes no record: an event of their own chain."""
    return Event(entity_id=f"person:{actor.id}", action=action, actor=actor, **more)


def refused(
    entity_id: str, action: str, actor: Actor, *, severity: Severity = Severity.WARNING, **more: Any
) -> Event:
    """What somebody tried and was not let do."""
    failed = EntryOutcome.FAILURE
    return Event(
        entity_id=entity_id, action=action, actor=actor, outcome=failed, severity=severity, **more
    )


def create(tx: Transaction, name: str, record: C, event: Event) -> C:
    """Add a new record and the first entry of its chain; returns the record as it will stand.

    The entry is the action ``audit:<name>``.
    """
    entry = _add_entry(tx, name, event, Head(), old=None, new=_audited(record, _names(record)))
    return tx.put_new(name, record.with_changes(_head_changes(entry)))


def create_once(
    name: str, record: C, event: Event, *, at: datetime, patience: Patience | None = None
) -> C:
    """Create a record by itself, with its first entry; gives the one that is there already."""
    known: dict[str, Any] = {name: None}

    def build(tx: Transaction) -> C:
        other: C | None = known[name]
        return other or create(tx, name, record, event)

    return settle(build, known, at=at, patience=patience)


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


def note(
    event: Event,
    *,
    at: datetime,
    values: Mapping[str, Any] | None = None,
    known: dict[str, Any] | None = None,
    add: Callable[[Transaction], None] = lambda _: None,
) -> None:
    """Write an entry about something that has no record of its own.

    Reads the chain's head, unless ``known`` has it as ``head``, and moves it with the entry.
    ``add`` adds further actions to the same commit; records that it builds them from belong into
    ``known`` too, by the names of their actions, where they are kept as they stand.

    Raises ``StoreError`` when the entry cannot be written: what it tells of must then not be done
    or shown. Raises what ``add`` raises.

    A lost answer is asked for again with the same bytes and token, which DynamoDB remembers for
    10 minutes and we for ``NOTE_SECONDS``, so the entry is written once. Only a process that was
    stopped in between for longer than that could write it twice: twice the truth, in two entries.
    """
    key = AuditHead(entity_id=event.entity_id)
    patience = Patience(limit_seconds=NOTE_SECONDS, longest_pause_seconds=0.06)
    known = {} if known is None else known
    if "head" not in known:
        known["head"] = read_within(partial(store.get, key), patience)

    def build(tx: Transaction) -> None:
        head = known["head"]
        entry = _add_entry(tx, "head", event, (head or key).head, old={}, new=values or {})
        if head is None:
            tx.put_new("head", key.with_changes(_head_changes(entry)))
        else:
            tx.update("head", head, _head_changes(entry))
        add(tx)

    settle(build, known, at=at, patience=patience)


def next_timestamp(head: Head, at: datetime) -> str:
    """The sort key of the entry that comes after a head."""
    return f"{to_rfc3339(max(at, head.at or at))}#{head.seq + 1:0{SEQ_DIGITS}d}"


def _add_entry(
    tx: Transaction,
    name: str,
    event: Event,
    head: Head,
    *,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any],
) -> AuditLog:
    """Chain an entry to a head. Its time never lies before its predecessor's.

    Where there is nothing ``old``, all is new: to name it in ``changes`` would tell it twice.
    """
    origin = context.current()
    new = {**new, "reason": event.reason} if event.reason else new
    seq, timestamp = head.seq + 1, next_timestamp(head, tx.at)
    entry = AuditLog(
        entity_id=event.entity_id,
        timestamp=timestamp,
        action=event.action,
        user_id=event.actor.id,
        **index_keys(
            entity_id=event.entity_id,
            action=event.action,
            user_id=event.actor.id,
            timestamp=timestamp,
        ),
        entity_type=event.kind,
        old_values=dict(masked(old or {})) or None,
        new_values=dict(masked(new)) or None,
        changes=None if old is None else sorted(old.keys() | new.keys()) or None,
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
    item = entry.serialize()
    entry.hash = entry_hash(item)
    tx.put_once(f"audit:{name}", entry, item | {"hash": {"S": entry.hash}})
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
