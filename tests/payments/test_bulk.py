"""Bulk transfers decided in advance and posted: the same decisions, each row once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.context import Actor
from dynamodb.client import call, count_requests
from payments import directory, policy
from payments.approvals import approve_payment, digest
from payments.bulk.batches import Batch, payments_of, post_rows
from payments.bulk.report import Report, dry_run, duplicates, outcome
from payments.bulk.rows import Row
from payments.identifiers import is_payment_id, new_payment_id, payment_timestamp
from payments.lifecycle import freeze_account
from payments.models import Account, FrozenDirection, PaymentStatus
from payments.policy import Policy
from payments.queries import get_account, list_pending
from payments.refusals import SamePerson
from payments.role_limits import RoleLimits
from tests.bank import check_bank
from tests.builders import NOON, TELLER, opened, transferred
from tests.stores import NO_FOUR_EYES, rows_of, unchanged

pytestmark = pytest.mark.usefixtures("moto_store")

MONEY = ("accounts", "payments", "activity", "idempotency", "alerts", "audit_log", "audit_heads")
SUPERVISOR = Actor(id="supervisor1", roles=("supervisor",))


def a_row(number: int, source: str, target: str, amount: str, **values: str) -> Row:
    ends = {"from_account_id": source, "to_account_id": target}
    return Row(number=number, values={**ends, "amount": amount, "currency": "USD", **values})


def a_batch(*rows: Row) -> Batch:
    return Batch(id=new_payment_id(NOON), rows=rows)


def posted(batch: Batch, actor: Actor = TELLER) -> Counter[str]:
    return post_rows(batch, batch.rows, actor=actor, clock=lambda: NOON)


def told(report: Report) -> Any:
    return (
        [(each.row, each.column, each.value, each.rule, each.sentence) for each in report.errors],
        dict(report.totals),
        dict(report.waiting),
    )


def everything() -> dict[str, list[Any]]:
    return {table: rows_of(table) for table in MONEY}


def test_a_dry_run_tells_every_bad_row_and_writes_nothing() -> None:
    a, b = opened("a", balance=10_000), opened("b")
    c = opened("c", currency="EUR")
    rows = [
        a_row(1, a.id, b.account_number, "60.00"),
        a_row(2, a.account_number, b.id, "60.00"),
        a_row(3, a.id, b.id, "1,5"),
        a_row(4, a.id, a.account_number, "1"),
        a_row(5, a.id, c.id, "1"),
        a_row(6, a.id, "acc_nothing", "1"),
        a_row(7, a.id, b.id, "1", currency="XXQ"),
        a_row(8, a.id, b.id, "1", description="x" * 141),
        Row(number=9, fault="It has 3 values."),
        a_row(10, "", b.id, "1"),
        a_row(11, b.id, a.id, "50.00"),
    ]
    before = everything()
    report = dry_run(a_batch(*rows), actor=TELLER, at=NOON)
    assert everything() == before
    assert [(each.row, each.column, each.value, each.rule) for each in report.errors] == [
        (2, "amount", "60.00", "insufficient_funds"),
        (3, "amount", "1,5", "invalid_amount"),
        (4, "to_account_id", a.account_number, "same_account"),
        (5, "currency", "USD", "currency_mismatch"),
        (6, "to_account_id", "acc_nothing", "destination_not_found"),
        (7, "currency", "XXQ", "unknown_currency"),
        (8, "description", "x" * 141, "invalid_field"),
        (9, "", "", "invalid_row"),
        (10, "from_account_id", "", "missing_field"),
    ]
    assert (report.rows, report.accepted, report.refused) == (11, 2, 9)
    assert report.totals == {"USD": 11_000}
    moved = {old.id: (old.balance, new.balance) for old, new in report.accounts}
    assert moved == {a.id: (10_000, 9_000), b.id: (0, 1_000)}


def test_reads_go_a_hundred_records_at_a_time() -> None:
    accounts = [opened(f"n{number}", balance=1000) for number in range(12)]
    numbers = [each.account_number for each in accounts]
    rows = [a_row(n, numbers[n % 12], numbers[(n + 1) % 12], "0.01") for n in range(1, 301)]
    directory._numbers.clear()
    with count_requests() as requests:
        assert dry_run(a_batch(*rows), actor=TELLER, at=NOON).accepted == 300
    assert len(requests.requests) == 1


@pytest.mark.parametrize("is_known", [True, False], ids=["by number", "by an id never seen"])
def test_rows_of_a_damaged_account_are_refused_by_name_and_the_others_go_on(
    *, is_known: bool
) -> None:
    source, target, damaged = opened("a", balance=1000), opened("b"), opened("c")
    call(
        "UpdateItem", TableName=Account.table_name(), Key=damaged.key_item(),
        UpdateExpression="SET balance = :b", ExpressionAttributeValues={":b": {"N": "1.5"}},
    )  # fmt: skip
    named = damaged.account_number if is_known else damaged.id
    rows = [a_row(n, source.id, end, "1") for n, end in enumerate([target.id, named, target.id])]
    batch = a_batch(*rows)
    directory._numbers.clear()
    foreseen = dry_run(batch, actor=TELLER, at=NOON)
    assert posted(batch) == {"processed": 2, "refused": 1}
    for report in (foreseen, outcome(batch, NOON)):
        assert [(each.row, each.column, each.rule) for each in report.errors] == [
            (1, "to_account_id", "unreadable_account")
        ]
        assert report.accepted == 2
    with count_requests() as requests:
        assert outcome(replace(a_batch(*rows), posted=0), NOON).errors == []
    assert requests.operations == ["BatchGetItem"], "Of what is to be done, payments alone."


CELLS = st.fixed_dictionaries(
    {
        "source": st.integers(0, 5),
        "target": st.integers(0, 5),
        "amount": st.sampled_from(["0.01", "5", "40.00", "90.00", "120.00", "0", "x", "1.234"]),
        "currency": st.sampled_from(["USD"] * 6 + ["EUR", "JPY"]),
        "description": st.sampled_from(["", "Rent", "a\tb"]),
    }
)


def house() -> list[str]:
    """Accounts of every condition; those that are there already are found again."""
    policy.configure(NO_FOUR_EYES)
    rich, poor = opened("rich", balance=30_000), opened("poor", balance=1_000)
    frozen, other = opened("frozen", balance=5_000), opened("other", currency="EUR", balance=9_000)
    if frozen.is_active():
        freeze_account(
            account_id=frozen.id,
            direction=FrozenDirection.DEBITS,
            until=None,
            reason="Court",
            actor=SUPERVISOR,
            at=NOON,
        )
    return [rich.id, poor.account_number, frozen.id, other.id, opened("new").id, "acc_nothing"]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CELLS, min_size=1, max_size=12), st.sampled_from([60, 250, 10**9]), st.booleans())
def test_what_is_decided_in_advance_is_what_posting_then_does(
    cells: list[dict[str, Any]], threshold: int, has_limits: bool
) -> None:
    names = house()
    with unchanged():
        limits = "teller=11000/20000" if has_limits else ""
        policy.configure(
            Policy(approval_threshold=threshold * 100, role_limits=RoleLimits.parse(limits))
        )
        rows = [
            a_row(
                number,
                names[each["source"]],
                names[each["target"]],
                each["amount"],
                currency=each["currency"],
                description=each["description"],
            )
            for number, each in enumerate(cells, start=1)
        ]
        foreseen(rows)


TELLER_3 = Actor(id="teller3", roles=("teller",))


def foreseen(rows: list[Row], maker: Actor = TELLER_3) -> Report:
    """Decide rows in advance, post them, and find everything as it was foreseen."""
    batch = a_batch(*rows)
    report = dry_run(batch, actor=maker, at=NOON)
    posted(batch, maker)
    assert told(outcome(batch, NOON)) == told(report)
    for _, account in report.accounts:
        now = get_account(account.id)
        assert now is not None
        assert (now.balance, now.held) == (account.balance, account.held)
    assert check_bank().faults == []
    return report


def test_debits_that_a_row_locks_are_locked_for_the_next() -> None:
    a, b = opened("a", balance=1_000), opened("b")
    amounts = ["20", "20", "1", "20", "20", "20", "1"]
    report = foreseen([a_row(n, a.id, b.id, amount) for n, amount in enumerate(amounts, start=1)])
    assert [fault.rule for fault in report.errors] == ["insufficient_funds"] * 5 + ["source_locked"]


@pytest.mark.parametrize(
    ("limits", "waiting", "refused"), [("", {"USD": 3_000}, 0), ("teller=/8000", {}, 1)]
)
def test_rows_count_in_the_makers_day(limits: str, waiting: dict[str, int], refused: int) -> None:
    """Between strangers each, so that no account's total is what counts."""
    ends = [opened(f"n{number}", balance=3_000 * (number % 2)) for number in range(6)]
    policy.configure(Policy(role_limits=RoleLimits.parse(limits), approval_threshold=8_000))
    transferred(ends[1], ends[0], actor=TELLER_3, amount_minor=3_000)
    rows = [a_row(1, ends[3].id, ends[2].id, "30"), a_row(2, ends[5].id, ends[4].id, "30")]
    report = foreseen(rows)
    assert (report.waiting, report.refused) == (waiting, refused)


