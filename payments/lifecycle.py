"""What becomes of an account between opening and closing; each change in one commit."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb import store
from dynamodb.models import Record
from dynamodb.retries import settle
from dynamodb.transactions import Transaction
from payments import attempts, compliance, directory, ledger, refusals, rules, totals, turns
from payments.identifiers import is_payment_id
from payments.models import Account, AccountStatus, FrozenDirection, Payment
from payments.money import MAX_AMOUNT_MINOR, format_amount
from payments.requests import TransferRequest, checked_customer, checked_reason, checked_transfer

LIMITS = ("transfer_limit", "day_limit")
EDITABLE = ("customer_id", *LIMITS)

_CLOSED: dict[str, Any] = {**rules.UNFROZEN, "status": AccountStatus.CLOSED}


def freeze_account(
    *,
    account_id: str,
    direction: FrozenDirection,
    reason: str,
    until: datetime | None,
    actor: Actor,
    at: datetime,
    request_id: str = "",
) -> Account:
    """Stop debits, credits or both, until a time or until somebody unfreezes the account."""

    def frozen(account: Account) -> dict[str, Any]:
        if until is not None and until <= at:
            raise refusals.InvalidField("until", "The end of a freeze must lie ahead.")
        _require(account, AccountStatus.ACTIVE, AccountStatus.FROZEN)
        return {
            "status": AccountStatus.FROZEN,
            "frozen_direction": direction,
            "frozen_until": until,
        }

    return _change(account_id, "account.frozen", frozen, reason, actor, at, request_id)


def unfreeze_account(
    *, account_id: str, reason: str, actor: Actor, at: datetime, request_id: str = ""
) -> Account:
    def unfrozen(account: Account) -> dict[str, Any]:
        _require(account, AccountStatus.FROZEN)
        return rules.UNFROZEN

    return _change(account_id, "account.unfrozen", unfrozen, reason, actor, at, request_id)


def thaw_account(*, account_id: str, actor: Actor, at: datetime) -> Account:
    """Tidy away a freeze whose end has come; raises ``WrongState`` where there is none."""

    def thawed(account: Account) -> dict[str, Any]:
        if account.status_at(at) == account.status:
            raise refusals.WrongState("No freeze of this account has come to its end.")
        return rules.UNFROZEN

    return _change(account_id, "account.thawed", thawed, "The freeze has ended.", actor, at)


def unlock_debits(
    *, account_id: str, reason: str, actor: Actor, at: datetime, request_id: str = ""
) -> Account:
    """End the lock that repeated failed debits have set, and begin their count anew."""

    def unlocked(account: Account) -> dict[str, Any]:
        if not account.is_locked(at):
            raise refusals.WrongState("Debits of this account are not locked.")
        return {**rules.FORGIVEN, "locked_until": None}

    return _change(account_id, "account.unlocked", unlocked, reason, actor, at, request_id)


def edit_account(
    *,
    account_id: str,
    values: Mapping[str, Any],
    seen_version: int,
    reason: str,
    actor: Actor,
    at: datetime,
    request_id: str = "",
) -> Account:
    """Change the owner, or what may be paid at a time and in a day; ``None`` for no limit.

    ``seen_version`` is the version that was edited: raises ``StaleEdit`` if somebody has edited
    the account since. Postings in between do no harm.

    The owner stays while money is held: what waits was asked for by the owner so far. A scheduled
    transfer, for which nothing is held yet, is refused on its day if the owner is another by then.
    What was paid before stays with whom it was paid for.
    """

    def edited(account: Account) -> dict[str, Any]:
        _require(account, AccountStatus.ACTIVE, AccountStatus.FROZEN)
        for name, value in values.items():
            _check_detail(name, value)
        if account.details_version != seen_version:
            raise refusals.StaleEdit
        if values.get("customer_id", account.customer_id) != account.customer_id:
            _require_nothing_held(account)
        return {**values, "details_version": seen_version + 1}

    return _change(account_id, "account.edited", edited, reason, actor, at, request_id)


def _check_detail(name: str, value: Any) -> None:
    if name not in EDITABLE:
        raise refusals.InvalidField(name, "This cannot be edited.")
    if name == "customer_id":
        checked_customer(value)
    elif value is not None and not 0 <= value <= MAX_AMOUNT_MINOR:
        raise refusals.InvalidField(name, "A limit is zero or more.")


def close_account(
    *,
    account_id: str,
    reason: str,
    actor: Actor,
    at: datetime,
    rest_to: str = "",
    payment_id: str = "",
    request_id: str = "",
) -> Account:
    """Close an account for good: empty, or with the rest moved to ``rest_to`` in the same commit.

    ``payment_id`` names the payment of the rest: the same again finds the account closed by it.
    Raises ``WrongState`` while money is held, or for a rest with nowhere to go or that needs a
    second person: that is transferred first. Raises ``KeyReused`` for the id of another payment.
    """
    if not rest_to:

        def closed(account: Account) -> dict[str, Any]:
            _require_closable(account)
            if account.balance:
                raise refusals.WrongState(f"The account still has {account.format_balance()}.")
            return _CLOSED

        return _change(account_id, "account.closed", closed, reason, actor, at, request_id)
    with attempts.recorded_refusals(subject="account", actor=actor, at=at, reference=account_id):
        checked_reason(reason)
        return _close_with_rest(account_id, rest_to, payment_id, reason, actor, at, request_id)


def _close_with_rest(
    account_id: str,
    rest_to: str,
    payment_id: str,
    reason: str,
    actor: Actor,
    at: datetime,
    request_id: str,
) -> Account:
    ends = _found(account_id), _found(rest_to)
    if ends[0].id == ends[1].id:
        raise refusals.SameAccount
    if not is_payment_id(payment_id):
        raise refusals.InvalidField("payment_id", "The payment id is not a UUIDv7.")
    keys: dict[str, Record | None] = {
        "source": ends[0],
        "target": ends[1],
        "payment": directory.payment_key(payment_id),
        "maker": totals.maker_key(actor, ends[0].currency),
        **compliance.watched(*ends),
    }
    known: dict[str, Any] = {}

    def build(tx: Transaction) -> Account:
        source: Account = known["source"]
        target, done, maker = (known[name] for name in ("target", "payment", "maker"))
        if done is not None:
            return _closed_by(done, source, target)
        if request_id and source.last_request == request_id:
            return source
        _require_closable(source)
        if not source.balance:
            event = _event(source, "account.closed", reason, actor)
            changes = {**_CLOSED, "last_request": request_id or None}
            return trail.change(tx, "source", source, changes, event)
        request = checked_transfer(_rest_of(source, target, payment_id, source.balance), at)
        person = totals.maker_today(actor, maker, source.currency, at)
        decision = rules.decide(request, source, target, at, maker=person)
        if decision.triggers:
            raise refusals.WrongState(
                "The rest needs a second person: transfer it first, then close."
            )
        asked, sides = ledger.asked(request, source, target, actor), (source, target)
        payment = ledger.add_processed(tx, asked, sides, actor, reason)
        decision.posting.source.update(_CLOSED)
        ledger.add_posting(tx, source, target, decision.posting, payment, actor)
        totals.add_activity(tx, maker, payment, actor)
        compliance.watch(tx, known, payment, source, target)
        return source.with_changes(decision.posting.source)

    patience = turns.patience()
    with turns.turn(patience, *(end.id for end in ends)):
        known |= directory.read(keys, patience, together=True)
        return settle(build, known, at=at, patience=patience)


def _closed_by(done: Payment, source: Account, target: Account) -> Account:
    """The account that a payment of its rest has closed; raises ``KeyReused`` for any other."""
    request = _rest_of(source, target, done.id, done.amount)
    if done.request_hash != request.hash or source.status != AccountStatus.CLOSED:
        raise refusals.KeyReused(done.id)
    return source


def _rest_of(
    source: Account, target: Account, payment_id: str, amount_minor: int
) -> TransferRequest:
    return TransferRequest(
        payment_id=payment_id,
        from_account_id=source.id,
        to_account_id=target.id,
        amount_minor=amount_minor,
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
    request_id: str = "",
) -> Account:
    """Decide a change on the account as it stands, and commit it with its entry.

    ``request_id`` names the request and all that was entered with it, so that the last change,
    sent again, is answered as it was the first time.
    """
    with attempts.recorded_refusals(subject="account", actor=actor, at=at, reference=account_id):
        checked_reason(reason)
        known: dict[str, Any] = {"account": _found(account_id)}

        def build(tx: Transaction) -> Account:
            account: Account = known["account"]
            if request_id and account.last_request == request_id:
                return account
            event = _event(account, action, reason, actor)
            changed = {**changes(account), "last_request": request_id or None}
            return trail.change(tx, "account", account, changed, event)

        patience = turns.patience()
        with turns.turn(patience, account_id):
            return settle(build, known, at=at, patience=patience)


def _event(account: Account, action: str, reason: str, actor: Actor) -> Event:
    return Event(entity_id=account.id, action=action, actor=actor, reason=reason)


def _found(account: str) -> Account:
    key = directory.account_key(account)
    found = store.get(key) if key else None
    if found is None:
        raise refusals.AccountNotFound
    return found


def _require(account: Account, *states: AccountStatus) -> None:
    if account.is_system:
        raise refusals.WrongState("The house's own accounts stay as they are.")
    if account.status not in states:
        raise refusals.WrongState(f"The account is {account.status}.")


def _require_closable(account: Account) -> None:
    _require(account, AccountStatus.ACTIVE, AccountStatus.FROZEN)
    _require_nothing_held(account)


def _require_nothing_held(account: Account) -> None:
    if account.held:
        held = format_amount(account.held, account.currency)
        raise refusals.WrongState(f"{held} of the account is held for pending transfers.")
