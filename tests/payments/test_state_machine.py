"""Anything people do, in any order, at any time: every answer and every sum as a model has it."""

import copy
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from audit.context import Actor
from dynamodb.models import Record
from payments import accounts, approvals, lifecycle, policy, queries, transfers
from payments.identifiers import new_payment_id
from payments.models import Account, FrozenDirection, Payment
from payments.policy import Policy
from payments.refusals import Refusal
from payments.requests import OpeningRequest, TransferRequest
from payments.settling import settle_due
from tests.bank import check_bank
from tests.builders import NOON
from tests.payments.model_ledger import CLEARING, Ask, Model, Purse, Slip

FULL = os.environ.get("LOAD") == "full"
RUNS = 200 if FULL else 40
STEPS = 50
THRESHOLD = 10_000

people = st.sampled_from(["teller1", "teller2", "supervisor1", "supervisor2", "service:shop"])
amounts = st.sampled_from([1, 300, 2_000, 4_000, 9_999, 10_001, 12_000, 25_000])
limits = st.sampled_from([None, 0, 2_000, 12_000])
openings = st.sampled_from([0, 300, 4_000, 25_000])
customers = st.sampled_from(["customer-1", "customer-2"])
numbers = st.integers(0, 99)
REASON = "as agreed"


R = TypeVar("R", bound=Record)


def moto_tables() -> dict[str, Table]:
    tables: dict[str, Table] = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables
    return tables


def at_rest(model: type[R]) -> list[R]:
    """Every record of a table out of moto's own memory: its answers take ten times as long."""
    items = moto_tables()[model.table_name()].all_items()
    return [model.from_item(item.to_json()["Attributes"]) for item in items]


