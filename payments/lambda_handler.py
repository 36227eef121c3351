"""What AWS Lambda calls for API Gateway: the client is made once, when the process starts.

Neither Django nor boto3 is imported, so that a cold start costs what PynamoDB costs.
"""

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

import audit.models  # noqa: F401 - record classes are made at start, not in the first request
from audit import context as audit_context
from dynamodb import client
from dynamodb.errors import StoreError
from dynamodb.settings import Settings
from dynamodb.times import utc_now
from payments import policy
from payments.http.gateway import Request, read_event
from payments.http.refusals import NotAnEvent
from payments.http.routes import Answer, answer, refused, unavailable
from payments.turns import TRANSFER_SECONDS

_log = logging.getLogger(__name__)

SPARE_SECONDS = 0.5
"""What putting an answer into words may take, and the way back to the gateway."""


def handler(event: object, context: object) -> dict[str, Any]:
    """Answer an event of API Gateway, before the time of ``context`` is over."""
    began = time.monotonic()
    try:
        request = read_event(event)
    except NotAnEvent as refusal:
        return refused(refusal).to_proxy()
    with client.count_requests() as log:
        answered = _answer(request, context)
    _log.info("answered", extra=_told(request, answered, log, time.monotonic() - began))
    return answered.to_proxy(request.origin.request_id)


def _answer(request: Request, context: object) -> Answer:
    if not client.is_configured():
        return unavailable("The service is not set up.", request.method)
    seconds = _limit_seconds(context)
    if seconds <= 0:
        return unavailable("There was no time to begin.", request.method, "busy")
    with client.within(client.TimeLimit(time.monotonic() + seconds)):
        return answer(request, at=utc_now())


def _told(
    request: Request, answered: Answer, log: client.RequestLog, took_seconds: float
) -> dict[str, Any]:
    """The fields of a request's line in the log: who asked for what, how it ended, what it cost."""
    return {
        "method": request.method,
        "path": request.path[:256],
        "actor": request.caller.actor.id if request.caller else "",
        "status": int(answered.status),
        "code": answered.body.get("code"),
        "milliseconds": round(took_seconds * 1000),
        "store_requests": len(log),
        "store_units": log.capacity_units,
        "request_id": request.origin.request_id,
    }


def _add_origin(record: logging.LogRecord) -> bool:
    """Let every other line say whose request it belongs to, too; the platform's JSON shows it."""
    record.__dict__.setdefault("request_id", audit_context.current().request_id)
    record.__dict__.setdefault("actor", audit_context.acting())
    return True


def start(environment: Mapping[str, str]) -> None:
    """Say where the store is and what the house allows, and make the client.

    What is missing is logged, and the handler answers that it is not set up: a process that
    failed here would be answered for by the platform, in its own words.
    """
    for platforms in logging.getLogger().handlers:
        platforms.addFilter(_add_origin)
    try:
        policy.configure(policy.Policy.from_environment(environment))
        client.configure(Settings.from_environment(environment))
        client.warm()
    except (ValueError, StoreError) as error:
        _log.critical("The service is not set up: %s", error)


def _limit_seconds(context: object) -> float:
    """How long to go on asking: one last request may begin then, and still end in time."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None:
        return TRANSFER_SECONDS
    store = client.settings()
    last = store.connect_timeout_seconds + store.read_timeout_seconds + SPARE_SECONDS
    return float(min(TRANSFER_SECONDS, remaining() / 1000 - last))


if not client.is_configured():  # a command or a test has done it already
    start(os.environ)
