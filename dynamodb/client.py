"""The one place that talks to DynamoDB: one client a process, counted, its errors in our words."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)
from botocore.parsers import ResponseParserError
from pynamodb.connection.base import Connection

from dynamodb import answers, errors, measures
from dynamodb.settings import Settings
from dynamodb.wire import make_client, sent

T = TypeVar("T")

_lock = threading.Lock()
_settings: Settings | None = None
_connection: Connection | None = None


@dataclass(frozen=True)
class Request:
    """One request that was sent: its operation, and what it consumed where DynamoDB says so."""

    operation: str
    capacity: tuple[dict[str, Any], ...] = ()


@dataclass
class RequestLog:
    """What ``count_requests`` saw, in order."""

    requests: list[Request] = field(default_factory=list)
    detail: Literal["TOTAL", "INDEXES"] = "TOTAL"

    def __len__(self) -> int:
        return len(self.requests)

    @property
    def operations(self) -> list[str]:
        return [request.operation for request in self.requests]

    @property
    def capacity_units(self) -> float:
        """What all of it consumed, reads and writes alike."""
        parts = [part for request in self.requests for part in request.capacity]
        return float(sum(part.get("CapacityUnits", 0) for part in parts))


_request_log: ContextVar[RequestLog | None] = ContextVar("request_log", default=None)
_lost_answer: ContextVar[bool] = ContextVar("lost_answer", default=False)
"""Whether an attempt of the call under way, since repeated by the client, had no clear answer."""


@dataclass
class TimeLimit:
    """The end of one thread's patience, in seconds of ``time.monotonic``."""

    ends_seconds: float
    took_seconds: float = 0.0
    """What the last request took."""
    _sent_seconds: float | None = None

    def has_room(self) -> bool:
        """Whether a request that takes as long as the last one would end in time."""
        return time.monotonic() + self.took_seconds < self.ends_seconds

    def begin_call(self) -> None:
        self._sent_seconds = None

    def begin_request(self) -> None:
        """Raise ``_NoRoomError`` for a repeated request that would end too late."""
        if self._sent_seconds is not None and not self.has_room():
            raise _NoRoomError
        self._sent_seconds = time.monotonic()

    def end_request(self) -> None:
        if self._sent_seconds is not None:
            self.took_seconds = time.monotonic() - self._sent_seconds


class _NoRoomError(BotoCoreError):
    fmt = "No time was left to ask again."


_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError, _NoRoomError)

_limit: ContextVar[TimeLimit | None] = ContextVar("limit", default=None)


def limit_in_force() -> TimeLimit | None:
    """The limit that this thread's requests are bound to."""
    return _limit.get()


@contextmanager
def within(limit: TimeLimit) -> Iterator[None]:
    """Let the client repeat a request of this thread only while there is room for it.

    The first request of a call is always sent, so a call may outlast the limit by that one.
    """
    token = _limit.set(limit)
    try:
        yield
    finally:
        _limit.reset(token)


@contextmanager
def count_requests(*, by_index: bool = False) -> Iterator[RequestLog]:
    """Record every request to DynamoDB that this thread sends, retries included.

    What they consume is told by table, and by index where that is asked for.
    """
    log, outer = RequestLog(detail="INDEXES" if by_index else "TOTAL"), _request_log.get()
    token = _request_log.set(log)
    try:
        yield log
    finally:
        _request_log.reset(token)
        if outer is not None:
            outer.requests.extend(log.requests)


def apart(read: Callable[[], T]) -> T:
    """Read in a thread that runs in a copy of another's context: bound and counted as that one."""
    if (limit := _limit.get()) is not None:
        _limit.set(replace(limit))
    if _request_log.get() is None:
        return read()
    with count_requests():
        return read()


def configure(settings: Settings) -> None:
    """Say where the store is. The client itself is made at first use, or by ``warm``."""
    global _settings, _connection
    with _lock:
        _settings, _connection = settings, None


