"""What AWS Lambda calls with changes from the streams of payments and alerts.

Everything is sent, or kept as waiting for the worker to try again; only trouble with the store, or
the end of the function's time, hands changes back, from the first that was not taken care of.
"""

import logging
import os
from collections.abc import Mapping
from typing import Any

from dynamodb import client, streams
from dynamodb.errors import StoreError
from dynamodb.models import Record
from dynamodb.settings import Settings
from dynamodb.times import utc_now
from payments.alerts.records import Alert
from payments.events import receivers
from payments.events.outgoing import event_of
from payments.events.receivers import Receivers
from payments.events.relay import Round
from payments.models import Payment

_log = logging.getLogger(__name__)

SEND_SECONDS = 2.0
"""How long one receiver may take of a batch. The rest of it waits for the worker, so that who is
slow holds nobody else up, nor the stream."""

SPARE_SECONDS = 30.0
"""What one change may take: an answer of each receiver, and what is kept of it."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Deliver a batch of one shard; answers where to go on, as ``ReportBatchItemFailures`` does."""
    changes = event["Records"]
    if not changes:
        return {"batchItemFailures": []}
    model = _model(changes[0])
    rounds = [
        Round(receiver=each, now=utc_now, send_seconds=SEND_SECONDS)
        for each in receivers.receivers().of(model)
    ]
    for change in changes:
        try:
            _check_time(context)
            _deliver(model, change, rounds)
        except StoreError as error:
            _log.warning("a batch goes on from %s: %s", change["eventID"], error)
            sequence = change["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
    return {"batchItemFailures": []}


def _check_time(context: Any) -> None:
    if context.get_remaining_time_in_millis() < SPARE_SECONDS * 1000:
        raise StoreError("There was no time for the rest.")


def _deliver(model: type[Record], change: dict[str, Any], rounds: list[Round]) -> None:
    told = event_of(model, streams.change_of(change))
    if told is not None:
        for each in rounds:
            each.deliver(told)


def _model(change: Mapping[str, Any]) -> type[Record]:
    """Whose change it is: ``arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/TIME``."""
    name = change["eventSourceARN"].split("/")[1]
    return next(model for model in (Alert, Payment) if model.table_name() == name)


if not client.is_configured():  # a test has done it already
    client.configure(Settings.from_environment(os.environ))
    receivers.configure(Receivers.from_environment(os.environ))
    client.warm()
