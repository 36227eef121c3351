"""Open accounts; money they begin with comes from the currency's clearing account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb import store
from dynamodb.models import Item
from dynamodb.retries import Patience, read_within
from dynamodb.transactions import Transaction
from payments import account_numbers, ledger, rules
from payments.identifiers import new_payment_id
from payments.models import Account, AccountStatus, AccountType
from payments.money import numeric_code
from payments.refusals import KeyReused
from payments.rules import CLEARING_OWNER, OpeningRequest, TransferRequest

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

    Raises ``InvalidRequest`` for a malformed request, ``KeyReused`` for a request id that was
    used with other values, and the ``Refusal`` of a rule that forbids the opening balance: nothing
    happens, the attempt is recorded. Raises ``StoreBusyError`` or ``OutcomeUnknownError`` as
    transfers do.
    """
    with ledger.recorded_refusals(subject="account", actor=actor, at=at):
        request = rules.checked_opening(request)
        attempts = _Attempts(request=request, actor=actor, at=at, patience=ledger.patience())
        opening = attempts.settle()
        if opening.account.request_hash != request.hash:
            raise KeyReused(opening.account.id)
    ledger.remember(opening.account.id, opening.account.account_number)
    return opening


def clearing_account(currency: str, *, at: datetime) -> Account:
    """The system account that money in ``currency`` comes from and goes to; opened at first use."""
    account, patience = _clearing_account(currency), ledger.patience()
    return read_within(partial(store.get, account), patience) or trail.settle(
        lambda tx: trail.create(tx, "account", account, _opened(account, LEDGER)),
        lambda items: Account.from_item(items["account"] or {}),
        at=at,
        patience=patience,
    )


def _clearing_account(currency: str) -> Account:
    number = account_numbers.clearing_number(numeric_code(currency))
    return Account(
        id=account_numbers.account_id(number),
        account_number=number,
        customer_id=CLEARING_OWNER,
        account_type=AccountType.SYSTEM,
        status=AccountStatus.ACTIVE,
        currency=currency,
    )


@dataclass(kw_only=True)
class _Attempts:
    request: OpeningRequest
    actor: Actor
    at: datetime
    patience: Patience
    clearing: Account | None = field(init=False, default=None)
    draws: int = field(init=False, default=0)

    def settle(self) -> Opening:
        if not self.request.opening_balance_minor:
            return self._commit()
        clearing = _clearing_account(self.request.currency)
        with ledger.turn(self.patience, clearing.id):
            keys = [self._account(), clearing]
            earlier, self.clearing = read_within(partial(store.get_many, keys), self.patience)
            if self.clearing is None:
                self.clearing = clearing_account(self.request.currency, at=self.at)
            # What is open already is the answer, whatever the rules would say by now.
            return (earlier and self._opening_of(earlier)) or self._commit()

    def _commit(self) -> Opening:
        return trail.settle(self._add_actions, self._learn, at=self.at, patience=self.patience)

    def _add_actions(self, tx: Transaction) -> Opening:
        account, reference = self._account(), None
        if self.clearing is not None:
            deposit = self._deposit(self.clearing, account)
            posting = rules.decide(deposit, self.clearing, account, self.at)
            ledger.assert_balanced(self.clearing, account, posting)
            payment = ledger.add_payment(tx, deposit, self.clearing, self.actor)
            ledger.debit(tx, self.clearing, posting, payment, self.actor)
            account, reference = account.with_changes(posting.target), payment.id
        event = _opened(account, self.actor, reference)
        return Opening(account=trail.create(tx, "account", account, event), is_replay=False)

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

    def _deposit(self, clearing: Account, account: Account) -> TransferRequest:
        return TransferRequest(
            payment_id=new_payment_id(self.at),
            from_account_id=clearing.id,
            to_account_id=account.id,
            amount_minor=self.request.opening_balance_minor,
            currency=self.request.currency,
            description="Opening balance",
        )

    def _learn(self, items: Mapping[str, Item | None]) -> Opening | None:
        """Take in what a refused commit showed: this request's account, or another's number."""
        if item := items.get("source"):
            self.clearing = Account.from_item(item)
        item = items.get("account")
        return self._opening_of(Account.from_item(item)) if item else None

    def _opening_of(self, account: Account) -> Opening | None:
        """Answer with the account under our number, or draw another where it is not our own."""
        if account.request_id == self.request.request_id:
            return Opening(account=account, is_replay=True)
        self.draws += 1
        return None


def _opened(account: Account, actor: Actor, reference: str | None = None) -> Event:
    return Event(
        entity_id=account.id,
        entity_type="account",
        action="account.opened",
        actor=actor,
        reference=reference,
    )
