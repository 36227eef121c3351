"""Rows of a bulk file: CSV or pain.001 in, texts out. Nothing is decided here.

Files come from people: what is too large, of another encoding or no file of transfers at all is
refused before it can fill the memory. One line is one row, and no line is longer than its values
may be, so neither a million columns nor an open quote is ever read whole.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from payments.identifiers import MOST_ROWS
from payments.refusals import Refusal

COLUMNS = (
    "from_account_id", "to_account_id", "amount", "currency", "description", "merchant_id",
    "reference",
)  # fmt: skip
REQUIRED = COLUMNS[:4]
MOST_BYTES = 20 * 2**20
LONGEST = 8 * 1024
"""Bytes of a line, and of anything between two tags: more than all columns may hold together."""

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class BadFile(Refusal):
    """A file that cannot be taken at all, whatever stands in its rows."""

    code = "invalid_file"
    field = "file"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One transfer as it was written, by column. ``fault`` says why it could not be taken apart."""

    number: int
    values: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


def read_rows(data: bytes, *, today: date | None = None) -> list[Row]:
    """The rows of a file, numbered from 1; raises ``BadFile``.

    A pain.001 may ask for a later day, and is refused while that is after ``today``.
    """
    if len(data) > MOST_BYTES:
        raise BadFile(f"The file is larger than {MOST_BYTES // 2**20} MB.")
    if data.startswith(_UTF_16) or b"\0" in data[:LONGEST]:
        raise BadFile("The file is not UTF-8 text but looks like UTF-16: save it as UTF-8.")
    body = data.removeprefix(_BOM)
    if body[:LONGEST].lstrip().startswith(b"<"):
        from payments.bulk.pain001 import read_pain

        found = read_pain(body, today)
    else:
        found = _read_csv(body)
    rows = list(islice(found, MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        raise BadFile(f"The file has more than {MOST_ROWS:,} rows: send it in parts.")
    if not rows:
        raise BadFile("The file has no rows.")
    return rows


def _read_csv(body: bytes) -> Iterator[Row]:
    lines = _lines(body)
    first = next(lines, "")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    names = _header(_cells(first, delimiter))
    number = 0
    for line in lines:
        cells = _cells(line, delimiter)
        if cells is not None and not any(cells):
            continue
        number += 1
        yield _row(number, names, cells)


def _lines(body: bytes) -> Iterator[str]:
    """Lines that are not empty, decoded one by one."""
    file = io.BytesIO(body)
    number = 0
    while raw := file.readline(LONGEST + 1):
        number += 1
        if len(raw) > LONGEST:
            raise BadFile(f"Line {number} is longer than {LONGEST:,} bytes: no row can be.")
        try:
            line = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            byte = raw[error.start]
            raise BadFile(
                f"Line {number} is not UTF-8 text (byte 0x{byte:02X} at place {error.start + 1}): "
                "save the file as UTF-8."
            ) from None
        if line:
            yield line


def _cells(line: str, delimiter: str) -> list[str] | None:
    """The values of a line; ``None`` where its quotes do not match."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        return None


def _header(names: list[str] | None) -> list[str]:
    known = [name.strip() for name in names or ()]
    for name in REQUIRED:
        if name not in known:
            raise BadFile(f"The first line must name the columns, and {name} is not among them.")
    for name in known:
        if name not in COLUMNS:
            raise BadFile(f"There is no column {name[:40]!r}; columns are {', '.join(COLUMNS)}.")
    if len(set(known)) < len(known):
        raise BadFile("The first line names a column twice.")
    return known


def _row(number: int, names: Sequence[str], cells: list[str] | None) -> Row:
    if cells is None:
        fault = "The quotes do not match: a value ends on the line that it begins on."
        return Row(number=number, fault=fault)
    values = dict(zip(names, cells, strict=False))
    if len(cells) == len(names):
        return Row(number=number, values=values)
    fault = f"The row has {len(cells)} values, the first line names {len(names)} columns."
    return Row(number=number, values=values, fault=fault)
