"""Money under trouble between us and the store: resolved, never guessed, never twice."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from audit import trail
from audit.models import AuditLog
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.errors import OutcomeUnknownError, StoreBusyError
from dynamodb.transactions import Attempt, Outcome, Rejected, commit
from payments import directory, queries, turns
from payments.accounts import clearing_account
from payments.models import Account
from payments.refusals import KeyReused
from payments.transfers import transfer_funds
from tests.bank import check_bank
from tests.builders import NOON, TELLER, a_request, opened, transferred
from tests.dynamodb.faults import (
    Fault,
    cancellation,
    connection_closed_after,
    faults,
    garbled_after,
    passing,
    read_timeout_after,
    read_timeout_before,
    refusal,
    server_error_after,
)

pytestmark = pytest.mark.usefixtures("moto_store")

CONFLICTED = cancellation("TransactionConflict")
TROUBLE = [
    read_timeout_after,
    read_timeout_before,
    connection_closed_after,
    server_error_after,
    garbled_after,
    refusal("ThrottlingException"),
    CONFLICTED,
]


def balance(account: Account) -> int:
    found = queries.get_account(account.id)
    assert found is not None
    return found.balance


@pytest.mark.parametrize("fault", TROUBLE)
@pytest.mark.parametrize(
    ("amount", "key", "left"), [(1000, "", 4000), (1000, "shop:1", 4000), (9000, "", 5000)]
)
def test_a_transfer_in_trouble_is_made_or_refused_once(
    fault: Fault, amount: int, key: str, left: int
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    with faults(passing, fault):
        transferred(source, target, amount_minor=amount, idempotency_key=key)
    assert (balance(source), balance(target)) == (left, 5000 - left)
    assert check_bank().faults == []


@pytest.mark.parametrize("fault", TROUBLE)
@pytest.mark.parametrize(("amount", "reads"), [(0, []), (700, [passing])])
def test_an_opening_in_trouble_opens_once(fault: Fault, amount: int, reads: list[Fault]) -> None:
    assert clearing_account("USD", at=NOON).balance == 0
    with faults(*reads, fault):
        account = opened("a", balance=amount)
    assert balance(account) == amount
    report = check_bank()
    assert (report.accounts, report.faults) == (2, [])


@pytest.mark.parametrize(
    ("fault", "is_replay"), [(read_timeout_after, True), (read_timeout_before, False)]
)
def test_what_stayed_unknown_is_settled_by_whoever_asks_next(
    fault: Fault, *, is_replay: bool
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    request = a_request(source, target)
    with faults(passing, then=fault), pytest.raises(OutcomeUnknownError):
        transfer_funds(request, actor=TELLER, at=NOON, limit_seconds=0)
    transfer = transfer_funds(request, actor=TELLER, at=NOON)
    assert (transfer.is_replay, transfer.payment.is_processed()) == (is_replay, True)
    assert balance(source) == 4000
    assert check_bank().faults == []


def test_an_attempt_that_arrives_after_it_was_settled_moves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = opened("a", balance=1000), opened("b")
    request = a_request(source, target)
    on_its_way: list[Attempt] = []

    def late(attempt: Attempt) -> Outcome:
        on_its_way.append(attempt)
        with faults(then=read_timeout_before):
            return commit(attempt)

    with monkeypatch.context() as slow:
        slow.setattr("dynamodb.retries.commit", late)
        with pytest.raises(OutcomeUnknownError):
            transfer_funds(request, actor=TELLER, at=NOON, limit_seconds=0)
    transferred(source, target, amount_minor=1)
    assert transfer_funds(request, actor=TELLER, at=NOON).payment.failure_code
    assert isinstance(commit(on_its_way[0]), Rejected)
    assert (balance(source), balance(target)) == (999, 1)
    assert check_bank().faults == []


def test_conflicts_are_tried_again_without_reading_again() -> None:
    source, target = opened("a", balance=5000), opened("b")
    with faults(passing, CONFLICTED, CONFLICTED), count_requests() as seen:
        transferred(source, target)
    assert seen.operations == ["BatchGetItem", *["TransactWriteItems"] * 3]


@pytest.mark.parametrize("make", [transferred, lambda *_: opened("c", balance=1)])
def test_conflicts_that_do_not_end_are_busy_after_ten_seconds(
    make: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    passed: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(passed), sleep=passed.append)
    monkeypatch.setattr("dynamodb.client.time", clock)
    monkeypatch.setattr("dynamodb.retries.time", clock)
    with faults(passing, then=CONFLICTED), pytest.raises(StoreBusyError):
        make(source, target)
    assert 5 < sum(passed) <= turns.TRANSFER_SECONDS == 10
    report = check_bank()
    assert (report.accounts, report.processed, report.faults) == (3, 1, [])


def test_whoever_waits_too_long_for_a_turn_is_busy_and_has_moved_nothing() -> None:
    source, target = opened("a", balance=5000), opened("b")
    request = a_request(source, target)
    with turns.turn(turns.patience(), target.id), pytest.raises(StoreBusyError):
        transfer_funds(request, actor=TELLER, at=NOON, limit_seconds=0.01)
    assert queries.get_payment(request.payment_id) is None
    assert transfer_funds(request, actor=TELLER, at=NOON).payment.is_processed()


def test_a_read_that_fails_is_not_an_account_that_is_missing() -> None:
    source, target = opened("a", balance=5000), opened("b")
    request = a_request(source, target)
    with faults(then=read_timeout_before), pytest.raises(StoreBusyError):
        transfer_funds(request, actor=TELLER, at=NOON, limit_seconds=0.1)
    assert queries.get_payment(request.payment_id) is None


@pytest.mark.parametrize("fault", TROUBLE)
def test_a_read_in_trouble_is_tried_again(fault: Fault) -> None:
    source, target = opened("a", balance=5000), opened("b")
    with faults(*[fault] * 4):
        assert transferred(source, target).payment.is_processed()
    with faults(*[fault] * 4):
        assert opened("c", balance=100).balance == 100
    assert check_bank().faults == []


def test_an_account_is_looked_up_again_after_trouble() -> None:
    source, target = opened("a", balance=5000), opened("b")
    directory._numbers.clear()
    with faults(*[connection_closed_after] * 4):
        assert transferred(source, target).payment.is_processed()


def test_a_payment_that_is_there_and_cannot_be_read_is_not_answered_as_busy() -> None:
    source, target = opened("a", balance=5000), opened("b")
    request = a_request(source, target, idempotency_key="shop:1")
    transfer_funds(request, actor=TELLER, at=NOON)
    with faults(passing, then=read_timeout_before), pytest.raises(OutcomeUnknownError):
        transfer_funds(request, actor=TELLER, at=NOON, limit_seconds=0.1)
    assert transfer_funds(request, actor=TELLER, at=NOON).is_replay


def test_an_attempt_that_cannot_be_recorded_is_not_answered_as_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trail, "NOTE_SECONDS", 0.1)
    source, target = opened("a", balance=5000), opened("b")
    request = a_request(source, target)
    transfer_funds(request, actor=TELLER, at=NOON)
    entries = len(list(AuditLog.scan()))
    other = a_request(source, target, payment_id=request.payment_id, amount_minor=1)
    with faults(passing, passing, then=read_timeout_before), pytest.raises(StoreBusyError):
        transfer_funds(other, actor=TELLER, at=NOON)
    assert len(list(AuditLog.scan())) == entries
    with pytest.raises(KeyReused):
        transfer_funds(other, actor=TELLER, at=NOON)
    assert len(list(AuditLog.scan())) == entries + 1
    after = store.get(source)
    assert after is not None
    assert after.balance == 4000
