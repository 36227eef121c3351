"""Ids and numbers: what is made from what, so that either leads to its record in one direct read.

A payment's id is a UUIDv7 (RFC 9562), which carries the time it was made. An account's number is 12
digits: ten of its own and two check digits (ISO/IEC 7064, MOD 97-10); its id is made from its
number alone, so two accounts can never share one.
"""

import hashlib
import re
import uuid
from datetime import UTC, datetime
from functools import lru_cache

import uuid_utils

from dynamodb.times import to_rfc3339


def new_payment_id(at: datetime) -> str:
    """Make an id that carries ``at`` in milliseconds and sorts by it."""
    nanoseconds = int(at.timestamp() * 1000) * 1_000_000
    return str(uuid_utils.uuid7(nanoseconds=nanoseconds))


MOST_ROWS = 10_000
"""A batch has no more."""


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
        named = uuid.UUID(text)
        return named.version == 7 and str(named) == text  # noqa: PLR2004 - the version
    except ValueError:
        return False


@lru_cache(maxsize=256)
def payment_timestamp(payment_id: str) -> str:
    """The time inside an id as RFC 3339: the sort key of the payment that has it.

    Raises ``ValueError`` for what is no UUID, and past the year 9999, which 48 bits can name.
    """
    milliseconds = uuid.UUID(payment_id).int >> 80
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return to_rfc3339(at.replace(microsecond=milliseconds % 1000 * 1000))


_BODY_DIGITS = 10
_FIRST_CUSTOMER_BODY = 10**9
"""Bodies below are for system accounts; customers' numbers begin with 1 to 9."""

_CUSTOMER_BODIES = 10**_BODY_DIGITS - _FIRST_CUSTOMER_BODY
_NUMBER = re.compile(r"[0-9]{12}", re.ASCII)
_ID = re.compile(r"acc_[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def with_check_digits(body: int) -> str:
    """Ten digits and their check digits: the whole is 1 modulo 97."""
    return f"{body:0{_BODY_DIGITS}d}{98 - body * 100 % 97:02d}"


def is_account_number(text: str) -> bool:
    """Twelve digits whose check digits are right."""
    return _NUMBER.fullmatch(text) is not None and int(text) % 97 == 1


def is_account_id(text: str) -> bool:
    """The shape of an id; whether the account exists is for the store to say."""
    return _ID.fullmatch(text) is not None


@lru_cache(maxsize=1_000)
def account_id(account_number: str) -> str:
    """``acc_`` and the UUIDv5 (RFC 9562) of the number in the OID namespace."""
    return f"acc_{uuid.uuid5(uuid.NAMESPACE_OID, account_number)}"


def id_of(account: str) -> str:
    """The id of an account that is named by its id or number."""
    return account_id(account) if is_account_number(account) else account


def draw(seed: str, attempt: int = 0) -> str:
    """Draw a customer's account number from a request's unique ``seed``.

    The same request draws the same number, which makes opening safe to send twice; a number that
    is taken is drawn again with the next ``attempt``.
    """
    digest = hashlib.sha256(f"{seed}#{attempt}".encode()).digest()
    return with_check_digits(_FIRST_CUSTOMER_BODY + int.from_bytes(digest) % _CUSTOMER_BODIES)


def clearing_number(numeric_currency: int) -> str:
    """The number of a currency's clearing account, from ISO 4217's three-digit code."""
    return with_check_digits(numeric_currency)
