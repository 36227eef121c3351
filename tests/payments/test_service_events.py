"""Events of all shapes: whatever is sent, the answer is one that API Gateway can pass on."""

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.payments.gateway import EVERYTHING, ask

pytestmark = [pytest.mark.usefixtures("moto_store"), pytest.mark.load]

EVENTS = 2000 if os.environ.get("LOAD") == "full" else 200

NAMES = [
    *("version", "rawPath", "path", "httpMethod", "headers", "multiValueHeaders", "body"),
    *("queryStringParameters", "isBase64Encoded", "requestContext", "http", "method", "stage"),
    *("identity", "userArn", "authorizer", "claims", "jwt", "sub", "scope", "customers"),
    *("sourceIp", "userAgent", "requestId", "idempotency-key", "limit", "cursor"),
]
PATHS = ["/transfers", "/health", "/payments/x", "/customers/c/payments", "/accounts/a", "/%zz"]
FIELDS = ["from_account_id", "to_account_id", "amount", "currency", "description", "customer_id"]

texts = st.text(st.characters(codec=None), max_size=20) | st.sampled_from([*PATHS, "GET", "POST"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=6)
    ),
    max_leaves=25,
)
bodies = st.dictionaries(st.sampled_from(FIELDS) | texts, values, max_size=6).map(json.dumps)


@st.composite
def nearly_right(draw: st.DrawFn) -> dict[str, Any]:
    """An event of either kind that is right but for some parts, which are anything or absent."""
    method, path = draw(st.sampled_from(["GET", "POST"])), draw(st.sampled_from(PATHS))
    asked: dict[str, Any] = {
        "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
        "identity": {"sourceIp": "192.0.2.1"},
        "authorizer": {"jwt": {"claims": EVERYTHING}, "claims": EVERYTHING},
    }
    event: dict[str, Any] = {
        "rawPath": path,
        "path": path,
        "httpMethod": method,
        "headers": {"Idempotency-Key": draw(texts)},
        "queryStringParameters": {"limit": draw(texts), "cursor": draw(texts)},
        "requestContext": asked,
        "body": draw(bodies | texts),
        "isBase64Encoded": draw(st.booleans()),
    }
    for part in (event, asked):
        for name in draw(st.lists(st.sampled_from(sorted(part)), max_size=2)):
            part[name] = draw(values)
        for name in draw(st.lists(st.sampled_from(sorted(part)), max_size=2)):
            part.pop(name, None)
    return event


@settings(
    max_examples=EVENTS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(nearly_right() | values)
def test_any_event_is_answered(event: Any) -> None:
    answered = ask(event)
    assert answered.status in {200, 201, 400, 401, 403, 404, 405, 413, 422}


@pytest.mark.parametrize("event", [None, [], "GET /health", {}, {"Records": [{}]}, 7])
def test_what_is_no_request_at_all(event: Any) -> None:
    answered = ask(event)
    assert (answered.status, answered.code) == (400, "invalid_event")
