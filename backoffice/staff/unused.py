"""Accounts that nobody uses are disabled, so that nobody else begins to (PCI DSS 8.2.6)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from audit.context import Actor
from backoffice.staff import managing, queries, refusals
from backoffice.staff.records import StaffRecord


def unused_since(record: StaffRecord) -> datetime:
    """When a person last signed in, was added or was enabled again."""
    times = (record.last_login, record.state_since, record.created_at)
    return max(at for at in times if at is not None)


def list_unused(*, before: datetime) -> Iterator[StaffRecord]:
    """Active staff whose account was last used before a time."""
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
        return managing.disabled(record, at)

    return managing.manage(username, decide, "staff.disabled", reason, actor, at)