def test_a_row_posted_again_is_the_payment_that_is_there() -> None:
    a, b = opened("a", balance=10_000), opened("b")
    rows = [a_row(1, a.id, b.id, "10"), a_row(2, a.id, b.id, "10"), a_row(3, a.id, b.id, "999")]
    batch = a_batch(*rows)
    first, again = posted(batch), posted(batch)
    assert first == again == {"processed": 2, "failed": 1}
    other = posted(replace(batch, id=new_payment_id(NOON)))
    assert other == first
    assert balances(a, b) == [6_000, 4_000]
    payments = [payment for _, payment in payments_of(batch) if payment]
    assert {payment.batch_id for payment in payments} == {batch.id}


def test_names_of_rows_are_payment_ids_of_the_batchs_own_time() -> None:
    batch = a_batch()
    names = {batch.payment_id(Row(number=number)) for number in range(1, 2_001)}
    assert len(names) == 2_000
    assert all(is_payment_id(name) for name in names)
    assert {payment_timestamp(name) for name in names} == {payment_timestamp(batch.id)}


def balances(*accounts: Account) -> list[int]:
    found = [get_account(account.id) for account in accounts]
    return [account.balance for account in found if account]


def test_a_batch_above_the_threshold_waits_whole_for_another_person() -> None:
    """No single row is above it, and the first ones alone would not be."""
    a, b = opened("a", balance=100_000), opened("b")
    policy.configure(Policy(approval_threshold=5_000))
    batch = a_batch(*(a_row(number, a.id, b.id, "10") for number in range(1, 7)))
    foreseen = dry_run(batch, actor=SUPERVISOR, at=NOON)
    assert foreseen.waiting == foreseen.totals == {"USD": 6_000}
    assert posted(batch, SUPERVISOR) == {"pending": 6}
    assert balances(a, b) == [100_000, 0]
    _, payment = next(iter(payments_of(batch)))
    assert payment is not None
    assert payment.triggers == ["batch: 60.00 USD in all, above 50.00 USD"]
    shown = {"payment_id": payment.id, "shown": digest(payment)}
    with pytest.raises(SamePerson):
        approve_payment(**shown, actor=SUPERVISOR, at=NOON)
    approved = approve_payment(**shown, actor=Actor(id="supervisor2"), at=NOON)
    assert approved.status == PaymentStatus.PROCESSED
    assert balances(a, b) == [99_000, 1_000]


