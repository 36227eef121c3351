"""Account numbers with check digits, and the ids made from them.

A number is 12 digits: ten of its own and two check digits (ISO/IEC 7064, MOD 97-10). An account's
id is made from its number alone, so two accounts can never share one, and either leads to the
account in one direct read.
"""

import hashlib
import re
import uuid

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
