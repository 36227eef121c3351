"""Create, check and describe the tables of all records."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from dynamodb.client import call, settings
from dynamodb.errors import (
    StoreBusyError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
    TableMissingError,
)
from dynamodb.models import Record

T = TypeVar("T")

_READY_SECONDS = 120.0
_INDEX_SECONDS = 3600.0
"""DynamoDB fills an index of a large table for a long while; the table serves all the same."""
_POLL_SECONDS = 0.5
_USABLE = frozenset({"ACTIVE", "UPDATING"})
"""A table takes reads and writes while it is updated, too."""


@dataclass(frozen=True)
class TableReport:
    """What ``ensure_table`` found or did; ``differences`` are sentences, none where all is well.

    ``added`` names the indexes, and the stream, that an existing table was given.
    """

    name: str
    created: bool
    added: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


def all_records() -> list[type[Record]]:
    """Every managed record class with a table, as far as its module has been imported."""
    return sorted(
        (model for model in descendants(Record) if hasattr(model, "Meta") and model.managed),
        key=lambda model: str(model.Meta.table_name),
    )


def descendants(kind: type[T]) -> Iterator[type[T]]:
    """Its subclasses, and theirs."""
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def ensure_tables() -> list[TableReport]:
    """Add what is missing and wait for it; report where a table differs from its record."""
    return [ensure_table(model) for model in all_records()]


def ensure_table(model: type[Record]) -> TableReport:
    """Create one table if it is missing, or add the indexes and the stream that it lacks.

    An existing one is changed in no other way: whatever else differs is reported. It serves
    meanwhile. Raises ``StoreUnavailableError`` where an index takes longer than an hour to fill;
    the next run waits on.
    """
    name = model.table_name()
    if _described(name) is not None or not _create(model):
        found = when_active(name)
        added = tuple(_add_missing(model, found))
        found = when_active(name) if added else found
        differences = tuple(_differences(model, found))
        return TableReport(name, created=False, added=added, differences=differences)
    when_active(name)
    if model.expires_at_attribute:
        expiry = {"Enabled": True, "AttributeName": model.expires_at_attribute}
        call("UpdateTimeToLive", TableName=name, TimeToLiveSpecification=expiry)
    if not settings().is_on_this_machine:
        _enable_point_in_time_recovery(name)
    return TableReport(name, created=True)


def _create(model: type[Record]) -> bool:
    """Give ``False`` where another process has just begun to create the same table."""
    try:
        call("CreateTable", **declaration(model))
    except StoreRefusedError as error:
        if error.code != "ResourceInUseException":
            raise
        return False
    return True


def _enable_point_in_time_recovery(name: str) -> None:
    """Turn on the way back from a bad day, which AWS refuses for the first seconds of a table."""
    recovery = {"PointInTimeRecoveryEnabled": True}
    for _ in _polls(f"Backups of table {name} were"):
        try:
            wanted = {"TableName": name, "PointInTimeRecoverySpecification": recovery}
            call("UpdateContinuousBackups", **wanted)
        except StoreRefusedError as error:
            if error.code != "ContinuousBackupsUnavailableException":
                raise
        else:
            return


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
    if model.stream:
        declared["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": model.stream}
    if not settings().is_on_this_machine:
        declared["SSESpecification"] = {"Enabled": True}
    return declared


def _add_missing(model: type[Record], found: dict[str, Any]) -> Iterator[str]:
    """Add indexes, one at a time as DynamoDB wants it, then the stream; gives what was added."""
    name, declared = model.table_name(), declaration(model)
    for index in declared.get("GlobalSecondaryIndexes", []):
        if not _is_filled(found, index["IndexName"]):
            _ensure_index(declared, index)
            yield str(index["IndexName"])
    if model.stream and not _has_stream(found):
        _update(name, _has_stream, StreamSpecification=declared["StreamSpecification"])
        yield "stream"


def _ensure_index(declared: dict[str, Any], index: dict[str, Any]) -> None:
    """Ask for an index until it is there, also while somebody else changes the table."""
    name, keys = declared["TableName"], {key["AttributeName"] for key in index["KeySchema"]}
    wanted = [part for part in declared["AttributeDefinitions"] if part["AttributeName"] in keys]
    for _ in _polls(f"Index {index['IndexName']} of table {name} was", _INDEX_SECONDS):
        table = when_active(name)
        if _is_filled(table, index["IndexName"]) and table["TableStatus"] == "ACTIVE":
            return
        if not _has_index(table, index["IndexName"]):
            has = table["AttributeDefinitions"]
            _update(
                name,
                partial(_has_index, index=index["IndexName"]),
                AttributeDefinitions=has + [part for part in wanted if part not in has],
                GlobalSecondaryIndexUpdates=[{"Create": index}],
            )


def _update(name: str, is_done: Callable[[dict[str, Any]], bool], **changes: Any) -> None:
    """Change a table, unless somebody else is changing it just now or has done so."""
    try:
        call("UpdateTable", TableName=name, **changes)
    except StoreBusyError:
        pass
    except StoreError as error:
        in_use = isinstance(error, StoreRefusedError) and error.code == "ResourceInUseException"
        if not (in_use or is_done(when_active(name))):
            raise


def _has_stream(table: dict[str, Any]) -> bool:
    return bool(table.get("StreamSpecification", {}).get("StreamEnabled"))


def _has_index(table: dict[str, Any], index: str) -> bool:
    return index in _indexes(table)


def _is_filled(table: dict[str, Any], index: str) -> bool:
    found = _indexes(table).get(index)
    return found is not None and found.get("IndexStatus", "ACTIVE") == "ACTIVE"


def _indexes(table: dict[str, Any]) -> dict[str, Any]:
    return {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}


def missing_tables() -> list[str]:
    """Names of the tables that are not there or not ready yet."""
    ready = {name for name in (m.table_name() for m in all_records()) if _is_active(name)}
    return [m.table_name() for m in all_records() if m.table_name() not in ready]


def _described(name: str) -> dict[str, Any] | None:
    try:
        table: dict[str, Any] = call("DescribeTable", TableName=name)["Table"]
    except TableMissingError:
        return None
    return table


def _is_active(name: str) -> bool:
    table = _described(name)
    return table is not None and table["TableStatus"] in _USABLE


def when_active(name: str, seconds: float | None = None) -> dict[str, Any]:
    """A table's description, once it takes reads and writes."""
    for _ in _polls(f"Table {name} was", seconds):
        table = _described(name)
        if table is not None and table["TableStatus"] in _USABLE:
            return table
    raise AssertionError("_polls ends by raising")


