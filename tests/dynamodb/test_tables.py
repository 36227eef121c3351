"""Tables are declared beside their records, made once, and compared ever after."""

from typing import Any

import pytest

from dynamodb import client, tables
from dynamodb.client import call, count_requests
from dynamodb.errors import StoreUnavailableError
from dynamodb.models import Record
from dynamodb.settings import Settings
from dynamodb.tables import TableReport, all_records, declaration, ensure_table
from tests.dynamodb.faults import changed_answer, faults, passing, refusal
from tests.dynamodb.things import MODELS, Line, Thing, Visit, some_settings

pytestmark = pytest.mark.usefixtures("aws")

READ_ONLY = {"DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups"}


def described(model: type[Record]) -> dict[str, Any]:
    table: dict[str, Any] = call("DescribeTable", TableName=model.table_name())["Table"]
    return table


@pytest.fixture
def on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto answers for AWS only, so AWS's address has to pass for an engine of ours."""
    monkeypatch.setattr(Settings, "is_on_this_machine", True)


def made_otherwise(model: type[Record], **changed: Any) -> TableReport:
    """A table as somebody else made it, then looked at by us."""
    make(model, **changed)
    if model.expires_at_attribute:
        expire_by(model, model.expires_at_attribute)
    return ensure_table(model)


def make(model: type[Record], **changed: Any) -> None:
    """Make a table as declared but for some arguments, left out where they are ``None``."""
    declared = {**declaration(model), **changed}
    call("CreateTable", **{name: value for name, value in declared.items() if value is not None})
    call(
        "UpdateContinuousBackups",
        TableName=model.table_name(),
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )


def expire_by(model: type[Record], attribute: str, *, enabled: bool = True) -> None:
    specification = {"Enabled": enabled, "AttributeName": attribute}
    call("UpdateTimeToLive", TableName=model.table_name(), TimeToLiveSpecification=specification)


@pytest.fixture
def only_these_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "all_records", lambda: list(MODELS))


def test_records_of_tests_are_nobody_elses() -> None:
    assert not set(MODELS) & set(all_records())


def test_all_managed_records_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for model in MODELS:
        monkeypatch.setattr(model, "managed", True)
    found = [model for model in all_records() if model in MODELS]
    assert found == [Line, Thing, Visit]


@pytest.mark.usefixtures("only_these_records")
def test_tables_are_made_and_a_second_time_changes_nothing() -> None:
    assert tables.missing_tables() == [model.table_name() for model in MODELS]
    made = tables.ensure_tables()
    assert made == [TableReport(model.table_name(), created=True) for model in MODELS]
    before = [described(model) for model in MODELS]
    with count_requests() as requests:
        again = tables.ensure_tables()
    assert again == [TableReport(model.table_name(), created=False) for model in MODELS]
    assert set(requests.operations) <= READ_ONLY
    assert [described(model) for model in MODELS] == before
    assert tables.missing_tables() == []


def test_on_aws_a_table_has_every_safeguard() -> None:
    ensure_table(Visit)
    table = described(Visit)
    assert table["DeletionProtectionEnabled"] is True
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    name = Visit.table_name()
    backups = call("DescribeContinuousBackups", TableName=name)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    expiry = call("DescribeTimeToLive", TableName=name)["TimeToLiveDescription"]
    assert recovery == "ENABLED"
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


@pytest.mark.usefixtures("on_this_machine")
def test_on_this_machine_only_what_the_engine_has_is_asked_for() -> None:
    with count_requests() as requests:
        assert ensure_table(Visit).created
        assert ensure_table(Visit).differences == ()
    assert not {name for name in requests.operations if "Backups" in name}
    assert not described(Visit)["DeletionProtectionEnabled"]


