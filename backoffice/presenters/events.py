"""Outgoing events in words: who is told, and what became of each event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.permissions import Permission
from backoffice.presenters.alerts import SILENCE
from backoffice.presenters.values import url_of
from backoffice.staff.models import Staff
from backoffice.wording import said
from payments.alerts.records import Alert
from payments.events.deliveries import states
from payments.events.receivers import Receiver, receivers
from payments.events.records import Delivery, DeliveryState, Feed


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


def visible_receivers(person: Staff) -> list[Receiver]:
    """Nobody but those who may read alerts is to know where they go."""
    may_read_alerts = person.has_perm(Permission.READ_ALERTS)
    return [each for each in receivers().everybody if may_read_alerts or each.follows is not Alert]


def event_sentences(receiver: Receiver, feed: Feed, *, at: datetime) -> list[str]:
    """What somebody has to do about a receiver; of alerts others tell whether they go out."""
    trouble = "" if receiver.follows is Alert else _trouble(feed, at)
    found = [f"{receiver.name}: {trouble}"] if trouble else []
    if feed.dead_since:
        since = f"{feed.dead_since:%Y-%m-%d %H:%M} UTC"
        told = {"name": receiver.name, "since": since}
        found.append(
            _("%(name)s: events are dead since %(since)s, until they are sent again.") % told
        )
    return found


def _trouble(feed: Feed, at: datetime) -> str:
    """Why a receiver gets nothing; empty where all is well."""
    if feed.failing_since:
        since = f"{feed.failing_since:%Y-%m-%d %H:%M} UTC"
        told = {"since": since, "error": said(feed.error)}
        return _("Takes nothing since %(since)s. %(error)s") % told
    if not feed.seen_at or at - feed.seen_at > SILENCE:
        return _("Nobody delivers: is the worker running?")
    return ""


def receiver_rows(known: Sequence[Receiver], *, at: datetime) -> list[ReceiverRow]:
    """How receivers stand, in one request."""
    rows = []
    for receiver, feed in zip(known, states(list(known)), strict=True):
        trouble = _trouble(feed, at)
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
        url=url_of(page, delivery.entity_id),
        again_url=reverse("admin:event_again", args=[line]) if is_dead else "",
    )
