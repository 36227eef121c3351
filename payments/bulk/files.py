"""Where bulk files wait, in reach of pages and workers alike, and which batch each one is."""

import base64
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import ClassVar

from dynamodb import store
from dynamodb.attributes import TextAttribute, TimeAttribute, WholeNumberAttribute
from dynamodb.errors import ConditionFailedError
from dynamodb.models import Record
from payments.identifiers import new_payment_id
from payments.refusals import KeyReused, Refusal

WAITS = timedelta(days=1)
"""How long an uploaded file waits to be confirmed; one that was is kept for ever."""

_PART = 350_000
"""Characters of a part: an item of DynamoDB takes 400 KB."""


class FileNotFound(Refusal):
    code = "file_not_found"
    sentence = "This file is no longer kept here: upload it again."


class BatchItem(Record):
    """A part of a file, under the file's SHA-256; or the one batch that a file is under a name."""

    class Meta:
        table_name = "batches"

    expires_at_attribute: ClassVar[str] = "expires_at"

    id = TextAttribute(hash_key=True)
    part = WholeNumberAttribute(range_key=True)
    body = TextAttribute(null=True)
    parts = WholeNumberAttribute(null=True)
    name = TextAttribute(null=True)
    expires_at = WholeNumberAttribute(null=True)
    file_hash = TextAttribute(null=True)
    batch_id = TextAttribute(null=True)
    created_at = TimeAttribute(null=True)


@dataclass(frozen=True, kw_only=True)
class KeptFile:
    """A file, and the id of the batch that it became; empty where it has not been applied."""

    name: str
    data: bytes
    batch_id: str


def hash_of(data: bytes) -> str:
    """What a file is known by: its SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def keep_file(data: bytes, name: str, *, until: datetime | None = None) -> str:
    """Keep a file, for ever or ``until`` a time; returns its hash. Again is no harm."""
    file_hash = hash_of(data)
    text = base64.b85encode(zlib.compress(data)).decode()
    parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
    for number, body in enumerate(parts):
        item = BatchItem(
            id=f"file:{file_hash}",
            part=number,
            body=body,
            parts=len(parts),
            name=name[-100:],
            expires_at=int(until.timestamp()) if until else None,
        )
        is_brief = BatchItem.body.does_not_exist() | BatchItem.expires_at.exists()
        with suppress(ConditionFailedError):  # it is kept for ever already
            store.put(item, is_brief)
    return file_hash


def read_file(file_hash: str, at: datetime) -> KeptFile:
    """A file that is kept; raises ``FileNotFound``."""
    return next(read_files([file_hash], at))


def read_files(hashes: Sequence[str], at: datetime) -> Iterator[KeptFile]:
    """As ``read_file`` of several, in one request, and one for each that has many parts."""
    firsts = [BatchItem(id=f"file:{each}", part=0) for each in hashes]
    found = store.get_many([*firsts, *map(_key, hashes)])
    for first, applied in zip(found, found[len(hashes) :], strict=False):
        more = range(1, first.parts or 1) if first else ()
        parts = [first, *store.get_all([BatchItem(id=first.id, part=each) for each in more])]
        if not all(each and (each.expires_at or inf) > at.timestamp() for each in parts):
            raise FileNotFound
        text = "".join(each.body or "" for each in parts)
        yield KeptFile(
            name=first.name or "",
            data=zlib.decompress(base64.b85decode(text)),
            batch_id=(applied and applied.batch_id) or "",
        )


def begin_batch(file_hash: str, run: str, at: datetime) -> str:
    """The id of the one batch of a file, whoever asks first; ``run`` names it where given.

    The same file again is another batch only under a name of its own. Raises ``KeyReused`` for a
    name that another file was applied under.
    """
    key = _key(file_hash, run)
    new = {"batch_id": new_payment_id(at), "file_hash": file_hash, "created_at": at}
    with suppress(ConditionFailedError):  # by whom is for the record itself to say
        store.put_new(key.with_changes(new))
    found = store.get(key)
    if found is None or found.file_hash != file_hash:
        raise KeyReused(found.batch_id or "" if found else "")
    return found.batch_id or ""


def _key(file_hash: str, run: str = "") -> BatchItem:
    return BatchItem(id=f"run:{run}" if run else f"applied:{file_hash}", part=0)
