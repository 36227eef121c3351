"""A request's own name: the same again is the same payment, for whoever made it and nobody else."""

import pytest

from audit import queries as trail
from audit.context import Actor
from audit.models import AuditLog
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.errors import StoreBusyError
from payments import queries
from payments.identifiers import new_payment_id
from payments.models import Account, IdempotencyKey
from payments.refusals import KeyReused
from payments.transfers import preview_transfer, transfer_funds
from tests.builders import NOON, TELLER, a_request, opened, transferred
from tests.dynamodb.faults import cancellation, faults, passing, unreachable

pytestmark = pytest.mark.usefixtures("moto_store")


def now(account: Account) -> Account:
    found = queries.get_account(account.id)
    assert found is not None
    return found


def chain(entity_id: str) -> list[AuditLog]:
    return trail.chain_page(entity_id, person="").rows


def test_two_callers_with_the_same_key_do_not_meet() -> None:
    source, target = opened("a", balance=5000), opened("b")
    shop, bank = Actor(id="service:shop"), Actor(id="service:bank")
    made = [
        transferred(source, target, actor=who, idempotency_key=f"{who.id}:order-1")
        for who in (shop, bank)
    ]
    assert [each.is_replay for each in made] == [False, False]
    assert made[0].payment.id != made[1].payment.id
    assert now(source).balance == 3000
    kept = store.get(IdempotencyKey(key="service:shop:order-1"))
    assert kept is not None
    assert kept.payment_id == made[0].payment.id
    assert kept.request_hash == made[0].payment.request_hash


def test_nobody_gets_another_s_payment_by_its_id_or_key_and_the_attempt_is_recorded() -> None:
    source, target = opened("a", balance=5000), opened("b")
    shop, thief = Actor(id="service:shop"), Actor(id="service:thief")
    made = transferred(source, target, actor=shop, idempotency_key="service:shop:1").payment
    for name in ({"payment_id": made.id}, {"idempotency_key": "service:shop:1"}):
        with pytest.raises(KeyReused):
            transfer_funds(a_request(source, target, **name), actor=thief, at=NOON)
        with pytest.raises(KeyReused):
            preview_transfer(a_request(source, target, **name), actor=thief, at=NOON)
    assert now(source).balance == 4000
    recorded = [entry for entry in chain("person:service:thief") if entry.new_values]
    assert [entry.reference for entry in recorded] == [made.id] * 4
    assert {entry.new_values["code"] for entry in recorded if entry.new_values} == {"key_reused"}


def test_a_key_is_kept_in_the_commit_of_its_payment_or_not_at_all() -> None:
    source, target = opened("a", balance=5000), opened("b")
    with count_requests() as seen:
        refused = transferred(source, target, amount_minor=6000, idempotency_key="shop:1")
    assert seen.operations == ["BatchGetItem", "TransactWriteItems"]
    assert transferred(source, target, amount_minor=6000, idempotency_key="shop:1").is_replay
    assert refused.payment.failure_code == "insufficient_funds"
    request = a_request(source, target, idempotency_key="shop:2")
    with faults(passing, unreachable, then=unreachable), pytest.raises(StoreBusyError):
        transfer_funds(request, actor=TELLER, at=NOON, limit_seconds=0.2)
    assert store.get(IdempotencyKey(key="shop:2")) is None


def test_retries_of_one_failed_debit_count_once_and_conflicts_never() -> None:
    source, target = opened("a", balance=100), opened("b", balance=100)
    name = new_payment_id(NOON)
    for _ in range(5):
        transferred(source, target, amount_minor=500, payment_id=name, idempotency_key="shop:1")
    assert now(source).failed_attempts == 1
    conflicts = [cancellation("TransactionConflict")] * 5
    with faults(passing, *conflicts):
        transferred(source, target, amount_minor=500)
    assert now(source).failed_attempts == 2
    with faults(passing, *conflicts):
        assert transferred(source, target, amount_minor=50).payment.is_processed()
    assert now(source).failed_attempts is None
