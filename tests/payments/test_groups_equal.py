"""Whatever is asked for together comes to what it comes to one by one, down to the last byte."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.context import Actor
from payments import groups, policy, transfers
from payments.deciding import Deciding
from payments.identifiers import new_payment_id
from payments.models import Account, AccountStatus, FrozenDirection
from payments.policy import Policy
from payments.requests import TransferRequest
from payments.role_limits import RoleLimits
from tests.bank import check_bank
from tests.builders import NOON, PROGRAM, a_request, opened, planted
from tests.payments.test_groups import stands, told
from tests.stores import NO_FOUR_EYES, unchanged

TELLERS = [Actor(id=f"teller{number}", roles=("teller",)) for number in (1, 2)]
ACTORS = [*TELLERS, PROGRAM]

STEPS = {"second": 1, "thaw": 40, "lock": 31 * 60, "midnight": 12 * 3600, "back": -3600}
"""Steps of the clock, in seconds: on, past a freeze, past a lock, past midnight, and back."""

ASKED = st.fixed_dictionaries({
    "source": st.integers(0, 6),
    "target": st.integers(0, 6),
    "amount_minor": st.sampled_from([0, 1, 400, 900, 1_500, 2_600, 90_000]),
    "actor": st.sampled_from([*ACTORS, TELLERS[0], PROGRAM]),
    "step": st.sampled_from([0] * 12 + list(STEPS.values())),
    "key": st.sampled_from([""] * 5 + ["shop:1", "shop:2"]),
    "again": st.sampled_from([None] * 6 + [1, 2, 5]),
    "odd": st.sampled_from([
        *[{}] * 12, {"currency": "EUR"}, {"customer_id": "x"}, {"amount_minor": 7},
        {"to_account_id": "acc_nowhere"}, {"scheduled_for": "2026-03-09"},
    ]),
})  # fmt: skip

Asked = list[tuple[TransferRequest, Actor, Any]]


def house() -> list[Account]:
    """Each with a rule of its own: limits, a freeze that ends, an end of the money, a currency."""
    first = opened("a", balance=9_000)
    limited = opened("b", balance=9_000, customer_id="customer-a")
    frozen, poor = opened("c", balance=9_000), opened("d", balance=1_000)
    euros = [opened(name, currency="EUR", balance=2_000) for name in ("e", "f")]
    fixed = [
        limited.with_changes({"transfer_limit": 2_000, "day_limit": 3_000}),
        frozen.with_changes({
            "status": AccountStatus.FROZEN, "frozen_direction": FrozenDirection.DEBITS,
            "frozen_until": NOON + timedelta(seconds=30),
        }),
    ]  # fmt: skip
    for account in fixed:
        planted(account)
    return [first, *fixed, poor, *euros]


def asked_of(cells: list[dict[str, Any]], accounts: list[Account]) -> Asked:
    """Requests with who asks and when; some are one before them again, as it was or changed."""
    asked: Asked = []
    at = NOON
    for cell in cells:
        at += timedelta(seconds=cell["step"])
        ends = [accounts[cell[end] % len(accounts)] for end in ("source", "target")]
        values = {
            "amount_minor": cell["amount_minor"], "currency": ends[0].currency,
            "payment_id": new_payment_id(NOON),
        }  # fmt: skip
        if cell["actor"] is PROGRAM:
            values["idempotency_key"] = cell["key"]
        request = a_request(*ends, **values)
        if cell["again"] and len(asked) >= cell["again"]:
            request = asked[-cell["again"]][0]
        asked.append((replace(request, **cell["odd"]), cell["actor"], at))
    return asked


def one_by_one(asked: Asked) -> list[Any]:
    return [answer for each in asked for answer in together([each])]


def together(asked: Asked) -> list[Any]:
    """What ``transfer_many`` does, for requests of many people at many times."""
    made = [transfers._asked(*each) for each in asked]
    settled = iter(groups.settle_all([each for each in made if isinstance(each, Deciding)]))
    return [
        transfers._told(each, settled, actor, at)
        for each, (_, actor, at) in zip(made, asked, strict=True)
    ]


@pytest.mark.usefixtures("moto_store")
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(ASKED, min_size=2, max_size=30), threshold=st.sampled_from([2_000, 10**9]))
def test_together_is_one_by_one(cells: list[dict[str, Any]], threshold: int) -> None:
    with unchanged():
        policy.configure(NO_FOUR_EYES)
        accounts = house()
        policy.configure(
            Policy(
                approval_threshold=threshold,
                large_transaction_threshold=1_500,
                suspicious_velocity_threshold=3,
                max_failed_attempts=2,
                role_limits=RoleLimits.parse("teller=2500/4000"),
            )
        )
        asked = asked_of(cells, accounts)
        with unchanged():
            expected, alone = [told(each) for each in one_by_one(asked)], stands()
        answers = together(asked)
        assert [told(each) for each in answers] == expected
        assert stands() == alone
        assert check_bank().faults == []