def _polls(what: str, seconds: float | None = None) -> Iterator[None]:
    """Go round twice a second; raises ``StoreUnavailableError`` when it has taken too long."""
    seconds = _READY_SECONDS if seconds is None else seconds
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(_POLL_SECONDS)
    raise StoreUnavailableError(f"{what} not ready after {seconds:.0f} seconds.")


def _differences(model: type[Record], found: dict[str, Any]) -> Iterator[str]:
    name, declared = model.table_name(), declaration(model)
    if _keys(found) != _keys(declared):
        yield f"{name}: its keys are {_keys(found)}, declared are {_keys(declared)}"
    has, wants = _indexes(found), _indexes(declared)
    for index in sorted(has.keys() - wants.keys()):
        yield f"{name}: index {index} is not declared"
    for index in sorted(has.keys() & wants.keys()):
        if _shape(found, has[index]) != _shape(declared, wants[index]):
            yield f"{name}: index {index} has other keys or carries other attributes"
    expires_at = _ttl_attribute(name)
    if expires_at != model.expires_at_attribute:
        words = "records expire by {}, declared is {}"
        yield f"{name}: " + words.format(expires_at or "none", model.expires_at_attribute or "none")
    if model.stream and found.get("StreamSpecification") != declared["StreamSpecification"]:
        yield f"{name}: it has no stream as declared"
    if found.get("BillingModeSummary", {}).get("BillingMode") != declared["BillingMode"]:
        yield f"{name}: it is not billed on demand"
    if not settings().is_on_this_machine:
        yield from _missing_safeguards(name, found)


def _missing_safeguards(name: str, found: dict[str, Any]) -> Iterator[str]:
    if found.get("SSEDescription", {}).get("Status") not in {"ENABLED", "ENABLING", "UPDATING"}:
        yield f"{name}: it is not encrypted as declared"
    if not found.get("DeletionProtectionEnabled"):
        yield f"{name}: deletion protection is off"
    backups = call("DescribeContinuousBackups", TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield f"{name}: point-in-time recovery is off"


def _ttl_attribute(name: str) -> str:
    answer = call("DescribeTimeToLive", TableName=name)["TimeToLiveDescription"]
    is_on = answer.get("TimeToLiveStatus") in {"ENABLING", "ENABLED"}
    return str(answer["AttributeName"]) if is_on else ""


def _keys(table: dict[str, Any], index: dict[str, Any] | None = None) -> dict[str, str]:
    types = {part["AttributeName"]: part["AttributeType"] for part in table["AttributeDefinitions"]}
    return {
        key["AttributeName"]: f"{key['KeyType']} {types[key['AttributeName']]}"
        for key in (index or table)["KeySchema"]
    }


def _shape(table: dict[str, Any], index: dict[str, Any]) -> tuple[Any, ...]:
    projection = index["Projection"]
    carried = sorted(projection.get("NonKeyAttributes", ()))
    return _keys(table, index), projection["ProjectionType"], carried
