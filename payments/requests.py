"""What somebody asks for, checked for shape before any rule looks at it."""

import hashlib
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from audit.chain import canonical_json
from dynamodb.times import utc_day
from payments.identifiers import id_of, is_payment_id
from payments.models import AccountType
from payments.money import MAX_AMOUNT_MINOR, exponent
from payments.refusals import InvalidAmount, InvalidField, MissingField, SameAccount

DESCRIPTION_LENGTH = 140
"""ISO 20022 Max140Text, which banks keep for remittance information."""

ID_LENGTH = 64
NAME_LENGTH = 2 * ID_LENGTH
"""A request's own name: whose it is, and what they call it."""

MAX_DAYS_AHEAD = 366
CLEARING_OWNER = "clearing"
"""The owner of the system accounts that customers' money comes from and goes to."""

CUSTOMER_ACCOUNT_TYPES = [AccountType.CHECKING, AccountType.SAVINGS, AccountType.MERCHANT]


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What somebody wants moved. Accounts by id or number, the amount in whole minor units.

    ``payment_id`` names the request: the same id twice is the same payment. A caller that has its
    own name for it gives that as ``idempotency_key``, already scoped to the caller. A row of a
    file names its batch, and in ``batch_trigger`` why all of the batch waits, if it does.
    """

    payment_id: str
    from_account_id: str
    to_account_id: str
    amount_minor: int
    currency: str
    description: str = ""
    customer_id: str = ""
    merchant_id: str = ""
    idempotency_key: str = ""
    reverses: str = ""
    scheduled_for: str = ""
    reference: str = ""
    batch_id: str = ""
    batch_trigger: str = ""

    @property
    def hash(self) -> str:
        """What tells this request from another under the same id: SHA-256 over what is asked."""
        asked = [
            self.from_account_id,
            self.to_account_id,
            self.amount_minor,
            self.currency,
            self.description,
            self.customer_id,
            self.merchant_id,
            *filter(None, (self.reverses, self.scheduled_for)),
            *(f"reference {self.reference}" for _ in range(bool(self.reference))),
        ]
        return _hash(asked)


@dataclass(frozen=True, kw_only=True)
class OpeningRequest:
    """An account to be opened. ``request_id`` names the request as ``payment_id`` does above."""

    request_id: str
    customer_id: str
    account_type: str
    currency: str
    opening_balance_minor: int = 0

    @property
    def hash(self) -> str:
        return _hash(
            [self.customer_id, self.account_type, self.currency, self.opening_balance_minor]
        )


def checked_transfer(request: TransferRequest, at: datetime) -> TransferRequest:
    """Check a request's shape and name its accounts by id; raises ``InvalidRequest``."""
    for name in ("from_account_id", "to_account_id", "currency"):
        check_text(name, getattr(request, name), ID_LENGTH, required=True)
    for name in ("customer_id", "merchant_id", "reference"):
        check_text(name, getattr(request, name), ID_LENGTH)
    check_text("description", request.description, DESCRIPTION_LENGTH)
    check_text("idempotency_key", request.idempotency_key, NAME_LENGTH)
    if not is_payment_id(request.payment_id):
        raise InvalidField("payment_id", "The payment id is not a UUIDv7.")
    exponent(request.currency)
    _check_amount(request.amount_minor)
    if request.amount_minor == 0:
        raise InvalidAmount
    if request.reverses and not is_payment_id(request.reverses):
        raise InvalidField("reverses", "What is to be reversed is not the id of a payment.")
    if request.scheduled_for:
        _check_date("scheduled_for", request.scheduled_for, at)
    named = replace(
        request,
        from_account_id=id_of(request.from_account_id),
        to_account_id=id_of(request.to_account_id),
    )
    if named.from_account_id == named.to_account_id:
        raise SameAccount
    return named


def check_is_ahead(request: TransferRequest, at: datetime) -> None:
    """Refuse a day that has begun. Not a question of shape: sent again, the request may be late."""
    if request.scheduled_for <= utc_day(at):
        raise InvalidField("scheduled_for", "Choose a day from tomorrow on.")


def checked_opening(request: OpeningRequest) -> OpeningRequest:
    """Check an opening's shape; raises ``InvalidRequest``."""
    check_text("request_id", request.request_id, NAME_LENGTH, required=True)
    check_text("currency", request.currency, ID_LENGTH, required=True)
    checked_customer(request.customer_id)
    if request.account_type not in CUSTOMER_ACCOUNT_TYPES:
        choices = ", ".join(CUSTOMER_ACCOUNT_TYPES)
        raise InvalidField("account_type", f"The account type must be one of {choices}.")
    exponent(request.currency)
    _check_amount(request.opening_balance_minor)
    return request


def checked_customer(customer_id: str) -> str:
    """The owner of an account as other systems know it; raises ``InvalidRequest``."""
    check_text("customer_id", customer_id, ID_LENGTH, required=True)
    if customer_id == CLEARING_OWNER:
        raise InvalidField("customer_id", f"{CLEARING_OWNER!r} is the name of the house itself.")
    return customer_id


def checked_reason(reason: str, longest: int = DESCRIPTION_LENGTH) -> str:
    """A person's own words for what they do; raises ``InvalidRequest`` without any."""
    check_text("reason", reason, longest, required=True)
    return reason


def _check_date(name: str, text: str, at: datetime) -> None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise InvalidField(name, "Enter a date such as 2026-01-31.")
    if (day - at.astimezone(UTC).date()).days > MAX_DAYS_AHEAD:
        raise InvalidField(name, f"Choose a day at most {MAX_DAYS_AHEAD} days ahead.")


def _check_amount(amount_minor: int) -> None:
    if type(amount_minor) is not int or amount_minor < 0:
        raise InvalidAmount
    if amount_minor > MAX_AMOUNT_MINOR:
        raise InvalidAmount("The amount is larger than any single transfer may be.")


def check_text(name: str, value: str, longest: int, *, required: bool = False) -> None:
    """Refuse a text that cannot be kept or looked for; raises ``InvalidRequest`` naming it."""
    if required and not value:
        raise MissingField(name)
    if len(value) > longest:
        raise InvalidField(name, f"At most {longest} characters, not {len(value)}.")
    if not value.isprintable() and any(
        unicodedata.category(each) in ("Cc", "Cs") for each in value
    ):
        raise InvalidField(name, "Control characters cannot be kept here.")
    if value != value.strip():
        raise InvalidField(name, "Leave out the spaces at the beginning and end.")


def _hash(asked: list[Any]) -> str:
    return hashlib.sha256(canonical_json({"asked": asked})).hexdigest()
