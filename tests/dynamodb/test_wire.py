"""The tuned client: what it sends is what botocore's own would send."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.client import Config
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ReadTimeoutError
from botocore.handlers import add_retry_headers
from botocore.session import Session, get_session
from hypothesis import given
from hypothesis import strategies as st
from moto.core.botocore_stubber import MockRawResponse

from dynamodb import client, wire
from dynamodb.settings import Settings
from dynamodb.store import get
from tests.dynamodb.faults import faults
from tests.dynamodb.things import Visit

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
SHOWN = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)
URLS = st.sampled_from([
    "https://dynamodb.eu-central-1.amazonaws.com/", "http://127.0.0.1:8000/",
    "https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com:443/", "http://proxy:8443/a b//ü/../c/",
])  # fmt: skip


def a_request(url: str, body: bytes = b"{}", **more: str) -> AWSRequest:
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.GetItem",
        "Content-Type": "application/x-amz-json-1.0",
        "User-Agent": "backoffice",
    }
    return AWSRequest(method="POST", url=url, data=body, headers=headers | more)


@given(
    url=URLS,
    body=st.binary(min_size=1),
    keys=st.builds(ReadOnlyCredentials, SHOWN, TEXT, st.none() | st.just("") | SHOWN),
    region=st.sampled_from(["eu-central-1", "us-gov-west-1"]),
    at=st.timedeltas(timedelta(0), timedelta(days=4)),
    more=st.dictionaries(st.sampled_from(["X-Amzn-Trace-Id", "Expect", "X-Other"]), SHOWN),
)
def test_a_request_is_signed_as_botocore_signs_it(
    url: str, body: bytes, keys: Any, region: str, at: timedelta, more: dict[str, str]
) -> None:
    ours, theirs = a_request(url, body, **more), a_request(url, body, **more)
    with time_machine.travel(NOON + at, tick=False):
        wire.sign(ours, keys, region)
        SigV4Auth(keys, "dynamodb", region).add_auth(theirs)
    assert sorted(ours.headers.items()) == sorted(theirs.headers.items())


@time_machine.travel(NOON, tick=False)
def test_a_new_day_and_new_keys_sign_anew() -> None:
    signed = set()
    for secret, region in (("a", "eu-west-1"), ("b", "eu-west-1"), ("a", "us-east-1")):
        request = a_request("http://127.0.0.1:8000/")
        wire.sign(request, Credentials("id", secret).get_frozen_credentials(), region)
        signed.add(request.headers["Authorization"])
    assert len(signed) == 3


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_ENDPOINT_URL": "https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com"},
        {"AWS_ENDPOINT_URL_DYNAMODB": "http://proxy:8443/base/", "AWS_SESSION_TOKEN": "a  b "},
    ],
)
@pytest.mark.parametrize(
    "region",
    ["us-east-1", "eu-central-2", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "xx-nowhere-1"],
)
def test_a_request_goes_where_botocore_sends_it_and_says_the_same(
    monkeypatch: pytest.MonkeyPatch, region: str, settings: dict[str, str]
) -> None:
    for name, value in (
        {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "ü"} | settings
    ).items():
        monkeypatch.setenv(name, value)
    config = Config(user_agent="backoffice", account_id_endpoint_mode="disabled")
    theirs: Any = get_session().create_client("dynamodb", region_name=region, config=config)
    theirs.meta.events.unregister("request-created", add_retry_headers)
    ours = wire.make_client(Settings(region=region, cursor_signing_key="none"))
    assert sent_by(ours) == sent_by(theirs)


@time_machine.travel(NOON, tick=False)
def sent_by(made: Any) -> tuple[str, bytes, list[tuple[str, Any]]]:
    """What leaves at the client's last event, which answers in place of the network."""
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), MockRawResponse(b"{}"))

    made.meta.events.register("before-send", answer)
    made.list_tables()
    (request,) = sent
    return request.url, request.body, sorted(request.headers.items())


class Renewed(Credentials):
    """As those of a role: each time others."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        self.token = f"{self.token}+"
        return super().get_frozen_credentials()


def test_each_attempt_is_signed_with_the_keys_and_at_the_time_of_its_own(
    store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "get_credentials", lambda _: Renewed("id", "secret", "a"))
    client.configure(client.settings())
    tokens, times = [], []

    def fail(request: AWSPreparedRequest, _: Any) -> AWSResponse:
        tokens.append(request.headers["X-Amz-Security-Token"])
        times.append(request.headers["X-Amz-Date"])
        clock.shift(3600)
        raise ReadTimeoutError(endpoint_url=request.url)

    with time_machine.travel(NOON, tick=False) as clock, faults(fail, fail):
        get(Visit(id="a"))
    assert tokens == [b"a+", b"a++"]
    assert times == [b"20260131T120000Z", b"20260131T130000Z"]


def test_every_attempt_is_signed_and_sent_whole(store: None) -> None:
    """Read through the client's last event before a request leaves."""
    sent: list[Any] = []
    events = client.connection().client.meta.events
    listen = lambda request, **_: sent.append(request)  # noqa: E731 - one line
    events.register("before-send.dynamodb", listen)
    try:
        get(Visit(id="ü"))
    finally:
        events.unregister("before-send.dynamodb", listen)
    (request,) = sent
    assert json.loads(request.body)["Key"] == {"id": {"S": "ü"}}
    assert request.headers["Authorization"].startswith(b"AWS4-HMAC-SHA256 Credential=")
