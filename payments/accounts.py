"""Open accounts; money they begin with comes from the currency's clearing account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb import store
from dynamodb.errors import StoreBusyError, StoreError
from dynamodb.models import Item
from dynamodb.retries import BUSY, Patience, commit_within
from dynamodb.transactions import Committed, Transaction
from payments import account_numbers, ledger, rules
from payments.identifiers import new_payment_id, payment_timestamp
from payments.models import Account, AccountStatus, AccountType, Payment, PaymentStatus
from payments.money import numeric_code
from payments.refusals import InvalidRequest, KeyReused
from payments.rules import CLEARING_OWNER, OpeningRequest

__all__ = ["Opening", "OpeningRequest", "clearing_account", "open_account"]

LEDGER = Actor(id="system:ledger")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What became of a request: its account, and whether it was already there."""

    account: Account
    is_replay: bool


def open_account(request: OpeningRequest, *, actor: Actor, at: datetime) -> Opening:
    """Open an account, once, however often the same request arrives.

    The account number is drawn from the request's id, so the second time finds the first. An
    opening balance is a payment from the currency's clearing account in the same commit.

    Raises ``InvalidRequest`` for a malformed request and ``KeyReused`` for a request id that was
    used with other values: nothing happens, the attempt is recorded. Raises ``StoreBusyError`` or
    ``OutcomeUnknownError`` as transfers do.
    """
    try:
        request = rules.checked_opening(request)
    except InvalidRequest as refusal:
        ledger.record_refusal(refusal, subject="account", actor=actor, at=at)
        raise
    patience = ledger.patience()
    attempts = _Attempts(request=request, actor=actor, at=at, patience=patience)
    if request.opening_balance_minor:
        attempts.clearing = clearing_account(request.currency, at=at)
        with ledger.turn(patience, attempts.clearing.id):
            opening = attempts.settle()
    else:
        opening = attempts.settle()
    if opening.account.request_hash != request.hash:
        reused = KeyReused()
        ledger.record_refusal(
            reused, subject="account", actor=actor, at=at, reference=opening.account.id
        )
        raise reused
    ledger.remember(opening.account.id, opening.account.account_number)
    return opening


def clearing_account(currency: str, *, at: datetime) -> Account:
    """The system account that money in ``currency`` comes from and goes to; opened at first use."""
    number = account_numbers.clearing_number(numeric_code(currency))
    account = Account(
        id=account_numbers.account_id(number),
        account_number=number,
        customer_id=CLEARING_OWNER,
        account_type=AccountType.SYSTEM,
        status=AccountStatus.ACTIVE,
        currency=currency,
    )
    found = store.get(account)
    if found is not None:
        return found
    tx = Transaction(at=at)
    opened = trail.create(tx, "account", account, _opened(account, LEDGER))
    outcome = commit_within(tx.freeze(), ledger.patience())
    if isinstance(outcome, Committed):
        return opened
    item = outcome.items.get("account")
    if item is None:
        raise StoreError(f"The clearing account for {currency} could not be opened.")
    return Account.from_item(item)


@dataclass(kw_only=True)
class _Attempts:
    request: OpeningRequest
    actor: Actor
    at: datetime
    patience: Patience
    clearing: Account | None = None
    draws: int = field(init=False, default=0)

    def settle(self) -> Opening:
        while True:
            tx = Transaction(at=self.at)
            account = self._add_actions(tx)
            outcome = commit_within(tx.freeze(), self.patience)
            if isinstance(outcome, Committed):
                return Opening(account=account, is_replay=False)
            replay = self._learn(outcome.items)
            if replay is not None:
                return replay
            if not self.patience.pause():
                raise StoreBusyError(BUSY)

    def _add_actions(self, tx: Transaction) -> Account:
        account = self._account()
        if self.clearing is None:
            return trail.create(tx, "account", account, _opened(account, self.actor))
        amount = self.request.opening_balance_minor
        posting = rules.post(self.clearing, account, amount, self.at)
        ledger.assert_balanced(self.clearing, account, posting)
        payment = ledger.add_payment(tx, self._deposit(self.clearing, account), self.actor)
        ledger.debit(tx, self.clearing, posting, payment, self.actor)
        event = _opened(account, self.actor, reference=payment.id)
        return trail.create(tx, "account", account.with_changes(posting.target), event)

    def _account(self) -> Account:
        number = account_numbers.draw(self.request.request_id, self.draws)
        return Account(
            id=account_numbers.account_id(number),
            account_number=number,
            customer_id=self.request.customer_id,
            account_type=AccountType(self.request.account_type),
            status=AccountStatus.ACTIVE,
            currency=self.request.currency,
            request_id=self.request.request_id,
            request_hash=self.request.hash,
        )

    def _deposit(self, clearing: Account, account: Account) -> Payment:
        payment_id = new_payment_id(self.at)
        return Payment(
            id=payment_id,
            timestamp=payment_timestamp(payment_id),
            customer_id=clearing.customer_id,
            status=PaymentStatus.PROCESSED,
            status_key=PaymentStatus.PROCESSED.value,
            amount=self.request.opening_balance_minor,
            currency=self.request.currency,
            description="Opening balance",
            from_account_id=clearing.id,
            to_account_id=account.id,
            processed_at=self.at,
            requested_by=self.actor.id,
        )

    def _learn(self, items: Mapping[str, Item | None]) -> Opening | None:
        """Take in what a refused commit showed: this request's account, or another's number."""
        if item := items.get("account"):
            account = Account.from_item(item)
            if account.request_id == self.request.request_id:
                return Opening(account=account, is_replay=True)
            self.draws += 1
            return None
        if item := items.get("source"):
            self.clearing = Account.from_item(item)
            return None
        raise StoreError(f"The audit chain refuses its next entry: {sorted(items)}.")


def _opened(account: Account, actor: Actor, reference: str | None = None) -> Event:
    return Event(
        entity_id=account.id,
        entity_type="account",
        action="account.opened",
        actor=actor,
        reference=reference,
    )
