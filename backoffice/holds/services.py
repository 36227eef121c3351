"""Set a hold at once, release it with two people. Every step is an entry of the hold's chain."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from audit import holds, trail
from audit.context import Actor
from audit.models import Hold, HoldStatus
from audit.settings import settings
from audit.trail import Event
from backoffice.holds.subjects import Origin, origin_of
from dynamodb import store
from dynamodb.retries import settle
from dynamodb.transactions import Transaction
from payments.refusals import Refusal


class NothingToHold(Refusal):
    code = "nothing_to_hold"
    field = "held_id"
    sentence = "There is no such record, so nothing to hold. Check the id."


class HoldInForce(Refusal):
    code = "hold_in_force"
    field = "held_id"
    sentence = "There is a hold on this already."


class NotInForce(Refusal):
    code = "not_in_force"
    sentence = "There is no hold in force here, or its release is asked for already."


class NoReleaseAsked(Refusal):
    code = "no_release_asked"
    sentence = "Nobody has asked for the release of this hold, or it is released already."


class SameReviewer(Refusal):
    code = "same_person"
    sentence = "Whoever asked for the release may not confirm it: a second person must."


def held_origin(*, kind: str, held_id: str) -> Origin:
    """Since when there are records to hold, and whose; raises ``NothingToHold``."""
    origin = origin_of(kind, held_id)
    if origin is None:
        raise NothingToHold
    return origin


def set_hold(*, kind: str, held_id: str, reason: str, actor: Actor, at: datetime) -> Hold:
    """Hold what the archive has of an account, a customer or a case, and will have from now on.

    It is in force once this is committed; then the objects that are there are held one by one.
    Raises ``NothingToHold`` and ``HoldInForce``; ``ArchiveError`` where the archive did not answer
    for some: ``apply_holds`` makes up for it.
    """
    origin = held_origin(kind=kind, held_id=held_id)
    new = {
        "listed_as": holds.HELD,
        "status": HoldStatus.IN_FORCE,
        "customer_id": origin.customer_id,
        "since_month": f"{origin.since:%Y-%m}",
        "reason": reason,
        "set_by": actor.id,
        "set_at": at,
    }
    gone = dict.fromkeys(("applied_at", "lifted_at", "release_asked_by", "released_by"))
    key = Hold(subject=f"{kind}:{origin.held_id}")

    def change(tx: Transaction, hold: Hold | None) -> Hold:
        event = _event(key, "hold.set", actor, reason)
        if hold is None:
            return trail.create(tx, "hold", key.with_changes(new), event)
        if hold.is_in_force:
            raise HoldInForce
        return trail.change(tx, "hold", hold, {**new, **gone}, event)

    return _carried_out(_settle(key, change, at), actor, at)


def ask_release(*, subject: str, reason: str, actor: Actor, at: datetime) -> Hold:
    """Ask for a release, which another reviewer confirms. Raises ``NotInForce``."""
    key = Hold(subject=subject)
    changes = {"status": HoldStatus.RELEASE_ASKED, "release_asked_by": actor.id}

    def change(tx: Transaction, hold: Hold | None) -> Hold:
        if hold is None or hold.status != HoldStatus.IN_FORCE:
            raise NotInForce
        event = _event(key, "hold.release_requested", actor, reason)
        return trail.change(tx, "hold", hold, changes, event)

    return _settle(key, change, at)


def release(*, subject: str, actor: Actor, at: datetime) -> Hold:
    """Release a hold that somebody else has asked to be released.

    Raises ``NoReleaseAsked`` and ``SameReviewer``; that the two differ is a condition of the write.
    Raises ``ArchiveError`` as ``set_hold`` does, and what was released then stays so.
    """
    key = Hold(subject=subject)
    changes = {
        "status": HoldStatus.RELEASED,
        "listed_as": holds.RELEASED,
        "released_by": actor.id,
    }
    by_another = (Hold.status == HoldStatus.RELEASE_ASKED) & (Hold.release_asked_by != actor.id)

    def change(tx: Transaction, hold: Hold | None) -> Hold:
        if hold is None or hold.status != HoldStatus.RELEASE_ASKED:
            raise NoReleaseAsked
        if hold.release_asked_by == actor.id:
            raise SameReviewer
        return trail.change(
            tx, "hold", hold, changes, _event(key, "hold.released", actor), by_another
        )

    return _carried_out(_settle(key, change, at), actor, at)


def apply_holds(*, actor: Actor, at: datetime) -> Iterator[Hold]:
    """Finish what was interrupted: what a hold, or its release, did not reach of the archive."""
    for hold in holds.everyone():
        if not hold.is_carried_out:
            yield _carried_out(hold, actor, at)


def _carried_out(decided: Hold, actor: Actor, at: datetime) -> Hold:
    """Hold the objects that are there or let them go, if the archive is on; the hold says so."""
    if not settings().bucket:
        return decided
    act, done = (holds.apply, "applied") if decided.is_in_force else (holds.lift, "lifted")
    act(decided)

    def change(tx: Transaction, hold: Hold | None) -> Hold:
        stored = hold or decided
        if stored.is_in_force != decided.is_in_force:
            return stored
        event = _event(decided, f"hold.{done}", actor)
        return trail.change(tx, "hold", stored, {f"{done}_at": at}, event)

    return _settle(Hold(subject=decided.subject), change, at)


def _settle(key: Hold, change: Callable[[Transaction, Hold | None], Hold], at: datetime) -> Hold:
    known: dict[str, Any] = {"hold": store.get(key)}

    def build(tx: Transaction) -> Hold:
        return change(tx, known["hold"])

    return settle(build, known, at=at)


def _event(hold: Hold, action: str, actor: Actor, reason: str = "") -> Event:
    return Event(entity_id=hold.chain, action=action, actor=actor, reason=reason)
