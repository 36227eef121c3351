"""Where bulk files wait, in reach of pages and workers alike, and which batch each one is."""

import base64
import hashlib
import zlib
from contextlib import suppress
from datetime import datetime, timedelta
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


def read_file(file_hash: str, at: datetime) -> tuple[str, bytes]:
    """A file's name and what is in it; raises ``FileNotFound``."""
    found: list[BatchItem] = []
    parts = 1
    while len(found) < parts:
        item = store.get(BatchItem(id=f"file:{file_hash}", part=len(found)))
        if item is None or (item.expires_at and item.expires_at <= at.timestamp()):
            raise FileNotFound
        found.append(item)
        parts = item.parts or 1
    text = "".join(item.body or "" for item in found)
    return found[0].name or "", zlib.decompress(base64.b85decode(text))


def batch_of(file_hash: str, run: str = "") -> str:
    """The batch that a file became; empty where it has not been applied."""
    found = store.get(_key(file_hash, run))
    return found.batch_id or "" if found else ""


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


def _key(file_hash: str, run: str) -> BatchItem:
    return BatchItem(id=f"run:{run}" if run else f"applied:{file_hash}", part=0)
