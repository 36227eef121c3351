"""Create, check and describe the tables of all records."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from dynamodb.client import call, settings
from dynamodb.errors import StoreUnavailableError, TableMissingError
from dynamodb.models import Record

_READY_SECONDS = 120.0


@dataclass(frozen=True)
class TableReport:
    """What ``ensure_table`` found or did; ``differences`` are sentences, none where all is well."""

    name: str
    created: bool
    differences: tuple[str, ...] = ()


def all_records() -> list[type[Record]]:
    """Every record class with a table, as far as its module has been imported."""
    return sorted(
        (model for model in _descendants(Record) if hasattr(model, "Meta")),
        key=lambda model: str(model.Meta.table_name),
    )


def _descendants(model: type[Record]) -> Iterator[type[Record]]:
    for child in model.__subclasses__():
        yield child
        yield from _descendants(child)


def ensure_tables() -> list[TableReport]:
    """Create what is missing and wait for it; report where a table differs from its record."""
    return [ensure_table(model) for model in all_records()]


def ensure_table(model: type[Record]) -> TableReport:
    """Create one table if it is missing. An existing one is compared and never changed."""
    name = model.table_name()
    found = _described(name)
    if found is not None:
        return TableReport(name, created=False, differences=tuple(_differences(model, found)))
    call("CreateTable", **declaration(model))
    _wait_until_active(name)
    if model.expires_at_attribute:
        call("UpdateTimeToLive", TableName=name, TimeToLiveSpecification=_ttl(model))
    if not settings().is_on_this_machine:
        # DynamoDB Local and moto answer neither; on AWS it is the way back from a bad day.
        recovery = {"PointInTimeRecoveryEnabled": True}
        call("UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=recovery)
    return TableReport(name, created=True)


def declaration(model: type[Record]) -> dict[str, Any]:
    """A record's table as ``CreateTable`` takes it."""
    schema = model._get_schema()  # noqa: SLF001 - the schema PynamoDB itself works with
    declared: dict[str, Any] = {
        "TableName": model.table_name(),
        "AttributeDefinitions": schema["attribute_definitions"],
        "KeySchema": schema["key_schema"],
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": not settings().is_on_this_machine,
    }
    indexes = [
        {
            "IndexName": index["index_name"],
            "KeySchema": index["key_schema"],
            "Projection": index["projection"],
        }
        for index in schema["global_secondary_indexes"]
    ]
    if indexes:
        declared["GlobalSecondaryIndexes"] = indexes
    if not settings().is_on_this_machine:
        declared["SSESpecification"] = {"Enabled": True}
    return declared


def missing_tables() -> list[str]:
    """Names of the tables that are not there or not ready yet."""
    ready = {name for name in (m.table_name() for m in all_records()) if _is_active(name)}
    return [m.table_name() for m in all_records() if m.table_name() not in ready]


def _ttl(model: type[Record]) -> dict[str, Any]:
    return {"Enabled": True, "AttributeName": model.expires_at_attribute}


def _described(name: str) -> dict[str, Any] | None:
    try:
        table: dict[str, Any] = call("DescribeTable", TableName=name)["Table"]
    except TableMissingError:
        return None
    return table


def _is_active(name: str) -> bool:
    table = _described(name)
    return table is not None and table["TableStatus"] == "ACTIVE"


def _wait_until_active(name: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not _is_active(name):
        if time.monotonic() > deadline:
            raise StoreUnavailableError(f"Table {name} was not ready after {_READY_SECONDS:.0f} s.")
        time.sleep(0.5)


def _differences(model: type[Record], found: dict[str, Any]) -> Iterator[str]:
    name, declared = model.table_name(), declaration(model)
    if _keys(found) != _keys(declared):
        yield f"{name}: its keys are {_keys(found)}, declared are {_keys(declared)}"
    has = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", [])}
    wants = {index["IndexName"]: index for index in declared.get("GlobalSecondaryIndexes", [])}
    for index in sorted(wants.keys() - has.keys()):
        yield f"{name}: index {index} is missing"
    for index in sorted(has.keys() - wants.keys()):
        yield f"{name}: index {index} is not declared"
    for index in sorted(has.keys() & wants.keys()):
        if _shape(has[index]) != _shape(wants[index]):
            yield f"{name}: index {index} has other keys or carries other attributes"
    if model.expires_at_attribute and _ttl_attribute(name) != model.expires_at_attribute:
        yield f"{name}: records do not expire by {model.expires_at_attribute}"
    if not settings().is_on_this_machine:
        yield from _missing_safeguards(name, found)


def _missing_safeguards(name: str, found: dict[str, Any]) -> Iterator[str]:
    if not found.get("DeletionProtectionEnabled"):
        yield f"{name}: deletion protection is off"
    backups = call("DescribeContinuousBackups", TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield f"{name}: point-in-time recovery is off"


def _ttl_attribute(name: str) -> str:
    try:
        answer = call("DescribeTimeToLive", TableName=name)["TimeToLiveDescription"]
    except ClientError:
        return ""
    return str(answer.get("AttributeName", ""))


def _keys(table: dict[str, Any]) -> dict[str, str]:
    types = {part["AttributeName"]: part["AttributeType"] for part in table["AttributeDefinitions"]}
    return {
        key["AttributeName"]: f"{key['KeyType']} {types[key['AttributeName']]}"
        for key in table["KeySchema"]
    }


def _shape(index: dict[str, Any]) -> tuple[Any, ...]:
    keys = tuple((key["KeyType"], key["AttributeName"]) for key in index["KeySchema"])
    projection = index["Projection"]
    carried = tuple(sorted(projection.get("NonKeyAttributes", ())))
    return keys, projection["ProjectionType"], carried
