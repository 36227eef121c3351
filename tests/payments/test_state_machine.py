"""Anything people do, in any order, at any time: every answer and every sum as a model has it."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

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
    rule,
    run_state_machine_as_test,
)
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from audit.context import Actor
from dynamodb import client
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
from tests.payments.model_ledger import CLEARING, Ask, Model
from tests.stores import configure, leave

FULL = os.environ.get("LOAD") == "full"
RUNS = 200 if FULL else 40
STEPS = 50
THRESHOLD = 10_000

people = st.sampled_from(["teller1", "teller2", "supervisor1", "supervisor2", "service:shop"])
amounts = st.sampled_from([1, 300, 2_000, 4_000, 9_999, 10_000, 10_001, 25_000])
limits = st.sampled_from([None, 0, 2_000, 12_000])
customers = st.sampled_from(["customer-1", "customer-2"])
REASON = "as agreed"


R = TypeVar("R", bound=Record)


def at_rest(model: type[R]) -> list[R]:
    """Every record of a table out of moto's own memory: its answers take ten times as long."""
    region = client.settings().region
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].get_table(model.table_name())
    return [model.from_item(item.to_json()["Attributes"]) for item in table.all_items()]


class Bank(RuleBasedStateMachine):
    """The real thing beside the model, which is asked the same at every step."""

    accounts = Bundle("accounts")
    payments = Bundle("payments")

    def __init__(self) -> None:
        super().__init__()
        self.moto = mock_aws()
        self.moto.start()
        configure("")
        policy.configure(Policy(approval_threshold=THRESHOLD))
        self.model = Model(THRESHOLD)
        self.clock = NOON
        self.steps = 0
        self.ids = {CLEARING: accounts.clearing_account("USD", at=NOON).id}
        self.requests: dict[str, TransferRequest] = {}

    def teardown(self) -> None:
        try:
            assert check_bank().faults == []
        finally:
            self.moto.stop()
            leave()

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
            for _ in range(3):
                slip = self.ask(Ask(CLEARING, name, 20_000), "service:bank")
                at = self.now()
                self.do_approve(slip, "supervisor1", at)
        self.clock += timedelta(days=1)
        return multiple(CLEARING, "rich", "richer")

    @rule(target=accounts, customer=customers, minor=amounts, maker=people, again=st.booleans())
    def open(self, customer: str, minor: int, maker: str, again: bool) -> str:
        name, at = f"account-{self.steps}", self.now()
        minor = 0 if minor == 1 else minor
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

    @rule(target=payments, source=accounts, to=accounts, minor=amounts, maker=people)
    def transfer(self, source: str, to: str, minor: int, maker: str) -> str | MultipleResults[str]:
        return multiple() if source == to else self.ask(Ask(source, to, minor), maker)

    @rule(
        target=payments, source=accounts, to=accounts, minor=amounts, maker=people,
        days=st.integers(0, 3),
    )  # fmt: skip
    def schedule(
        self, source: str, to: str, minor: int, maker: str, days: int
    ) -> str | MultipleResults[str]:
        if source == to:
            return multiple()
        day = (self.clock + timedelta(days=days)).date().isoformat()
        slip = self.ask(Ask(source, to, minor, day=day), maker)
        return slip if slip in self.model.slips else multiple()

    @rule(target=payments, payment=payments, minor=amounts, whole=st.booleans(), maker=people)
    def reverse(self, payment: str, minor: int, whole: bool, maker: str) -> str:
        ask = self.model.slips[payment].ask
        minor = ask.minor if whole else min(minor, ask.minor)
        return self.ask(Ask(ask.target, ask.source, minor, reverses=payment), maker)

    @rule(payment=payments, maker=people, change=st.booleans())
    def ask_again(self, payment: str, maker: str, change: bool) -> None:
        ask = self.model.slips[payment].ask
        if change:
            ask = Ask(ask.source, ask.target, ask.minor + 1, ask.reverses, ask.day)
        self.ask(ask, maker, payment)

    @rule(payment=payments, checker=people, is_stale=st.sampled_from([False] * 5 + [True]))
    def approve(self, payment: str, checker: str, is_stale: bool) -> None:
        self.do_approve(payment, checker, self.now(), is_stale=is_stale)

    @rule(payment=payments, checker=people)
    def reject(self, payment: str, checker: str) -> None:
        def really() -> None:
            approvals.reject_payment(
                payment_id=payment, reason=REASON, actor=Actor(id=checker), at=at
            )

        at = self.now()
        self.same(really, self.model.reject(payment, checker))

    @rule(payment=payments, who=people)
    def cancel(self, payment: str, who: str) -> None:
        def really() -> None:
            approvals.cancel_payment(payment_id=payment, reason=REASON, actor=Actor(id=who), at=at)

        at = self.now()
        self.same(really, self.model.cancel(payment))

    @rule()
    def settle(self) -> None:
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

    @rule(account=accounts)
    def unfreeze(self, account: str) -> None:
        on = self.on(account, self.now())
        self.same(lambda: lifecycle.unfreeze_account(**on), self.model.unfreeze(account))

    @rule(account=accounts)
    def unlock(self, account: str) -> None:
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
            lambda: lifecycle.set_limits(**on, limits=given, seen_version=seen),
            self.model.limit(account, at_a_time, in_a_day, seen),
        )

    @rule(account=accounts, rest_to=st.none() | accounts, maker=people, again=st.booleans())
    def close(self, account: str, rest_to: str | None, maker: str, again: bool) -> None:
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

    @rule(minutes=st.sampled_from([1, 31, 60, 60 * 13, 60 * 25]))
    def wait(self, minutes: int) -> None:
        self.clock += timedelta(minutes=minutes)

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
                payment.reversible, payment.requested_by, payment.approved_by or "",
            ) == (
                slip.status, slip.code, slip.reserved, slip.left, slip.maker, slip.checker,
            )  # fmt: skip

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
def test_whatever_people_do_everything_stays_as_the_model_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
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
