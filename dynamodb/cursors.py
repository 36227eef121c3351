"""Signed page cursors: opaque to people, bound to one list of one person.

The signature covers the list's table, index, keys, order and filter and the person's name, none
of which travels in the cursor: a cursor used anywhere else fails its signature.
"""

import json
from typing import Any

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from dynamodb.client import settings
from dynamodb.errors import CursorError

MAX_AGE_SECONDS = 24 * 60 * 60
"""A list is picked up again within a day, or begun anew."""


def _serializer(bound_to: tuple[str, ...]) -> URLSafeTimedSerializer:
    salt = json.dumps(["cursor", *bound_to])
    return URLSafeTimedSerializer(settings().cursor_signing_key, salt=salt)


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
