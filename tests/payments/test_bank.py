"""Many writers on few accounts, on DynamoDB Local: money is neither made nor lost."""

import pytest

from dynamodb import store, transactions
from dynamodb.transactions import Attempt, Committed, commit
from payments.models import Payment
from tests.bank import check_bank
from tests.builders import opened, transferred
from tests.crowd import ACCOUNTS, colliding, crowd
from tests.tried import share

__all__ = ["colliding"]

TRANSFERS = share(1000)

integration = pytest.mark.integration


@integration
@pytest.mark.load
@pytest.mark.usefixtures("local_store", "colliding")
def test_eight_colliding_writers_neither_make_nor_lose_money() -> None:
    acknowledged = crowd(TRANSFERS)
    assert len(acknowledged) == TRANSFERS
    assert acknowledged.items() <= {each.id: each.status for each in Payment.scan()}.items()
    report = check_bank()
    assert report.faults == []
    assert report.accounts == ACCOUNTS + 1
    assert report.processed > TRANSFERS // 2


@integration
@pytest.mark.usefixtures("local_store")
def test_threads_of_one_process_queue_up_instead_of_colliding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rejected: list[object] = []

    def counted(attempt: Attempt) -> transactions.Outcome:
        outcome = commit(attempt)
        if not isinstance(outcome, Committed):
            rejected.append(outcome)
        return outcome

    monkeypatch.setattr("dynamodb.retries.commit", counted)
    assert len(crowd(100)) == 100
    assert check_bank().faults == []
    assert rejected == []


@pytest.mark.usefixtures("moto_store")
def test_a_transfer_resent_counts_once_even_where_tokens_are_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = opened("a", balance=5000), opened("b")

    def sent_twice(attempt: Attempt) -> transactions.Outcome:
        commit(attempt)
        return commit(attempt)

    monkeypatch.setattr("dynamodb.retries.commit", sent_twice)
    transfer = transferred(source, target, amount_minor=1500)
    assert transfer.payment.is_processed()
    after = store.get(source)
    assert after is not None
    assert after.balance == 3500
