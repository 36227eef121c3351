"""Transfers on a store, one at a time: what moves, what is refused, what is left behind."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from audit import queries as trail
from audit.models import AuditLog, EntryOutcome
from dynamodb import client, store
from dynamodb.client import count_requests
from dynamodb.errors import StoreError, UnreadableRecordError
from dynamodb.models import Record
from payments import directory, ledger, queries, rules
from payments.models import Account, AccountStatus, Payment, PaymentStatus
from payments.money import format_amount
from payments.refusals import InvalidAmount, KeyReused
from payments.transfers import Preview, preview_transfer, transfer_funds
from tests.bank import check_bank
from tests.builders import NOON, TELLER, a_request, an_account, opened, planted, transferred
from tests.dynamodb.faults import faults, passing

pytestmark = pytest.mark.usefixtures("moto_store")

TWO = ["BatchGetItem", "TransactWriteItems"]


def now(account: Account) -> Account:
    found = queries.get_account(account.id)
    assert found is not None
    return found


def chain(entity_id: str) -> list[AuditLog]:
    """A whole chain, oldest first."""
    return trail.chain_page(entity_id, person="").rows[::-1]


def stale_reads(*accounts: Account) -> Callable[[Sequence[Record]], list[Any]]:
    """Reads that go on to show some accounts as they stand now."""
    read, seen = store.get_many, {account.id: now(account) for account in accounts}

    def stale(keys: Sequence[Record]) -> list[Any]:
        return [
            seen.get(getattr(key, "id", ""), found)
            for key, found in zip(keys, read(keys), strict=True)
        ]

    return stale


def test_a_transfer_moves_money_and_tells_of_it_three_times() -> None:
    source, target = opened("a", balance=5000), opened("b")
    payment = transferred(source, target, amount_minor=1500, description="rent").payment

    assert (now(source).balance, now(target).balance) == (3500, 1500)
    kept = queries.get_payment(payment.id)
    assert kept is not None
    assert kept.serialize() == payment.serialize()
    assert payment.is_processed()
    assert not payment.can_cancel()
    assert payment.customer_id == source.customer_id
    assert payment.processed_at == payment.created_at == NOON
    debited, credited = chain(source.id)[-1], chain(target.id)[-1]
    (processed,) = chain(payment.id)
    assert (debited.action, debited.old_values, debited.new_values) == (
        "account.debited", {"balance": 5000}, {"balance": 3500},
    )  # fmt: skip
    assert (credited.action, credited.new_values) == ("account.credited", {"balance": 1500})
    assert debited.reference == credited.reference == payment.id
    assert processed.action == "payment.processed"
    assert processed.new_values is not None
    assert processed.new_values["amount"] == 1500
    assert {entry.user_id for entry in (debited, credited, processed)} == {TELLER.id}


def test_two_requests_for_known_accounts_and_four_for_new_ones() -> None:
    source, target = opened("a", balance=5000), opened("b")
    with count_requests() as seen:
        transferred(source.account_number, target.account_number)
    assert seen.operations == TWO
    directory._numbers.clear()
    with count_requests() as seen:
        transferred(source, target)
    assert seen.operations == ["Query", "Query", *TWO]
    with count_requests() as seen:
        transferred(source, target)
    assert seen.operations == TWO


def test_of_accounts_seen_those_are_forgotten_that_were_not_read_for_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target, other, late = (opened(name, balance=9) for name in "abcd")
    directory._numbers.clear()
    monkeypatch.setattr(directory, "_KNOWN_NUMBERS", 3)
    queries.get_accounts(source.id, other.id, target.id)
    transferred(source, target, amount_minor=1)
    queries.get_account(late.id)
    with count_requests() as seen:
        transferred(source, target, amount_minor=1)
        transferred(source, other, amount_minor=1)
    assert seen.operations == [*TWO, "Query", *TWO]


@pytest.mark.parametrize(
    ("balance", "values", "code"),
    [
        (999, {}, "insufficient_funds"),
        (5000, {"currency": "EUR"}, "currency_mismatch"),
        (5000, {"customer_id": "somebody"}, "customer_mismatch"),
        (5000, {"from_account_id": "acc_none"}, "source_not_found"),
        (5000, {"to_account_id": "000000000000"}, "destination_not_found"),
    ],
)
def test_a_refusal_moves_nothing_and_leaves_a_failed_payment(
    balance: int, values: dict[str, Any], code: str
) -> None:
    source, target = opened("a", balance=balance), opened("b")
    with count_requests() as seen:
        payment = transferred(source, target, **values).payment
    assert len(seen) == 2 or code.endswith("not_found")
    assert (now(source).balance, now(target).balance) == (balance, 0)
    kept = queries.get_payment(payment.id)
    assert kept is not None
    assert (kept.status, kept.failure_code) == (PaymentStatus.FAILED, code)
    assert kept.failure_reason
    (entry,) = chain(payment.id)
    assert (entry.action, entry.outcome) == ("payment.failed", EntryOutcome.FAILURE)
    counted = ["account.debit_failed"] if code == "insufficient_funds" else []
    assert [entry.action for entry in chain(source.id)][1:] == counted


def test_the_same_request_twice_is_the_same_payment() -> None:
    source, target = opened("a", balance=5000), opened("b")
    request = a_request(source, target)
    first = transfer_funds(request, actor=TELLER, at=NOON)
    second = transfer_funds(request, actor=TELLER, at=NOON)
    assert (first.is_replay, second.is_replay) == (False, True)
    assert first.payment.id == second.payment.id
    assert now(source).balance == 4000
    assert len(chain(source.id)) == 2


def test_a_refused_request_stays_refused_when_the_money_has_come() -> None:
    source, target, rich = opened("a"), opened("b"), opened("c", balance=5000)
    request = a_request(source, target)
    transfer_funds(request, actor=TELLER, at=NOON)
    transferred(rich, source)
    again = transfer_funds(request, actor=TELLER, at=NOON)
    assert again.is_replay
    assert again.payment.failure_code == "insufficient_funds"
    assert now(source).balance == 1000


def test_the_same_id_with_other_values_moves_nothing_and_is_recorded() -> None:
    source, target = opened("a", balance=5000), opened("b")
    request = a_request(source, target)
    transfer_funds(request, actor=TELLER, at=NOON)
    other = a_request(source, target, payment_id=request.payment_id, amount_minor=1001)
    with pytest.raises(KeyReused):
        transfer_funds(other, actor=TELLER, at=NOON)
    assert now(source).balance == 4000
    entry = chain(f"person:{TELLER.id}")[-1]
    assert (entry.action, entry.reference) == ("transfer.refused", request.payment_id)
    assert entry.new_values is not None
    assert entry.new_values["code"] == "key_reused"


def test_a_callers_own_key_is_one_payment_whatever_id_it_comes_with() -> None:
    source, target = opened("a", balance=5000), opened("b")
    first = transferred(source, target, idempotency_key="shop:1").payment
    again = transferred(source, target, idempotency_key="shop:1")
    assert again.is_replay
    assert again.payment.id == first.id
    with pytest.raises(KeyReused):
        transferred(source, target, idempotency_key="shop:1", amount_minor=5)
    assert now(source).balance == 4000
    assert not transferred(source, target, idempotency_key="shop:2").is_replay


def test_a_malformed_request_is_recorded_and_uses_nothing_up() -> None:
    source, target = opened("a", balance=5000), opened("b")
    wrong = a_request(source, target, amount_minor=0)
    with pytest.raises(InvalidAmount):
        transfer_funds(wrong, actor=TELLER, at=NOON)
    assert queries.get_payment(wrong.payment_id) is None
    assert chain(f"person:{TELLER.id}")[-1].new_values == {
        "code": "invalid_amount",
        "field": "amount",
        "sentence": "The amount must be more than zero.",
    }
    right = a_request(source, target, payment_id=wrong.payment_id)
    assert transfer_funds(right, actor=TELLER, at=NOON).payment.is_processed()


def test_what_changed_in_between_is_taken_in_without_reading_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    stale = stale_reads(source, target)
    transferred(source, target, amount_minor=3000)
    monkeypatch.setattr(store, "get_many", stale)
    with count_requests() as seen:
        payment = transferred(source, target, amount_minor=2000).payment
    assert payment.is_processed()
    assert seen.operations == ["BatchGetItem", "TransactWriteItems", "TransactWriteItems"]
    assert now(source).balance == 0


def test_money_that_is_gone_in_between_refuses_the_next_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    stale = stale_reads(source, target)
    transferred(source, target, amount_minor=3000)
    monkeypatch.setattr(store, "get_many", stale)
    assert transferred(source, target, amount_minor=2001).payment.failure_code == (
        "insufficient_funds"
    )
    assert now(source).balance == 2000


def test_an_account_frozen_in_between_refuses_the_next_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    stale = stale_reads(source, target)
    planted(now(target).with_changes({"status": AccountStatus.FROZEN, "version": 2}))
    monkeypatch.setattr(store, "get_many", stale)
    assert transferred(source, target).payment.failure_code == "destination_not_active"
    assert now(source).balance == 5000


@pytest.mark.parametrize(
    ("behind", "values", "code"),
    [
        ("source", {"status": AccountStatus.FROZEN}, "source_not_active"),
        ("target", {"status": AccountStatus.CLOSED}, "destination_not_active"),
        ("source", {"balance": 999}, "insufficient_funds"),
    ],
)
def test_the_store_itself_refuses_what_a_foreign_writer_changed_under_the_same_version(
    behind: str, values: dict[str, Any], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    stale = stale_reads(source, target)
    planted(now({"source": source, "target": target}[behind]).with_changes(values))
    monkeypatch.setattr(store, "get_many", stale)
    assert transferred(source, target).payment.failure_code == code
    assert now(target).balance == 0


@pytest.mark.parametrize("gained", [1, -1])
def test_money_made_or_lost_does_not_leave_the_process(
    gained: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    decide = rules.decide

    def miscounted(*arguments: Any, **more: Any) -> rules.Decision:
        decision = decide(*arguments, **more)
        wrong = decision.posting.target | {"balance": 1000 + gained}
        return replace(decision, posting=replace(decision.posting, target=wrong))

    monkeypatch.setattr(rules, "decide", miscounted)
    with pytest.raises(ledger.UnbalancedError):
        transferred(source, target)
    with pytest.raises(ledger.UnbalancedError):
        opened("c", balance=1000)
    assert (now(source).balance, now(target).balance) == (5000, 0)
    assert check_bank().faults == []


def test_money_never_changes_its_currency_on_the_way() -> None:
    source, target = an_account(1, balance=5000), an_account(2, currency="EUR")
    posting = rules.Posting(source={"balance": 4000}, target={"balance": 1000})
    with pytest.raises(ledger.UnbalancedError):
        ledger.assert_balanced(source, target, posting)


@pytest.mark.parametrize("name", ["locked_until", "audit_at", "balance"])
def test_money_stays_where_a_record_cannot_be_read(name: str) -> None:
    source, target = opened("a", balance=5000), opened("b")
    item = {**source.serialize(), name: {"S": "soon"}}
    client.call("PutItem", TableName=Account.table_name(), Item=item)
    with pytest.raises(UnreadableRecordError):
        transferred(source, target)
    assert now(target).balance == 0


def test_a_chain_somebody_else_wrote_to_stops_money_rather_than_forking() -> None:
    source, target = opened("a", balance=5000), opened("b")
    foreign = {"timestamp": f"2026-03-02T12:00:00.000000Z#{2:012d}"}
    planted(chain(source.id)[0].with_changes(foreign))
    with pytest.raises(StoreError, match="audit:source"):
        transferred(source, target)
    assert now(source).balance == 5000


def test_lists_find_a_payment_by_customer_merchant_and_status() -> None:
    source, target = opened("a", balance=5000), opened("b")
    payment = transferred(source, target, merchant_id="shop").payment
    failed = transferred(source, target, amount_minor=100_000).payment

    def ids(**wanted: Any) -> list[str]:
        return [row.id for row in queries.list_payments(person="p", **wanted).rows]

    assert ids(merchant_id="shop") == [payment.id]
    assert set(ids(customer_id=source.customer_id)) == {payment.id, failed.id}
    assert ids(customer_id=source.customer_id, status="failed") == [failed.id]
    assert ids(status="failed") == [failed.id]
    assert payment.id in ids()
    row = queries.get_customer_payments(customer_id=source.customer_id, person="p").rows[0]
    assert format_amount(row.amount, row.currency) in ("10.00 USD", "1,000.00 USD")
    assert Payment(id=row.id, timestamp=row.timestamp)


def test_looking_at_a_transfer_never_makes_it_though_the_money_arrives_meanwhile() -> None:
    source, target = opened("a"), opened("b", balance=5000)

    def arrive(_: Any, send: Any) -> Any:
        assert transferred(target, source).payment.is_processed()
        return send()

    with faults(passing, arrive):
        seen = preview_transfer(a_request(source, target, amount_minor=500), actor=TELLER, at=NOON)
    assert isinstance(seen, Preview)
    assert seen.posting.source["balance"] == 500
    assert [each.balance for each in queries.get_accounts(source.id, target.id) if each] == [
        1000,
        4000,
    ]
