"""Signed page cursors: opaque to people, bound to one list of one person.

The signature covers the list's table, index, key, range, order and filter and the person's name.
A cursor carries only where to go on, so one that is used anywhere else fails its signature.
"""

import hmac
import json
from typing import Any

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import want_bytes

from dynamodb.client import settings
from dynamodb.errors import CursorError

MAX_AGE_SECONDS = 24 * 60 * 60
"""A list is picked up again within a day, or begun anew."""


class _Signer(TimestampSigner):
    """Compares signatures as written: decoded first, some changed ones would read the same."""

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        return hmac.compare_digest(self.get_signature(value), want_bytes(sig))


def _serializer(bound_to: tuple[str, ...]) -> URLSafeTimedSerializer:
    salt = json.dumps(["cursor", *bound_to])
    return URLSafeTimedSerializer(settings().cursor_signing_key, salt=salt, signer=_Signer)


def write(position: Any, *, bound_to: tuple[str, ...]) -> str:
    """Sign a position, any JSON value, for the list described by ``bound_to``."""
    return _serializer(bound_to).dumps(position)


def read(cursor: str, *, bound_to: tuple[str, ...]) -> Any:
    """Give back a position; raises ``CursorError`` for one that was not written for this list."""
    try:
        return _serializer(bound_to).loads(cursor, max_age=MAX_AGE_SECONDS)
    except SignatureExpired:
        raise CursorError(
            "This page link is more than a day old. Please start from the first page."
        ) from None
    except (BadData, ValueError):
        raise CursorError(
            "This page link does not belong to this list, or was changed. "
            "Please start from the first page."
        ) from None
