"""Named actions in, one commit, a named outcome out.

A ``Transaction`` is only a list until ``commit`` sends it whole: leaving a function early sends
nothing. ``freeze`` fixes its bytes and its token, so the same attempt can be sent again after a
lost answer without a second effect (for ten minutes, DynamoDB's life of a token).
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from pynamodb.expressions.condition import Condition

from dynamodb import client
from dynamodb.answers import CANCELED
from dynamodb.errors import (
    StoreBusyError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUnreachableError,
)
from dynamodb.models import Item, Record, VersionedRecord
from dynamodb.store import (
    Unchanged,
    condition_arguments,
    must_have_no_version,
    must_not_exist,
    new_key_arguments,
    put_down,
)

__all__ = [
    "Attempt",
    "Committed",
    "Condition",
    "Contended",
    "Outcome",
    "Rejected",
    "Transaction",
    "Unknown",
    "commit",
]

V = TypeVar("V", bound=VersionedRecord)
R = TypeVar("R", bound=Record)

MAX_ACTIONS = 100
"""TransactWriteItems takes at most 100 actions."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A transaction frozen for sending: always the same bytes under the same token."""

    names: tuple[str, ...]
    actions: tuple[dict[str, Any], ...]
    token: str


@dataclass(frozen=True)
class Committed:
    """Every action has happened."""


@dataclass(frozen=True)
class Rejected:
    """Nothing has happened: conditions did not hold.

    ``items`` maps the name of each refused action to the raw record as it stood, ``None`` where
    there was no record.
    """

    items: Mapping[str, Item | None]


@dataclass(frozen=True)
class Contended:
    """Nothing has happened: others were faster, the store asked for patience or was out of reach.

    Try again.
    """


@dataclass(frozen=True)
class Unknown:
    """No answer came: it may have happened. Send the same attempt again to find out."""

    cause: StoreUnavailableError


Outcome = Committed | Rejected | Contended | Unknown


@dataclass(frozen=True, kw_only=True)
class _Write:
    """An action: what it does to a record, on which condition, and how that will then stand."""

    kind: str
    record: Record
    after: Record
    condition: Condition | None = None
    changes: Mapping[str, Any] | None = None
    item: Item | None = None

    def then(self, later: "_Write") -> "_Write":
        """This and a later update of the record as it leaves it, in one."""
        before = (self.after.key_item(), self.after.attribute_values.get("version"))
        if before != (later.record.key_item(), later.record.attribute_values.get("version")):
            raise ValueError(f"{later.record.key_item()} is not as {self.after.key_item()} stands.")
        if later.changes is None:
            raise ValueError(f"{later.record.key_item()} would be written twice.")
        changes = None if self.changes is None else {**self.changes, **later.changes}
        return replace(self, after=later.after, changes=changes)

    def to_action(self) -> dict[str, Any]:
        """The action as DynamoDB takes it."""
        model = type(self.record)
        if self.kind == "Put":
            body = {"Item": self.item or self.after.serialize(), **new_key_arguments(model)}
        else:
            update = None if self.changes is None else partial(put_down, self.record, self.changes)
            body = {"Key": self.record.key_item(), **condition_arguments(self.condition, update)}
        return {self.kind: {"TableName": model.table_name(), **body}}


