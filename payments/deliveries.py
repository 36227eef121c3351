"""Outgoing events reach every receiver at least once, those of one record in their order.

A payment knows nothing of it: whatever becomes of an event, none fails or waits for it. An event is
read from the stream, sent, kept as sent, and then the place in the stream moves on: a kill at any
point repeats one at most and loses none. What a receiver does not take is kept as waiting, with
whatever follows of the same record, and tried again with growing pauses; so a receiver that is
down keeps nobody waiting, and the stream, which remembers a day, is never behind. After
``MOST_TRIES`` it is dead until somebody sends it again, and all that follow it stay behind it.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb import store, streams
from dynamodb.attributes import plain
from dynamodb.errors import ConditionFailedError
from dynamodb.pages import Page, Query, read_page
from dynamodb.scans import query_items
from dynamodb.streams import Change
from dynamodb.times import to_rfc3339
from dynamodb.transactions import Transaction
from payments.event_records import Delivery, DeliveryState, Feed
from payments.outgoing import OutgoingEvent, event_of
from payments.receivers import Receiver, ReceiverError, receivers
from payments.refusals import Refusal

ROUND_SECONDS = 15.0
"""How long one receiver's round may take: whatever else the worker does waits for it."""

LEASE = timedelta(seconds=30)
"""Longer than a round and the last event of it."""

MOST_TRIES = 16
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
"""A pause doubles from the first to the longest: all tries together take about seven hours."""

SENT_KEPT = timedelta(days=30)
PLACES_KEPT = timedelta(days=7)
"""Longer than a stream remembers a shard that has ended."""

_BEHIND = "It waits for an earlier event of the same record."

_log = logging.getLogger(__name__)


class NothingDeadError(Refusal):
    code = "nothing_dead"
    sentence = "None of these events is in the dead letters: they have been sent again already."


def deliver_due(*, at: datetime) -> Counter[str]:
    """Send what is due to every receiver that nobody else is serving just now.

    Counts events by outcome: ``sent``; ``failed``, to be tried again; ``dead``. Raises
    ``StoreError`` for trouble with the store.
    """
    counts: Counter[str] = Counter()
    for receiver in receivers().everybody:
        feed = _lease(receiver, at)
        if feed is not None:
            deliveries = Round(receiver=receiver, at=at)
            deliveries.run(is_fed=receivers().by_function)
            _release(feed, deliveries)
            counts += deliveries.counts
    return counts


def in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items())


def states(of: list[Receiver]) -> list[Feed]:
    """How receivers stand, in one request; none for none."""
    keys = [Feed(name=receiver.name) for receiver in of]
    found = store.get_many(keys) if keys else []
    return [feed or key for feed, key in zip(found, keys, strict=True)]


def list_deliveries(*, receiver: str, state: str, person: str, cursor: str = "") -> Page[Delivery]:
    """A page of what is in a state, newest first; of the waiting, what is due last."""
    query = Query(model=Delivery, index="listed-index", partition=_listed(receiver, state))
    return read_page([query], person=person, cursor=cursor)


def of_record(receiver: str, entity_id: str) -> list[Delivery]:
    """All deliveries of a record to a receiver, in the order of its events."""
    places = (f"{receiver}#", f"{receiver}#~")
    query = Query(model=Delivery, partition=entity_id, between=places, newest_first=False)
    return [Delivery.from_item(item) for item in query_items(query)]


def send_again(*, receiver: str, entity_id: str, actor: Actor, at: datetime) -> None:
    """Let the dead events of a record be tried again, in their order, by the next round."""
    dead = [each for each in of_record(receiver, entity_id) if each.state == DeliveryState.DEAD]
    if not dead:
        raise NothingDeadError
    event = Event(
        entity_id=f"events:{entity_id}",
        entity_type="event",
        action="event.sent_again",
        actor=actor,
        reference=entity_id,
    )

    def add(tx: Transaction) -> None:
        for number, each in enumerate(dead[:_MOST_AT_ONCE]):
            tx.update_existing(f"delivery{number}", each, {**_waiting(each, at), "tries": 0})

    values = {"receiver": receiver, "events": len(dead)}
    trail.note(event, at=at, values=values, add=add)


