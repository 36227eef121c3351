"""Who is told of events: SNS topics, and webhooks signed as Standard Webhooks says.

Alerts go to their own topic and nowhere else. Without a receiver nothing is read or kept.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTP_PORT, HTTPS_PORT
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from dynamodb.models import Record
from payments.alerts.records import Alert
from payments.events.records import Delivery
from payments.models import Payment

ANSWER_SECONDS = 5.0
"""How long a webhook may take, from looking up its name to the last byte of its answer."""

_ARN = re.compile(
    r"arn:[a-z-]+:sns:(?P<region>[a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}(?P<fifo>\.fifo)?"
)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_SECRET = "whsec_"  # noqa: S105 - how secrets begin
_SHORTEST_KEY = 24
ELSEWHERE = "elsewhere"
"""Instead of secrets, where a process shows who is told and sends nothing."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ReceiverError(Exception):
    """An event may not have been taken. Its text is fit for staff.

    One that ``is_down`` would not take another one now either.
    """

    def __init__(self, text: str, *, is_down: bool = True) -> None:
        super().__init__(text)
        self.is_down = is_down


class Receiver(Protocol):
    """Takes events of one kind of records. ``place`` is where, in words for staff."""

    @property
    def name(self) -> str: ...

    @property
    def follows(self) -> type[Record]: ...

    @property
    def place(self) -> str: ...

    def send(self, delivery: Delivery, *, at: datetime) -> None:
        """Send once; raises ``ReceiverError`` where it is not certain that it was taken."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """An SNS topic. One for payments is a FIFO topic, for others do not keep their order."""

    name: str
    follows: type[Record]
    place: str
    subject: str = ""

    def send(self, delivery: Delivery, *, at: datetime) -> None:  # noqa: ARG002 - SNS has its own clock
        named = _ARN.fullmatch(self.place)
        if named is None:
            raise ReceiverError("There is no such topic.")
        more = {"Subject": self.subject} if self.subject else {}
        if named["fifo"]:
            more["MessageGroupId"] = delivery.entity_id
            more["MessageDeduplicationId"] = delivery.event_id
        try:
            sns = _client(named["region"])
            sns.publish(TopicArn=self.place, Message=delivery.body, **more)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise ReceiverError(f"The topic refused it: {code}.") from error
        except BotoCoreError as error:
            raise ReceiverError(f"The topic did not answer: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An address that is posted to. Each of its ``keys`` signs, so that one can be replaced.

    Without keys it is only known of, and nothing is sent.
    """

    name: str
    place: str
    keys: tuple[bytes, ...] = field(repr=False)
    follows: type[Record] = Payment

    def send(self, delivery: Delivery, *, at: datetime) -> None:
        if not self.keys:
            raise ReceiverError("Its secret is not known here.")
        body, stamp = (delivery.body or "").encode(), str(int(at.timestamp()))
        signed = b".".join((delivery.event_id.encode(), stamp.encode(), body))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "payments-backoffice",
            "webhook-id": delivery.event_id,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(_signature(key, signed) for key in self.keys),
        }
        try:
            status = _post(self.place, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise ReceiverError(f"It did not answer: {type(error).__name__}.") from error
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            is_down = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _NOT_NOW
            raise ReceiverError(f"It answered {status}.", is_down=is_down)


_NOT_NOW = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer, or ``TimeoutError``. No redirect or proxy is followed.

    No timeout of a socket covers it all: not the look-up of a name, and no answer or handshake that
    trickles, each byte in time and the whole never. So another thread asks, and is cut off.
    """
    exchange = _Exchange(url=urlsplit(url), body=body, headers=headers)
    threading.Thread(target=exchange.run, daemon=True).start()
    try:
        return exchange.status.result(ANSWER_SECONDS)
    except TimeoutError:
        exchange.cut()
        raise


@dataclass(kw_only=True)
class _Exchange:
    """One post. What is not connected when it is cut is never sent."""

    url: SplitResult
    body: bytes
    headers: Mapping[str, str]
    status: Future[int] = field(default_factory=Future)
    _line: socket.socket | None = None

    def run(self) -> None:
        try:
            status = self._ask()
        except Exception as error:  # noqa: BLE001 - raised again where the answer is waited for
            with suppress(InvalidStateError):
                self.status.set_exception(error)
        else:
            with suppress(InvalidStateError):
                self.status.set_result(status)

    def cut(self) -> None:
        self.status.cancel()
        with suppress(OSError):
            if self._line is not None:
                self._line.shutdown(socket.SHUT_RDWR)

    def _ask(self) -> int:
        is_safe, host = self.url.scheme == "https", self.url.hostname or ""
        port = self.url.port or (HTTPS_PORT if is_safe else HTTP_PORT)
        line = socket.create_connection((host, port), timeout=ANSWER_SECONDS)
        with closing(http.client.HTTPConnection(self.url.netloc)) as connection, line.dup() as ours:
            self._line, connection.sock = ours, line
            if self.status.cancelled():
                raise TimeoutError
            if is_safe:
                trust = ssl.create_default_context()
                connection.sock = trust.wrap_socket(line, server_hostname=host)
            target = f"{self.url.path or '/'}?{self.url.query}".removesuffix("?")
            connection.request("POST", target, self.body, dict(self.headers))
            return connection.getresponse().status


@lru_cache(maxsize=1)
def _client(region: str) -> Any:
    """The one client; ``AWS_ENDPOINT_URL_SNS`` leads it elsewhere."""
    return get_session().create_client(
        "sns",
        region_name=region,
        config=Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2}),
    )


@dataclass(frozen=True, kw_only=True)
class Receivers:
    """Everybody who is told. With ``by_function`` a function is handed the streams' changes."""

    everybody: tuple[Receiver, ...] = ()
    by_function: bool = False

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], *, is_development: bool = False
    ) -> "Receivers":
        """Read the variables; raises ``ValueError`` for what is no topic, address or secret."""
        found: list[Receiver] = []
        if arn := _topic(environment, "ALERT_SNS_TOPIC_ARN", "", "an SNS topic"):
            subject = "An alert was raised"
            found.append(Topic(name="alerts", follows=Alert, place=arn, subject=subject))
        if arn := _topic(environment, "EVENT_TOPIC_ARN", ".fifo", "a FIFO topic of SNS"):
            found.append(Topic(name="topic", follows=Payment, place=arn))
        is_sender = environment.get("EVENT_WEBHOOK_SECRETS", "").strip() != ELSEWHERE
        secrets = _pairs(environment, "EVENT_WEBHOOK_SECRETS") if is_sender else {}
        for name, url in _pairs(environment, "EVENT_WEBHOOKS").items():
            if name in ("alerts", "topic") or not _is_address(url, is_development):
                raise ValueError(f"EVENT_WEBHOOKS must list name=https://...: see {name}.")
            texts = secrets.get(name, "").split() or [""] * is_sender
            keys = tuple(_key(name, text) for text in texts)
            found.append(Webhook(name=name, place=url, keys=keys))
        by_function = environment.get("EVENTS_BY_FUNCTION", "").strip().lower() == "true"
        return cls(everybody=tuple(found), by_function=by_function)

    def of(self, model: type[Record]) -> list[Receiver]:
        return [each for each in self.everybody if each.follows is model]


