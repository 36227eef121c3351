"""One request on its way to be a payment: what it depends on, what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from audit.context import Actor
from dynamodb import store
from dynamodb.errors import OutcomeUnknownError, StoreBusyError, StoreError
from dynamodb.models import Record
from dynamodb.retries import Patience, read_within, settle
from dynamodb.transactions import Transaction
from payments import compliance, directory, ledger, rules, totals, turns
from payments.models import Account, Activity, IdempotencyKey, Payment, PaymentStatus
from payments.refusals import InsufficientFunds, InvalidRequest, Refusal
from payments.requests import TransferRequest, check_is_ahead
from payments.rules import Decision, Maker, Posting


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What became of a request: its payment, and whether it was already there."""

    payment: Payment
    is_replay: bool

    @property
    def outcome(self) -> str:
        """In a word, for figures."""
        return "replayed" if self.is_replay else self.payment.failure_code or self.payment.status


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Both accounts and the maker as they stand, what would change, and why it would wait.

    One for a later day changes nothing yet: it is decided then.
    """

    source: Account
    target: Account
    posting: Posting
    triggers: list[str]
    maker: Maker | None = None


_UNDECIDED = Decision(posting=Posting(source={}, target={}), triggers=[])
"""What a transfer changes on the day it is asked for, if it is for a later one."""


def contended(keys: Mapping[str, Record | None]) -> set[str]:
    """Names of the records that others may want to move at the same time, given what is read."""
    names = {key.subject for key in keys.values() if isinstance(key, Activity)}
    return names | {key.id for key in keys.values() if isinstance(key, Account)}


@dataclass(kw_only=True)
class Deciding:
    """A request on its way to be a payment. ``known`` holds records by the names of actions."""

    request: TransferRequest
    actor: Actor
    at: datetime
    is_due: bool = False
    patience: Patience = field(default_factory=turns.patience)
    known: dict[str, Any] = field(init=False, default_factory=dict)

    def settle(self) -> Transfer:
        """Read, decide and commit it by itself."""
        keys = self.keys(with_payment=bool(self.request.scheduled_for))
        with turns.turn(self.patience, *contended(keys)):
            self.known = directory.read(keys, self.patience)
            try:
                return settle(self.build, self.known, at=self.at, patience=self.patience)
            except OutcomeUnknownError as error:
                error.reference = error.reference or self.request.payment_id
                raise

    def preview(self) -> Preview | Transfer:
        self.known = directory.read(self.keys(with_payment=True), self.patience)
        return settle(self._build_preview, self.known, at=self.at, patience=self.patience)

    def _build_preview(self, tx: Transaction) -> Preview | Transfer:
        """Add nothing but a refusal: what is no longer refused is there to be confirmed."""
        try:
            decision = None if self._earlier() else self._decide() or _UNDECIDED
        except Refusal:
            decision = None
        if decision is None:
            return self.build(tx)
        return Preview(
            source=self.known["source"],
            target=self.known["target"],
            posting=decision.posting,
            triggers=decision.triggers,
            maker=self._maker(),
        )

    def keys(self, *, with_payment: bool = False) -> dict[str, Record | None]:
        """What the decision depends on and is read in one request."""
        original = self.request.reverses
        source = directory.account_key(self.request.from_account_id, self.patience)
        target = directory.account_key(self.request.to_account_id, self.patience)
        return {
            "source": source,
            "target": target,
            "key": self._key() if self.request.idempotency_key else None,
            "maker": totals.maker_key(self.actor, self.request.currency),
            "original": directory.payment_key(original) if original else None,
            "payment": directory.payment_key(self.request.payment_id) if with_payment else None,
            **compliance.watched(source, target),
        }

    def build(self, tx: Transaction) -> Transfer:
        if earlier := self._earlier():
            return Transfer(payment=earlier, is_replay=True)
        try:
            decision = self._decide()
        except InvalidRequest:
            raise
        except Refusal as refusal:
            payment = self._add_refused(tx, refusal)
        else:
            payment = self._add_decided(tx, decision)
        if self.request.idempotency_key:
            tx.put_once("key", self._key().with_changes({"created_at": self.at}))
        return Transfer(payment=payment, is_replay=False)

    def _earlier(self) -> Payment | None:
        """What this request has already become, unless it is a scheduled payment now due."""
        payment: Payment | None = self.known["payment"]
        if payment is not None:
            return None if self.is_due and payment.awaits_its_day else payment
        key: IdempotencyKey | None = self.known["key"]
        if key is None:
            return None
        named = directory.payment_key(key.payment_id)
        try:
            found = read_within(partial(store.get, named), self.patience)
        except StoreBusyError as error:
            sentence = f"This request became payment {named.id}, which cannot be read just now."
            unknown = OutcomeUnknownError(sentence)
            unknown.reference = named.id
            raise unknown from error
        if found is None:
            raise StoreError(f"Payment {key.payment_id} is named by its key and cannot be found.")
        return found

    def _decide(self) -> Decision | None:
        """Decide; ``None`` for a payment that is to be decided on a later day."""
        source, target = self.known["source"], self.known["target"]
        if self.request.reverses:
            rules.check_reversal(self.known["original"], self.request)
        if self.request.scheduled_for and not self.is_due:
            check_is_ahead(self.request, self.at)
            rules.check_parties(self.request, source, target)
            return None
        return rules.decide(self.request, source, target, self.at, maker=self._maker())

    def _maker(self) -> Maker | None:
        return totals.maker_today(self.actor, self.known["maker"], self.request.currency, self.at)

    def _add_decided(self, tx: Transaction, decision: Decision | None) -> Payment:
        source, target, original = (self.known[name] for name in ("source", "target", "original"))
        payment = self._payment()
        if decision is None:
            return ledger.move(tx, payment, "payment.scheduled", PaymentStatus.PENDING, self.actor)
        if decision.triggers:
            payment = ledger.add_pending(tx, payment, source, decision.triggers, self.actor)
        else:
            payment = ledger.add_processed(tx, payment, (source, target), self.actor)
            ledger.add_posting(tx, source, target, decision.posting, payment, self.actor)
            compliance.watch(tx, self.known, payment, source, target)
        totals.add_activity(tx, self.known["maker"], payment, self.actor)
        if original is not None:
            ledger.count_reversal(tx, original, payment, payment.amount, self.actor)
        return payment

    def _add_refused(self, tx: Transaction, refusal: Refusal) -> Payment:
        payment = ledger.move(
            tx,
            self._payment(),
            "payment.failed",
            PaymentStatus.FAILED,
            self.actor,
            failure_code=refusal.code,
            failure_reason=str(refusal),
        )
        if isinstance(refusal, InsufficientFunds):
            source: Account = self.known["source"]
            changes = rules.failed_debit(source, self.at)
            ledger.count_failure(tx, source, changes, payment, self.actor)
        return payment

    def _payment(self) -> Payment:
        """The payment to be, or the scheduled one that is now decided."""
        existing, source, target = (self.known[name] for name in ("payment", "source", "target"))
        return existing or ledger.asked(self.request, source, target, self.actor)

    def _key(self) -> IdempotencyKey:
        return IdempotencyKey(
            key=self.request.idempotency_key,
            payment_id=self.request.payment_id,
            request_hash=self.request.hash,
        )
