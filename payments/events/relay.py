"""Outgoing events reach every receiver at least once, those of one record in their order.

A payment knows nothing of it: whatever becomes of an event, none fails or waits for it. An event is
read from the stream, sent, kept as sent, and then the place in the stream moves on: a kill at any
point repeats one at most and loses none. What a receiver does not take, or there is no time to
send, is kept as waiting, with whatever follows of the same record, and tried again with growing
pauses. So a receiver that is down or slow keeps nobody waiting, and the stream, which remembers a
day, is read on in every round. After ``MOST_TRIES`` an event is dead until somebody sends it again,
and all that follow it stay behind it.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dynamodb import store, streams
from dynamodb.attributes import plain
from dynamodb.errors import ConditionFailedError, StoreError, UnreadableRecordError
from dynamodb.pages import Query
from dynamodb.scans import query_items
from dynamodb.streams import Change, Shard
from dynamodb.times import to_rfc3339
from payments.events import deliveries
from payments.events.outgoing import OutgoingEvent, event_of
from payments.events.receivers import Receiver, ReceiverError, receivers
from payments.events.records import Delivery, DeliveryState, Feed, listed

RETRY_SECONDS, STREAM_SECONDS = 5.0, 10.0
"""How long one receiver's round tries again what waits, and then reads the stream."""

SEND_SECONDS = 10.0
"""How long it may be sending: the rest is for keeping what the stream tells."""

LEASE = timedelta(seconds=30)
"""Longer than a round and the last event of it."""

SENT_KEPT = timedelta(days=30)
PLACES_KEPT = timedelta(days=7)
"""Longer than a stream remembers a shard that has ended."""

_log = logging.getLogger(__name__)


def deliver_due(*, at: datetime) -> Counter[str]:
    """Send what is due to every receiver that nobody else is serving just now.

    Counts events by outcome: ``sent``; ``failed``, to be tried again; ``dead``. Counts receivers as
    ``stopped`` where trouble with the store ended their round, and theirs alone.
    """
    counts, now = Counter[str](), _clock(at)
    for receiver in receivers().everybody:
        try:
            counts += _serve(receiver, now)
        except StoreError:
            _log.exception("%s could not be served", receiver.name)
            counts["stopped"] += 1
    return counts


def _clock(at: datetime) -> Callable[[], datetime]:
    """The time, as it goes on from ``at``."""
    began = time.monotonic()
    return lambda: at + timedelta(seconds=time.monotonic() - began)


def _serve(receiver: Receiver, now: Callable[[], datetime]) -> Counter[str]:
    feed = _lease(receiver, now())
    if feed is None:
        return Counter()
    served = Round(receiver=receiver, now=now, send_seconds=SEND_SECONDS)
    served.run(is_fed=receivers().by_function)
    _release(feed, served)
    return served.counts


