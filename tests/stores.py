"""Stores to test on: moto for single steps, DynamoDB Local for whatever is concurrent."""

import itertools
import os
from collections.abc import Iterator

import pytest
from moto import mock_aws

from dynamodb import client, tables
from dynamodb.settings import Settings
from payments import ledger, policy

NO_FOUR_EYES = policy.Policy(approval_threshold=10**15)
"""What most tests run under: they move sums that a person would need a second one for."""

_prefixes = (f"t{os.getpid()}-{number}-" for number in itertools.count())


def leave() -> None:
    """Turn to a store that nobody serves, so that no test ever meets a developer's own."""
    client.configure(Settings(endpoint_url="http://127.0.0.1:9", cursor_signing_key="none"))


def _configure(endpoint_url: str) -> None:
    client.configure(
        Settings(
            endpoint_url=endpoint_url,
            table_prefix=next(_prefixes),
            cursor_signing_key="a test's own",
        )
    )
    ledger._numbers.clear()
    policy.configure(NO_FOUR_EYES)
    tables.ensure_tables()


@pytest.fixture
def moto_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fresh tables in process. No judge of concurrency."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        _configure("")
        yield
    leave()


@pytest.fixture
def local_store(engine: str) -> Iterator[None]:
    """Fresh tables on DynamoDB Local."""
    _configure(engine)
    yield
    for record in tables.all_records():
        client.call("DeleteTable", TableName=record.table_name())
    leave()
