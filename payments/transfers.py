"""Run transfers: one decision, one commit, exactly once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from audit.context import Actor
from dynamodb import store
from dynamodb.errors import StoreBusyError, StoreError
from dynamodb.models import Item
from dynamodb.retries import BUSY, Patience, commit_within
from dynamodb.transactions import Committed, Transaction
from payments import ledger, rules
from payments.identifiers import new_payment_id, payment_timestamp
from payments.models import Account, IdempotencyKey, Payment, PaymentStatus
from payments.refusals import InvalidRequest, KeyReused, Refusal
from payments.rules import Posting, TransferRequest

__all__ = [
    "Preview",
    "Transfer",
    "TransferRequest",
    "new_payment_id",
    "preview_transfer",
    "transfer_funds",
]


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What became of a request: its payment, and whether it was already there."""

    payment: Payment
    is_replay: bool


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Both accounts as they stand, and what the transfer would change on them."""

    source: Account
    target: Account
    posting: Posting


def transfer_funds(
    request: TransferRequest,
    *,
    actor: Actor,
    at: datetime,
    limit_seconds: float = ledger.TRANSFER_SECONDS,
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
    request = _checked(request, actor, at)
    patience = ledger.patience(limit_seconds)
    with ledger.turn(patience, request.from_account_id, request.to_account_id):
        transfer = _Attempts(request=request, actor=actor, at=at, patience=patience).settle()
    return _answer_to(request, transfer, actor, at)


def preview_transfer(request: TransferRequest, *, actor: Actor, at: datetime) -> Preview | Transfer:
    """Decide a transfer as posting would, and move nothing: one request to DynamoDB.

    Answers a ``Transfer`` where there is nothing left to confirm: the id is already a payment, or
    a rule refuses. The refused one is recorded just as ``transfer_funds`` records it, so an
    attempt is remembered though nobody confirmed it. Raises as ``transfer_funds`` does.
    """
    request = _checked(request, actor, at)
    attempts = _Attempts(request=request, actor=actor, at=at, patience=ledger.patience())
    decided = attempts.preview()
    if isinstance(decided, Preview):
        return decided
    return _answer_to(request, decided, actor, at)


def _checked(request: TransferRequest, actor: Actor, at: datetime) -> TransferRequest:
    try:
        return rules.checked_transfer(request)
    except InvalidRequest as refusal:
        ledger.record_refusal(refusal, subject="transfer", actor=actor, at=at)
        raise


def _answer_to(
    request: TransferRequest, transfer: Transfer, actor: Actor, at: datetime
) -> Transfer:
    """Give a payment to the request that made it, and to no other under the same id."""
    if transfer.payment.request_hash == request.hash:
        return transfer
    reused = KeyReused()
    ledger.record_refusal(
        reused, subject="transfer", actor=actor, at=at, reference=transfer.payment.id
    )
    raise reused


@dataclass(kw_only=True)
class _Attempts:
    """Decide and commit until one attempt stands; what a refused commit returns saves a read."""

    request: TransferRequest
    actor: Actor
    at: datetime
    patience: Patience
    source: Account | None = field(init=False, default=None)
    target: Account | None = field(init=False, default=None)

    def settle(self) -> Transfer:
        return self._read() or self._commit(self._add_actions)

    def preview(self) -> Preview | Transfer:
        payment = self._payment()
        earlier = self._read(Payment(id=payment.id, timestamp=payment.timestamp))
        if earlier is not None:
            return earlier
        try:
            posting = rules.decide(self.request, self.source, self.target, self.at)
        except Refusal as refusal:
            return self._commit(partial(self._add_refused, refusal=refusal))
        assert self.source is not None and self.target is not None  # noqa: S101, PT018 - decide() has checked
        return Preview(source=self.source, target=self.target, posting=posting)

    def _commit(self, add_actions: Callable[[Transaction], Payment]) -> Transfer:
        while True:
            tx = Transaction(at=self.at)
            payment = add_actions(tx)
            outcome = commit_within(tx.freeze(), self.patience)
            if isinstance(outcome, Committed):
                return Transfer(payment=payment, is_replay=False)
            replay = self._learn(outcome.items)
            if replay is not None:
                return replay
            if not self.patience.pause():
                raise StoreBusyError(BUSY)

    def _read(self, payment: Payment | None = None) -> Transfer | None:
        """Read both accounts, and what the caller's key already became, in one request.

        With the key of the ``payment`` to be, that too.
        """
        keys = {
            "source": ledger.account_key(self.request.from_account_id),
            "target": ledger.account_key(self.request.to_account_id),
            "key": self._key() if self.request.idempotency_key else None,
            "payment": payment,
        }
        wanted = {name: key for name, key in keys.items() if key is not None}
        found = dict(zip(wanted, store.get_many(list(wanted.values())), strict=True))
        self.source, self.target = found.get("source"), found.get("target")
        if found.get("payment"):
            return Transfer(payment=found["payment"], is_replay=True)
        used = found.get("key")
        return self._replay_of(used.payment_id) if used else None

    def _add_actions(self, tx: Transaction) -> Payment:
        try:
            posting = rules.decide(self.request, self.source, self.target, self.at)
        except Refusal as refusal:
            return self._add_refused(tx, refusal)
        assert self.source is not None and self.target is not None  # noqa: S101, PT018 - decide() has checked
        ledger.assert_balanced(self.source, self.target, posting, self.target.balance)
        payment = self._add_payment(tx, self._payment())
        ledger.add_posting(tx, self.source, self.target, posting, payment, self.actor)
        return payment

    def _add_refused(self, tx: Transaction, refusal: Refusal) -> Payment:
        return self._add_payment(tx, self._payment(refusal))

    def _add_payment(self, tx: Transaction, payment: Payment) -> Payment:
        if self.request.idempotency_key:
            tx.put_once("key", self._key().with_changes({"created_at": self.at}))
        return ledger.add_payment(tx, payment, self.actor)

    def _payment(self, refusal: Refusal | None = None) -> Payment:
        status = PaymentStatus.FAILED if refusal else PaymentStatus.PROCESSED
        return Payment(
            id=self.request.payment_id,
            timestamp=payment_timestamp(self.request.payment_id),
            customer_id=self.source.customer_id if self.source else None,
            merchant_id=self.request.merchant_id or None,
            status=status,
            status_key=status.value,
            amount=self.request.amount_minor,
            currency=self.request.currency,
            description=self.request.description or None,
            from_account_id=self.request.from_account_id,
            to_account_id=self.request.to_account_id,
            processed_at=None if refusal else self.at,
            failure_code=refusal.code if refusal else None,
            failure_reason=str(refusal) if refusal else None,
            requested_by=self.actor.id,
            request_hash=self.request.hash,
        )

    def _key(self) -> IdempotencyKey:
        return IdempotencyKey(
            key=self.request.idempotency_key,
            payment_id=self.request.payment_id,
            request_hash=self.request.hash,
        )

    def _learn(self, items: Mapping[str, Item | None]) -> Transfer | None:
        """Take in what a refused commit showed: an earlier answer, or accounts as they stand."""
        if items.get("key"):
            return self._replay_of(IdempotencyKey.from_item(items["key"] or {}).payment_id)
        if items.get("payment"):
            return Transfer(payment=Payment.from_item(items["payment"] or {}), is_replay=True)
        if not items.keys() & {"source", "target"}:
            # The chain's next place is taken though the head did not move: somebody wrote past us.
            raise StoreError(f"The audit chain refuses its next entry: {sorted(items)}.")
        if item := items.get("source"):
            self.source = Account.from_item(item)
        if item := items.get("target"):
            self.target = Account.from_item(item)
        return None

    def _replay_of(self, payment_id: str) -> Transfer:
        key = Payment(id=payment_id, timestamp=payment_timestamp(payment_id))
        payment = store.get(key)
        if payment is None:
            raise StoreError(f"Payment {payment_id} is named by its key and cannot be found.")
        return Transfer(payment=payment, is_replay=True)
