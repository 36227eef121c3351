"""Run transfers: one decision, one commit, exactly once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from audit import trail
from audit.context import Actor
from dynamodb import store
from dynamodb.errors import OutcomeUnknownError, StoreBusyError, StoreError
from dynamodb.models import Item
from dynamodb.retries import Patience, read_within
from dynamodb.transactions import Transaction
from payments import ledger, rules
from payments.identifiers import new_payment_id
from payments.models import Account, IdempotencyKey, Payment
from payments.refusals import KeyReused, Refusal
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
    with ledger.recorded_refusals(subject="transfer", actor=actor, at=at):
        request = rules.checked_transfer(request)
        patience = ledger.patience(limit_seconds)
        with ledger.turn(patience, request.from_account_id, request.to_account_id):
            transfer = _Attempts(request=request, actor=actor, at=at, patience=patience).settle()
        return _answer_to(request, transfer)


def preview_transfer(request: TransferRequest, *, actor: Actor, at: datetime) -> Preview | Transfer:
    """Decide a transfer as posting would, and move nothing.

    One request to DynamoDB for accounts seen before, at most three otherwise. Answers a
    ``Transfer`` where there is nothing left to confirm: the id is already a payment, or a rule
    refuses. The refused one is recorded just as ``transfer_funds`` records it, so an attempt is
    remembered though nobody confirmed it. Raises as ``transfer_funds`` does.
    """
    with ledger.recorded_refusals(subject="transfer", actor=actor, at=at):
        request = rules.checked_transfer(request)
        attempts = _Attempts(request=request, actor=actor, at=at, patience=ledger.patience())
        decided = attempts.preview()
        return decided if isinstance(decided, Preview) else _answer_to(request, decided)


def _answer_to(request: TransferRequest, transfer: Transfer) -> Transfer:
    """Give a payment to the request that made it, and to no other under the same id."""
    if transfer.payment.request_hash != request.hash:
        raise KeyReused(transfer.payment.id)
    return transfer


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
        return read_within(self._read, self.patience) or self._commit(self._add_actions)

    def preview(self) -> Preview | Transfer:
        payment = ledger.payment_key(self.request.payment_id)
        earlier = read_within(partial(self._read, payment), self.patience)
        if earlier is not None:
            return earlier
        try:
            posting = rules.decide(self.request, self.source, self.target, self.at)
        except Refusal as refusal:
            return self._commit(partial(self._add_payment, refusal=refusal))
        assert self.source is not None and self.target is not None  # noqa: S101, PT018 - decide() has checked
        return Preview(source=self.source, target=self.target, posting=posting)

    def _commit(self, add_actions: Callable[[Transaction], Transfer]) -> Transfer:
        return trail.settle(add_actions, self._learn, at=self.at, patience=self.patience)

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

    def _add_actions(self, tx: Transaction) -> Transfer:
        try:
            posting = rules.decide(self.request, self.source, self.target, self.at)
        except Refusal as refusal:
            return self._add_payment(tx, refusal)
        assert self.source is not None and self.target is not None  # noqa: S101, PT018 - decide() has checked
        transfer = self._add_payment(tx)
        ledger.add_posting(tx, self.source, self.target, posting, transfer.payment, self.actor)
        return transfer

    def _add_payment(self, tx: Transaction, refusal: Refusal | None = None) -> Transfer:
        if self.request.idempotency_key:
            tx.put_once("key", self._key().with_changes({"created_at": self.at}))
        payment = ledger.add_payment(tx, self.request, self.source, self.actor, refusal)
        return Transfer(payment=payment, is_replay=False)

    def _key(self) -> IdempotencyKey:
        return IdempotencyKey(
            key=self.request.idempotency_key,
            payment_id=self.request.payment_id,
            request_hash=self.request.hash,
        )

    def _learn(self, items: Mapping[str, Item | None]) -> Transfer | None:
        """Take in what a refused commit showed: an earlier answer, or accounts as they stand."""
        if item := items.get("key"):
            return self._replay_of(IdempotencyKey.from_item(item).payment_id)
        if item := items.get("payment"):
            return Transfer(payment=Payment.from_item(item), is_replay=True)
        if item := items.get("source"):
            self.source = Account.from_item(item)
        if item := items.get("target"):
            self.target = Account.from_item(item)
        return None

    def _replay_of(self, payment_id: str) -> Transfer:
        key = ledger.payment_key(payment_id)
        try:
            payment = read_within(partial(store.get, key), self.patience)
        except StoreBusyError as error:
            unread = f"This request became payment {payment_id}, which cannot be read just now."
            raise OutcomeUnknownError(unread) from error
        if payment is None:
            raise StoreError(f"Payment {payment_id} is named by its key and cannot be found.")
        return Transfer(payment=payment, is_replay=True)
