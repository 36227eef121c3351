"""The client as botocore lets one tune it: less work for each request, and the same answers."""

import hmac
import os
from base64 import b64encode
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache, reduce
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from botocore.auth import (  # type: ignore[attr-defined]
    SIGNED_HEADERS_BLACKLIST,
    SIGV4_TIMESTAMP,
    _host_from_url,
)
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient, Config
from botocore.compat import get_current_datetime
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.handlers import BUILTIN_HANDLERS
from botocore.loaders import Loader
from botocore.model import MapShape, Shape, StructureShape
from botocore.parsers import (
    JSONParser,
    ResponseParser,
    ResponseParserError,
    ResponseParserFactory,
)
from botocore.session import get_session
from botocore.utils import normalize_url_path

from dynamodb.errors import StoreUnavailableError
from dynamodb.settings import Settings

_NOT_SIGNED = frozenset(SIGNED_HEADERS_BLACKLIST)

_OF_OTHER_SERVICES = frozenset({"before-parameter-build", "before-call", "request-created"})
"""Events at which botocore does what S3 and streams of events need, and tells of its retries."""

_ITEMS_ALONE = frozenset({
    "BatchGetItemOutput", "BatchWriteItemOutput", "DeleteItemOutput", "GetItemOutput",
    "PutItemOutput", "QueryOutput", "ScanOutput", "TransactGetItemsOutput",
    "TransactWriteItemsOutput", "UpdateItemOutput",
})  # fmt: skip
"""Answers of items, keys, and what was consumed: no times."""

sent: ContextVar[dict[str, Any] | None] = ContextVar("sent", default=None)
"""What the call under way sends. It is JSON as DynamoDB takes it, so botocore need not walk it;
it only wants to be shown that a batch names its tables."""


def make_client(store: Settings) -> BaseClient:
    """Raises ``StoreUnavailableError`` where there are no credentials."""
    session = get_session()
    session.register_component("data_loader", _Loader())
    session.register_component("response_parser_factory", _ParserFactory())
    if store.is_on_this_machine and "AWS_ACCESS_KEY_ID" not in os.environ:
        session.set_credentials("local", "local")
    credentials = session.get_credentials()
    if credentials is None:
        # A client made now would be without for ever, and PynamoDB would replace it by its own.
        raise StoreUnavailableError("There are no AWS credentials to reach the store with.")
    client = session.create_client(
        "dynamodb",
        region_name=store.region,
        endpoint_url=store.endpoint_url or None,
        config=Config(
            parameter_validation=False,
            user_agent="backoffice",
            account_id_endpoint_mode="disabled",
            tcp_keepalive=True,
            connect_timeout=store.connect_timeout_seconds,
            read_timeout=store.read_timeout_seconds,
            retries={"total_max_attempts": store.max_attempts, "mode": "standard"},
            max_pool_connections=store.max_connections,
        ),
    )
    _lighten(client, credentials)
    return client


def _lighten(client: BaseClient, credentials: Credentials) -> None:
    """Let go what DynamoDB needs none of, write bodies ourselves, and sign as botocore does."""
    events, region = client.meta.events, _settle_place(client)

    def sign_it(request: AWSRequest, **_: Any) -> None:
        sign(request, credentials.get_frozen_credentials(), region)

    for event, handler, *_ in BUILTIN_HANDLERS:
        if event in _OF_OTHER_SERVICES:
            events.unregister(event, handler)
    events.register("before-call.dynamodb", _write_body)
    signer: Any = client._request_signer  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other name
    agent: Any = client._user_agent_creator  # type: ignore[attr-defined]  # noqa: SLF001 - the same
    events.unregister("request-created.dynamodb", signer.handler)
    events.register("request-created.dynamodb", sign_it)
    events.unregister("request-created.dynamodb", agent.rebuild_and_replace_user_agent_handler)
    pools: Any = client._endpoint.http_session._manager  # type: ignore[attr-defined]  # noqa: SLF001 - the same
    pools.connection_from_url = lru_cache(maxsize=2)(pools.connection_from_url)


