"""Backfills lose nothing that others write, go on where they were, and change nothing twice."""

import json
import threading
from collections.abc import Mapping
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.chain import POSTINGS
from audit.context import Actor
from audit.models import AuditLog
from audit.queries import TrailFilter
from backoffice.jobs import services
from backoffice.jobs.backfills import Backfill, backfill_order, run_backfill
from backoffice.jobs.records import JobState
from backoffice.jobs.services import CannotBeDone, claim_job, order_job
from backoffice.permissions import Role
from dynamodb import client, scans
from dynamodb.times import utc_now
from payments import queries
from payments.history import postings
from payments.models import Account, Payment, PaymentStatus
from tests.backoffice.people import a_member
from tests.bank import check_bank
from tests.builders import NOON, TELLER, opened, planted, transferred
from tests.payments.banks import found

NAME = "payment_status_keys"
BEFORE = "as it was"


def made_by_an_older_version(payment: Payment, **attributes: Any) -> None:
    """Give a payment the key, and whatever else, that another version gave it."""
    names = {"status_key": {"S": BEFORE}, **attributes}
    client.call(
        "UpdateItem",
        TableName=Payment.table_name(),
        Key=payment.key_item(),
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in names),
        ExpressionAttributeValues={f":{name}": value for name, value in names.items()},
    )


def older_payments(number: int) -> list[Payment]:
    source, target = opened("a", balance=100_000), opened("b")
    payments = [transferred(source, target).payment for _ in range(number)]
    for payment in payments:
        made_by_an_older_version(payment)
    return payments


def run(name: str = NAME) -> dict[str, Any]:
    out, by = StringIO(), ("--operator", "root", "--reason", "An upgrade", "--json")
    call_command("backfill", name, *by, stdout=out, stderr=StringIO())
    told: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return told


def listed() -> set[str]:
    page = queries.list_payments(person="a test", status=PaymentStatus.PROCESSED)
    return {payment.id for payment in page.rows}


@pytest.mark.usefixtures("moto_store")
def test_older_records_are_brought_up_to_date_and_the_second_time_nothing_changes() -> None:
    a_member(username="root", roles=[Role.ADMIN])
    payments = older_payments(3)
    made_by_an_older_version(payments[0], colour={"S": "blue"})
    assert listed().isdisjoint(payment.id for payment in payments)
    assert run()["changed"] == 3
    assert {payment.id for payment in payments} <= listed()
    kept = client.call("GetItem", TableName=Payment.table_name(), Key=payments[0].key_item())
    assert kept["Item"]["colour"] == {"S": "blue"}, "what a newer version added"
    assert check_bank().faults == []
    again = run()
    assert (again["looked_at"], again["changed"]) == (4, 0)


@pytest.mark.usefixtures("moto_store")
def test_a_persons_search_misses_no_posting_of_payments_that_named_none() -> None:
    a_member(username="root", roles=[Role.ADMIN])
    source, target = opened("a", balance=100_000), opened("b")
    lost, kept = (transferred(source, target).payment for _ in range(2))
    (deposit,) = (payment for payment in Payment.scan() if payment.to_account_id == source.id)
    for payment in (lost, kept, deposit):
        removed_attribute(payment, "posted_as")
    for entry in AuditLog.scan():
        if entry.action in POSTINGS and entry.reference == kept.id:
            planted(entry.with_changes({"user_key": entry.user_id}))  # as it was written before
    assert postings_found(lost) == 0
    assert set(found()) == {("posting_not_named", lost.id), ("posting_not_named", deposit.id)}
    assert run("payment_postings")["changed"] == 2
    assert (postings_found(lost), postings_found(kept)) == (2, 2)
    assert found() == []
    assert run("payment_postings")["changed"] == 0


def removed_attribute(payment: Payment, name: str) -> None:
    client.call(
        "UpdateItem",
        TableName=Payment.table_name(),
        Key=payment.key_item(),
        UpdateExpression=f"REMOVE {name}",
    )


def postings_found(payment: Payment) -> int:
    page = postings.browse(TrailFilter(user_id=TELLER.id), person="a test")
    return sum(entry.reference == payment.id for entry in page.rows)


@pytest.mark.usefixtures("moto_store")
def test_only_an_administrator_may_and_only_what_there_is() -> None:
    a_member(username="root", roles=[Role.SUPERVISOR])
    with pytest.raises(CommandError, match=r"records\.maintain"):
        run()
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("backfill", "nothing")


@pytest.mark.usefixtures("moto_store")
def test_one_that_is_killed_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    a_member(username="root", roles=[Role.ADMIN])
    older_payments(6)
    monkeypatch.setattr(scans, "PAGE_ITEMS", 1)
    job = order_job(backfill_order(NAME, order_id="one"), actor=Actor(id="root"), at=NOON)
    work = claim_job(job, worker=Actor(id="system:one"), at=NOON)
    assert work is not None
    work.clock = lambda: NOON
    filled: list[str] = []
    fill = Backfill.fill

    def killed(self: Backfill, found: Payment) -> bool:
        if len(filled) == 3:
            filled.append("killed")
            raise KeyboardInterrupt
        filled.append(found.id)
        return fill(self, found)

    monkeypatch.setattr(Backfill, "fill", killed)
    with pytest.raises(KeyboardInterrupt):
        run_backfill(work)
    done = run()
    assert (done["job"], done["looked_at"]) == ("one", 7), "each once, the opening's payment too"
    filled.remove("killed")
    assert len(filled) == len(set(filled)) == 7
    assert services.find_job("one").state == JobState.DONE


@pytest.mark.usefixtures("moto_store")
def test_what_somebody_writes_meanwhile_stands() -> None:
    account = opened("a", balance=5000)
    target = opened("b")

    def changes(found: Account) -> Mapping[str, Any]:
        if found.balance == 5000:
            transferred(account, target)
        return {"day_count": found.balance}

    made = Backfill(name="test", about="a test", model=Account, changes=changes)
    stored = queries.get_account(account.id)
    assert stored is not None
    assert made.fill(stored)
    after = queries.get_account(account.id)
    assert after is not None
    assert (after.balance, after.day_count, after.version) == (4000, 4000, stored.version + 1)


@pytest.mark.usefixtures("moto_store")
def test_what_the_trail_must_tell_of_is_not_backfilled() -> None:
    account = opened("a", balance=5000)
    rich = Backfill(
        name="test", about="a test", model=Account, changes=lambda _: {"balance": 10**6}
    )
    with pytest.raises(CannotBeDone, match="the trail"):
        rich.fill(account)
    assert check_bank().faults == []


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_money_moves_while_a_backfill_runs() -> None:
    a_member(username="root", roles=[Role.ADMIN])
    older = older_payments(40)
    accounts = [opened(f"c{number}", balance=10_000) for number in range(4)]
    stop = threading.Event()
    moved: list[Payment] = []

    def move(number: int) -> None:
        while not stop.is_set():
            payment = transferred(accounts[number], accounts[number - 1], at=utc_now()).payment
            moved.append(payment)
            made_by_an_older_version(payment)

    movers = [threading.Thread(target=move, args=[number]) for number in range(2)]
    for mover in movers:
        mover.start()
    assert run()["changed"] >= 40
    stop.set()
    for mover in movers:
        mover.join()
    assert run()["changed"] <= len(moved)
    assert all(payment.status_key == payment.status for payment in Payment.scan())
    assert {payment.id for payment in Payment.scan()} >= {each.id for each in (*older, *moved)}
    assert check_bank().faults == []
