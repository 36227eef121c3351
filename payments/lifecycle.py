"""What becomes of an account between opening and closing; each change in one commit."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb import store
from dynamodb.retries import settle
from dynamodb.transactions import Transaction
from payments import ledger, rules
from payments.models import Account, AccountStatus, FrozenDirection
from payments.money import MAX_AMOUNT_MINOR, format_amount
from payments.refusals import AccountNotFound, InvalidField, StaleEdit, WrongState
from payments.requests import TransferRequest, checked_reason, checked_transfer

LIMITS = ("transfer_limit", "day_limit")


def freeze_account(
    *,
    account_id: str,
    direction: FrozenDirection,
    reason: str,
    until: datetime | None,
    actor: Actor,
    at: datetime,
) -> Account:
    """Stop debits, credits or both, until a time or until somebody unfreezes the account."""

    def frozen(account: Account) -> dict[str, Any]:
        if until is not None and until <= at:
            raise InvalidField("until", "The end of a freeze must lie ahead.")
        _require(account, AccountStatus.ACTIVE, AccountStatus.FROZEN)
        return {
            "status": AccountStatus.FROZEN,
            "frozen_direction": direction,
            "frozen_until": until,
        }

    return _change(account_id, "account.frozen", frozen, reason, actor, at)


def unfreeze_account(*, account_id: str, reason: str, actor: Actor, at: datetime) -> Account:
    def unfrozen(account: Account) -> dict[str, Any]:
        _require(account, AccountStatus.FROZEN)
        return rules.UNFROZEN

    return _change(account_id, "account.unfrozen", unfrozen, reason, actor, at)


def unlock_debits(*, account_id: str, reason: str, actor: Actor, at: datetime) -> Account:
    """End the lock that repeated failed debits have set, and begin their count anew."""

    def unlocked(account: Account) -> dict[str, Any]:
        if not account.is_locked(at):
            raise WrongState("Debits of this account are not locked.")
        return {"locked_until": None, "failed_attempts": None, "failed_since": None}

    return _change(account_id, "account.unlocked", unlocked, reason, actor, at)


def set_limits(
    *,
    account_id: str,
    limits: Mapping[str, int | None],
    seen_version: int,
    reason: str,
    actor: Actor,
    at: datetime,
) -> Account:
    """Set what the account may pay at a time and in a day, in minor units; ``None`` for no limit.

    ``seen_version`` is the version that was edited: raises ``StaleEdit`` if somebody has changed
    the limits since. Postings in between do no harm.
    """

    def limited(account: Account) -> dict[str, Any]:
        for name, limit in limits.items():
            if limit is not None and not 0 <= limit <= MAX_AMOUNT_MINOR:
                raise InvalidField(name, "A limit is zero or more.")
        _require(account, AccountStatus.ACTIVE, AccountStatus.FROZEN)
        if account.limits_version != seen_version:
            raise StaleEdit
        return {**limits, "limits_version": seen_version + 1}

    return _change(account_id, "account.limits_changed", limited, reason, actor, at)


def close_account(
    *,
    account_id: str,
    reason: str,
    actor: Actor,
    at: datetime,
    rest_to: str = "",
    payment_id: str = "",
) -> Account:
    """Close an account for good: empty, or with the rest moved to ``rest_to`` in the same commit.

    Raises ``WrongState`` while money is held, or for a rest with nowhere to go or that needs a
    second person: that is transferred first.
    """
    if not rest_to:

        def closed(account: Account) -> dict[str, Any]:
            _require_closable(account)
            if account.balance:
                raise WrongState(f"The account still has {account.format_balance()}.")
            return {**rules.UNFROZEN, "status": AccountStatus.CLOSED}

        return _change(account_id, "account.closed", closed, reason, actor, at)
    with ledger.recorded_refusals(subject="account", actor=actor, at=at, reference=account_id):
        return _close_with_rest(account_id, rest_to, payment_id, checked_reason(reason), actor, at)


def _close_with_rest(
    account_id: str, rest_to: str, payment_id: str, reason: str, actor: Actor, at: datetime
) -> Account:
    source, target = _found(account_id), _found(rest_to)
    known: dict[str, Any] = {"source": source, "target": target, "payment": None}

    def build(tx: Transaction) -> Account:
        source, target, done = (known[name] for name in ("source", "target", "payment"))
        if done is not None:
            return source  # type: ignore[no-any-return]  # a record of the name's own kind
        _require_closable(source)
        request = checked_transfer(_rest_of(source, target, payment_id), at)
        decision = rules.decide(request, source, target, at)
        if decision.triggers:
            raise WrongState("The rest needs a second person: transfer it first, then close.")
        payment = ledger.add_processed(tx, ledger.asked(request, source, actor), actor, reason)
        posting = decision.posting
        posting.source.update(rules.UNFROZEN, status=AccountStatus.CLOSED)
        ledger.add_posting(tx, source, target, posting, payment, actor)
        return source.with_changes(posting.source)  # type: ignore[no-any-return]  # as above

    patience = ledger.patience()
    with ledger.turn(patience, source.id, target.id):
        return settle(build, known, at=at, patience=patience)


def _rest_of(source: Account, target: Account, payment_id: str) -> TransferRequest:
    return TransferRequest(
        payment_id=payment_id,
        from_account_id=source.id,
        to_account_id=target.id,
        amount_minor=source.balance,
        currency=source.currency,
        description="Rest of a closed account",
    )


def _change(
    account_id: str,
    action: str,
    changes: Callable[[Account], dict[str, Any]],
    reason: str,
    actor: Actor,
    at: datetime,
) -> Account:
    """Decide a change on the account as it stands, and commit it with its entry."""
    with ledger.recorded_refusals(subject="account", actor=actor, at=at, reference=account_id):
        checked_reason(reason)
        known: dict[str, Any] = {"account": _found(account_id)}

        def build(tx: Transaction) -> Account:
            account: Account = known["account"]
            event = Event(
                entity_id=account.id,
                entity_type="account",
                action=action,
                actor=actor,
                reason=reason,
            )
            return trail.change(tx, "account", account, changes(account), event)

        patience = ledger.patience()
        with ledger.turn(patience, account_id):
            return settle(build, known, at=at, patience=patience)


def _found(account: str) -> Account:
    key = ledger.account_key(account)
    found = store.get(key) if key else None
    if found is None:
        raise AccountNotFound
    return found


def _require(account: Account, *states: AccountStatus) -> None:
    if account.is_system:
        raise WrongState("The house's own accounts stay as they are.")
    if account.status not in states:
        raise WrongState(f"The account is {account.status}.")


def _require_closable(account: Account) -> None:
    _require(account, AccountStatus.ACTIVE, AccountStatus.FROZEN)
    if account.held:
        held = format_amount(account.held, account.currency)
        raise WrongState(f"{held} of the account is held for pending transfers.")