_MOST_AT_ONCE = 90


@dataclass(kw_only=True)
class Round:
    """What is sent to one receiver until there is no more, it is down, or time is up."""

    receiver: Receiver
    at: datetime
    counts: Counter[str] = field(default_factory=Counter)
    error: str = ""
    is_down: bool = False
    _ends: float = field(default_factory=lambda: time.monotonic() + ROUND_SECONDS)

    def run(self, *, is_fed: bool) -> None:
        """Try again what waits; then go through the stream, unless somebody feeds this receiver."""
        for entity_id in self._due():
            self._take_up(entity_id)
        try:
            for shard in [] if is_fed else self._open_shards():
                self._follow(shard)
        except ConditionFailedError:
            _log.warning("somebody else serves %s", self.receiver.name)

    def deliver(self, event: OutgoingEvent) -> None:
        """Send an event, or keep it as waiting: behind one of its record, or for a receiver down.

        One that is taken care of already is left alone. Raises ``StoreError``.
        """
        kept = of_record(self.receiver.name, event.entity_id)
        place = f"{self.receiver.name}#{event.number:012d}"
        if any(each.place == place for each in kept):
            return
        new = Delivery(
            entity_id=event.entity_id,
            place=place,
            receiver=self.receiver.name,
            event_id=event.id,
            type=event.type,
            body=event.body,
        )
        unsent = [each for each in kept if each.state != DeliveryState.SENT]
        if unsent:
            store.put(_behind(new, unsent[0], self.at))
        elif self.is_down:
            store.put(new.with_changes(_waiting(new, self.at)))
        else:
            self._send(new)

    def _due(self) -> Iterator[str]:
        """Ids of records that have something waiting whose time has come, oldest first."""
        query = Query(
            model=Delivery,
            index="listed-index",
            partition=_listed(self.receiver.name, DeliveryState.WAITING),
            between=("0", to_rfc3339(self.at)),
            newest_first=False,
        )
        seen: set[str] = set()
        for item in query_items(query):
            if self.is_down or self._is_late:
                return
            entity_id = str(plain(item["entity_id"]))
            if entity_id not in seen:
                seen.add(entity_id)
                yield entity_id

    def _take_up(self, entity_id: str) -> None:
        """Go on with the events of a record, up to one that cannot be sent now."""
        dead = None
        for delivery in of_record(self.receiver.name, entity_id):
            if delivery.state == DeliveryState.WAITING:
                if dead:
                    store.put(_behind(delivery, dead, self.at))
                    continue
                if self.is_down or delivery.listed_at > self.at:
                    return
                delivery = self._send(delivery)  # noqa: PLW2901 - as it stands now
                if delivery.state == DeliveryState.WAITING:
                    return
            if delivery.state == DeliveryState.DEAD:
                dead = delivery

    def _send(self, delivery: Delivery) -> Delivery:
        """Try once, and keep how it ended."""
        tries = delivery.tries + 1
        try:
            self.receiver.send(delivery, at=self.at)
        except ReceiverError as error:
            _log.error("event %s: %s: %s", delivery.event_id, self.receiver.name, error)
            self.is_down, self.error = error.is_down, str(error)
            is_dead = tries >= MOST_TRIES
            self.counts["dead" if is_dead else "failed"] += 1
            changes = _dead(delivery, self.at) if is_dead else _waiting(delivery, self.at, tries)
            ended = delivery.with_changes({**changes, "tries": tries, "error": str(error)})
        else:
            self.counts["sent"] += 1
            changes = _in_state(delivery, DeliveryState.SENT, self.at)
            expires_at = int((self.at + SENT_KEPT).timestamp())
            changes |= {"body": None, "error": None, "tries": tries, "expires_at": expires_at}
            ended = delivery.with_changes(changes)
        store.put(ended)
        return ended

    def _open_shards(self) -> Iterator[Feed]:
        """Places in shards, each after that of its parent has come to its end."""
        shards = streams.shards(self.receiver.follows)
        unfinished = {shard.id for shard in shards}
        for shard in shards:
            key = Feed(name=f"{self.receiver.name} {shard.id}")
            place = store.get(key) or key
            if not place.ended_at and shard.parent not in unfinished:
                yield place
            if place.ended_at:
                unfinished.discard(shard.id)

    def _follow(self, place: Feed) -> None:
        """Deliver what a shard tells from a place on; keeps the place after each event."""
        shard = place.name.partition(" ")[2]
        for found in streams.read(self.receiver.follows, shard, after=place.sequence or ""):
            for change in found.changes:
                if self._is_late:
                    return
                is_told = self._tell(change)
                if is_told or change is found.changes[-1]:
                    _move(place, change.sequence)
            if found.is_ended:
                expires_at = int((self.at + PLACES_KEPT).timestamp())
                place.ended_at, place.expires_at = self.at, expires_at
                store.put(place)

    def _tell(self, change: Change) -> bool:
        event = event_of(self.receiver.follows, change)
        if event is not None:
            self.deliver(event)
        return event is not None

    @property
    def _is_late(self) -> bool:
        return time.monotonic() >= self._ends