class Bank(RuleBasedStateMachine):
    """The real thing beside the model, which is asked the same at every step."""

    empty: ClassVar[dict[str, Table]]
    accounts = Bundle("accounts")

    def __init__(self) -> None:
        super().__init__()
        moto_tables().update(copy.deepcopy(self.empty))
        policy.configure(Policy(approval_threshold=THRESHOLD))
        self.model = Model(THRESHOLD)
        self.clock = NOON
        self.steps = 0
        self.ids = {CLEARING: accounts.clearing_account("USD", at=NOON).id}
        self.asked: list[str] = []

    def teardown(self) -> None:
        assert check_bank().faults == []

    def now(self) -> datetime:
        """The clock, never the same twice, so that lists have one order."""
        self.steps += 1
        return self.clock + timedelta(microseconds=self.steps)

    @initialize(target=accounts)
    def begin(self) -> MultipleResults[str]:
        """The house, and two accounts that have had their money since yesterday."""
        self.clock -= timedelta(days=1)
        for name in ("rich", "richer"):
            self.model.open(name, name)
            opening = OpeningRequest(
                request_id=name, customer_id=name, account_type="checking", currency="USD"
            )
            opened = accounts.open_account(opening, actor=Actor(id="x:y"), at=self.now()).account
            self.ids[name] = opened.id
            slip = self.ask(Ask(CLEARING, name, 60_000), "service:bank")
            self.do_approve(slip, "supervisor1", self.now())
        self.clock += timedelta(days=1)
        return multiple(CLEARING, "rich", "richer")

    @rule(target=accounts, customer=customers, minor=openings, maker=people, again=st.booleans())
    def open(self, customer: str, minor: int, maker: str, again: bool) -> str:
        name, at = f"account-{self.steps}", self.now()
        opening = OpeningRequest(
            request_id=name,
            customer_id=customer,
            account_type="savings",
            currency="USD",
            opening_balance_minor=minor,
        )
        for _ in range(1 + again):
            opened = accounts.open_account(opening, actor=Actor(id=maker), at=at).account
        self.ids[name] = opened.id
        self.model.open(name, customer)
        if minor:
            (slip,) = {payment.id for payment in at_rest(Payment)} - self.model.slips.keys()
            self.model.transfer(slip, Ask(CLEARING, name, minor), maker, at)
        return name

    @rule(source=accounts, to=accounts, minor=amounts, maker=people)
    def transfer(self, source: str, to: str, minor: int, maker: str) -> None:
        if source != to:
            self.ask(Ask(source, to, minor), maker)

    @rule(source=accounts, maker=people, times=st.integers(1, 3))
    def overdraw(self, source: str, maker: str, times: int) -> None:
        purse = self.model.purses[source]
        for _ in range(0 if purse.is_house else times):
            self.ask(Ask(source, CLEARING, purse.balance - purse.held + 1), maker)

    @rule(
        source=accounts, to=accounts, minor=amounts, maker=people, days=st.integers(0, 3)
    )  # fmt: skip
    def schedule(self, source: str, to: str, minor: int, maker: str, days: int) -> None:
        if source != to:
            day = (self.clock + timedelta(days=days)).date().isoformat()
            self.ask(Ask(source, to, minor, day=day), maker)

    @rule(number=numbers, minor=amounts, whole=st.booleans(), maker=people, days=st.integers(-5, 1))
    def reverse(self, number: int, minor: int, whole: bool, maker: str, days: int) -> None:
        payment = self.some(number, lambda slip: slip.left > 0 and not slip.ask.reverses)
        ask = self.model.slips[payment].ask
        minor = ask.minor if whole else min(minor, ask.minor)
        day = (self.clock + timedelta(days=1)).date().isoformat() if days > 0 else ""
        self.ask(Ask(ask.target, ask.source, minor, reverses=payment, day=day), maker)

    @rule(number=numbers, other=st.none() | people, change=st.booleans())
    def ask_again(self, number: int, other: str | None, change: bool) -> None:
        payment = self.asked[number % len(self.asked)]
        slip = self.model.slips[payment]
        ask = slip.ask
        if change:
            ask = Ask(ask.source, ask.target, ask.minor + 1, ask.reverses, ask.day)
        self.ask(ask, other or slip.maker, payment)

    @precondition(lambda self: self.has_slip(lambda slip: slip.reserved > 0))
    @rule(number=numbers, checker=people, is_stale=st.sampled_from([False] * 5 + [True]))
    def approve(self, number: int, checker: str, is_stale: bool) -> None:
        payment = self.some(number, lambda slip: slip.reserved > 0)
        self.do_approve(payment, checker, self.now(), is_stale=is_stale)

    @precondition(lambda self: self.has_slip(lambda slip: slip.reserved > 0))
    @rule(number=numbers, checker=people)
    def reject(self, number: int, checker: str) -> None:
        payment = self.some(number, lambda slip: slip.status == "pending")

        def really() -> None:
            approvals.reject_payment(
                payment_id=payment, reason=REASON, actor=Actor(id=checker), at=at
            )

        at = self.now()
        self.same(really, self.model.reject(payment, checker))

    @precondition(lambda self: self.has_slip(lambda slip: slip.reserved > 0))
    @rule(number=numbers, who=people)
    def cancel(self, number: int, who: str) -> None:
        payment = self.some(number, lambda slip: slip.reserved > 0)

        def really() -> None:
            approvals.cancel_payment(payment_id=payment, reason=REASON, actor=Actor(id=who), at=at)

        at = self.now()
        self.same(really, self.model.cancel(payment, who))

    @rule()
    def settle(self) -> None:
        self.settle_all()

    def settle_all(self) -> None:
        at = self.now()
        stored = sorted(
            (payment for payment in at_rest(Payment) if payment.can_cancel()),
            key=lambda payment: payment.created_at or NOON,
            reverse=True,
        )
        expected = 0
        for payment in stored:
            slip = self.model.slips[payment.id]
            if slip.awaits_its_day and slip.ask.day <= at.date().isoformat():
                self.model.come_due(payment.id, at)
                expected += 1
            elif slip.expires_at and slip.expires_at <= at:
                self.model.expire(payment.id)
                expected += 1
        expected += sum(purse.thaw(at) for purse in self.model.purses.values())
        assert settle_due(at=at).total() == expected

    @rule(
        account=accounts, side=st.sampled_from(FrozenDirection),
        minutes=st.sampled_from([None, 5, 90]),
    )  # fmt: skip
    def freeze(self, account: str, side: FrozenDirection, minutes: int | None) -> None:
        at = self.now()
        until = at + timedelta(minutes=minutes) if minutes else None
        self.same(
            lambda: lifecycle.freeze_account(**self.on(account, at), direction=side, until=until),
            self.model.freeze(account, str(side), until),
        )

    @precondition(lambda self: self.purses(lambda purse: purse.is_frozen))
    @rule(number=numbers)
    def unfreeze(self, number: int) -> None:
        account = self.one(number, lambda purse: purse.is_frozen)
        on = self.on(account, self.now())
        self.same(lambda: lifecycle.unfreeze_account(**on), self.model.unfreeze(account))

    @precondition(lambda self: self.purses(lambda purse: purse.locked_until is not None))
    @rule(number=numbers)
    def unlock(self, number: int) -> None:
        account = self.one(number, lambda purse: purse.locked_until is not None)
        at = self.now()
        on = self.on(account, at)
        self.same(lambda: lifecycle.unlock_debits(**on), self.model.unlock(account, at))

    @rule(account=accounts, at_a_time=limits, in_a_day=limits, is_stale=st.booleans())
    def limit(
        self, account: str, at_a_time: int | None, in_a_day: int | None, is_stale: bool
    ) -> None:
        seen = self.model.purses[account].edits - is_stale
        on = self.on(account, self.now())
        given = {"transfer_limit": at_a_time, "day_limit": in_a_day}
        self.same(
            lambda: lifecycle.edit_account(**on, values=given, seen_version=seen),
            self.model.limit(account, at_a_time, in_a_day, seen),
        )

    @rule(
        number=numbers,
        rest_to=st.none() | st.just(CLEARING) | accounts,
        maker=people,
        again=st.booleans(),
    )
    def close(self, number: int, rest_to: str | None, maker: str, again: bool) -> None:
        account = self.one(number, lambda purse: purse.status != "closed" and not purse.held)
        at = self.now()
        slip = new_payment_id(at)
        on = self.on(account, at) | {"actor": Actor(id=maker)}
        to = self.ids[rest_to] if rest_to else ""

        def really() -> None:
            lifecycle.close_account(**on, rest_to=to, payment_id=slip)

        code = self.model.close(account, rest_to or "", slip, maker, at)
        self.same(really, code)
        if again and slip in self.model.slips:
            self.same(really, "")

    @rule(minutes=st.sampled_from([1, 31, 60, 60 * 13, 60 * 25]), then_settle=st.booleans())
    def wait(self, minutes: int, then_settle: bool) -> None:
        self.clock += timedelta(minutes=minutes)
        if then_settle:
            self.settle_all()

    @rule(minutes=st.sampled_from([1, 59]))
    def step_back(self, minutes: int) -> None:
        self.clock -= timedelta(minutes=minutes)

    @rule(customer=customers | st.sampled_from([CLEARING, "rich"]), rows=st.integers(1, 7))
    def page(self, customer: str, rows: int) -> None:
        """Through lists in pages: all of it, nothing twice, newest first."""
        found, cursor = [], ""
        while True:
            page = queries.list_payments(person="p", customer_id=customer, rows=rows, cursor=cursor)
            found += page.rows
            cursor = page.next_cursor
            if not cursor:
                break
        expected = {
            slip_id
            for slip_id, slip in self.model.slips.items()
            if self.model.purses[slip.ask.source].customer == customer
        }
        assert len(found) == len(expected)
        assert {payment.id for payment in found} == expected
        times = [payment.created_at for payment in found]
        assert times == sorted(times, reverse=True)

    @invariant()
    def everything_is_as_the_model_has_it(self) -> None:
        purses, slips = self.model.purses, self.model.slips
        stored = {account.id: account for account in at_rest(Account)}
        assert stored.keys() == {self.ids[name] for name in purses}
        for name, purse in purses.items():
            account = stored[self.ids[name]]
            real = (
                account.status, account.balance, account.held, account.available,
                account.day_debits or 0, account.day_credits or 0, account.day or "",
                account.failed_attempts or 0, account.is_locked(self.clock),
            )  # fmt: skip
            assert real == (
                purse.status, purse.balance, purse.held, purse.balance - purse.held,
                purse.paid.minor, purse.received.minor, purse.paid.day,
                len(purse.failures), purse.is_locked(self.clock),
            ), name  # fmt: skip
            assert account.held >= 0
        payments = at_rest(Payment)
        assert {payment.id for payment in payments} == slips.keys()
        for payment in payments:
            slip = slips[payment.id]
            assert (
                payment.status, payment.failure_code or "", payment.reserved or 0,
                payment.reversible, payment.requested_by,
                payment.approved_by or payment.ended_by or "",
            ) == (
                slip.status, slip.code, slip.reserved, slip.left, slip.maker, slip.checker,
            )  # fmt: skip

    def purses(self, wanted: Callable[[Purse], bool]) -> list[str]:
        return [name for name, purse in self.model.purses.items() if wanted(purse)]

    def one(self, number: int, wanted: Callable[[Purse], bool]) -> str:
        """An account that is wanted, or any: one time in four, and where there is none."""
        names = self.purses(lambda purse: number % 4 == 0 or wanted(purse))
        names = names or list(self.model.purses)
        return names[::-1][number // 4 % len(names)]

    def has_slip(self, wanted: Callable[[Slip], bool]) -> bool:
        return any(wanted(slip) for slip in self.model.slips.values())

    def some(self, number: int, wanted: Callable[[Slip], bool]) -> str:
        """A payment that is wanted, or any: one time in four, and where there is none."""
        slips = self.model.slips
        names = [name for name, slip in slips.items() if number % 4 == 0 or wanted(slip)]
        names = names or list(slips)
        return names[::-1][number // 4 % len(names)]

    def ask(self, ask: Ask, maker: str, slip_id: str = "") -> str:
        """Ask for a transfer, of the model first; gives the name of the payment."""
        at = self.now()
        slip_id = slip_id or new_payment_id(at)
        request = TransferRequest(
            payment_id=slip_id,
            from_account_id=self.ids[ask.source],
            to_account_id=self.ids[ask.target],
            amount_minor=ask.minor,
            currency="USD",
            reverses=ask.reverses,
            scheduled_for=ask.day,
        )
        was_there = slip_id in self.model.slips
        code = self.model.transfer(slip_id, ask, maker, at)
        if not code and not was_there:
            self.asked.append(slip_id)

        def really() -> None:
            done = transfers.transfer_funds(request, actor=Actor(id=maker), at=at)
            slip = self.model.slips[slip_id]
            assert done.is_replay == was_there
            assert done.payment.status == slip.status
            assert (done.payment.failure_code or "") == slip.code

        self.same(really, code)
        return slip_id

    def do_approve(
        self, payment: str, checker: str, at: datetime, *, is_stale: bool = False
    ) -> None:
        found = queries.get_payment(payment)
        assert found is not None
        shown = "another" if is_stale else approvals.digest(found)
        self.same(
            lambda: approvals.approve_payment(
                payment_id=payment, shown=shown, actor=Actor(id=checker), at=at
            ),
            self.model.approve(payment, checker, at, is_stale=is_stale),
        )

    def on(self, account: str, at: datetime) -> dict[str, Any]:
        return {
            "account_id": self.ids[account],
            "reason": REASON,
            "actor": Actor(id="supervisor1"),
            "at": at,
        }

    def same(self, really: Callable[[], object], code: str) -> None:
        """Do it, and hold the refusal, or that there was none, against the model's."""
        refused = ""
        try:
            really()
        except Refusal as refusal:
            refused = refusal.code
        assert refused == code


@pytest.mark.load
@pytest.mark.timeout(3600 if FULL else 900)
@pytest.mark.usefixtures("moto_store")
def test_whatever_people_do_everything_stays_as_the_model_has_it() -> None:
    Bank.empty = copy.deepcopy(moto_tables())
    run_state_machine_as_test(
        Bank,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
