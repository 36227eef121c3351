"""What is kept of outgoing events: how far each receiver is, and what became of each event."""

from datetime import datetime
from enum import StrEnum

from dynamodb.attributes import EnumAttribute, TextAttribute, TimeAttribute, WholeNumberAttribute
from dynamodb.models import Index, Record


class Feed(Record):
    """How a receiver stands, by its name; how far it is, by its name and that of a shard.

    ``failing_since`` and ``error`` tell of a receiver that takes nothing, ``dead_since`` of its
    oldest dead event; ``seen_at`` of the newest round. Until ``lease_until`` its round is
    somebody's alone.
    """

    class Meta:
        table_name = "event_feeds"

    expires_at_attribute = "expires_at"

    name = TextAttribute(hash_key=True)
    sequence = TextAttribute(null=True)
    ended_at = TimeAttribute(null=True)
    lease_until = TimeAttribute(null=True)
    seen_at = TimeAttribute(null=True)
    failing_since = TimeAttribute(null=True)
    error = TextAttribute(null=True)
    dead_since = TimeAttribute(null=True)
    expires_at = WholeNumberAttribute(null=True)


_ROW = ["receiver", "event_id", "type", "state", "tries", "error"]


class DeliveryState(StrEnum):
    """A ``dead`` one is not tried again until somebody says so."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


class Delivery(Record):
    """One event on its way to one receiver; ``body`` is there until it is sent.

    ``listed_at`` is when a waiting one is due, and when any other got its state.
    """

    class Meta:
        table_name = "deliveries"

    indexes = (Index("listed-index", "listed_as", "listed_at", carries=_ROW),)
    expires_at_attribute = "expires_at"

    entity_id = TextAttribute(hash_key=True)
    place = TextAttribute(range_key=True)
    receiver = TextAttribute()
    event_id = TextAttribute()
    type = TextAttribute()
    body = TextAttribute(null=True)
    state = EnumAttribute(DeliveryState)
    tries = WholeNumberAttribute(default=0)
    error = TextAttribute(null=True)
    listed_as = TextAttribute()
    listed_at = TimeAttribute()
    expires_at = WholeNumberAttribute(null=True)

    def in_state(self, state: DeliveryState, at: datetime) -> dict[str, object]:
        """What changes when it gets a state; of a waiting one ``at`` is when it is due."""
        return {"state": state, "listed_as": listed(self.receiver, state), "listed_at": at}


def listed(receiver: str, state: str) -> str:
    """Where the deliveries to a receiver in a state are listed."""
    return f"{receiver} {state}"
