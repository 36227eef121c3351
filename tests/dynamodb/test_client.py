"""One client, counted; its troubles come out in our words."""

import threading
from pathlib import Path
from typing import Any

import pytest

from dynamodb import client, errors
from dynamodb.client import call, count_requests
from dynamodb.settings import Settings
from dynamodb.store import get, get_many, put_new
from tests.dynamodb.faults import (
    STRANGE,
    connect_timeout,
    connection_closed_after,
    faults,
    garbled_after,
    passing,
    read_timeout_before,
    refusal,
    server_error_after,
    unreachable,
)
from tests.dynamodb.things import Line, Thing, Visit, some_settings

THROTTLED = refusal("ProvisionedThroughputExceededException")


def read() -> Visit | None:
    return get(Visit(id="v"))


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "TransactionConflictException",
    ],
)
def test_a_store_that_asks_for_patience_is_busy(store: None, code: str) -> None:
    client.configure(some_settings(max_attempts=1))
    with faults(refusal(code)), pytest.raises(errors.StoreBusyError, match="busy"):
        read()


@pytest.mark.parametrize(
    "fault",
    [unreachable, connect_timeout, read_timeout_before, connection_closed_after, garbled_after],
)
def test_a_store_that_does_not_answer_is_unavailable(store: None, fault: Any) -> None:
    with faults(fault, fault, fault), pytest.raises(errors.StoreUnavailableError):
        read()


@pytest.mark.parametrize("fault", STRANGE)
def test_what_dynamodb_did_not_say_is_no_answer(store: None, fault: Any) -> None:
    with faults(fault), pytest.raises(errors.StoreUnavailableError):
        read()


@pytest.mark.parametrize(
    "fault",
    [
        server_error_after,
        refusal("InternalServerError", status=500),
        refusal("ServiceUnavailable", status=503),
        refusal("TransactionInProgressException"),
    ],
)
def test_a_store_that_fails_is_unavailable(store: None, fault: Any) -> None:
    with faults(fault, fault, fault), pytest.raises(errors.StoreUnavailableError):
        read()


