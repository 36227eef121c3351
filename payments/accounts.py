"""Open accounts; money they begin with comes from the currency's clearing account."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit import trail
from audit.context import Actor
from audit.trail import Event
from dynamodb.models import Record
from dynamodb.retries import Patience, settle
from dynamodb.transactions import Transaction
from payments import attempts, compliance, directory, identifiers, ledger, rules, totals, turns
from payments.identifiers import new_payment_id
from payments.models import Account, AccountStatus, AccountType, Payment
from payments.money import numeric_code
from payments.refusals import KeyReused
from payments.requests import CLEARING_OWNER, OpeningRequest, TransferRequest, checked_opening

__all__ = ["Opening", "OpeningRequest", "clearing_account", "open_account"]

LEDGER = Actor(id="system:ledger")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What became of a request: its account, and whether it was already there.

    ``pending`` is the payment of an opening balance that waits for a second person.
    """

    account: Account
    is_replay: bool
    pending: Payment | None = None


def open_account(request: OpeningRequest, *, actor: Actor, at: datetime) -> Opening:
    """Open an account, once, however often the same request arrives.

    The account number is drawn from the request's id, so the second time finds the first. An
    opening balance is a payment from the currency's clearing account in the same commit; where it
    needs a second person the account opens empty and the payment is pending.

    Raises ``InvalidRequest`` for a malformed request and ``KeyReused`` for a request id that was
    used with other values: nothing happens, the attempt is recorded. Raises ``StoreBusyError`` or
    ``OutcomeUnknownError`` as transfers do.
    """
    with attempts.recorded_refusals(subject="account", actor=actor, at=at):
        request = checked_opening(request)
        opening = _Opening(request=request, actor=actor, at=at).settle()
        if opening.account.request_hash != request.hash:
            raise KeyReused(opening.account.id)
    directory.remember(opening.account)
    return opening


def clearing_account(currency: str, *, at: datetime) -> Account:
    """The system account that money in ``currency`` comes from and goes to; opened at first use."""
    account = _clearing_key(currency).with_changes(
        {
            "customer_id": CLEARING_OWNER,
            "account_type": AccountType.SYSTEM,
            "status": AccountStatus.ACTIVE,
            "currency": currency,
        }
    )
    patience = turns.patience()
    known = directory.read({"account": account}, patience)

    def build(tx: Transaction) -> Account:
        found: Account | None = known["account"]
        return found or trail.create(tx, "account", account, opening_event(account, LEDGER))

    return settle(build, known, at=at, patience=patience)


def _clearing_key(currency: str) -> Account:
    number = identifiers.clearing_number(numeric_code(currency))
    return Account(id=identifiers.account_id(number), account_number=number)


@dataclass(kw_only=True)
class _Opening:
    request: OpeningRequest
    actor: Actor
    at: datetime
    draws: int = field(init=False, default=0)
    known: dict[str, Any] = field(init=False)

    def settle(self) -> Opening:
        patience = turns.patience()
        self.known = {"account": None}
        if not self.request.opening_balance_minor:
            return settle(self._build, self.known, at=self.at, patience=patience)
        clearing = _clearing_key(self.request.currency)
        with turns.turn(patience, clearing.id):
            self._read(clearing, patience)
            return settle(self._build, self.known, at=self.at, patience=patience)

    def _read(self, clearing: Account, patience: Patience) -> None:
        """Read what the deposit depends on, and the account if it is open already."""
        keys: dict[str, Record | None] = {
            "account": self._account(),
            "source": clearing,
            "maker": totals.maker_key(self.actor, self.request.currency),
            **compliance.watched(self._account(), None),
        }
        self.known |= directory.read(keys, patience)
        if self.known["source"] is None:
            self.known["source"] = clearing_account(self.request.currency, at=self.at)

    def _build(self, tx: Transaction) -> Opening:
        taken: Account | None = self.known["account"]
        if taken is not None:
            if taken.request_id == self.request.request_id:
                return Opening(account=taken, is_replay=True)
            self.draws += 1
            self.known["account"] = None
        account = self._account()
        if not self.request.opening_balance_minor:
            opened = trail.create(tx, "account", account, opening_event(account, self.actor))
            return Opening(account=opened, is_replay=False)
        return self._add_with_deposit(tx, account)

    def _add_with_deposit(self, tx: Transaction, account: Account) -> Opening:
        """Add the account and the payment that fills it, now or once it is approved."""
        clearing, maker = self.known["source"], self.known["maker"]
        deposit = TransferRequest(
            payment_id=new_payment_id(self.at),
            from_account_id=clearing.id,
            to_account_id=account.id,
            amount_minor=self.request.opening_balance_minor,
            currency=self.request.currency,
            description="Opening balance",
        )
        person = totals.maker_today(self.actor, maker, deposit.currency, self.at)
        decision = rules.decide(deposit, clearing, account, self.at, maker=person)
        payment = ledger.asked(deposit, clearing, account, self.actor)
        if decision.triggers:
            payment = ledger.add_pending(tx, payment, clearing, decision.triggers, self.actor)
            totals.add_activity(tx, maker, payment, self.actor)
            opened = trail.create(tx, "account", account, opening_event(account, self.actor))
            return Opening(account=opened, is_replay=False, pending=payment)
        ledger.assert_balanced(clearing, account, decision.posting)
        payment = ledger.add_processed(tx, payment, (clearing,), self.actor)
        ledger.debit(tx, clearing, decision.posting, payment, self.actor)
        totals.add_activity(tx, maker, payment, self.actor)
        compliance.watch(tx, self.known, payment, clearing, account)
        event = opening_event(account, self.actor, reference=payment.id)
        opened = trail.create(tx, "account", account.with_changes(decision.posting.target), event)
        return Opening(account=opened, is_replay=False)

    def _account(self) -> Account:
        number = identifiers.draw(self.request.request_id, self.draws)
        return Account(
            id=identifiers.account_id(number),
            account_number=number,
            customer_id=self.request.customer_id,
            account_type=AccountType(self.request.account_type),
            status=AccountStatus.ACTIVE,
            currency=self.request.currency,
            request_id=self.request.request_id,
            request_hash=self.request.hash,
        )


def opening_event(account: Account, actor: Actor, reference: str | None = None) -> Event:
    return Event(entity_id=account.id, action="account.opened", actor=actor, reference=reference)
