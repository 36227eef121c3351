"""Payments on moto, held against the model ledger after every step that is taken."""

import copy
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ClassVar, TypeVar

from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from audit.context import Actor
from dynamodb.models import Record
from payments import accounts, approvals, policy, queries, transfers
from payments.identifiers import new_payment_id
from payments.models import Account, Payment
from payments.policy import Policy
from payments.refusals import Refusal
from payments.requests import TransferRequest
from tests.bank import check_bank
from tests.builders import NOON
from tests.payments.model_ledger import CLEARING, Ask, Model, Purse, Slip

STEPS = 50
THRESHOLD = 10_000
REASON = "as agreed"
FULL_RUNS = f"runs of {STEPS} steps"

R = TypeVar("R", bound=Record)


def moto_tables() -> dict[str, Table]:
    tables: dict[str, Table] = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables
    return tables


def at_rest(model: type[R]) -> list[R]:
    """Every record of a table out of moto's own memory: its answers take ten times as long."""
    items = moto_tables()[model.table_name()].all_items()
    return [model.from_item(item.to_json()["Attributes"]) for item in items]


TRIED: Counter[str] = Counter()
"""How often each step was taken, and what payments and asks came to."""


def step(**drawn: Any) -> Callable[[Callable[..., Any]], Any]:
    """A rule whose steps are counted."""

    def counted(method: Callable[..., Any]) -> Any:
        @wraps(method)
        def taken(self: "Beside", **values: Any) -> Any:
            self.taken += 1
            TRIED[f"step: {method.__name__}"] += 1
            return method(self, **values)

        return rule(**drawn)(taken)  # type: ignore[no-untyped-call]

    return counted


class Beside(RuleBasedStateMachine):
    """The real thing beside the model, which is asked the same at every step."""

    empty: ClassVar[dict[str, Table]]

    def __init__(self) -> None:
        super().__init__()
        moto_tables().update(copy.deepcopy(self.empty))
        policy.configure(Policy(approval_threshold=THRESHOLD))
        self.model = Model(THRESHOLD)
        self.clock = NOON
        self.steps = 0
        self.taken = 0
        self.ids = {CLEARING: accounts.clearing_account("USD", at=NOON).id}
        self.asked: list[str] = []

    def teardown(self) -> None:
        TRIED[FULL_RUNS] += self.taken == STEPS
        TRIED["runs, shorter"] += self.taken < STEPS
        TRIED.update(f"payment: {slip.end}" for slip in self.model.slips.values())
        assert check_bank(at_rest).faults == []

    def now(self) -> datetime:
        """The clock, never the same twice, so that lists have one order."""
        self.steps += 1
        return self.clock + timedelta(microseconds=self.steps)

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
        request = self._request(slip_id, ask)
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

    def ask_together(self, asks: list[Ask], maker: str) -> None:
        """Ask for many transfers at once, of the model one after the other."""
        at = self.now()
        named = {new_payment_id(at): ask for ask in asks}
        for slip_id, ask in named.items():
            assert not self.model.transfer(slip_id, ask, maker, at)
        self.asked += named
        requests = [self._request(slip_id, ask) for slip_id, ask in named.items()]
        for done in transfers.transfer_many(requests, actor=Actor(id=maker), at=at):
            assert isinstance(done, transfers.Transfer)
            slip = self.model.slips[done.payment.id]
            assert (done.payment.status, done.payment.failure_code or "") == (
                slip.status,
                slip.code,
            )

    def _request(self, slip_id: str, ask: Ask) -> TransferRequest:
        return TransferRequest(
            payment_id=slip_id,
            from_account_id=self.ids[ask.source],
            to_account_id=self.ids[ask.target],
            amount_minor=ask.minor,
            currency="USD",
            reverses=ask.reverses,
            scheduled_for=ask.day,
        )

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
        if code:
            TRIED[f"refused: {code}"] += 1
