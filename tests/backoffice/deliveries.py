"""Builders of deliveries."""

from datetime import datetime

from dynamodb import store
from payments.events.records import Delivery, DeliveryState


def plant_delivery(
    entity_id: str, *, receiver: str, state: DeliveryState, at: datetime, number: int = 1
) -> Delivery:
    """An event of a payment, the first of it, on its way to a receiver."""
    made = Delivery(
        entity_id=entity_id,
        place=f"{receiver}#{number:012d}",
        receiver=receiver,
        event_id=f"{entity_id}_{number}",
        type="payment.processed",
        body="{}",
        state=state,
        tries=16,
        error="It answered 400.",
        listed_as=f"{receiver} {state}",
        listed_at=at,
    )
    store.put(made)
    return made
