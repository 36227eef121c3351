"""Anything people do, in any order, at any time: every answer and every sum as a model has it."""

import copy
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from payments.models import FrozenDirection
from tests.payments.beside import FULL_RUNS, STEPS, TRIED, moto_tables
from tests.payments.machine import Bank
from tests.payments.model_ledger import CLEARING
from tests.tried import FULL, missed, share, tell

NAME = "state machine"
RUNS = share(200)

MUST = {
    *(f"step: {step}" for step in ("ask_again", "close", "freeze", "open", "page", "reverse")),
    "step: transfer_together",
    *(f"payment: {end}" for end in ("approved", "canceled", "expired", "pending", "processed")),
    "payment: rejected",
}
"""What a full run must have come to at least once."""


@pytest.fixture
def empty_tables(moto_store: None) -> None:
    Bank.empty = copy.deepcopy(moto_tables())


@pytest.mark.load
@pytest.mark.timeout(3600 if FULL else 900)
@pytest.mark.usefixtures("empty_tables")
def test_whatever_people_do_everything_stays_as_the_model_has_it() -> None:
    TRIED.clear()
    run_state_machine_as_test(
        Bank,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS + 1,  # the first of them begins
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
        _min_steps=STEPS,
    )
    tell(NAME, FULL_RUNS, TRIED.pop(FULL_RUNS), at_least=RUNS)
    for what in sorted(TRIED.keys() | MUST):
        tell(NAME, what, TRIED[what], at_least=1 if FULL and what in MUST else None)
    assert missed(NAME) == []


def a_freeze_that_has_ended(bank: Bank) -> None:
    """Settling ends it, which the model did not know of."""
    bank.freeze(account="rich", side=FrozenDirection.DEBITS, minutes=5)
    bank.wait(minutes=60, then_settle=True)


def a_house_closed_into_itself(bank: Bank) -> None:
    """Which is refused for that, before anybody asks whose account it is."""
    bank.close(number=9, rest_to=CLEARING, maker="teller1", again=False)


def several_together(bank: Bank) -> None:
    """In one commit: paid, too little money, and so much in a day that the rest waits."""
    moves = [("rich", "richer", 4_000), ("rich", CLEARING, 60_000), ("richer", "rich", 9_999)]
    bank.transfer_together(moves=[*moves, *moves], maker="teller1")
    bank.wait(minutes=60 * 25, then_settle=True)


KEPT: list[Callable[[Bank], None]] = [
    a_freeze_that_has_ended,
    a_house_closed_into_itself,
    several_together,
]
"""What the machine has failed with, as it printed it: each is tried again at every run."""


@pytest.mark.usefixtures("empty_tables")
@pytest.mark.parametrize("steps", KEPT)
def test_what_once_failed_stays_as_the_model_has_it(steps: Callable[[Bank], None]) -> None:
    bank = Bank()
    bank.begin()
    steps(bank)
    bank.everything_is_as_the_model_has_it()
    bank.teardown()
