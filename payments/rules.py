"""What is allowed. Pure: values in, a decision or a refusal out; no clock and no store."""

import hashlib
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from audit.chain import canonical_json
from payments.account_numbers import account_id, is_account_number
from payments.identifiers import is_payment_id
from payments.models import Account, AccountType
from payments.money import MAX_AMOUNT_MINOR, MAX_BALANCE_MINOR, exponent, format_amount
from payments.refusals import (
    CurrencyMismatch,
    CustomerMismatch,
    DestinationNotActive,
    DestinationNotFound,
    InsufficientFunds,
    InvalidAmount,
    InvalidField,
    LimitExceeded,
    MissingField,
    SameAccount,
    SourceLocked,
    SourceNotActive,
    SourceNotFound,
)

DESCRIPTION_LENGTH = 140
"""ISO 20022 Max140Text, which banks keep for remittance information."""

ID_LENGTH = 64
NAME_LENGTH = 2 * ID_LENGTH
"""A request's own name: whose it is, and what they call it."""

CLEARING_OWNER = "clearing"
"""The owner of the system accounts that customers' money comes from and goes to."""

CUSTOMER_ACCOUNT_TYPES = [AccountType.CHECKING, AccountType.SAVINGS, AccountType.MERCHANT]


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What somebody wants moved. Accounts by id or number, the amount in whole minor units.

    ``payment_id`` names the request: the same id twice is the same payment. A caller that has its
    own name for it gives that as ``idempotency_key``, already scoped to the caller.
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
            [
                self.customer_id,
                self.account_type,
                self.currency,
                self.opening_balance_minor,
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Posting:
    """What a transfer changes on both accounts: attribute names to new values."""

    source: dict[str, Any]
    target: dict[str, Any]


def checked_transfer(request: TransferRequest) -> TransferRequest:
    """Check a request's shape and name its accounts by id; raises ``InvalidRequest``."""
    for name in ("from_account_id", "to_account_id", "currency"):
        _check_text(name, getattr(request, name), ID_LENGTH, required=True)
    for name in ("customer_id", "merchant_id"):
        _check_text(name, getattr(request, name), ID_LENGTH)
    _check_text("description", request.description, DESCRIPTION_LENGTH)
    _check_text("idempotency_key", request.idempotency_key, NAME_LENGTH)
    if not is_payment_id(request.payment_id):
        raise InvalidField("payment_id", "The payment id is not a UUIDv7.")
    exponent(request.currency)
    _check_amount(request.amount_minor)
    if request.amount_minor == 0:
        raise InvalidAmount
    named = replace(
        request,
        from_account_id=_id_of(request.from_account_id),
        to_account_id=_id_of(request.to_account_id),
    )
    if named.from_account_id == named.to_account_id:
        raise SameAccount
    return named


def checked_opening(request: OpeningRequest) -> OpeningRequest:
    """Check an opening's shape; raises ``InvalidRequest``."""
    _check_text("request_id", request.request_id, NAME_LENGTH, required=True)
    for name in ("customer_id", "currency"):
        _check_text(name, getattr(request, name), ID_LENGTH, required=True)
    if request.customer_id == CLEARING_OWNER:
        raise InvalidField("customer_id", f"{CLEARING_OWNER!r} is the name of the house itself.")
    if request.account_type not in CUSTOMER_ACCOUNT_TYPES:
        choices = ", ".join(CUSTOMER_ACCOUNT_TYPES)
        raise InvalidField("account_type", f"The account type must be one of {choices}.")
    exponent(request.currency)
    _check_amount(request.opening_balance_minor)
    return request


def decide(
    request: TransferRequest, source: Account | None, target: Account | None, at: datetime
) -> Posting:
    """Decide a transfer between accounts as they stand; raises the ``Refusal`` that prevents it."""
    if source is None:
        raise SourceNotFound
    if target is None:
        raise DestinationNotFound
    if request.customer_id not in ("", source.customer_id):
        raise CustomerMismatch
    if not source.is_active():
        raise SourceNotActive(f"The source account is {source.status}.")
    if not target.is_active():
        raise DestinationNotActive(f"The destination account is {target.status}.")
    for side, account in (("source", source), ("destination", target)):
        if account.currency != request.currency:
            raise CurrencyMismatch(
                f"The {side} account is in {account.currency}, not {request.currency}."
            )
    if source.is_locked(at):
        raise SourceLocked(
            f"Debits of the source account are locked until {source.locked_until:%H:%M} UTC "
            "after repeated failures."
        )
    if not source.covers(request.amount_minor):
        raise InsufficientFunds(
            f"The source account has {format_amount(source.available, source.currency)} available."
        )
    return _post(source, target, request.amount_minor, at)


def _post(source: Account, target: Account, amount_minor: int, at: datetime) -> Posting:
    balances = (source.balance - amount_minor, target.balance + amount_minor)
    if any(abs(balance) > MAX_BALANCE_MINOR for balance in balances):
        raise LimitExceeded("The balance would be larger than can be kept exactly.")
    return Posting(
        source={"balance": balances[0], **_day_totals(source, at, debit=amount_minor)},
        target={"balance": balances[1], **_day_totals(target, at, credit=amount_minor)},
    )


def _day_totals(
    account: Account, at: datetime, *, debit: int = 0, credit: int = 0
) -> dict[str, Any]:
    """Running totals of the UTC day; system accounts keep none, for nothing limits them.

    A clock that steps back over midnight does not begin the day before anew.
    """
    if account.is_system:
        return {}
    today = max(at.astimezone(UTC).date().isoformat(), account.day or "")
    is_same_day = account.day == today
    return {
        "day": today,
        "day_debits": (account.day_debits or 0) * is_same_day + debit,
        "day_credits": (account.day_credits or 0) * is_same_day + credit,
        "day_count": (account.day_count or 0) * is_same_day + 1,
    }


def _check_amount(amount_minor: int) -> None:
    if type(amount_minor) is not int or amount_minor < 0:
        raise InvalidAmount
    if amount_minor > MAX_AMOUNT_MINOR:
        raise InvalidAmount("The amount is larger than any single transfer may be.")


def _check_text(name: str, value: str, longest: int, *, required: bool = False) -> None:
    if required and not value:
        raise MissingField(name)
    if len(value) > longest:
        raise InvalidField(name, f"At most {longest} characters, not {len(value)}.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise InvalidField(name, "Control characters cannot be kept here.")
    if value != value.strip():
        raise InvalidField(name, "Leave out the spaces at the beginning and end.")


def _id_of(account: str) -> str:
    return account_id(account) if is_account_number(account) else account


def _hash(asked: list[Any]) -> str:
    return hashlib.sha256(canonical_json({"asked": asked})).hexdigest()
