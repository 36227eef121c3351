"""Payment ids: UUIDv7 (RFC 9562), which carry the time they were made."""

import hashlib
import uuid
from datetime import UTC, datetime

import uuid_utils

from dynamodb.times import to_rfc3339


def new_payment_id(at: datetime) -> str:
    """Make an id that carries ``at`` in milliseconds and sorts by it."""
    nanoseconds = int(at.timestamp() * 1000) * 1_000_000
    return str(uuid_utils.uuid7(nanoseconds=nanoseconds))


def row_id(batch_id: str, number: int) -> str:
    """The payment of a row: a UUIDv7 of its batch's own time, the rest a hash of both."""
    digest = hashlib.sha256(f"{batch_id}:{number}".encode()).digest()
    bits = (uuid.UUID(batch_id).int >> 80) << 80 | int.from_bytes(digest[:10])
    bits = bits & ~(0xF << 76) | 7 << 76
    return str(uuid.UUID(int=bits & ~(0x3 << 62) | 0x2 << 62))


def is_payment_id(text: str) -> bool:
    """A UUIDv7 in its one written form, 36 characters, lower case, of a year up to 9999."""
    try:
        payment_timestamp(text)
        return uuid.UUID(text).version == 7 and str(uuid.UUID(text)) == text  # noqa: PLR2004 - the version
    except ValueError:
        return False


def payment_timestamp(payment_id: str) -> str:
    """The time inside an id as RFC 3339: the sort key of the payment that has it.

    Raises ``ValueError`` for what is no UUID, and past the year 9999, which 48 bits can name.
    """
    milliseconds = uuid.UUID(payment_id).int >> 80
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return to_rfc3339(at.replace(microsecond=milliseconds % 1000 * 1000))
