"""Attempts that were refused and left no record of their own: they stand in the trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from audit import trail
from audit.context import Actor
from payments.refusals import Refusal


@contextmanager
def recorded_refusals(
    *, subject: str, actor: Actor, at: datetime, reference: str = ""
) -> Iterator[None]:
    """Record the refusal that ends what is done inside, and let it pass on.

    ``reference`` names the record that it is all about, where there is one.
    """
    try:
        yield
    except Refusal as refusal:
        refusal.reference = refusal.reference or reference
        record_refusal(refusal, subject=subject, actor=actor, at=at)
        raise


def record_refusal(refusal: Refusal, *, subject: str, actor: Actor, at: datetime) -> None:
    """Record an attempt that left no record of its own: by code and field, not what was typed."""
    refusal.is_recorded = True
    reference = refusal.reference or None
    event = trail.refused(f"person:{actor.id}", f"{subject}.refused", actor, reference=reference)
    values = {"code": refusal.code, "field": refusal.field, "sentence": str(refusal)}
    trail.note(event, at=at, values={name: text for name, text in values.items() if text})