def _settle_place(client: Any) -> str:
    """Ask botocore's rules where DynamoDB is once, not with every request; gives its region."""
    context: dict[str, Any] = {}
    operation = client.meta.service_model.operation_model("ListTables")
    place = client._resolve_endpoint_ruleset(operation, {}, context)  # noqa: SLF001 - the same
    client._resolve_endpoint_ruleset = lambda *_, **__: place  # noqa: SLF001 - the same
    region: str = context.get("signing", {}).get("region", client.meta.region_name)
    return region


def sign(request: AWSRequest, keys: ReadOnlyCredentials, region: str) -> None:
    """Sign a POST to DynamoDB by Signature Version 4: byte for byte what botocore does.

    The key, which holds for a day, and the place it goes to are worked out once.
    """
    at, headers = get_current_datetime().strftime(SIGV4_TIMESTAMP), request.headers
    headers["X-Amz-Date"] = at
    if keys.token:
        headers["X-Amz-Security-Token"] = keys.token
    body: Any = request.data
    host, path = _place(request.url)
    told = {"host": host, **{name.lower(): " ".join(it.split()) for name, it in headers.items()}}
    told = {name: told[name] for name in sorted(told.keys() - _NOT_SIGNED)}
    signed, lines = ";".join(told), "".join(f"{name}:{text}\n" for name, text in told.items())
    asked = f"POST\n{path}\n\n{lines}\n{signed}\n{sha256(body).hexdigest()}"
    scope = f"{at[:8]}/{region}/dynamodb/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{sha256(asked.encode()).hexdigest()}"
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={signed}, "
        f"Signature={_keyed(_signing_key(keys.secret_key, scope), text).hex()}"
    )


@lru_cache(maxsize=2)
def _signing_key(secret: str, scope: str) -> bytes:
    return reduce(_keyed, scope.split("/"), f"AWS4{secret}".encode())


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


@lru_cache(maxsize=2)
def _place(url: str) -> tuple[str, str]:
    """Host and path as they are signed."""
    return _host_from_url(url), quote(normalize_url_path(urlsplit(url).path), safe="/~")


class _Loader(Loader):
    """Reads botocore's own data, and does not look through 400 services for the one we use.

    The others are those that botocore fetches credentials from.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - its signature
        return ["dynamodb", "signin", "sso", "sso-oidc", "sts"]


class _Parser(JSONParser):
    """Leaves items as they come, ``{"S": "text"}``: to walk them shape by shape copies them.

    And all of an answer that has nothing else which JSON has no form for.
    """

    def _handle_structure(self, shape: StructureShape, value: Any) -> Any:
        return value if shape.name in _ITEMS_ALONE else super()._handle_structure(shape, value)  # type: ignore[misc]

    def _handle_map(self, shape: MapShape, value: Any) -> Any:
        is_item = shape.value.name == "AttributeValue"
        return value if is_item else super()._handle_map(shape, value)  # type: ignore[misc]

    def _handle_json_body(self, raw_body: bytes, shape: Shape) -> Any:
        """Botocore takes anything for an answer: a commit by a proxy's page of apologies."""
        try:
            told = orjson.loads(raw_body)
        except orjson.JSONDecodeError:
            told = None
        if not isinstance(told, dict):
            raise ResponseParserError("What came back is no answer of DynamoDB's.")
        return self._parse_shape(shape, told)  # type: ignore[attr-defined]


class _ParserFactory(ResponseParserFactory):
    def create_parser(self, protocol_name: str) -> ResponseParser:
        return _Parser() if protocol_name == "json" else super().create_parser(protocol_name)


def _write_body(params: dict[str, Any], **_: Any) -> None:
    asked = sent.get()
    if asked is not None:
        params["body"] = orjson.dumps(asked, _in_json, orjson.OPT_PASSTHROUGH_DATETIME)


def _in_json(value: datetime | bytes) -> float | str:
    """What JSON has no form for, as the protocol writes it."""
    return b64encode(value).decode() if isinstance(value, bytes) else value.timestamp()
