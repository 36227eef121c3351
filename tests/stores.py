"""Stores to test on: moto for single steps, DynamoDB Local for whatever is concurrent."""

import copy
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from pynamodb.connection.base import Connection

from audit import bucket
from audit import settings as archive_settings
from dynamodb import client, tables
from dynamodb.settings import Settings
from payments import directory, policy
from payments.events import receivers
from tests import quick_moto

NO_FOUR_EYES = policy.Policy(approval_threshold=10**15)
"""What most tests run under: they move sums that a person would need a second one for."""

_prefixes = (f"t{os.getpid()}-{number}-" for number in itertools.count())


quick_moto.install()


def leave() -> None:
    """Turn to a store that nobody serves, so that no test ever meets a developer's own."""
    client.configure(Settings(endpoint_url="http://127.0.0.1:9", cursor_signing_key="none"))


def configure(endpoint_url: str) -> None:
    """Turn to fresh tables at an engine; an empty URL is AWS."""
    client.configure(
        Settings(
            endpoint_url=endpoint_url,
            table_prefix=next(_prefixes),
            cursor_signing_key="a test's own",
        )
    )
    _forget()
    tables.ensure_tables()


def _forget() -> None:
    directory._numbers.clear()
    policy.configure(NO_FOUR_EYES)
    receivers.configure(receivers.Receivers())


def served_at(endpoint_url: str) -> None:
    """Reach the same tables by another address."""
    client.configure(replace(client.settings(), endpoint_url=endpoint_url))


@contextmanager
def spread_over(shards: int) -> Iterator[None]:
    """Spread the busy keys of the same store's indexes over so many shards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_settings", replace(client.settings(), index_shards=shards))
        yield


@pytest.fixture(scope="session")
def moto_tables() -> tuple[Settings, Connection, dict[str, Any]]:
    """Empty tables as moto holds them, and a client: making either takes longer than most tests."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        set_credentials(environment)
        configure("")
        made = copy.deepcopy(_moto_tables())
        return client.settings(), client.connection(), made


@pytest.fixture
def moto_store(moto_tables: tuple[Settings, Connection, dict[str, Any]]) -> Iterator[None]:
    """Fresh tables in process, also after a test's own ``undo``. No judge of concurrency."""
    settings, connection, made = moto_tables
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        set_credentials(patch)
        patch.setattr(client, "_settings", settings)
        patch.setattr(client, "_connection", connection)
        _moto_tables().update(copy.deepcopy(made))
        _forget()
        yield


def rows_of(table: str) -> list[dict[str, Any]]:
    """All rows of a table in process, as DynamoDB sends them."""
    name = client.settings().table_prefix + table
    kept = _moto_tables()[name].all_items()
    return [item.to_json()["Attributes"] for item in kept]


def kept_in(table: str) -> Any:
    """What a table in process holds, to be compared with what it holds later: in no time."""
    return copy.deepcopy(_moto_tables()[client.settings().table_prefix + table]).items


@contextmanager
def unchanged() -> Iterator[None]:
    """Take the tables in process back to how they are now, whatever is done inside."""
    kept = copy.deepcopy(_moto_tables())
    yield
    _moto_tables().update(kept)


def set_credentials(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", "test")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "test")


def _moto_tables() -> dict[str, Any]:
    tables: dict[str, Any] = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables
    return tables


@pytest.fixture
def local_store(engine: str) -> Iterator[None]:
    """Fresh tables on DynamoDB Local."""
    configure(engine)
    yield
    served_at(engine)
    for record in tables.all_records():
        client.call("DeleteTable", TableName=record.table_name())
    leave()


SEAL_KEY = bytes(range(32))
BUCKET = "archive"


@pytest.fixture
def archive(moto_store: None) -> Iterator[None]:
    """An empty archive bucket under Object Lock, and a key to seal with."""
    settings = archive_settings.Settings(bucket=BUCKET, seal_key=SEAL_KEY)
    archive_settings.configure(settings)
    s3().create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    yield
    archive_settings.configure(archive_settings.Settings())


def damage(key: str, make: Callable[[bytes], bytes]) -> None:
    """Change the bytes of an archived object where they lie, past all locks."""
    kept = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[BUCKET].keys.getlist(key)[0]
    kept.value = make(kept.value)


def s3() -> Any:
    """S3 as an attacker or a test reaches it, past the archive's own functions."""
    return bucket._client("us-east-1")
