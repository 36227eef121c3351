"""Programs all at once, on the engine that commits as AWS does."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from payments import queries
from tests.bank import check_bank
from tests.builders import opened
from tests.payments.gateway import Answered, ask_transfer

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("local_store")]


def at_once(bodies: list[tuple[str, dict[str, Any]]]) -> list[Answered]:
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda each: ask_transfer(each[1], key=each[0]), bodies))


def a_body(balance: int) -> dict[str, Any]:
    ends = {"from_account_id": opened("a", balance=balance).id, "to_account_id": opened("b").id}
    return {**ends, "amount": 1000, "currency": "USD"}


def test_one_key_at_once_is_one_payment() -> None:
    body = a_body(50_000)
    answered = at_once([("k", body)] * 16)
    assert Counter(each.status for each in answered) == {201: 1, 200: 15}
    assert len({str(each.body) for each in answered}) == 1
    found = queries.get_account(body["from_account_id"])
    assert found is not None
    assert found.balance == 49_000


def test_one_key_with_two_bodies_at_once_is_one_payment() -> None:
    body = a_body(50_000)
    answered = at_once([("k", body | {"amount": 1000 + number % 2}) for number in range(16)])
    statuses = Counter(each.status for each in answered)
    assert statuses == {201: 1, 200: 7, 409: 8}
    assert check_bank().faults == []


def test_more_than_there_is_at_once() -> None:
    body = a_body(2_500)
    answered = at_once([(f"k{number}", body) for number in range(8)])
    statuses = Counter(each.status for each in answered)
    assert statuses == {201: 2, 422: 6}
    assert check_bank().faults == []
