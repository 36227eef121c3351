"""Events as API Gateway makes them, and what the handler answers to them."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from payments.lambda_handler import handler

EVERYTHING = {"sub": "shop", "scope": "payments/read payments/write", "customers": "*"}
Event = dict[str, Any]


def v1(
    method: str,
    path: str,
    *,
    body: object = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    claims: dict[str, Any] | None = EVERYTHING,
    **identity: str,
) -> Event:
    """A REST API's event (payload format 1.0), its body in base64."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()} or None,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path[1:]},
        "requestContext": {
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "stage": "prod",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "shop/1", **identity},
            **({"authorizer": {"claims": claims}} if claims else {}),
        },
        "body": None if body is None else base64.b64encode(text.encode()).decode(),
        "isBase64Encoded": True,
    }


def v2(
    method: str,
    path: str,
    *,
    body: object = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    claims: dict[str, Any] | None = EVERYTHING,
    **authorizer: Any,
) -> Event:
    """An HTTP API's event (payload format 2.0), its body as text; what is empty is left out."""
    by = {**({"jwt": {"claims": claims, "scopes": None}} if claims else {}), **authorizer}
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in (headers or {}).items()},
        **({"queryStringParameters": query} if query else {}),
        "requestContext": {
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "shop/1",
            },
            **({"authorizer": by} if by else {}),
        },
        **({} if body is None else {"body": text}),
        "isBase64Encoded": False,
    }


@dataclass(frozen=True)
class Answered:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


@dataclass(frozen=True)
class Function:
    """The context of an invocation with so much time left."""

    milliseconds: int

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def ask(event: object, context: object = None) -> Answered:
    """Invoke the handler; fails unless it answers what API Gateway can pass on."""
    answer = handler(event, context)
    assert answer.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert type(answer["statusCode"]) is int
    assert all(isinstance(value, str) for value in answer["headers"].values())
    assert answer["headers"]["Content-Type"] == "application/json"
    body = json.loads(answer["body"])
    assert isinstance(body, dict)
    if answer["statusCode"] >= 400:
        assert body["error"].endswith((".", "?"))
        assert body["code"]
    if answer["statusCode"] == 503:
        assert int(answer["headers"]["Retry-After"]) > 0
    return Answered(answer["statusCode"], body, answer["headers"])


def ask_transfer(
    body: object, *, key: str = "k1", make: Any = v2, context: object = None, **more: Any
) -> Answered:
    event = make("POST", "/transfers", body=body, headers={"Idempotency-Key": key}, **more)
    return ask(event, context)
