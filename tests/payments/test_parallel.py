"""The same request from many threads at once, as if each were a process of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TypeVar

import pytest

from audit import queries as trail
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.transactions import Committed, Transaction, commit
from payments import groups, turns
from payments.accounts import clearing_account, open_account
from payments.deciding import Deciding
from payments.models import Account, AccountStatus
from payments.refusals import KeyReused
from payments.requests import OpeningRequest
from payments.transfers import Transfer, transfer_funds
from tests.bank import check_bank
from tests.builders import NOON, TELLER, a_request, opened, transferred

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("local_store", "colliding")]

THREADS = 20
T = TypeVar("T")


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())
    monkeypatch.setattr(groups, "settle_in_turn", Deciding.settle)


def at_once(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """What each thread gives, all having started together."""
    gate = threading.Barrier(threads)

    def one(number: int) -> T:
        gate.wait(10)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def balance(account: Account) -> int:
    found = store.get(account)
    assert found is not None
    return found.balance


def test_one_request_sent_twenty_times_is_one_payment() -> None:
    source, target = opened("a", balance=5000), opened("b")
    request = a_request(source, target)
    sent = at_once(lambda _: transfer_funds(request, actor=TELLER, at=NOON))
    assert {transfer.payment.id for transfer in sent} == {request.payment_id}
    assert [transfer.is_replay for transfer in sent].count(False) == 1
    assert balance(source) == 4000
    assert check_bank().faults == []


def test_one_key_under_twenty_ids_is_one_payment() -> None:
    source, target = opened("a", balance=5000), opened("b")
    sent = at_once(lambda _: transferred(source, target, idempotency_key="shop:1"))
    assert len({transfer.payment.id for transfer in sent}) == 1
    assert [transfer.is_replay for transfer in sent].count(False) == 1
    assert balance(source) == 4000
    assert check_bank().faults == []


def test_one_id_with_twenty_amounts_is_one_payment_and_nineteen_attempts_on_record() -> None:
    source, target = opened("a", balance=5000), opened("b")
    payment_id = a_request(source, target).payment_id

    def send(number: int) -> Transfer | None:
        request = a_request(source, target, payment_id=payment_id, amount_minor=number + 1)
        try:
            return transfer_funds(request, actor=TELLER, at=NOON)
        except KeyReused:
            return None

    (made,) = [transfer for transfer in at_once(send) if transfer]
    assert balance(source) == 5000 - made.payment.amount
    person = trail.chain_page(f"person:{TELLER.id}", person="").rows
    assert [entry.action for entry in person] == ["transfer.refused"] * (THREADS - 1)
    assert [entry.seq for entry in person] == list(range(THREADS - 1, 0, -1))
    assert check_bank().faults == []


@pytest.mark.parametrize("amount", [0, 300])
def test_one_opening_sent_twenty_times_is_one_account(amount: int) -> None:
    request = OpeningRequest(
        request_id="form", customer_id="c", account_type="checking", currency="USD",
        opening_balance_minor=amount,
    )  # fmt: skip
    sent = at_once(lambda _: open_account(request, actor=TELLER, at=NOON))
    assert len({opening.account.id for opening in sent}) == 1
    assert [opening.is_replay for opening in sent].count(False) == 1
    assert balance(sent[0].account) == amount
    assert clearing_account("USD", at=NOON).balance == -amount
    assert check_bank().faults == []


def test_an_account_frozen_in_mid_traffic_pays_nothing_afterwards() -> None:
    source, target = opened("a", balance=5000), opened("b")

    def work(number: int) -> Transfer | None:
        if number != THREADS // 2:
            return transferred(source, target, amount_minor=1)
        while True:
            found = store.get(source)
            assert found is not None
            if freeze(found):
                return None

    sent = [transfer.payment for transfer in at_once(work) if transfer]
    paid = [payment for payment in sent if payment.is_processed()]
    assert balance(source) == 5000 - len(paid)
    assert {payment.failure_code for payment in sent} <= {None, "source_not_active"}
    assert transferred(source, target).payment.failure_code == "source_not_active"


def freeze(account: Account) -> bool:
    tx = Transaction(at=NOON)
    tx.update("account", account, {"status": AccountStatus.FROZEN})
    return isinstance(commit(tx.freeze()), Committed)


def test_openings_with_money_queue_up_at_the_clearing_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    clearing_account("USD", at=NOON)

    def counted(number: int) -> list[str]:
        with count_requests() as seen:
            opened(f"{number}", balance=10)
        return seen.operations

    assert at_once(counted) == [["BatchGetItem", "TransactWriteItems"]] * THREADS
    assert clearing_account("USD", at=NOON).balance == -10 * THREADS
    assert check_bank().faults == []
