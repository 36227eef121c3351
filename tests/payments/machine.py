"""All steps that people, programs and time take, on the real thing and on the model."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    initialize,
    multiple,
    precondition,
)

from audit.context import Actor
from payments import accounts, approvals, lifecycle, queries
from payments.identifiers import new_payment_id
from payments.models import FrozenDirection, Payment
from payments.requests import OpeningRequest
from payments.settling import settle_due
from tests.builders import NOON
from tests.payments.beside import REASON, Beside, at_rest, step
from tests.payments.model_ledger import CLEARING, Ask

people = st.sampled_from(["teller1", "teller2", "supervisor1", "supervisor2", "service:shop"])
amounts = st.sampled_from([1, 300, 2_000, 4_000, 9_999, 10_001, 12_000, 25_000])
limits = st.sampled_from([None, 0, 2_000, 12_000])
openings = st.sampled_from([0, 300, 4_000, 25_000])
customers = st.sampled_from(["customer-1", "customer-2"])
numbers = st.integers(0, 99)


class Bank(Beside):
    """Any step, in any order, at any time."""

    accounts = Bundle("accounts")

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

    @step(target=accounts, customer=customers, minor=openings, maker=people, again=st.booleans())
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

    @step(source=accounts, to=accounts, minor=amounts, maker=people)
    def transfer(self, source: str, to: str, minor: int, maker: str) -> None:
        if source != to:
            self.ask(Ask(source, to, minor), maker)

    @step(moves=st.lists(st.tuples(accounts, accounts, amounts), max_size=9), maker=people)
    def transfer_together(self, moves: list[tuple[str, str, int]], maker: str) -> None:
        asks = [Ask(source, to, minor) for source, to, minor in moves if source != to]
        self.ask_together(asks, maker)

    @step(source=accounts, maker=people, times=st.integers(1, 3))
    def overdraw(self, source: str, maker: str, times: int) -> None:
        purse = self.model.purses[source]
        for _ in range(0 if purse.is_house else times):
            self.ask(Ask(source, CLEARING, purse.balance - purse.held + 1), maker)

    @step(
        source=accounts, to=accounts, minor=amounts, maker=people, days=st.integers(0, 3)
    )  # fmt: skip
    def schedule(self, source: str, to: str, minor: int, maker: str, days: int) -> None:
        if source != to:
            day = (self.clock + timedelta(days=days)).date().isoformat()
            self.ask(Ask(source, to, minor, day=day), maker)

    @step(number=numbers, minor=amounts, whole=st.booleans(), maker=people, days=st.integers(-5, 1))
    def reverse(self, number: int, minor: int, whole: bool, maker: str, days: int) -> None:
        payment = self.some(number, lambda slip: slip.left > 0 and not slip.ask.reverses)
        ask = self.model.slips[payment].ask
        minor = ask.minor if whole else min(minor, ask.minor)
        day = (self.clock + timedelta(days=1)).date().isoformat() if days > 0 else ""
        self.ask(Ask(ask.target, ask.source, minor, reverses=payment, day=day), maker)

    @step(number=numbers, other=st.none() | people, change=st.booleans())
    def ask_again(self, number: int, other: str | None, change: bool) -> None:
        payment = self.asked[number % len(self.asked)]
        slip = self.model.slips[payment]
        ask = slip.ask
        if change:
            ask = Ask(ask.source, ask.target, ask.minor + 1, ask.reverses, ask.day)
        self.ask(ask, other or slip.maker, payment)

    @precondition(lambda self: self.has_slip(lambda slip: slip.reserved > 0))
    @step(number=numbers, checker=people, is_stale=st.sampled_from([False] * 5 + [True]))
    def approve(self, number: int, checker: str, is_stale: bool) -> None:
        payment = self.some(number, lambda slip: slip.reserved > 0)
        self.do_approve(payment, checker, self.now(), is_stale=is_stale)

    @precondition(lambda self: self.has_slip(lambda slip: slip.reserved > 0))
    @step(number=numbers, checker=people)
    def reject(self, number: int, checker: str) -> None:
        payment = self.some(number, lambda slip: slip.status == "pending")

        def really() -> None:
            approvals.reject_payment(
                payment_id=payment, reason=REASON, actor=Actor(id=checker), at=at
            )

        at = self.now()
        self.same(really, self.model.reject(payment, checker))

    @precondition(lambda self: self.has_slip(lambda slip: slip.reserved > 0))
    @step(number=numbers, who=people)
    def cancel(self, number: int, who: str) -> None:
        payment = self.some(number, lambda slip: slip.reserved > 0)

        def really() -> None:
            approvals.cancel_payment(payment_id=payment, reason=REASON, actor=Actor(id=who), at=at)

        at = self.now()
        self.same(really, self.model.cancel(payment, who))

    @step()
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

    @step(
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
    @step(number=numbers)
    def unfreeze(self, number: int) -> None:
        account = self.one(number, lambda purse: purse.is_frozen)
        on = self.on(account, self.now())
        self.same(lambda: lifecycle.unfreeze_account(**on), self.model.unfreeze(account))

    @precondition(lambda self: self.purses(lambda purse: purse.locked_until is not None))
    @step(number=numbers)
    def unlock(self, number: int) -> None:
        account = self.one(number, lambda purse: purse.locked_until is not None)
        at = self.now()
        on = self.on(account, at)
        self.same(lambda: lifecycle.unlock_debits(**on), self.model.unlock(account, at))

    @step(account=accounts, at_a_time=limits, in_a_day=limits, is_stale=st.booleans())
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

    @step(
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

    @step(minutes=st.sampled_from([1, 31, 60, 60 * 13, 60 * 25]), then_settle=st.booleans())
    def wait(self, minutes: int, then_settle: bool) -> None:
        self.clock += timedelta(minutes=minutes)
        if then_settle:
            self.settle_all()

    @step(minutes=st.sampled_from([1, 59]))
    def step_back(self, minutes: int) -> None:
        self.clock -= timedelta(minutes=minutes)

    @step(customer=customers | st.sampled_from([CLEARING, "rich"]), rows=st.integers(1, 7))
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