def _move(place: Feed, sequence: str) -> None:
    """Move on from where it stood; raises ``ConditionFailedError`` where somebody else did."""
    stood = place.sequence
    place.sequence = sequence
    store.put(place, Feed.sequence == stood if stood else Feed.sequence.does_not_exist())


def _lease(receiver: Receiver, at: datetime) -> Feed | None:
    """How a receiver stands, if nobody else serves it."""
    is_free = Feed.lease_until.does_not_exist() | (Feed.lease_until <= at)
    lease = Feed.lease_until.set(at + LEASE)
    try:
        return store.update(Feed(name=receiver.name), lease, condition=is_free)
    except ConditionFailedError:
        return None


def _release(feed: Feed, done: Round) -> None:
    changes: dict[str, object] = {"lease_until": None, "seen_at": done.at}
    if done.counts["sent"]:
        changes |= {"failing_since": None, "error": None}
    elif done.error:
        changes |= {"failing_since": feed.failing_since or done.at, "error": done.error}
    try:
        store.put(feed.with_changes(changes), Feed.lease_until == feed.lease_until)
    except ConditionFailedError:
        _log.warning("the round of %s has outlasted its lease", feed.name)


def _listed(receiver: str, state: str) -> str:
    return f"{receiver} {state}"


def _in_state(delivery: Delivery, state: DeliveryState, at: datetime) -> dict[str, object]:
    return {"state": state, "listed_as": _listed(delivery.receiver, state), "listed_at": at}


def _dead(delivery: Delivery, at: datetime) -> dict[str, object]:
    return _in_state(delivery, DeliveryState.DEAD, at)


def _waiting(delivery: Delivery, at: datetime, tries: int = 0) -> dict[str, object]:
    """Due at once, or after so many tries between half the next pause and the whole of it."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1)) if tries else timedelta()
    due = at + pause * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret
    return _in_state(delivery, DeliveryState.WAITING, due)


def _behind(delivery: Delivery, earlier: Delivery, at: datetime) -> Delivery:
    """Share the fate of an earlier event that was not sent."""
    if earlier.state == DeliveryState.DEAD:
        return delivery.with_changes({**_dead(delivery, at), "error": _BEHIND})
    due = _in_state(delivery, DeliveryState.WAITING, earlier.listed_at)
    return delivery.with_changes({**due, "error": _BEHIND})
