"""Notices: each new alert is told to the topic, at least once, from the stream of their table.

A payment knows nothing of it: whatever becomes of a notice, none fails or waits for it. How far
notices are is kept after each one, so a kill at any point repeats one at most and loses none. A
topic that fails is tried again with growing pauses, then at the next run, from the same place. The
stream remembers a day: after a longer outage, which ``state`` shows, the queue itself must be
looked at.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from dynamodb import store, streams
from dynamodb.attributes import plain
from dynamodb.models import Item
from dynamodb.retries import Patience
from dynamodb.streams import Changes
from payments.alert_records import Alert, NoticeState
from payments.topic import TopicError, topic

RETRY_SECONDS = 5.0
"""How long a notice is tried in one run; whatever else the worker does must not wait for it."""

MEMORY = timedelta(hours=24)
"""How long a stream remembers."""

_log = logging.getLogger(__name__)
_ALL = "all"

Publish = Callable[[str, str], None]


def deliver_due(*, at: datetime) -> Counter[str]:
    """Send a notice of every alert that is new since the last run; nothing where they are off.

    Counts by outcome: ``sent``, and ``failed`` for one that the topic does not take; those after
    it wait with it. Raises ``StoreError`` for trouble with the store.
    """
    counts: Counter[str] = Counter()
    if not topic().arn:
        return counts
    before = state()
    try:
        for shard in streams.shards(Alert):
            counts["sent"] += _deliver_shard(shard, at, topic().publish)
    except TopicError as error:
        counts["failed"] += 1
        _log.error("notices of alerts do not go out: %s", error)
        failing = {"failing_since": before.failing_since or at, "error": str(error)}
    else:
        failing = {"failing_since": None, "error": None}
    store.put(NoticeState(name=_ALL, seen_at=at).with_changes(failing))
    return +counts


def state() -> NoticeState:
    """How notices stand, in one request."""
    return store.get(NoticeState(name=_ALL)) or NoticeState(name=_ALL)


def in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items())


def _deliver_shard(shard: str, at: datetime, publish: Publish) -> int:
    position = store.get(NoticeState(name=shard)) or NoticeState(name=shard)
    if position.ended_at:
        return 0
    sent = 0
    for found in streams.read(Alert, shard, after=position.sequence or ""):
        sent += _deliver(found, position, publish)
        if found.is_ended:
            store.put(position.with_changes({"ended_at": at}))
    return sent


def _deliver(found: Changes, position: NoticeState, publish: Publish) -> int:
    """Send what is new among some changes, keeping the place after each."""
    sent = 0
    for change in found.changes:
        if change.is_new:
            _publish(_message(change.item), publish)
            sent += 1
        position.sequence = change.sequence
        if change.is_new or change is found.changes[-1]:
            store.put(position)
    return sent


def _publish(message: str, publish: Publish) -> None:
    patience = Patience(limit_seconds=RETRY_SECONDS, first_pause_seconds=0.1)
    while True:
        try:
            publish("An alert was raised", message)
        except TopicError:
            if not patience.pause():
                raise
        else:
            return


def _message(item: Item) -> str:
    """What a notice says: that there is an alert, and nothing of whom or what it is about."""
    told: dict[str, Any] = {"event": "alert.raised"}
    for name, attribute in (("alert_id", "id"), ("rule", "rule"), ("raised_at", "created_at")):
        told[name] = plain(item.get(attribute, {"NULL": True}))
    return json.dumps(told)
