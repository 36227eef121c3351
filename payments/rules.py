"""What is allowed. Pure: values in, a decision or a refusal out; no clock and no store."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dynamodb.times import to_rfc3339
from payments import refusals
from payments.models import Account, AccountStatus, FrozenDirection, Payment
from payments.money import MAX_BALANCE_MINOR, format_amount
from payments.policy import policy
from payments.requests import TransferRequest
from payments.role_limits import Limits


@dataclass(frozen=True, kw_only=True)
class Posting:
    """What a transfer changes on both accounts: attribute names to new values."""

    source: dict[str, Any]
    target: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a transfer changes, and why it needs a second person; ``triggers`` may be empty."""

    posting: Posting
    triggers: list[str]


@dataclass(frozen=True, kw_only=True)
class Maker:
    """What a person has done today and what their roles allow them, in minor units.

    ``asked_minor`` is all that they have asked for, ``alone_minor`` what of it needed nobody else.
    """

    alone_minor: int
    asked_minor: int
    limits: Limits


def decide(
    request: TransferRequest,
    source: Account | None,
    target: Account | None,
    at: datetime,
    *,
    maker: Maker | None = None,
    reserved_minor: int = 0,
) -> Decision:
    """Decide a transfer between accounts as they stand; raises the ``Refusal`` that prevents it.

    ``maker`` is the person who asks, ``None`` for a program and where a request that has been
    counted is decided again. ``reserved_minor`` is what the source already holds for it.
    """
    source, target = check_parties(request, source, target)
    if not source.takes(FrozenDirection.DEBITS, at):
        raise refusals.SourceNotActive(f"The source account is {source.status}.")
    if not target.takes(FrozenDirection.CREDITS, at):
        raise refusals.DestinationNotActive(f"The destination account is {target.status}.")
    if source.is_locked(at):
        raise refusals.SourceLocked(
            f"Debits of the source account are locked until {source.locked_until:%H:%M} UTC "
            "after repeated failures."
        )
    _check_limits(request, source, at)
    if maker is not None:
        _check_role(request, maker)
    if not source.covers(request.amount_minor - reserved_minor):
        raise refusals.InsufficientFunds(
            f"The source account has {format_amount(source.available, source.currency)} available."
        )
    return Decision(
        posting=post(source, target, request.amount_minor, at),
        triggers=_triggers(request, source, target, at, maker),
    )


def check_parties(
    request: TransferRequest, source: Account | None, target: Account | None
) -> tuple[Account, Account]:
    """Check what no later day can change: both accounts are there, and are what was asked for."""
    if source is None:
        raise refusals.SourceNotFound
    if target is None:
        raise refusals.DestinationNotFound
    if request.customer_id not in ("", source.customer_id):
        raise refusals.CustomerMismatch
    for side, account in (("source", source), ("destination", target)):
        if account.currency != request.currency:
            raise refusals.CurrencyMismatch(
                f"The {side} account is in {account.currency}, not {request.currency}."
            )
    return source, target


def _check_limits(request: TransferRequest, source: Account, at: datetime) -> None:
    limits = Limits(transfer=source.transfer_limit, day=source.day_limit)
    today = source.day_total("day_debits", at)
    _check("The source account may pay", limits, request, today)


def _check_role(request: TransferRequest, maker: Maker) -> None:
    _check("The maker's role allows", maker.limits, request, maker.asked_minor)


def _check(who: str, limits: Limits, request: TransferRequest, today_minor: int) -> None:
    amount, currency = request.amount_minor, request.currency
    if limits.transfer is not None and amount > limits.transfer:
        raise refusals.LimitExceeded(
            f"{who} at most {format_amount(limits.transfer, currency)} at a time."
        )
    if limits.day is not None and today_minor + amount > limits.day:
        left = format_amount(max(0, limits.day - today_minor), currency)
        raise refusals.LimitExceeded(f"{who} {left} more today.")


