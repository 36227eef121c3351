"""Tables of a size, loaded once and kept: DynamoDB Local's own file, in ``build/benchmarks/kept``.

DynamoDB Local writes each record by itself to the disk, which takes it hours. So it loads in
memory's file system, where there is one, with its indexes and the stream left out, as they are made
in one go at the end; then its file is moved to where it is kept. Its rows cannot be written past
it: they hold hashes of their keys that it sorts by, no plain digests, and its licence forbids to
look inside for how they are made.
"""

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from audit.models import AuditLog
from benchmarks.frame import RESULTS, engine, filled
from benchmarks.loader import fill, records
from dynamodb import client
from dynamodb.store import get_many
from payments.models import Account, Payment

KEPT = RESULTS / "kept"
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_FILE = "shared-local-instance.db"
_SAMPLE = 24


def kept(size: int) -> Path:
    """The folder of an engine with so many accounts and payments, loaded if it is not there."""
    folder = KEPT / str(size)
    if folder.exists() and not _is_as_built(folder, size):
        shutil.rmtree(folder)
    if not folder.exists():
        _load(folder, size)
    return folder


@contextmanager
def copied(size: int) -> Iterator[Path]:
    """The same to write to, in memory's file system where there is one; it goes afterwards."""
    with tempfile.TemporaryDirectory(dir=_quick()) as folder:
        yield Path(shutil.copytree(kept(size), folder, dirs_exist_ok=True))


def share(size: int) -> dict[str, Any]:
    """Of so many accounts and payments, 2.4 times as many entries.

    Most payments are refused: those have one entry and paid ones three.
    """
    paid = size // 5 // 2 * 2
    return {"accounts": size, "paid": paid, "refused": size - paid}


def _is_as_built(folder: Path, size: int) -> bool:
    """Tell of the first records whether they are what the loader would write now."""
    with engine(folder) as turn_to:
        turn_to("")
        wanted = list(islice(records(**share(size)), _SAMPLE))
        found = get_many(wanted)
    return [each and each.serialize() for each in found] == [each.serialize() for each in wanted]


def _load(folder: Path, size: int) -> None:
    with tempfile.TemporaryDirectory(dir=_quick()) as made:
        with engine(Path(made)) as turn_to:
            turn_to("")
        with _without_indexes(Path(made) / _FILE), engine(Path(made)) as turn_to:
            turn_to("")
            stream = {"StreamSpecification": {"StreamEnabled": False}}
            client.call("UpdateTable", TableName=Payment.table_name(), **stream)
            wanted = share(size)
            total = 2 * (wanted["accounts"] + wanted["refused"]) + 4 * wanted["paid"]
            filled(f"{size:,} rows", partial(fill, **wanted), total)
        unfinished = folder.with_suffix(".unfinished")
        with suppress(FileNotFoundError):
            shutil.rmtree(unfinished)
        shutil.copytree(made, unfinished)
        unfinished.rename(folder)


def _quick() -> Path | None:
    return MEMORY if MEMORY.is_dir() else None


@contextmanager
def _without_indexes(file: Path) -> Iterator[None]:
    """Take the indexes of tables away and make them again, each with one reading of its table.

    One more keeps a scan from sorting a whole partition for each of its pages.
    """
    named = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    with closing(sqlite3.connect(file)) as database:
        indexes = database.execute(named).fetchall()
        for name, _ in indexes:
            database.execute(f'DROP INDEX "{name}"')
    yield
    with closing(sqlite3.connect(file)) as database:
        for _, sql in indexes:
            database.execute(sql)
        for table in (model.table_name() for model in (Account, AuditLog, Payment)):
            database.execute(f'CREATE INDEX "{table}*ordered" ON "{table}" (hashValue, rangeValue)')


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        kept(int(wanted))
