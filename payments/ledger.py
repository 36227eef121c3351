"""What every way of moving money writes: a payment's next state, and both of its sides."""

from collections.abc import Sequence
from typing import Any

from audit import trail
from audit.context import Actor
from audit.models import EntryOutcome
from audit.trail import Event
from dynamodb.shards import spread_key
from dynamodb.store import Unchanged
from dynamodb.transactions import Condition, Transaction
from payments.identifiers import payment_timestamp
from payments.models import Account, Payment, PaymentStatus
from payments.policy import policy
from payments.requests import TransferRequest
from payments.rules import Posting


class UnbalancedError(AssertionError):
    """A commit that would make, lose or free money that is not there; it must not be sent."""


def add_posting(
    tx: Transaction,
    source: Account,
    target: Account,
    posting: Posting,
    payment: Payment,
    actor: Actor,
) -> None:
    """Add both sides of a payment, each with its entry, to a transaction."""
    assert_balanced(source, target, posting)
    debit(tx, source, posting, payment, actor)
    _change(tx, "target", target, posting.target, "account.credited", payment, actor)


def debit(
    tx: Transaction, source: Account, posting: Posting, payment: Payment, actor: Actor
) -> None:
    """Add the source's side. The conditions say again, in the store, what the rules decided."""
    held = _held_without(source, payment)
    covered = None if source.is_system else Account.balance >= payment.amount + held
    _change(tx, "source", source, posting.source, "account.debited", payment, actor, covered)


def hold(tx: Transaction, source: Account, payment: Payment, actor: Actor) -> None:
    """Reserve what a pending payment asks for, so that nothing else can spend it."""
    held = source.held + (payment.reserved or 0)
    covered = None if source.is_system else Account.balance >= held
    _change(tx, "source", source, {"held": held}, "account.held", payment, actor, covered)


def release(tx: Transaction, source: Account, payment: Payment, actor: Actor) -> None:
    """Give back what a pending payment had reserved."""
    held = {"held": _held_without(source, payment)}
    _change(tx, "source", source, held, "account.released", payment, actor)


def _held_without(source: Account, payment: Payment) -> int:
    """What an account holds for others; raises ``UnbalancedError`` rather than free too much."""
    held = source.held - (payment.reserved or 0)
    if held < 0:
        raise UnbalancedError(f"{source.id} holds {source.held}, {payment.id} {payment.reserved}.")
    return held


def count_failure(
    tx: Transaction, source: Account, changes: dict[str, Any], payment: Payment, actor: Actor
) -> None:
    """Count a debit that failed for want of money, which may lock the account's debits."""
    action = "account.locked" if "locked_until" in changes else "account.debit_failed"
    _change(tx, "source", source, changes, action, payment, actor)


def _change(
    tx: Transaction,
    name: str,
    account: Account,
    changes: dict[str, Any],
    action: str,
    payment: Payment,
    actor: Actor,
    condition: Condition | None = None,
) -> None:
    event = Event(entity_id=account.id, action=action, actor=actor, reference=payment.id)
    unchanged = Unchanged(account, "status")
    condition = unchanged if condition is None else unchanged & condition
    trail.change(tx, name, account, changes, event, condition)


def asked(
    request: TransferRequest, source: Account | None, target: Account | None, actor: Actor
) -> Payment:
    """A payment as it was asked for, with nothing said of what becomes of it."""
    return Payment(
        id=request.payment_id,
        timestamp=payment_timestamp(request.payment_id),
        customer_id=source.customer_id if source else None,
        merchant_id=request.merchant_id or None,
        amount=request.amount_minor,
        currency=request.currency,
        description=request.description or None,
        from_account_id=request.from_account_id,
        to_account_id=request.to_account_id,
        from_number=source.account_number if source else None,
        to_number=target.account_number if target else None,
        reverses=request.reverses or None,
        scheduled_for=request.scheduled_for or None,
        reference=request.reference or None,
        batch_id=request.batch_id or None,
        requested_by=actor.id,
        requested_as=list(actor.roles) if actor.roles and request.scheduled_for else None,
        request_hash=request.hash,
    )


def posted_as(tx: Transaction, *sides: Account) -> list[str]:
    """The timestamps that the postings of these accounts will have, the source's first.

    Kept with the payment, so that whoever has found it finds its postings too.
    """
    return [trail.next_timestamp(side.head, tx.at) for side in sides]


def add_processed(
    tx: Transaction, payment: Payment, sides: Sequence[Account], actor: Actor, reason: str = ""
) -> Payment:
    """Add a payment that happens in this commit; the postings of its sides are still to add."""
    return move(
        tx,
        payment,
        "payment.processed",
        PaymentStatus.PROCESSED,
        actor,
        reason=reason,
        processed_at=tx.at,
        posted_as=posted_as(tx, *sides),
    )


def add_pending(
    tx: Transaction, payment: Payment, source: Account, triggers: list[str], actor: Actor
) -> Payment:
    """Add a payment that waits for a second person, and reserve its money."""
    pending = move(
        tx,
        payment,
        "payment.requested",
        PaymentStatus.PENDING,
        actor,
        reserved=payment.amount,
        triggers=triggers,
        expires_at=tx.at + policy().approval_time,
    )
    hold(tx, source, pending, actor)
    return pending


def move(
    tx: Transaction,
    payment: Payment,
    action: str,
    status: PaymentStatus,
    actor: Actor,
    condition: Condition | None = None,
    reason: str = "",
    **values: Any,
) -> Payment:
    """Give a payment, new or pending, its next state, with the entry that tells of it."""
    values |= {"status": status, "status_key": spread_key(status, by=payment.id)}
    event = Event(
        entity_id=payment.id,
        action=action,
        actor=actor,
        reason=reason,
        outcome=EntryOutcome.FAILURE if status == PaymentStatus.FAILED else EntryOutcome.SUCCESS,
    )
    if not payment.version:
        return trail.create(tx, "payment", payment.with_changes(values), event)
    still_pending = Payment.status == PaymentStatus.PENDING
    condition = still_pending if condition is None else still_pending & condition
    return trail.change(tx, "payment", payment, values, event, condition)


def count_reversal(
    tx: Transaction, original: Payment, reversal: Payment, amount_minor: int, actor: Actor
) -> None:
    """Take an amount, negative to give it back, from what is left to reverse of a payment."""
    reversed_minor = (original.reversed_amount or 0) + amount_minor
    if not 0 <= reversed_minor <= original.amount:
        raise UnbalancedError(f"{reversed_minor} of {original.id} would be reversed.")
    changes = {
        "reversed_amount": reversed_minor,
        "reversed_by": reversal.id if reversed_minor else None,
    }
    event = Event(
        entity_id=original.id,
        action="payment.reversed" if amount_minor > 0 else "payment.reversal_ended",
        actor=actor,
        reference=reversal.id,
    )
    trail.change(tx, "original", original, changes, event)


def assert_balanced(source: Account, target: Account, posting: Posting) -> None:
    """Refuse to send money made or lost; raises ``UnbalancedError``."""
    moved_out = source.balance - posting.source["balance"]
    moved_in = posting.target["balance"] - target.balance
    if moved_out != moved_in or source.currency != target.currency:
        message = f"{moved_out} leaves {source.id}, {moved_in} arrives at {target.id}."
        raise UnbalancedError(message)