@pytest.mark.parametrize(
    ("amounts", "waits"), [(["30", "20"], False), (["30", "20.01"], True), (["x", "50.01"], True)]
)
def test_the_total_of_a_batch_decides_for_all_of_its_rows(
    amounts: Iterable[str], waits: bool
) -> None:
    policy.configure(Policy(approval_threshold=5_000))
    rows = [a_row(number, "1", "2", amount) for number, amount in enumerate(amounts, start=1)]
    assert bool(a_batch(*rows).trigger) == waits


def test_of_what_waits_a_batch_is_one_and_a_request_of_its_very_time_another() -> None:
    source, target = opened("a", balance=10_000), opened("b")
    policy.configure(Policy(approval_threshold=500))
    early = transferred(source, target, amount_minor=600, payment_id=new_payment_id(NOON)).payment
    batch = a_batch(*(a_row(n, source.id, target.id, "0.10") for n in range(1, 111)))
    assert posted(batch) == {"pending": 110}
    late = transferred(source, target, amount_minor=600, payment_id=new_payment_id(NOON)).payment
    with count_requests() as requests:
        page = list_pending(person="supervisor1")
    assert len(requests) == 3
    assert {each.batch_id or each.id for each in page.rows} == {early.id, batch.id, late.id}
    assert not page.next_cursor


def test_duplicates_are_told_within_the_file_and_against_earlier_ones() -> None:
    a, b = opened("a"), opened("b")
    earlier = [a_row(1, a.id, b.id, "7"), a_row(2, a.id, b.id, "8", reference="OLD")]
    rows = [
        a_row(1, a.id, b.id, "1,000.00", reference="R"),
        a_row(2, a.id, b.id, "2", reference="R"),
        a_row(3, a.account_number, b.account_number, "1000", reference="R"),
        a_row(4, a.account_number, b.id, "7.00"),
        a_row(5, a.id, b.id, "9", reference="OLD"),
        a_row(6, a.id, b.id, "9"),
    ]
    found = duplicates(rows, [("may.csv", earlier)])
    assert [(each.row, each.rule, each.value, each.of) for each in found] == [
        (2, "duplicate_reference", "R", "row 1"),
        (3, "duplicate_reference", "R", "row 1"),
        (3, "duplicate_row", "", "row 1"),
        (4, "duplicate_row", "", "row 1 of may.csv"),
        (5, "duplicate_reference", "OLD", "row 2 of may.csv"),
    ]
