"""The archive bucket: objects written once, locked for the time of retention, held on order.

Every object is written under S3 Object Lock in compliance mode, and only where there is none of
its name. Whoever writes past us makes a new version of it: what was first written stays, and is
what is read here.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from gzip import BadGzipFile
from typing import Any, BinaryIO
from zlib import error as BadDeflate  # noqa: N812 - an exception

from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError
from botocore.session import get_session

from audit.settings import settings
from dynamodb.errors import StoreError

_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})

_DAMAGE = (FlexibleChecksumError, BadGzipFile, BadDeflate, EOFError, ValueError, TypeError)
"""What reading comes to where the bytes are not those that were written."""

CHUNK_BYTES = 1024 * 1024


class ArchiveError(StoreError):
    """The archive did not answer as it should. Its text is fit for staff."""


class NotInArchiveError(ArchiveError):
    """There is no such object."""


class DamagedError(ArchiveError):
    """An object is not what was written here, or somebody else wrote it."""


def put_once(key: str, body: BinaryIO, *, retain_until: datetime) -> bool:
    """Write and lock an object; ``False`` where there is one of this name already."""
    body.seek(0)
    digest = hashlib.file_digest(body, "sha256").digest()  # type: ignore[arg-type]  # files have what it needs
    body.seek(0)
    try:
        _call(
            "put_object",
            Key=key,
            Body=body,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(digest).decode(),
            IfNoneMatch="*",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=retain_until,
        )
    except ClientError as error:
        if _code(error) in _TAKEN:
            return False
        raise ArchiveError(f"The archive refused {key}: {_code(error)}.") from error
    return True


@contextmanager
def opened(key: str) -> Iterator[BinaryIO]:
    """Read an object as it was first written; raises ``NotInArchiveError``.

    What its reader finds wrong with it is a ``DamagedError``.
    """
    body = _answer("get_object", Key=key, VersionId=_first_version(key))["Body"]
    try:
        yield body
    except _DAMAGE as error:
        raise DamagedError(f"{key} in the archive is damaged.") from error
    except BotoCoreError as error:
        raise ArchiveError(f"The archive broke off {key}: {error}") from error
    finally:
        body.close()


def read_json(key: str) -> dict[str, Any]:
    """A small object of JSON; raises ``NotInArchiveError`` and ``DamagedError``."""
    with opened(key) as body:
        return dict(json.load(body))


def digest(key: str) -> str:
    """The SHA-256 of an object as it was first written, in hex; raises as ``opened``."""
    with opened(key) as body:
        sha256 = hashlib.sha256()
        while chunk := body.read(CHUNK_BYTES):
            sha256.update(chunk)
    return sha256.hexdigest()


def versions(key: str) -> list[str]:
    """The versions of an object, the first first, marks of deletion included; none if absent."""
    # Versions come newest first, and the sort is stable: turned around, equal times stay in order.
    found = list(_listed(key))
    found.reverse()
    found.sort(key=lambda each: each["LastModified"])
    return [each["VersionId"] for each in found if each["Key"] == key]


def keys(prefix: str) -> list[str]:
    """The names of objects that begin so, in their order, those marked as deleted included."""
    return sorted({str(each["Key"]) for each in _listed(prefix)})


def _listed(prefix: str) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while True:
        answer = _answer("list_object_versions", Prefix=prefix, **more)
        yield from answer.get("DeleteMarkers", ())
        yield from answer.get("Versions", ())
        if not answer.get("IsTruncated"):
            return
        places = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
        more = {name: answer[place] for name, place in places.items() if place in answer}


def _first_version(key: str) -> str:
    for version in versions(key):
        return version
    raise NotInArchiveError(f"The archive has no {key}.")


def hold(key: str, *, is_held: bool) -> None:
    """Put S3's legal hold on the first version of an object, or take it away."""
    status = {"Status": "ON" if is_held else "OFF"}
    version = _first_version(key)
    _answer("put_object_legal_hold", Key=key, VersionId=version, LegalHold=status)


def is_held(key: str) -> bool:
    """Whether the first version of an object is under legal hold."""
    head = _answer("head_object", Key=key, VersionId=_first_version(key))
    return bool(head.get("ObjectLockLegalHoldStatus") == "ON")


def _answer(operation: str, **arguments: Any) -> dict[str, Any]:
    try:
        return _call(operation, **arguments)
    except ClientError as error:
        raise ArchiveError(f"The archive refused {operation}: {_code(error)}.") from error


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    client = _client(settings().region)
    try:
        answer: dict[str, Any] = getattr(client, operation)(Bucket=settings().bucket, **arguments)
    except BotoCoreError as error:
        raise ArchiveError(f"The archive did not answer: {error}") from error
    return answer


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))


@lru_cache(maxsize=1)
def _client(region: str) -> Any:
    """The one client; ``AWS_ENDPOINT_URL_S3`` leads it elsewhere."""
    return get_session().create_client(
        "s3",
        region_name=region,
        config=Config(
            connect_timeout=3,
            read_timeout=60,
            retries={"total_max_attempts": 5, "mode": "standard"},
        ),
    )
