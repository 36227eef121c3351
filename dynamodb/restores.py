"""All tables as they stood at one moment, copied beside those in use: point-in-time recovery."""

from datetime import datetime

from dynamodb.client import call, settings
from dynamodb.errors import StoreError, StoreRefusedError
from dynamodb.tables import all_records, when_active

COPY_SECONDS = 24 * 3600.0
"""AWS copies a large table for hours, all tables at once."""


def restore_tables(prefix: str, *, to: datetime) -> list[str]:
    """Copy each table to one whose name begins with ``prefix``, and wait for all; gives the names.

    What a copy lacks (expiry, recovery, stream, deletion protection) ``ensure_table`` names. Raises
    ``StoreError`` where AWS refuses: a copy is there already, a moment it does not remember.
    """
    if prefix == settings().table_prefix:
        raise StoreError("Copies need a prefix of their own.")
    names = [prefix + str(model.Meta.table_name) for model in all_records()]
    try:
        for model, name in zip(all_records(), names, strict=True):
            call(
                "RestoreTableToPointInTime",
                SourceTableName=model.table_name(),
                TargetTableName=name,
                RestoreDateTime=to,
            )
    except StoreRefusedError as error:
        why = error.answer["Error"].get("Message", "the engine cannot do this")
        sentence = f"{error.code}: {why}"
        raise StoreError(f"{sentence} Nothing that is in use was touched.") from error
    for name in names:
        when_active(name, COPY_SECONDS)
    return names
