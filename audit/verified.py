"""What verifications have found, kept for the pages that show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from audit import trail
from audit.context import Actor
from audit.models import EVERYTHING, EntryOutcome, LastVerification, Severity
from audit.trail import by_person
from audit.verification import Verification
from dynamodb import store
from dynamodb.models import Record

MOST_FAULTS = 20
"""How many faults are kept in words; the command prints them all."""


def keep(run: Verification, *, entity_id: str, actor: Actor, at: datetime) -> LastVerification:
    """Note in the person's chain that a chain was verified, and keep what was found.

    ``entity_id`` may be ``EVERYTHING``.
    """
    is_ok = not run.faults
    event = by_person(
        actor,
        "trail.verified",
        reference=entity_id,
        outcome=EntryOutcome.SUCCESS if is_ok else EntryOutcome.FAILURE,
        severity=Severity.INFO if is_ok else Severity.HIGH,
    )
    found = {name: value for name, value in run.report.items() if name != "faults"}
    trail.note(event, at=at, values={**found, "fault_count": len(run.faults)})
    result = LastVerification(
        entity_id=entity_id,
        verified_at=at,
        verified_by=actor.id,
        fault_count=len(run.faults),
        faults=[str(fault) for fault in sorted(run.faults)[:MOST_FAULTS]],
        **found,
    )
    store.put(result)
    return result


def last(
    entity_id: str, beside: Sequence[Record] = ()
) -> tuple[LastVerification | None, list[Any]]:
    """The newest verification that a chain was part of, its own or everything's.

    The records that have the keys ``beside`` come along: one request.
    """
    keys = [LastVerification(entity_id=each) for each in (entity_id, EVERYTHING)]
    own, everything, *others = store.get_many([*keys, *beside])
    found = [each for each in (own, everything) if each is not None]
    return max(found, key=lambda each: each.verified_at, default=None), others
