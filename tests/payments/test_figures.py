"""What is told to whoever measures: transfers by outcome, calls, what they cost, conflicts."""

from collections import Counter
from collections.abc import Iterator

import pytest

from dynamodb import measures
from payments.refusals import InvalidRequest
from tests.builders import opened, transferred
from tests.dynamodb.faults import faults, passing, refusal

pytestmark = pytest.mark.usefixtures("moto_store")

Told = list[tuple[str, float, dict[str, str]]]


@pytest.fixture
def told() -> Iterator[Told]:
    heard: Told = []

    def hear(name: str, value: float, of: dict[str, str]) -> None:
        heard.append((name, value, of))

    measures.listen(hear)
    yield heard
    measures.stop_listening(hear)


def outcomes(told: Told, figure: str) -> list[str]:
    return [of["outcome"] for name, _, of in told if name == figure]


def test_transfers_are_told_by_outcome(told: Told) -> None:
    source, target = opened("a", balance=5000), opened("b")
    told.clear()
    transferred(source, target)
    transferred(source, target, amount_minor=9_000)
    with pytest.raises(InvalidRequest):
        transferred(source, target, amount_minor=0)
    assert outcomes(told, "transfer") == ["processed", "insufficient_funds", "invalid_amount"]


def test_calls_are_told_with_what_they_took_and_cost(told: Told) -> None:
    source, target = opened("a", balance=5000), opened("b")
    told.clear()
    transferred(source, target)
    spent = Counter[str]()
    for name, value, of in told:
        if name in ("requests", "capacity"):
            spent[f"{name} {of['operation']}"] += int(value)
    assert spent["requests BatchGetItem"] == spent["requests TransactWriteItems"] == 1
    assert spent["capacity BatchGetItem"] > 0
    assert outcomes(told, "call") == ["ok", "ok"]


def test_conflicts_and_retries_are_told(told: Told) -> None:
    source, target = opened("a", balance=5000), opened("b")
    told.clear()
    conflict = refusal(
        "TransactionCanceledException",
        CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}],
    )
    with faults(passing, conflict):
        transferred(source, target)
    assert outcomes(told, "call") == ["ok", "TransactionConflict", "ok"]
    assert Counter(name for name, *_ in told)["conflict"] == 1
    assert Counter(name for name, *_ in told)["retry"] == 1
