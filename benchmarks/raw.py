"""The same requests without us: what raw boto3 takes to send what our functions sent."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import boto3
from botocore import xform_name

from dynamodb import client
from dynamodb.tables import all_records

KEYS: dict[str, Any] = {f"aws_{name}": "none" for name in ("access_key_id", "secret_access_key")}
Request = tuple[str, dict[str, Any]]

_call = client.call


def raw_client() -> Any:
    """A client as everybody makes it, of the engine that is configured."""
    url = client.settings().endpoint_url
    return boto3.client("dynamodb", endpoint_url=url, region_name="us-east-1", **KEYS)


def recorded(work: Callable[[], object], prefix: str = "") -> list[Request]:
    """The requests that something sends; made for the tables of another ``prefix`` where given."""
    sent: list[Request] = []
    names = {each.table_name(): prefix + each.Meta.table_name for each in all_records()}

    def record(operation: str, **arguments: Any) -> dict[str, Any]:
        others = {name: each for name, each in arguments.items() if name != "ClientRequestToken"}
        sent.append((operation, _renamed(others, names) if prefix else others))
        return _call(operation, **arguments)

    with ExitStack() as patches:
        for module in ("client", "merged", "store", "pages"):
            patches.enter_context(patch(f"dynamodb.{module}.call", record))
        seen = patches.enter_context(client.count_requests())
        work()
    assert [each[0] for each in sent] == seen.operations, "some would cost raw boto3 nothing"
    return sent


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def replay(raw: Any, requests: list[Request]) -> None:
    for operation, arguments in requests:
        getattr(raw, xform_name(operation))(**arguments)
