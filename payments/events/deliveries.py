"""Events on their way: what is listed of them, how each moves on, and dead ones sent again."""

import random
from contextlib import suppress
from datetime import datetime, timedelta

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb import store
from dynamodb.errors import ConditionFailedError
from dynamodb.pages import Page, Query, read_page
from dynamodb.scans import query_items
from dynamodb.transactions import Condition, Transaction
from payments.events.receivers import Receiver
from payments.events.records import Delivery, DeliveryState, Feed, listed
from payments.refusals import Refusal

MOST_TRIES = 16
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
"""A pause doubles from the first to the longest: all tries together take about seven hours."""

_BEHIND = "It waits for an earlier event of the same record."


class NothingDeadError(Refusal):
    code = "nothing_dead"
    sentence = "None of these events is in the dead letters: they have been sent again already."


def states(of: list[Receiver]) -> list[Feed]:
    """How receivers stand, in one request; none for none."""
    keys = [Feed(name=receiver.name) for receiver in of]
    found = store.get_many(keys) if keys else []
    return [feed or key for feed, key in zip(found, keys, strict=True)]


def list_deliveries(*, receiver: str, state: str, person: str, cursor: str = "") -> Page[Delivery]:
    """A page of what is in a state, newest first; of the waiting, what is due last."""
    query = Query(model=Delivery, index="listed-index", partition=listed(receiver, state))
    return read_page([query], person=person, cursor=cursor)


def oldest_dead(receiver: str) -> datetime | None:
    """Since when an event is dead, in one request."""
    partition = listed(receiver, DeliveryState.DEAD)
    query = Query(model=Delivery, index="listed-index", partition=partition, newest_first=False)
    for item in query_items(query, sizes=[1]):
        return Delivery.from_item({"listed_at": item["listed_at"]}).listed_at
    return None


def of_record(receiver: str, entity_id: str) -> list[Delivery]:
    """All deliveries of a record to a receiver, in the order of its events."""
    places = (f"{receiver}#", f"{receiver}#~")
    query = Query(model=Delivery, partition=entity_id, between=places, newest_first=False)
    return [Delivery.from_item(item) for item in query_items(query)]


def send_again(*, receiver: str, entity_id: str, actor: Actor, at: datetime) -> None:
    """Let the dead events of a record be tried again, in their order, by the next round.

    Raises ``NothingDeadError`` where there is none, or somebody was faster.
    """
    dead = [each for each in of_record(receiver, entity_id) if each.state == DeliveryState.DEAD]
    known: dict[str, Delivery] = {
        f"delivery{number}": each for number, each in enumerate(dead[:_MOST_AT_ONCE])
    }
    names = list(known)
    event = Event(
        entity_id=f"events:{entity_id}",
        entity_type="event",
        action="event.sent_again",
        actor=actor,
        reference=entity_id,
    )

    def add(tx: Transaction) -> None:
        if not all(known[name].state == DeliveryState.DEAD for name in names):
            raise NothingDeadError
        for name in names:
            changes = {**waiting(known[name], at), "tries": 0}
            tx.update_existing(name, known[name], changes, Delivery.state == DeliveryState.DEAD)

    if not dead:
        raise NothingDeadError
    values = {"receiver": receiver, "events": len(names)}
    trail.note(event, at=at, values=values, known=known, add=add)


_MOST_AT_ONCE = 90


def keep_new(delivery: Delivery) -> None:
    """Keep an event unless somebody has taken care of it already."""
    with suppress(ConditionFailedError):
        store.put_new(delivery)


def put_behind(delivery: Delivery, ahead: Delivery) -> None:
    """Let one that waits share the fate of an earlier event, so that nobody asks for it before."""
    moved = behind(delivery, ahead)
    if delivery.state == DeliveryState.WAITING and moved.listed_at != delivery.listed_at:
        store.put(moved, as_it_stood(delivery))


def as_it_stood(delivery: Delivery) -> Condition:
    """The condition that nobody has touched it since it was read, or made."""
    if not delivery.listed_as:
        return store.must_not_exist(Delivery)
    state, time = Delivery.listed_as == delivery.listed_as, Delivery.listed_at == delivery.listed_at
    unchanged: Condition = state & time
    return unchanged


def waiting(delivery: Delivery, at: datetime, tries: int = 0) -> dict[str, object]:
    """Due at once, or after so many tries between half the next pause and the whole of it."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1)) if tries else timedelta()
    due = at + pause * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret
    return delivery.in_state(DeliveryState.WAITING, due)


def failed(delivery: Delivery, at: datetime, tries: int) -> dict[str, object]:
    """What becomes of one that was not taken: it waits, or after ``MOST_TRIES`` is dead."""
    if tries < MOST_TRIES:
        return waiting(delivery, at, tries)
    return delivery.in_state(DeliveryState.DEAD, at)


def behind(delivery: Delivery, ahead: Delivery) -> Delivery:
    """As it stands while it shares the fate of an earlier event that was not sent."""
    changes = delivery.in_state(ahead.state, ahead.listed_at)
    return delivery.with_changes({**changes, "error": _BEHIND})