def test_keys_indexes_and_projections_are_as_declared() -> None:
    ensure_table(Line)
    table = described(Line)
    assert table["KeySchema"] == [
        {"AttributeName": "story", "KeyType": "HASH"},
        {"AttributeName": "place", "KeyType": "RANGE"},
    ]
    [index] = table["GlobalSecondaryIndexes"]
    assert index["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["score"]}
    ensure_table(Thing)
    [index] = described(Thing)["GlobalSecondaryIndexes"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def without_index() -> dict[str, Any]:
    declared_keys = declaration(Line)["AttributeDefinitions"]
    keys = [part for part in declared_keys if part["AttributeName"] != "owner"]
    return {"GlobalSecondaryIndexes": None, "AttributeDefinitions": keys}


def test_a_missing_index_is_added_and_nothing_else_changes() -> None:
    added = TableReport("backoffice-lines", created=False, added=("owner-index",))
    assert made_otherwise(Line, **without_index()) == added
    assert ensure_table(Line) == TableReport("backoffice-lines", created=False)


@pytest.mark.parametrize("code", ["ResourceInUseException", "LimitExceededException"])
def test_an_index_waits_while_somebody_else_changes_the_table(code: str) -> None:
    make(Line, **without_index())
    with faults(*[passing] * 3, refusal(code)), count_requests() as requests:
        assert ensure_table(Line).added == ("owner-index",)
    assert requests.operations.count("UpdateTable") == 2


def test_a_missing_stream_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_table(Line)
    monkeypatch.setattr(Line, "stream", "NEW_IMAGE")
    assert ensure_table(Line).added == ("stream",)
    assert ensure_table(Line) == TableReport("backoffice-lines", created=False)


def line_index(**changed: Any) -> list[dict[str, Any]]:
    [index] = declaration(Line)["GlobalSecondaryIndexes"]
    return [{**index, **changed}]


@pytest.mark.parametrize(
    "projection",
    [
        {"ProjectionType": "ALL"},
        {"ProjectionType": "KEYS_ONLY"},
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["score", "words"]},
    ],
    ids=str,
)
def test_another_projection_is_reported(projection: dict[str, Any]) -> None:
    report = made_otherwise(Line, GlobalSecondaryIndexes=line_index(Projection=projection))
    assert len(report.differences) == 1
    assert "index owner-index has other keys or carries other" in report.differences[0]


def test_an_undeclared_index_is_reported() -> None:
    report = made_otherwise(
        Line, GlobalSecondaryIndexes=[*line_index(), *line_index(IndexName="extra-index")]
    )
    assert report.differences == ("backoffice-lines: index extra-index is not declared",)


def test_an_index_key_of_another_type_is_reported() -> None:
    types = [
        {**part, "AttributeType": "N" if part["AttributeName"] == "owner" else "S"}
        for part in declaration(Line)["AttributeDefinitions"]
    ]
    report = made_otherwise(Line, AttributeDefinitions=types)
    assert len(report.differences) == 1
    assert "owner-index has other keys" in report.differences[0]


def test_other_keys_are_reported() -> None:
    report = made_otherwise(
        Visit,
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
    )
    assert len(report.differences) == 1
    assert "its keys are" in report.differences[0]


@pytest.mark.parametrize("plant", ["none", "other", "disabled"])
def test_a_missing_or_other_expiry_is_reported(plant: str) -> None:
    make(Visit)
    if plant != "none":
        expire_by(Visit, "other" if plant == "other" else "expires_at")
    if plant == "disabled":
        expire_by(Visit, "expires_at", enabled=False)
    [difference] = ensure_table(Visit).differences
    assert difference.endswith("declared is expires_at")


def test_an_expiry_nobody_declared_is_reported() -> None:
    made_otherwise(Line)
    expire_by(Line, "created_at")
    assert ensure_table(Line).differences == (
        "backoffice-lines: records expire by created_at, declared is none",
    )


def test_a_table_not_billed_on_demand_is_reported() -> None:
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    report = made_otherwise(Visit, BillingMode=None, ProvisionedThroughput=throughput)
    assert report.differences == ("backoffice-visits: it is not billed on demand",)


def test_on_aws_missing_safeguards_are_reported() -> None:
    call(
        "CreateTable",
        **{**declaration(Visit), "DeletionProtectionEnabled": False, "SSESpecification": {}},
    )
    expire_by(Visit, "expires_at")
    assert set(ensure_table(Visit).differences) == {
        "backoffice-visits: deletion protection is off",
        "backoffice-visits: it is not encrypted as declared",
        "backoffice-visits: point-in-time recovery is off",
    }


def test_backups_that_are_not_ready_yet_are_waited_for() -> None:
    unavailable = refusal("ContinuousBackupsUnavailableException")
    before = [passing] * 4  # DescribeTable, CreateTable, DescribeTable, UpdateTimeToLive
    with faults(*before, unavailable, unavailable):
        assert ensure_table(Visit).created
    assert ensure_table(Visit).differences == ()


def status(word: str) -> Any:
    return changed_answer(lambda body: body["Table"].update(TableStatus=word))


def test_a_table_in_the_making_is_waited_for() -> None:
    call("CreateTable", **declaration(Line))
    creating = status("CREATING")
    with faults(creating, creating, creating), count_requests() as requests:
        assert not ensure_table(Line).created
    assert requests.operations.count("DescribeTable") == 4
    with faults(creating):
        assert not tables._is_active(Line.table_name())


def test_a_table_made_by_another_at_the_same_moment_is_not_an_error() -> None:
    call("CreateTable", **declaration(Line))
    not_seen = refusal("ResourceNotFoundException")
    with faults(not_seen):
        assert not ensure_table(Line).created


def test_a_table_that_is_never_ready_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_READY_SECONDS", 0.0)
    with pytest.raises(StoreUnavailableError, match="backoffice-lines was not ready"):
        ensure_table(Line)


def test_tables_of_another_prefix_are_not_ours() -> None:
    ensure_table(Line)
    client.configure(some_settings(table_prefix="other-"))
    assert ensure_table(Line) == TableReport("other-lines", created=True)