def is_configured() -> bool:
    return _settings is not None


def settings() -> Settings:
    """What ``configure`` was given; raises ``RuntimeError`` before."""
    if _settings is None:
        raise RuntimeError("dynamodb.client.configure() has not been called.")
    return _settings


def warm() -> None:
    """Make the client now rather than in the first request."""
    connection()


def connection() -> Connection:
    """PynamoDB's connection around the one client, shared by every record class."""
    global _connection  # noqa: PLW0603 - one client a process
    made = _connection
    if made is None:
        with _lock:
            if _connection is None:
                _connection = _connect(settings())
            made = _connection
    return made


def _connect(store: Settings) -> Connection:
    made = Connection(region=store.region, host=store.endpoint_url or None)
    client = make_client(store)
    client.meta.events.register("before-send.dynamodb", _note_request)
    client.meta.events.register("response-received.dynamodb", _note_answer)
    made._client = client  # type: ignore[assignment]  # noqa: SLF001 - PynamoDB offers no other way to tune it
    return made


def _note_request(event_name: str, **_: Any) -> None:
    limit = _limit.get()
    if limit is not None:
        limit.begin_request()
    log = _request_log.get()
    if log is not None:
        log.requests.append(Request(event_name.rsplit(".", 1)[-1]))


def _note_answer(
    parsed_response: dict[str, Any] | None, exception: Exception | None, **_: Any
) -> None:
    limit = _limit.get()
    if limit is not None and not isinstance(exception, _NoRoomError):
        limit.end_request()
    if isinstance(exception, _NEVER_SENT):
        return
    answer = parsed_response or {}
    if exception is not None or answers.is_unclear(answer):
        _lost_answer.set(True)


def call(operation: str, **arguments: Any) -> dict[str, Any]:
    """Send one request. Raises the errors of ``dynamodb.errors``."""
    if not measures.is_heard():
        return _call(operation, arguments)
    with count_requests() as log, measures.timed("call", operation=operation) as told:
        try:
            answer = _call(operation, arguments)
        except errors.StoreError as error:
            told["outcome"] = answers.reason(error)
            if told["outcome"] in answers.FASTER:
                measures.tell("conflict", operation=operation)
            raise
        finally:
            measures.tell("requests", len(log), operation=operation)
            measures.tell("capacity", log.capacity_units, operation=operation)
    return answer


def _call(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    log = _request_log.get()
    if log is not None and operation in _TELLS_CAPACITY:
        arguments["ReturnConsumedCapacity"] = log.detail
    _lost_answer.set(False)
    limit = _limit.get()
    if limit is not None:
        limit.begin_call()
    token = sent.set(arguments)
    shown: dict[str, Any] = {name: {} for name in arguments if name == "RequestItems"}
    try:
        answer: dict[str, Any] = connection().client._make_api_call(operation, shown)  # noqa: SLF001 - what the client's own methods do
    except _NEVER_SENT as error:
        if _lost_answer.get():
            raise errors.StoreUnavailableError(f"The store did not answer: {error}") from error
        raise errors.StoreUnreachableError(f"The store cannot be reached: {error}") from error
    except ClientError as error:
        raise answers.translated(error, was_lost=_lost_answer.get()) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise errors.StoreUnavailableError(f"The store did not answer: {error}") from error
    finally:
        sent.reset(token)
    if log is not None and log.requests:
        _note_capacity(log, answer)
    return answer


_TELLS_CAPACITY = frozenset({
    "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactGetItems",
    "TransactWriteItems", "UpdateItem",
})  # fmt: skip


def _note_capacity(log: RequestLog, answer: dict[str, Any]) -> None:
    consumed = answer.get("ConsumedCapacity", ())
    parts = tuple(consumed) if isinstance(consumed, list) else (consumed,) if consumed else ()
    log.requests[-1] = Request(log.requests[-1].operation, parts)