def _triggers(
    request: TransferRequest,
    source: Account,
    target: Account,
    at: datetime,
    maker: Maker | None,
) -> list[str]:
    """Every running total of the day that this transfer would take above the threshold.

    The amount itself is part of each, so neither one large transfer nor many small ones pass. The
    house's own accounts keep no totals, but what they send counts where it arrives. A batch has
    counted itself.
    """
    totals = {
        "maker": None if maker is None else maker.alone_minor,
        "source": None if source.is_system else source.day_total("day_debits", at),
        "beneficiary": None if target.is_system else target.day_total("day_credits", at),
    }
    amount, currency = request.amount_minor, request.currency
    threshold = policy().approval_threshold_minor(currency)
    limit = format_amount(threshold, currency)
    return [request.batch_trigger] * bool(request.batch_trigger) + [
        f"{name}: {format_amount(total + amount, currency)} today, above {limit}"
        for name, total in totals.items()
        if total is not None and total + amount > threshold
    ]


def post(source: Account, target: Account, amount_minor: int, at: datetime) -> Posting:
    """Move an amount from one account to another; raises ``LimitExceeded`` past exact numbers."""
    balances = (source.balance - amount_minor, target.balance + amount_minor)
    if any(abs(balance) > MAX_BALANCE_MINOR for balance in balances):
        raise refusals.LimitExceeded("The balance would be larger than can be kept exactly.")
    return Posting(
        source={
            "balance": balances[0],
            **_day_totals(source, at, debit=amount_minor),
            **_thaw(source, at),
            **_forgiven(source),
        },
        target={
            "balance": balances[1],
            **_day_totals(target, at, credit=amount_minor),
            **_thaw(target, at),
        },
    )


FORGIVEN: dict[str, Any] = {"failed_attempts": None, "failed_times": None}


def failed_debit(source: Account, at: datetime) -> dict[str, Any]:
    """What one more attempt to pay without the money changes: a count, and at the last a lock.

    Those within the time that a lock lasts count together. System accounts are never locked.
    """
    before = to_rfc3339(at - policy().lock)
    times = [time for time in source.failed_times or [] if time > before] + [to_rfc3339(at)]
    if len(times) < policy().max_failed_attempts:
        return {"failed_attempts": len(times), "failed_times": times}
    return {**FORGIVEN, "locked_until": at + policy().lock}


UNFROZEN: dict[str, Any] = {
    "status": AccountStatus.ACTIVE,
    "frozen_direction": None,
    "frozen_until": None,
}


def _thaw(account: Account, at: datetime) -> dict[str, Any]:
    return UNFROZEN if account.status_at(at) != account.status else {}


def _forgiven(source: Account) -> dict[str, Any]:
    """A payment that succeeds clears the count of those that did not."""
    return FORGIVEN if source.failed_attempts else {}


def _day_totals(
    account: Account, at: datetime, *, debit: int = 0, credit: int = 0
) -> dict[str, Any]:
    """Running totals of the UTC day; system accounts keep none, for nothing limits them."""
    if account.is_system:
        return {}
    return {
        "day": account.current_day(at),
        "day_debits": account.day_total("day_debits", at) + debit,
        "day_credits": account.day_total("day_credits", at) + credit,
        "day_count": account.day_total("day_count", at) + 1,
    }


def check_reversal(original: Payment | None, request: TransferRequest) -> None:
    """Refuse what is not a reversal of its payment: back the same way, and no more than is left."""
    if original is None:
        raise refusals.PaymentNotFound
    if not original.is_processed() or original.reverses:
        raise refusals.NotReversible
    there_and_back = (original.to_account_id, original.from_account_id)
    if (request.from_account_id, request.to_account_id) != there_and_back:
        raise refusals.NotReversible
    if request.amount_minor > original.reversible:
        left = format_amount(original.reversible, original.currency)
        raise refusals.AlreadyReversed(f"Of this payment {left} can still be reversed.")
