"""Trouble between client and store, put in at botocore's ``before-send``.

Each planned fault meets one request, in order; all after them meet ``then``. Leaving the block
fails the test if one of them never met a request. Pauses between retries take no time.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from dynamodb import client

Send = Callable[[], AWSResponse]
Fault = Callable[[AWSPreparedRequest, Send], AWSResponse]


def passing(_: AWSPreparedRequest, send: Send) -> AWSResponse:
    """No fault at all."""
    return send()


@contextmanager
def faults(*planned: Fault, then: Fault = passing) -> Iterator[None]:
    made: Any = client.connection().client
    left = list(planned)

    def stand_between(event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        def send() -> AWSResponse:
            mocked = botocore_stubber(event_name, request)
            return mocked or made._endpoint.http_session.send(request)

        fault = left.pop(0) if left else then
        return fault(request, send)

    events = made.meta.events
    events.unregister("before-send", botocore_stubber)
    events.register_last("before-send.dynamodb", stand_between)
    try:
        with patch("time.sleep"):
            yield
    finally:
        events.unregister("before-send.dynamodb", stand_between)
        events.register("before-send", botocore_stubber)
    assert not left, f"{len(left)} faults never met a request"


def refusal(code: str, *, status: int = 400, **body: Any) -> Fault:
    """The store refuses, and does nothing."""

    def fault(request: AWSPreparedRequest, _: Send) -> AWSResponse:
        return _answer(request, status, {"__type": f"com.amazonaws.dynamodb#{code}", **body})

    return fault


def cancellation(*codes: str) -> Fault:
    """The store cancels a transaction, with one reason per action."""
    reasons = [{"Code": code} for code in codes]
    return refusal("TransactionCanceledException", CancellationReasons=reasons)


def answer(**body: Any) -> Fault:
    """The store answers so, and does nothing."""
    return lambda request, _: _answer(request, 200, body)


def changed_answer(change: Callable[[dict[str, Any]], None]) -> Fault:
    """The store does as it is told, and its answer is changed on the way back."""

    def fault(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        body = json.loads(send().content)
        change(body)
        return _answer(request, 200, body)

    return fault


def full_after(items: int) -> Fault:
    """A query ends after so many items, as it does after 1 MB, whatever was asked for."""

    def fault(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        body = json.loads(cast("bytes", request.body))
        if "Limit" in body:
            body["Limit"] = min(items, body["Limit"])
            request.body = json.dumps(body).encode()
        return send()

    return fault


def read_timeout_after(request: AWSPreparedRequest, send: Send) -> AWSResponse:
    """The store does as it is told, and its answer never comes."""
    send()
    raise ReadTimeoutError(endpoint_url=request.url)


def read_timeout_before(request: AWSPreparedRequest, _: Send) -> AWSResponse:
    """The request is lost on its way; the client cannot tell this from a lost answer."""
    raise ReadTimeoutError(endpoint_url=request.url)


def connection_closed_after(request: AWSPreparedRequest, send: Send) -> AWSResponse:
    send()
    raise ConnectionClosedError(endpoint_url=request.url)


def server_error_after(request: AWSPreparedRequest, send: Send) -> AWSResponse:
    """The store does as it is told, and answers that it failed."""
    send()
    return _answer(request, 500, {"__type": "com.amazonaws.dynamodb#InternalServerError"})


def strange_after(status: int, body: str) -> Fault:
    """The store does as it is told, and something in between answers in its place."""

    def fault(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        send()
        return AWSResponse(request.url, status, HTTPHeaders(), MockRawResponse(body))

    return fault


garbled_after = strange_after(502, "<html>Bad gateway</html>")
STRANGE = [
    *(strange_after(200, body) for body in ("", "<html>Welcome</html>", "[]", "null", '"{}"')),
    *(strange_after(status, "<html>Moved</html>") for status in (302, 403, 404, 413)),
    strange_after(403, "{}"),
]
"""Answers that botocore would take for DynamoDB's own: for success, or for a refusal."""


def unreachable(request: AWSPreparedRequest, _: Send) -> AWSResponse:
    raise EndpointConnectionError(endpoint_url=request.url)


def connect_timeout(request: AWSPreparedRequest, _: Send) -> AWSResponse:
    raise ConnectTimeoutError(endpoint_url=request.url)


def _answer(request: AWSPreparedRequest, status: int, body: dict[str, Any]) -> AWSResponse:
    return AWSResponse(request.url, status, HTTPHeaders(), MockRawResponse(json.dumps(body)))