@dataclass(kw_only=True)
class Transaction:
    """A list of named actions, none of which happens before ``commit``.

    ``at`` becomes ``created_at`` and ``updated_at`` of the records it writes.
    """

    at: datetime
    _writes: dict[str, _Write] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self._writes

    @property
    def records(self) -> dict[str, Record]:
        """Records by the names of their actions, as they will stand."""
        return {name: write.after for name, write in self._writes.items()}

    def as_they_stood(self, rejected: Rejected) -> dict[str, Record | None]:
        """Records by the names of the actions that were refused, ``None`` where there was none."""
        return {
            name: type(self._writes[name].record).from_item(item) if item else None
            for name, item in rejected.items.items()
        }

    def join(self, other: "Transaction", names: Mapping[str, str]) -> bool:
        """Add another's actions, each under a new name; tells whether there is room for them.

        A record that both write under one name is written once: it becomes what the later one
        makes of it, on the conditions of the first. Raises ``ValueError`` where the later one was
        not built on the record as the first leaves it.
        """
        later = {names[name]: write for name, write in other._writes.items()}  # noqa: SLF001 - its own kind
        if len(self._writes.keys() | later.keys()) > MAX_ACTIONS:
            return False
        self._writes |= {
            name: self._writes[name].then(write) if name in self._writes else write
            for name, write in later.items()
        }
        return True

    def put_new(self, name: str, record: V) -> V:
        """Write a record whose key must be free, at version 1; returns it as it will stand."""
        new = record.with_changes({"version": 1, "created_at": self.at, "updated_at": self.at})
        self._put(name, new)
        return new

    def put_once(self, name: str, record: Record, item: Item | None = None) -> None:
        """Write a record that is never changed again, so has no version; its key must be free.

        ``item`` is the record as DynamoDB takes it, where that is known already.
        """
        must_have_no_version(record)
        self._put(name, record, item)

    def update(
        self,
        name: str,
        record: V,
        changes: Mapping[str, Any],
        condition: Condition | None = None,
    ) -> V:
        """Change attributes of a record that still has its version; ``None`` takes one away.

        Returns the record as it will stand. Attributes that this program does not know stay.
        """
        moved = {**changes, "version": record.version + 1, "updated_at": self.at}
        unchanged = Unchanged(record, "version")
        condition = unchanged if condition is None else unchanged & condition
        return self._update(name, record, moved, condition)

    def update_existing(
        self,
        name: str,
        record: Record,
        changes: Mapping[str, Any],
        condition: Condition | None = None,
    ) -> None:
        """Change attributes of a record that has no version, which must be there."""
        must_have_no_version(record)
        exists = ~must_not_exist(type(record))
        self._update(name, record, changes, exists if condition is None else exists & condition)

    def delete(self, name: str, record: Record) -> None:
        """Take away a record that has no version, if it is there."""
        must_have_no_version(record)
        self._add(name, _Write(kind="Delete", record=record, after=record))

    def check(self, name: str, record: Record, condition: Condition) -> None:
        """Commit only if a condition holds for a record that is not itself written."""
        check = _Write(kind="ConditionCheck", record=record, after=record, condition=condition)
        self._add(name, check)

    def _put(self, name: str, record: Record, item: Item | None = None) -> None:
        self._add(name, _Write(kind="Put", record=record, after=record, item=item))

    def _update(self, name: str, record: R, changes: Mapping[str, Any], condition: Condition) -> R:
        after = record.with_changes(changes)
        update = _Write(
            kind="Update", record=record, after=after, condition=condition, changes=changes
        )
        self._add(name, update)
        return after

    def _add(self, name: str, write: _Write) -> None:
        if name in self._writes:
            raise ValueError(f"There is already an action named {name!r}.")
        self._writes[name] = write

    def actions(self) -> dict[str, dict[str, Any]]:
        """The actions as DynamoDB takes them, by their names."""
        return {name: write.to_action() for name, write in self._writes.items()}

    def freeze(self) -> Attempt:
        """Fix bytes and token; raises ``ValueError`` for none or more than 100 actions."""
        if not 0 < len(self._writes) <= MAX_ACTIONS:
            message = f"A transaction has 1 to {MAX_ACTIONS} actions, not {len(self._writes)}."
            raise ValueError(message)
        return Attempt(
            names=tuple(self._writes),
            actions=tuple(self.actions().values()),
            token=str(uuid.uuid4()),
        )


def commit(attempt: Attempt) -> Outcome:
    """Send an attempt once (the client repeats it, same bytes and token, if an answer is lost)."""
    try:
        client.call(
            "TransactWriteItems",
            TransactItems=list(attempt.actions),
            ClientRequestToken=attempt.token,
        )
    except (StoreBusyError, StoreUnreachableError):
        return Contended()
    except StoreUnavailableError as error:
        return Unknown(error)
    except StoreRefusedError as error:
        if error.code != CANCELED:
            raise
        return _cancelled(attempt, error)
    return Committed()


def _cancelled(attempt: Attempt, error: StoreRefusedError) -> Rejected:
    reasons = error.answer.get("CancellationReasons", [])
    refused = {
        name: reason.get("Item")
        for name, reason in zip(attempt.names, reasons, strict=True)
        if reason["Code"] == "ConditionalCheckFailed"
    }
    if refused:
        return Rejected(refused)
    raise error
