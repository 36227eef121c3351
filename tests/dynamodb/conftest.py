"""Stores for the data layer's own tests."""

import itertools
import os
from collections.abc import Iterator

import pytest
from moto import mock_aws
from pynamodb.connection.base import Connection

from dynamodb import client
from dynamodb.settings import Settings
from tests.dynamodb.things import drop_tables, make_tables, some_settings


@pytest.fixture(scope="session")
def settled() -> tuple[Settings, Connection]:
    """Settings of these tests, and the client made from them: making one takes its time."""
    with pytest.MonkeyPatch.context() as environment:
        set_credentials(environment)
        environment.setattr(client, "_settings", None)
        environment.setattr(client, "_connection", None)
        client.configure(some_settings())
        return client.settings(), client.connection()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, settled: tuple[Settings, Connection]) -> Iterator[None]:
    """AWS as moto plays it, without a table. What others configured is back afterwards."""
    set_credentials(monkeypatch)
    settings, connection = settled
    monkeypatch.setattr(client, "_settings", settings)
    monkeypatch.setattr(client, "_connection", connection)
    with mock_aws():
        yield


def set_credentials(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", "dummy")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "dummy")


@pytest.fixture
def store(aws: None) -> None:
    """The same, with the tables of these tests."""
    make_tables()


_prefixes = (f"d{os.getpid()}-{number}-" for number in itertools.count())


@pytest.fixture
def local_engine(monkeypatch: pytest.MonkeyPatch, engine: str) -> Iterator[None]:
    """DynamoDB Local, seen through a prefix of this test's own."""
    monkeypatch.setattr(client, "_settings", None)
    monkeypatch.setattr(client, "_connection", None)
    client.configure(some_settings(endpoint_url=engine, table_prefix=next(_prefixes)))
    yield
    drop_tables()


@pytest.fixture
def local_store(local_engine: None) -> None:
    """The same, with the tables of these tests."""
    make_tables()
