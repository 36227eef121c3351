"""Four eyes: a pending payment is approved by another person, or comes to nothing.

Each outcome is one commit: the payment moves forward, its hold is released and, if approved, the
money moves. That maker and checker differ is a condition of the write itself.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from audit.chain import canonical_json
from audit.context import Actor
from dynamodb import measures, store
from dynamodb.attributes import plain
from dynamodb.models import Record
from dynamodb.retries import Patience, settle
from dynamodb.transactions import Transaction
from payments import attempts, compliance, directory, ledger, refusals, rules, turns
from payments.identifiers import is_payment_id
from payments.models import Account, Payment, PaymentStatus
from payments.requests import checked_reason
from payments.transfers import Preview, request_of

SETTLEMENT = Actor(id="system:settlement")

_SHOWN = (
    "id", "from_account_id", "to_account_id", "amount", "currency", "description", "customer_id",
    "merchant_id", "requested_by", "created_at", "expires_at", "triggers", "reverses", "reserved",
    "scheduled_for", "version", "batch_id", "reference",
)  # fmt: skip

Outcome = Callable[[Transaction, dict[str, Any]], Payment]


def digest(payment: Payment) -> str:
    """What an approval is bound to: SHA-256 over all of the request that its checker is shown."""
    item = payment.serialize()
    return hashlib.sha256(
        canonical_json({name: plain(item[name]) for name in _SHOWN if name in item})
    ).hexdigest()


def approve_payment(*, payment_id: str, shown: str, actor: Actor, at: datetime) -> Payment:
    """Post a pending payment; ``shown`` is the ``digest`` of what the checker has seen.

    Everything is decided again on the accounts as they stand. Approving twice is approving once.
    Raises ``SamePerson`` for its maker, ``RequestChanged``, ``NotPending``, or the refusal that
    now prevents it: that leaves it pending, and is recorded.
    """

    def approved(tx: Transaction, known: dict[str, Any]) -> Payment:
        payment, source, target = (known[name] for name in ("payment", "source", "target"))
        _check_approval(payment, shown, actor, at)
        posting = preview_approval(payment, source, target, at=at).posting
        done = ledger.move(
            tx,
            payment,
            "payment.approved",
            PaymentStatus.PROCESSED,
            actor,
            condition=Payment.requested_by != actor.id,
            processed_at=at,
            approved_by=actor.id,
            reserved=None,
            posted_as=ledger.posted_as(tx, source, target),
        )
        ledger.add_posting(tx, source, target, posting, payment, actor)
        compliance.watch(tx, known, done, source, target)
        return done

    def is_done(payment: Payment) -> bool:
        return payment.is_processed() and payment.approved_by == actor.id

    with measures.timed("transfer", way="approved") as told:
        payment = _decide(payment_id, approved, actor=actor, at=at, is_done=is_done)
        told["outcome"] = payment.status
        return payment


def review_approval(*, payment_id: str, shown: str, actor: Actor, at: datetime) -> Preview:
    """What approving would change. Refuses, and records it, just as approving does."""
    payment = find_pending(payment_id)
    with attempts.recorded_refusals(subject="approval", actor=actor, at=at, reference=payment_id):
        _check_approval(payment, shown, actor, at)
        known = _read_with(payment, turns.patience())
        return preview_approval(payment, known["source"], known["target"], at=at)


def _check_approval(payment: Payment, shown: str, actor: Actor, at: datetime) -> None:
    if not payment.can_cancel():
        raise refusals.NotPending(f"This payment is already {payment.status}.")
    if payment.requested_by == actor.id:
        raise refusals.SamePerson
    if digest(payment) != shown:
        raise refusals.RequestChanged
    if payment.awaits_its_day:
        raise refusals.NotPending(f"This transfer is decided on its day, {payment.scheduled_for}.")
    if payment.expires_at and payment.expires_at <= at:
        raise refusals.NotPending("This request has expired.")


def preview_approval(
    payment: Payment, source: Account | None, target: Account | None, *, at: datetime
) -> Preview:
    """Decide a pending payment as approving would, on accounts as they were read.

    Raises the refusal that now prevents it.
    """
    reserved = payment.reserved or 0
    request = request_of(payment)
    decision = rules.decide(request, source, target, at, reserved_minor=reserved)
    source, target = rules.check_parties(request, source, target)
    decision.posting.source["held"] = source.held - reserved
    return Preview(
        source=source, target=target, posting=decision.posting, triggers=decision.triggers
    )


def reject_payment(*, payment_id: str, reason: str, actor: Actor, at: datetime) -> Payment:
    """Refuse a pending payment, which stays visible as failed; raises as approving does.

    The same again is answered as the first time.
    """
    return _end(payment_id, "rejected", checked_reason(reason), actor, at)


def cancel_payment(*, payment_id: str, reason: str, actor: Actor, at: datetime) -> Payment:
    """Take a pending payment back; who may do that is for the caller to have checked.

    The same again is answered as the first time.
    """
    return _end(payment_id, "canceled", checked_reason(reason), actor, at)


def expire_payment(*, payment_id: str, at: datetime) -> Payment:
    """End a request that nobody has decided in time."""
    return _end(payment_id, "expired", "Nobody approved it in time.", SETTLEMENT, at)


_ENDED = {
    "rejected": PaymentStatus.FAILED,
    "canceled": PaymentStatus.CANCELED,
    "expired": PaymentStatus.FAILED,
}


def _end(payment_id: str, how: str, reason: str, actor: Actor, at: datetime) -> Payment:
    """Bring a pending payment to nothing: release its hold, and what it was to reverse."""
    by = None if actor is SETTLEMENT else actor.id

    def ended(tx: Transaction, known: dict[str, Any]) -> Payment:
        payment: Payment = known["payment"]
        if how == "rejected" and payment.requested_by == by:
            raise refusals.SamePerson("Whoever asked for a transfer can cancel it, not reject it.")
        if payment.reserved is not None:
            ledger.release(tx, known["source"], payment, actor)
            if known.get("original") is not None:
                ledger.count_reversal(tx, known["original"], payment, -payment.amount, actor)
        return ledger.move(
            tx,
            payment,
            f"payment.{how}",
            _ENDED[how],
            actor,
            reserved=None,
            failure_code=how,
            failure_reason=reason,
            ended_by=by,
        )

    def is_done(payment: Payment) -> bool:
        """Whether it is as this person has already left it, in the same words."""
        left = payment.failure_code, payment.failure_reason, payment.ended_by
        return by is not None and left == (how, reason, by)

    return _decide(payment_id, ended, actor=actor, at=at, is_done=is_done)


def find_pending(payment_id: str) -> Payment:
    """A payment by its id; raises ``PaymentNotFound``."""
    if not is_payment_id(payment_id):
        raise refusals.PaymentNotFound
    return store.get_or_raise(directory.payment_key(payment_id), refusals.PaymentNotFound)


def _decide(
    payment_id: str,
    outcome: Outcome,
    *,
    actor: Actor,
    at: datetime,
    is_done: Callable[[Payment], bool],
) -> Payment:
    """Read the payment, then its accounts, and commit one outcome; record what refuses it."""
    known: dict[str, Any] = {"payment": find_pending(payment_id)}

    def build(tx: Transaction) -> Payment:
        if known["payment"].reserved and not asked.reserved:
            # It came due meanwhile, and its source, which is not refused with it, holds its money.
            known.update(_read_with(known["payment"], patience))
        payment: Payment = known["payment"]
        if is_done(payment):
            return payment
        if not payment.can_cancel():
            raise refusals.NotPending(f"This payment is already {payment.status}.")
        return outcome(tx, known)

    patience = turns.patience()
    asked: Payment = known["payment"]
    with (
        attempts.recorded_refusals(subject="approval", actor=actor, at=at, reference=payment_id),
        turns.turn(patience, asked.from_account_id, asked.to_account_id),
    ):
        known |= _read_with(asked, patience)
        asked = known["payment"]
        return settle(build, known, at=at, patience=patience)


def _read_with(payment: Payment, patience: Patience) -> dict[str, Any]:
    """A payment, both its accounts and the payment it reverses, as they stand at one moment.

    Read one by one, a hold could seem to be gone from the account and not from the payment.
    """
    source, target = (directory.account_key(end, patience) for end in payment.ends)
    keys: dict[str, Record | None] = {
        "payment": payment,
        "source": source,
        "target": target,
        **compliance.watched(source, target),
    }
    if payment.reverses:
        keys["original"] = directory.payment_key(payment.reverses)
    return directory.read(keys, patience, together=True)