def test_a_role_lent_to_the_process_opens_the_store(
    store: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a cluster gives it: botocore asks STS, which speaks XML, for the keys."""
    (tmp_path / "token").write_text("signed-by-the-cluster")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/backoffice")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    client.configure(some_settings())
    assert read() is None
    keys: Any = client.connection().client
    assert keys._request_signer._credentials.method == "assume-role-with-web-identity"


def test_a_throttled_read_is_tried_again_and_counted(store: None) -> None:
    with faults(THROTTLED, THROTTLED), count_requests() as requests:
        assert read() is None
    assert requests.operations == ["GetItem"] * 3


def test_attempts_end_as_configured(store: None) -> None:
    client.configure(some_settings(max_attempts=2))
    with (
        faults(THROTTLED, THROTTLED),
        count_requests() as requests,
        pytest.raises(errors.StoreBusyError),
    ):
        read()
    assert len(requests) == 2


def test_busy_after_a_lost_answer_is_not_a_clean_refusal(store: None) -> None:
    with (
        faults(connection_closed_after, THROTTLED, THROTTLED),
        pytest.raises(errors.StoreUnavailableError),
    ):
        put_new(Visit(id="v", expires_at=1))
    assert read() is not None


def test_busy_after_no_connection_is_a_clean_refusal(store: None) -> None:
    with faults(unreachable, THROTTLED, THROTTLED), pytest.raises(errors.StoreBusyError):
        put_new(Visit(id="v", expires_at=1))


def test_a_lost_answer_of_one_call_does_not_colour_the_next(store: None) -> None:
    client.configure(some_settings(max_attempts=1))
    with faults(read_timeout_before, THROTTLED):
        with pytest.raises(errors.StoreUnavailableError):
            read()
        with pytest.raises(errors.StoreBusyError):
            read()


def test_a_missing_table_has_its_own_error(aws: None) -> None:
    with pytest.raises(errors.TableMissingError, match="create-payment-tables"):
        read()


def test_what_is_our_own_fault_is_refused_with_its_code(store: None) -> None:
    with pytest.raises(errors.StoreRefusedError, match="ValidationException"):
        call("GetItem", TableName=Thing.table_name(), Key={"wrong": {"S": "x"}})


def test_without_credentials_the_store_cannot_be_reached(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    client.configure(some_settings())
    with pytest.raises(errors.StoreUnavailableError, match="credentials"):
        client.warm()
    client.configure(some_settings(endpoint_url="http://127.0.0.1:1"))
    client.warm()


def test_nothing_works_before_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_settings", None)
    with pytest.raises(RuntimeError, match="configure"):
        client.settings()


def test_the_client_is_made_once_and_as_configured(aws: None) -> None:
    client.configure(
        some_settings(
            region="eu-central-1",
            connect_timeout_seconds=0.5,
            read_timeout_seconds=2.5,
            max_attempts=4,
            max_connections=7,
        )
    )
    made = [client.connection() for _ in range(2)]
    assert made[0] is made[1]
    config: Any = made[0].client.meta.config
    assert made[0].client.meta.region_name == "eu-central-1"
    assert (config.connect_timeout, config.read_timeout) == (0.5, 2.5)
    assert config.retries == {"total_max_attempts": 4, "mode": "standard"}
    assert config.max_pool_connections == 7


def test_threads_share_one_client(aws: None) -> None:
    made: set[int] = set()
    threads = [threading.Thread(target=lambda: made.add(id(client.connection()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_requests_are_counted_in_order_and_only_inside(store: None) -> None:
    read()
    with count_requests() as requests:
        put_new(Visit(id="v", expires_at=1))
        get_many([Visit(id="v"), Line(story="s", place="p")])
    read()
    assert requests.operations == ["PutItem", "BatchGetItem"]
    assert len(requests) == 2
    assert requests.requests[0].capacity[0]["TableName"] == Visit.table_name()


def test_requests_of_an_inner_count_belong_to_the_outer_too(store: None) -> None:
    with count_requests() as outer:
        read()
        with count_requests() as inner:
            read()
    assert (len(inner), len(outer)) == (1, 2)


def test_requests_of_another_thread_are_not_counted(store: None) -> None:
    with count_requests() as requests:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert len(requests) == 0


def test_a_refused_request_counts_too(store: None) -> None:
    put_new(Visit(id="v", expires_at=1))
    with count_requests() as requests, pytest.raises(errors.ConditionFailedError):
        put_new(Visit(id="v", expires_at=2))
    assert len(requests) == 1


def test_a_fault_that_passes_changes_nothing(store: None) -> None:
    with faults(passing):
        assert read() is None


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {
            "DYNAMODB_ENDPOINT_URL": "http://127.0.0.1:8042",
            "AWS_REGION": "eu-central-1",
            "DYNAMODB_TABLE_PREFIX": "mine-",
            "CURSOR_SIGNING_KEY": "key",
        }
    )
    assert settings == Settings(
        endpoint_url="http://127.0.0.1:8042",
        region="eu-central-1",
        table_prefix="mine-",
        cursor_signing_key="key",
    )


def test_settings_have_defaults_but_no_default_key() -> None:
    settings = Settings.from_environment({"CURSOR_SIGNING_KEY": "key", "AWS_REGION": ""})
    assert (settings.endpoint_url, settings.region) == ("", "us-east-1")
    assert settings.table_prefix == "backoffice-"
    with pytest.raises(ValueError, match="CURSOR_SIGNING_KEY"):
        Settings.from_environment({})


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://127.0.0.1:8042", True),
        ("http://localhost:8042", True),
        ("http://[::1]:8042", True),
        ("", False),
        ("https://dynamodb.eu-central-1.amazonaws.com", False),
        ("https://127.0.0.1.example.com", False),
    ],
)
def test_an_engine_of_ours_is_told_from_aws(endpoint: str, expected: bool) -> None:
    assert some_settings(endpoint_url=endpoint).is_on_this_machine is expected