@dataclass(kw_only=True)
class Round:
    """What is sent to one receiver until there is no more, it is down, or time is up.

    ``now`` is the clock. What comes after ``send_seconds`` of sending is kept as waiting.
    """

    receiver: Receiver
    now: Callable[[], datetime]
    send_seconds: float
    counts: Counter[str] = field(default_factory=Counter)
    error: str = ""
    is_down: bool = False
    _spent_seconds: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def run(self, *, is_fed: bool) -> None:
        """Try again what waits; then go through the stream, unless somebody feeds this receiver."""
        try:
            for entity_id in self._due():
                self._take_up(entity_id)
            self._began = time.monotonic()
            for shard, place in [] if is_fed else self._open_shards():
                self._follow(shard, place)
        except ConditionFailedError:
            _log.warning("somebody else serves %s", self.receiver.name)
        except StoreError as error:
            _log.exception("the round of %s was stopped", self.receiver.name)
            self.error = str(error)
            self.counts["stopped"] += 1

    def deliver(self, event: OutgoingEvent) -> None:
        """Send an event, or keep it as waiting: behind one of its record, or for later.

        One that is taken care of already is left alone. Raises ``StoreError``.
        """
        new = Delivery(
            entity_id=event.entity_id,
            place=f"{self.receiver.name}#{event.number:012d}",
            receiver=self.receiver.name,
            event_id=event.id,
            type=event.type,
            body=event.body,
        )
        try:
            kept = deliveries.of_record(self.receiver.name, event.entity_id)
        except UnreadableRecordError:
            _log.exception("event %s waits for others that are damaged", event.id)
            deliveries.keep_new(new.with_changes(deliveries.waiting(new, self.now())))
            return
        if any(each.place == new.place for each in kept):
            return
        unsent = [each for each in kept if each.state != DeliveryState.SENT]
        if unsent:
            deliveries.keep_new(deliveries.behind(new, unsent[0]))
        elif self._may_send:
            self._send(new)
        else:
            deliveries.keep_new(new.with_changes(deliveries.waiting(new, self.now())))

    def _due(self) -> Iterator[str]:
        """Ids of records that have something waiting whose time has come, oldest first."""
        query = Query(
            model=Delivery,
            index="listed-index",
            partition=listed(self.receiver.name, DeliveryState.WAITING),
            between=("0", to_rfc3339(self.now())),
            newest_first=False,
        )
        seen: set[str] = set()
        for item in query_items(query):
            if not self._may_send or self._is_after(RETRY_SECONDS):
                return
            entity_id = str(plain(item["entity_id"]))
            if entity_id not in seen:
                seen.add(entity_id)
                yield entity_id

    def _take_up(self, entity_id: str) -> None:
        """Go on with the events of a record; those after one that is not sent share its fate."""
        try:
            kept = deliveries.of_record(self.receiver.name, entity_id)
        except UnreadableRecordError as error:
            _log.exception("the events of %s cannot be read", entity_id)
            self.error = str(error)
            return
        ahead: Delivery | None = None
        for delivery in kept:
            if ahead is not None:
                deliveries.put_behind(delivery, ahead)
            elif delivery.state != DeliveryState.SENT:
                stands = self._send(delivery) if self._is_due(delivery) else delivery
                ahead = None if stands.state == DeliveryState.SENT else stands

    def _is_due(self, delivery: Delivery) -> bool:
        is_time = delivery.state == DeliveryState.WAITING and delivery.listed_at <= self.now()
        return is_time and self._may_send and not self._is_after(RETRY_SECONDS)

    def _send(self, delivery: Delivery) -> Delivery:
        """Try once, and keep how it ended."""
        tries, began = delivery.tries + 1, time.monotonic()
        try:
            self.receiver.send(delivery, at=self.now())
        except ReceiverError as error:
            _log.error("event %s: %s: %s", delivery.event_id, self.receiver.name, error)
            self.is_down, self.error = error.is_down, str(error)
            changes = deliveries.failed(delivery, self.now(), tries)
            self.counts["dead" if changes["state"] == DeliveryState.DEAD else "failed"] += 1
            changes |= {"tries": tries, "error": str(error)}
        else:
            self.counts["sent"] += 1
            changes = delivery.in_state(DeliveryState.SENT, self.now())
            expires_at = int((self.now() + SENT_KEPT).timestamp())
            changes |= {"body": None, "error": None, "tries": tries, "expires_at": expires_at}
        ended = delivery.with_changes(changes)
        self._spent_seconds += time.monotonic() - began
        store.put(ended, deliveries.as_it_stood(delivery))
        return ended

    def _open_shards(self) -> Iterator[tuple[Shard, Feed]]:
        """Shards and the places in them, each after that of its parent has come to its end."""
        places = [(each, self._place_in(each)) for each in streams.shards(self.receiver.follows)]
        unfinished = {shard.id for shard, place in places if not place.ended_at}
        for shard, place in places:
            if shard.id in unfinished and shard.parent not in unfinished:
                yield shard, place
                if place.ended_at:
                    unfinished.discard(shard.id)

    def _place_in(self, shard: Shard) -> Feed:
        key = Feed(name=f"{self.receiver.name} {shard.id}")
        return store.get(key) or key

    def _follow(self, shard: Shard, place: Feed) -> None:
        """Deliver what a shard tells from a place on; keeps the place after each event."""
        for found in streams.read(self.receiver.follows, shard, after=place.sequence or ""):
            for change in found.changes:
                if self._is_after(STREAM_SECONDS):
                    return
                is_told = self._tell(change)
                if is_told or change is found.changes[-1]:
                    _move(place, change.sequence)
            if found.is_ended:
                expires_at = int((self.now() + PLACES_KEPT).timestamp())
                place.ended_at, place.expires_at = self.now(), expires_at
                store.put(place)
            elif self._is_after(STREAM_SECONDS):
                return

    def _tell(self, change: Change) -> bool:
        event = event_of(self.receiver.follows, change)
        if event is not None:
            self.deliver(event)
        return event is not None

    @property
    def _may_send(self) -> bool:
        return not self.is_down and self._spent_seconds < self.send_seconds

    def _is_after(self, seconds: float) -> bool:
        return time.monotonic() - self._began >= seconds


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
    at = done.now()
    dead = deliveries.oldest_dead(feed.name)
    changes: dict[str, object] = {"lease_until": None, "seen_at": at, "dead_since": dead}
    if done.counts["sent"]:
        changes |= {"failing_since": None, "error": None}
    elif done.error:
        changes |= {"failing_since": feed.failing_since or at, "error": done.error}
    try:
        store.put(feed.with_changes(changes), Feed.lease_until == feed.lease_until)
    except ConditionFailedError:
        _log.warning("the round of %s has outlasted its lease", feed.name)
