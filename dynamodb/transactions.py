"""Named actions in, one commit, a named outcome out.

A ``Transaction`` is only a list until ``commit`` sends it whole: leaving a function early sends
nothing. ``freeze`` fixes its bytes and its token, so the same attempt can be sent again after a
lost answer without a second effect (for ten minutes, DynamoDB's life of a token).
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import ClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from dynamodb import client
from dynamodb.errors import StoreBusyError, StoreUnavailableError, StoreUnreachableError
from dynamodb.models import Item, Record, VersionedRecord
from dynamodb.store import condition_arguments, must_have_no_version, must_not_exist, steps_of

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


@dataclass(kw_only=True)
class Transaction:
    """A list of named actions, none of which happens before ``commit``.

    ``at`` becomes ``created_at`` and ``updated_at`` of the records it writes.
    """

    at: datetime
    _actions: dict[str, dict[str, Any]] = field(default_factory=dict)
    _models: dict[str, type[Record]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self._actions

    def as_they_stood(self, rejected: Rejected) -> dict[str, Record | None]:
        """Records by the names of the actions that were refused, ``None`` where there was none."""
        return {
            name: self._models[name].from_item(item) if item else None
            for name, item in rejected.items.items()
        }

    def put_new(self, name: str, record: V) -> V:
        """Write a record whose key must be free, at version 1; returns it as it will stand."""
        new = record.with_changes({"version": 1, "created_at": self.at, "updated_at": self.at})
        self._put(name, new)
        return new

    def put_once(self, name: str, record: Record) -> None:
        """Write a record that is never changed again, so has no version; its key must be free."""
        must_have_no_version(record)
        self._put(name, record)

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
        unchanged = type(record).version == record.version
        self._update(name, record, moved, unchanged if condition is None else unchanged & condition)
        return record.with_changes(moved)

    def update_existing(self, name: str, record: Record, changes: Mapping[str, Any]) -> None:
        """Change attributes of a record that has no version, which must be there."""
        must_have_no_version(record)
        self._update(name, record, changes, ~must_not_exist(type(record)))

    def delete(self, name: str, record: Record) -> None:
        """Take away a record that has no version, if it is there."""
        must_have_no_version(record)
        self._add(name, "Delete", record, Key=record.key_item())

    def check(self, name: str, record: Record, condition: Condition) -> None:
        """Commit only if a condition holds for a record that is not itself written."""
        self._add(name, "ConditionCheck", record, Key=record.key_item(), condition=condition)

    def _put(self, name: str, record: Record) -> None:
        item, condition = record.serialize(), must_not_exist(type(record))
        self._add(name, "Put", record, Item=item, condition=condition)

    def _update(
        self, name: str, record: Record, changes: Mapping[str, Any], condition: Condition
    ) -> None:
        steps, key = steps_of(record, changes), record.key_item()
        self._add(name, "Update", record, Key=key, steps=steps, condition=condition)

    def _add(
        self,
        name: str,
        kind: str,
        record: Record,
        *,
        condition: Condition | None = None,
        steps: list[Action] | None = None,
        **body: Any,
    ) -> None:
        if name in self._actions:
            raise ValueError(f"There is already an action named {name!r}.")
        arguments: dict[str, Any] = {"TableName": record.table_name(), **body}
        arguments |= condition_arguments(condition, steps)
        self._actions[name] = {kind: arguments}
        self._models[name] = type(record)

    def freeze(self) -> Attempt:
        """Fix bytes and token; raises ``ValueError`` for none or more than 100 actions."""
        if not 0 < len(self._actions) <= MAX_ACTIONS:
            message = f"A transaction has 1 to {MAX_ACTIONS} actions, not {len(self._actions)}."
            raise ValueError(message)
        return Attempt(
            names=tuple(self._actions),
            actions=tuple(self._actions.values()),
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
    except ClientError as error:
        if error.response["Error"]["Code"] != "TransactionCanceledException":
            raise
        return _cancelled(attempt, error)
    return Committed()


def _cancelled(attempt: Attempt, error: ClientError) -> Rejected:
    answer: dict[str, Any] = dict(error.response)
    reasons = answer.get("CancellationReasons", [])
    refused = {
        name: reason.get("Item")
        for name, reason in zip(attempt.names, reasons, strict=True)
        if reason["Code"] == "ConditionalCheckFailed"
    }
    if refused:
        return Rejected(refused)
    raise error
