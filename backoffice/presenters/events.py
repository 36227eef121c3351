"""Outgoing events in words: who is told, and what became of each event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.urls import reverse

from backoffice.presenters.alerts import SILENCE
from payments.alert_records import Alert
from payments.deliveries import states
from payments.event_records import Delivery, DeliveryState
from payments.receivers import Receiver


@dataclass(frozen=True, kw_only=True)
class ReceiverRow:
    """``place`` is a topic's name or a webhook's host; ``trouble`` is empty where all is well."""

    name: str
    place: str
    seen_at: datetime | None
    trouble: str


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """``again_url`` is there for what is dead."""

    delivery: Delivery
    url: str
    again_url: str


def receiver_rows(known: Sequence[Receiver], *, at: datetime) -> list[ReceiverRow]:
    """How receivers stand, in one request."""
    rows = []
    for receiver, feed in zip(known, states(list(known)), strict=True):
        trouble = ""
        if feed.failing_since:
            trouble = f"Takes nothing since {feed.failing_since:%Y-%m-%d %H:%M} UTC. {feed.error}"
        elif not feed.seen_at or at - feed.seen_at > SILENCE:
            trouble = "Nobody delivers: is the worker running?"
        place = urlsplit(receiver.place).hostname or receiver.place.rpartition(":")[2]
        row = ReceiverRow(name=receiver.name, place=place, seen_at=feed.seen_at, trouble=trouble)
        rows.append(row)
    return rows


def event_row(delivery: Delivery, receiver: Receiver) -> EventRow:
    page = "admin:alert" if receiver.follows is Alert else "admin:payment"
    line = f"{receiver.name}:{delivery.entity_id}"
    is_dead = delivery.state == DeliveryState.DEAD
    return EventRow(
        delivery=delivery,
        url=reverse(page, args=[delivery.entity_id]),
        again_url=reverse("admin:event_again", args=[line]) if is_dead else "",
    )
