"""The tuned client: what it sends is what botocore's own would send."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import get_session

from dynamodb import client, wire
from dynamodb.settings import Settings
from dynamodb.store import get
from tests.dynamodb.things import Visit

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def a_request(url: str) -> AWSRequest:
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.GetItem",
        "Content-Type": "application/x-amz-json-1.0",
        "User-Agent": "backoffice",
    }
    return AWSRequest(method="POST", url=url, data=b'{"Key": "\xc3\xbc"}', headers=headers)


@pytest.mark.parametrize("token", [None, "a token"])
@pytest.mark.parametrize(
    "url", ["https://dynamodb.eu-central-1.amazonaws.com/", "http://127.0.0.1:8000/"]
)
def test_a_request_is_signed_as_botocore_signs_it(url: str, token: str | None) -> None:
    keys = Credentials("an id", "a secret", token).get_frozen_credentials()
    ours, theirs = a_request(url), a_request(url)
    with time_machine.travel(NOON, tick=False):
        wire.sign(ours, keys, "eu-central-1")
        SigV4Auth(keys, "dynamodb", "eu-central-1").add_auth(theirs)
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
    "region", ["us-east-1", "eu-central-2", "cn-north-1", "us-gov-west-1", "xx-nowhere-1"]
)
def test_a_region_leads_where_botocore_s_rules_lead(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    made = wire.make_client(Settings(region=region, cursor_signing_key="none"))
    theirs: Any = get_session().create_client("dynamodb", region_name=region)
    operation = theirs.meta.service_model.operation_model("ListTables")
    assert made.meta.endpoint_url == theirs._resolve_endpoint_ruleset(operation, {}, {})[0]


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
