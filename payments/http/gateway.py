"""A request as API Gateway hands it over, REST (v1) or HTTP (v2), and who asks, in one shape.

Nothing in an event is trusted to be there, or to be what it should be: a mistaken integration
sends other things, and so does whoever tries the function by hand.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from uuid_utils import uuid7

from audit.context import ID_LENGTH, USER_AGENT_LENGTH, Actor, Context
from payments.http.refusals import InvalidBody, NotAnEvent, TooLarge
from payments.models import Account, Payment

READ, WRITE = "payments/read", "payments/write"
"""Scopes, as Amazon Cognito writes them: the resource server, a slash, what may be done."""

EVERY_CUSTOMER = "*"

_NAME = re.compile(r"[!-~]{1,256}")
_ROLE_SESSION = re.compile(r"(:assumed-role/[^/]+)/.*")
_CUSTOMER_CLAIMS = ("customers", "custom:customers")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A program that API Gateway's authorizer has recognized."""

    name: str
    scopes: frozenset[str]
    customers: frozenset[str]

    @property
    def actor(self) -> Actor:
        """As the trail knows them; the colon says that it is no person."""
        return Actor(id=f"api:{self.name}")

    @property
    def serves_everybody(self) -> bool:
        return EVERY_CUSTOMER in self.customers

    def serves(self, customer_id: str | None) -> bool:
        return self.serves_everybody or customer_id in self.customers

    def may_see(self, record: Account | Payment) -> bool:
        """Whether a record is one of their customers', or a payment they asked for themselves."""
        is_own = isinstance(record, Payment) and record.requested_by == self.actor.id
        return is_own or self.serves(record.customer_id)


def caller_of(asked: Mapping[str, Any]) -> Caller | None:
    """The caller of a ``requestContext``: by the claims of a token, or as a principal of IAM.

    A token names them in ``sub``, lists scopes in ``scope`` and customers in ``customers`` or
    ``custom:customers``. What a principal may do its policy has decided at the gateway: they are
    the house's own programs and serve every customer. A role's sessions are one caller.
    """
    authorizer = _part(asked, "authorizer")
    claims = _part(_part(authorizer, "jwt"), "claims") or _part(authorizer, "claims")
    if claims:
        given = next((claims[name] for name in _CUSTOMER_CLAIMS if claims.get(name)), "")
        return _caller(claims.get("sub"), _words(claims.get("scope")), _words(given))
    arn = _part(authorizer, "iam").get("userArn") or _part(asked, "identity").get("userArn")
    name = _ROLE_SESSION.sub(r"\1", arn) if isinstance(arn, str) else None
    return _caller(name, frozenset({READ, WRITE}), frozenset({EVERY_CUSTOMER}))


def _caller(name: object, scopes: frozenset[str], customers: frozenset[str]) -> Caller | None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    return Caller(name=name, scopes=scopes, customers=customers)


def _words(claim: object) -> frozenset[str]:
    """A claim's words: a list, or as v2 hands one over, text such as ``[a b]`` or ``a,b``."""
    words = claim if isinstance(claim, list) else re.split(r"[\s,]+", str(claim or "").strip("[]"))
    return frozenset(word for word in words if isinstance(word, str) and word)


MAX_BODY_BYTES = 1_000_000

_SANE_ID = re.compile(r"[!-~]{1,%d}" % ID_LENGTH)  # noqa: UP031 - braces of its own


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked, by whom and from where. Names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    caller: Caller | None
    origin: Context
    body: object = None
    is_base64: bool = False

    def text(self) -> str:
        """The body, decoded; raises ``InvalidBody`` or ``TooLarge``."""
        if not isinstance(self.body, str):
            raise InvalidBody("Send a JSON object.")
        try:
            body = base64.b64decode(self.body, validate=True) if self.is_base64 else self.body
            if len(body) > MAX_BODY_BYTES:
                raise TooLarge
            return body.decode() if isinstance(body, bytes) else body
        except (ValueError, binascii.Error):
            raise InvalidBody("The body is not UTF-8 text.") from None


def read_event(event: object) -> Request:
    """Read either kind of event; raises ``NotAnEvent`` for anything else."""
    asked = _part(event, "requestContext")
    http, identity = _part(asked, "http"), _part(asked, "identity")
    values = _part(event)
    method = _text(values.get("httpMethod")) or _text(http.get("method"))
    path = _text(values.get("rawPath")) or _text(values.get("path"))
    if not method or not path:
        raise NotAnEvent
    headers = _headers(values)
    agent = identity.get("userAgent") or http.get("userAgent") or headers.get("user-agent")
    address = _text(identity.get("sourceIp")) or _text(http.get("sourceIp"))
    return Request(
        method=method.upper(),
        path=_decoded(path, _text(asked.get("stage")) if http else ""),
        query=_texts(_part(event, "queryStringParameters")),
        headers=headers,
        caller=caller_of(asked),
        origin=Context(
            ip_address=_printable(address)[:ID_LENGTH],
            user_agent=_printable(_text(agent))[:USER_AGENT_LENGTH],
            request_id=_request_id(asked),
        ),
        body=values.get("body"),
        is_base64=values.get("isBase64Encoded") is True,
    )


def _part(value: object, *names: str) -> dict[str, Any]:
    """A nested object of an event; empty where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {str(name): value for name, value in values.items() if isinstance(value, str)}


def _headers(values: dict[str, Any]) -> dict[str, str]:
    """Headers by name; one that is given several times has its values joined, as v2 does."""
    headers = {name.lower(): value for name, value in _texts(_part(values, "headers")).items()}
    for name, several in _part(values, "multiValueHeaders").items():
        if isinstance(several, list):
            headers[str(name).lower()] = ",".join(filter(None, map(_text, several)))
    return headers


def _decoded(path: str, stage: str) -> str:
    """The path without a stage's name, which v2 leaves in; as it came where it is not UTF-8."""
    if stage and path.startswith(f"/{stage}/"):
        path = path.removeprefix(f"/{stage}")
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        return path


def _request_id(asked: dict[str, Any]) -> str:
    given = _text(asked.get("requestId"))
    return given if _SANE_ID.fullmatch(given) else str(uuid7())


def _printable(text: str) -> str:
    return "".join(filter(str.isprintable, text))