def _topic(environment: Mapping[str, str], name: str, ending: str, what: str) -> str:
    arn = environment.get(name, "").strip()
    named = _ARN.fullmatch(arn)
    if arn and (named is None or (named["fifo"] or "") != ending):
        raise ValueError(f"{name} must be the ARN of {what}, not {arn!r}.")
    return arn


def _pairs(environment: Mapping[str, str], variable: str) -> dict[str, str]:
    """Read ``name=value`` pairs, separated by commas."""
    texts = [text.strip() for text in environment.get(variable, "").split(",") if text.strip()]
    pairs = {name: value for name, _, value in (text.partition("=") for text in texts)}
    if len(pairs) < len(texts) or not all(_NAME.fullmatch(name) for name in pairs):
        raise ValueError(f"{variable} must be name=value pairs, their names in lower case.")
    return pairs


def _is_address(url: str, is_development: bool) -> bool:
    parts = urlsplit(url)
    is_local = is_development and parts.scheme == "http" and parts.hostname in _LOOPBACK
    has_login = "@" in parts.netloc
    return bool(parts.hostname) and not has_login and (parts.scheme == "https" or is_local)


def _key(name: str, secret: str) -> bytes:
    """The bytes of a secret; says nothing of it where it is none."""
    with suppress(binascii.Error):
        key = base64.b64decode(secret.removeprefix(_SECRET), validate=True)
        if secret.startswith(_SECRET) and len(key) >= _SHORTEST_KEY:
            return key
    raise ValueError(
        f"EVENT_WEBHOOK_SECRETS must name a secret for {name}: {_SECRET} and "
        f"{_SHORTEST_KEY} bytes or more in base64."
    )


_receivers = Receivers()


def configure(receivers: Receivers) -> None:
    global _receivers  # noqa: PLW0603 - set once a process
    _receivers = receivers


def receivers() -> Receivers:
    """Those in force."""
    return _receivers
