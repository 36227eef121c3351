"""Run transfers: one decision, one commit, exactly once."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from audit.context import Actor
from dynamodb import measures
from dynamodb.errors import StoreError
from payments import attempts, groups, turns
from payments.deciding import Deciding, Preview, Transfer
from payments.identifiers import new_payment_id
from payments.models import Payment
from payments.refusals import KeyReused, Refusal
from payments.requests import TransferRequest, checked_transfer

__all__ = [
    "Preview",
    "Transfer",
    "TransferRequest",
    "new_payment_id",
    "preview_transfer",
    "request_of",
    "run_scheduled",
    "transfer_funds",
    "transfer_many",
]

Answer = Transfer | Refusal | StoreError
"""What becomes of one transfer of many."""


def transfer_funds(
    request: TransferRequest,
    *,
    actor: Actor,
    at: datetime,
    limit_seconds: float = turns.TRANSFER_SECONDS,
) -> Transfer:
    """Move money once, however often the same request arrives.

    A request that a rule refuses is answered with a payment that is ``failed`` and says why; it
    is as final as a processed one. Two requests to DynamoDB for accounts seen before, at most
    four otherwise.

    Raises ``InvalidRequest`` for a malformed request and ``KeyReused`` for an id or key that was
    used with other values: nothing moves, the attempt is recorded. Raises ``StoreBusyError`` if
    nothing has happened in time, ``OutcomeUnknownError`` if it may have: the same request again
    finds out.
    """
    with (
        measures.timed("transfer", way="asked") as told,
        attempts.recorded_refusals(subject="transfer", actor=actor, at=at),
    ):
        request = checked_transfer(request, at)
        patience = turns.patience(limit_seconds)
        deciding = Deciding(request=request, actor=actor, at=at, patience=patience)
        transfer = _answer_to(request, groups.settle_in_turn(deciding), actor)
        told["outcome"] = transfer.outcome
        return transfer


def transfer_many(
    requests: Sequence[TransferRequest], *, actor: Actor, at: datetime
) -> list[Answer]:
    """Move money for many requests, each once, in their order, many of them in a commit.

    What becomes of each is what ``transfer_funds`` would return or raise: none stops the others.
    """
    asked = [_asked(request, actor, at) for request in requests]
    settled = iter(groups.settle_all([each for each in asked if isinstance(each, Deciding)]))
    return [_told(each, settled, actor, at) for each in asked]


def _asked(request: TransferRequest, actor: Actor, at: datetime) -> Deciding | Refusal:
    try:
        return Deciding(request=checked_transfer(request, at), actor=actor, at=at)
    except Refusal as refusal:
        return refusal


def _told(
    asked: Deciding | Refusal, settled: Iterator[Answer], actor: Actor, at: datetime
) -> Answer:
    """The next answer, or the refusal of what was never asked; refusals are recorded."""
    try:
        with attempts.recorded_refusals(subject="transfer", actor=actor, at=at):
            if isinstance(asked, Refusal):
                raise asked
            answer = next(settled)
            if isinstance(answer, Exception):
                raise answer
            return _answer_to(asked.request, answer, actor)
    except (Refusal, StoreError) as trouble:
        return trouble


def preview_transfer(request: TransferRequest, *, actor: Actor, at: datetime) -> Preview | Transfer:
    """Decide a transfer as posting would, and move nothing: one request to DynamoDB.

    Answers a ``Transfer`` where there is nothing left to confirm: the id is already a payment, or
    a rule refuses. The refused one is recorded just as ``transfer_funds`` records it, so an
    attempt is remembered though nobody confirmed it. Raises as ``transfer_funds`` does.
    """
    with attempts.recorded_refusals(subject="transfer", actor=actor, at=at):
        request = checked_transfer(request, at)
        decided = Deciding(request=request, actor=actor, at=at).preview()
        return decided if isinstance(decided, Preview) else _answer_to(request, decided, actor)


def run_scheduled(payment: Payment, *, at: datetime) -> Transfer:
    """Decide a scheduled payment anew on its day; it is processed, waits for approval or fails."""
    maker = Actor(
        id=payment.requested_by or "system:settlement", roles=tuple(payment.requested_as or ())
    )
    deciding = Deciding(request=request_of(payment), actor=maker, at=at, is_due=True)
    with measures.timed("transfer", way="scheduled") as told:
        transfer = deciding.settle()
        told["outcome"] = transfer.outcome
        return transfer


def request_of(payment: Payment) -> TransferRequest:
    """What was asked for by a payment that is still to be decided or approved."""
    return TransferRequest(
        payment_id=payment.id,
        from_account_id=payment.from_account_id,
        to_account_id=payment.to_account_id,
        amount_minor=payment.amount,
        currency=payment.currency,
        customer_id=payment.customer_id or "",
        description=payment.description or "",
        merchant_id=payment.merchant_id or "",
        reverses=payment.reverses or "",
        scheduled_for=payment.scheduled_for or "",
        reference=payment.reference or "",
        batch_id=payment.batch_id or "",
    )


def _answer_to(request: TransferRequest, transfer: Transfer, actor: Actor) -> Transfer:
    """Give a payment to the request that made it: to no other under its name, and to no other's."""
    asked = transfer.payment
    if (asked.request_hash, asked.requested_by) != (request.hash, actor.id):
        raise KeyReused(transfer.payment.id)
    return transfer
