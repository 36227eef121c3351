"""Many writers at once on few accounts."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from dynamodb.errors import StoreBusyError
from payments import groups, policy, turns
from payments.deciding import Deciding
from payments.identifiers import new_payment_id
from payments.models import PaymentStatus
from tests.builders import NOON, PROGRAM, opened, transferred

WRITERS = 8
ACCOUNTS = 8


def crowd(transfers: int, work: Callable[..., Any] = transferred) -> dict[str, PaymentStatus]:
    """Let writers move money between accounts; returns what was acknowledged, by payment."""
    policy.configure(replace(policy.policy(), max_failed_attempts=transfers))
    accounts = [opened(f"bank-{number}", balance=20_000) for number in range(ACCOUNTS)]

    def one(number: int) -> tuple[str, PaymentStatus]:
        chance = random.Random(number)
        source, target = chance.sample(accounts, 2)
        amount = chance.randint(1, 9_000)
        name = new_payment_id(NOON)
        while True:
            try:
                done = work(
                    source, target, actor=PROGRAM, amount_minor=amount, payment_id=name
                ).payment
            except StoreBusyError:  # a slow machine: nothing has happened, so the same once more
                continue
            return done.id, done.status

    with ThreadPoolExecutor(WRITERS) as pool:
        return dict(pool.map(one, range(transfers)))


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every thread as if it were a process of its own: none waits for its turn."""
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    monkeypatch.setattr(groups, "settle_in_turn", Deciding.settle)
