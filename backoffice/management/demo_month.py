"""A month of demo payments, and of decisions on those that had to wait, in order of time."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from audit.context import Actor
from payments import queries
from payments.accounts import clearing_account
from payments.approvals import (
    approve_payment,
    cancel_payment,
    digest,
    expire_payment,
    reject_payment,
)
from payments.models import Account, Payment
from payments.money import exponent
from payments.refusals import Refusal
from payments.requests import TransferRequest
from payments.transfers import new_payment_id, transfer_funds

MAKERS = ("teller1", "teller1", "teller2", "teller2", "supervisor1")
MERCHANTS = ("harbour-books", "north-bakery", "city-transit", "green-grocer")
PURPOSES = ("Rent", "Invoice", "Salary", "Savings", "Groceries", "Refund", "Tickets", "Supplies")
CHECKER = Actor(id="supervisor2")

LARGE_EVERY = 30
"""One payment in so many is money from outside, too large to move without a second person."""

WAITING = ("teller1", "supervisor1", "teller2", "teller1")
"""Makers of the newest requests, which are left to be decided; a scheduled one comes last."""

_APART = timedelta(minutes=40)
_REJECTED, _CANCELED, _FORGOTTEN = 3, 5, 6


def payment_key(number: int) -> str:
    return f"seed:payment:{number}"


@dataclass(kw_only=True)
class Month:
    """``accounts`` pay each other ``count`` times between ``start`` and ``now``.

    ``waiting`` are requests that are still to be decided: when, what becomes of them, which.
    """

    start: datetime
    now: datetime
    accounts: Sequence[Account]
    count: int
    chance: random.Random
    waiting: list[tuple[datetime, int, Payment]] = field(default_factory=list)

    def pay(self, number: int) -> None:
        """Pay something. About one in fifteen asks for too much."""
        request, maker, at = self._ordinary(number)
        place = number - (self.count - len(WAITING) - 1)
        if place == len(WAITING):
            day = (self.now + timedelta(days=3)).date().isoformat()
            request = replace(request, scheduled_for=day)
        elif place >= 0:
            request, maker = self._large(request, at, from_outside=place != 1), WAITING[place]
        elif number % LARGE_EVERY == LARGE_EVERY // 2:
            request = self._large(request, at, from_outside=True)
        self.decide(until=at)
        payment = transfer_funds(request, actor=Actor(id=maker), at=at).payment
        if payment.can_cancel() and place < 0:
            kind = number // LARGE_EVERY % 8
            due = at + timedelta(hours=2 + number % 4)
            if kind == _FORGOTTEN and payment.expires_at:
                due = payment.expires_at
            self.waiting.append((due, kind, payment))

    def decide(self, *, until: datetime) -> None:
        """Let a second person decide what is due by then; some of it nobody does."""
        self.waiting.sort(key=lambda each: each[0])
        while self.waiting and self.waiting[0][0] <= until:
            at, kind, payment = self.waiting.pop(0)
            # What cannot be approved stays as it is, and expires.
            with suppress(Refusal):
                _decide(payment, kind, at=min(at, self.now))

    def _ordinary(self, number: int) -> tuple[TransferRequest, str, datetime]:
        source = self.chance.choice(self.accounts)
        target = self.chance.choice(
            [
                account
                for account in self.accounts
                if account.currency == source.currency and account.id != source.id
            ]
        )
        unit = 10 ** exponent(source.currency)
        amount = self.chance.randrange(10 * unit, self.chance.choice((100, 1_000, 2_500)) * unit)
        asks_too_much = self.chance.random() < 1 / 15
        at = self._time(number)
        request = TransferRequest(
            payment_id=new_payment_id(at),
            from_account_id=source.id,
            to_account_id=target.id,
            amount_minor=amount * 1000 if asks_too_much else amount,
            currency=source.currency,
            description=self.chance.choice(PURPOSES),
            merchant_id=self.chance.choice(MERCHANTS) if target.account_type == "merchant" else "",
            idempotency_key=payment_key(number),
        )
        return request, self.chance.choice(MAKERS), at

    def _large(
        self, request: TransferRequest, at: datetime, *, from_outside: bool
    ) -> TransferRequest:
        """The same from the clearing account, or most of what the richest account has."""
        if from_outside:
            clearing = clearing_account(request.currency, at=at)
            units = 12_000 + request.amount_minor % 30_000
            return replace(
                request,
                from_account_id=clearing.id,
                amount_minor=units * 10 ** exponent(request.currency),
                description="Wire from another bank",
            )
        source, target = self._richest()
        return replace(
            request,
            from_account_id=source.id,
            to_account_id=target.id,
            amount_minor=source.available * 9 // 10,
            currency=source.currency,
            description="House purchase",
            merchant_id="",
        )

    def _richest(self) -> tuple[Account, Account]:
        """The account with most of its currency's own units, and another in that currency."""
        ids = [account.id for account in self.accounts]
        stored = [account for account in queries.get_accounts(*ids) if account is not None]
        richest = max(stored, key=lambda each: each.available // 10 ** exponent(each.currency))
        others = (each for each in stored if each.currency == richest.currency)
        return richest, next(each for each in others if each.id != richest.id)

    def _time(self, number: int) -> datetime:
        """Spread over the month; the newest few lie in the last hours."""
        to_come = self.count - number
        if to_come <= len(WAITING) + 1:
            return self.now - _APART * to_come
        first, last = self.start + timedelta(hours=6), self.now - _APART * (len(WAITING) + 2)
        return first + (last - first) * ((number + 1) / (self.count + 1))


def _decide(payment: Payment, kind: int, *, at: datetime) -> None:
    if kind == _REJECTED:
        reason = "The sender's papers are missing."
        reject_payment(payment_id=payment.id, reason=reason, actor=CHECKER, at=at)
    elif kind == _CANCELED:
        maker = Actor(id=payment.requested_by or "")
        cancel_payment(payment_id=payment.id, reason="Entered twice.", actor=maker, at=at)
    elif kind == _FORGOTTEN:
        expire_payment(payment_id=payment.id, at=at)
    else:
        approve_payment(payment_id=payment.id, shown=digest(payment), actor=CHECKER, at=at)
