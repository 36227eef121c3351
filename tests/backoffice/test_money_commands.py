"""Operators' commands that open accounts and move money, and the demo data."""

import io
import json
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from django.core.management import CommandError, call_command
from pytest_django import Settings

from backoffice.management import demo_month
from backoffice.management.commands import seed_test_data
from backoffice.permissions import Role
from dynamodb import client as store_client
from dynamodb.errors import StoreBusyError
from dynamodb.retries import Patience
from dynamodb.times import utc_now
from payments import policy, queries
from payments.models import Account, Payment, PaymentStatus
from payments.policy import Policy
from payments.role_limits import RoleLimits
from tests.backoffice.people import a_member, chain
from tests.bank import check_bank
from tests.builders import opened, transferred
from tests.dynamodb.faults import Fault, Send, faults, read_timeout_after, read_timeout_before

pytestmark = pytest.mark.usefixtures("moto_store")


def run(command: str, *arguments: str, operator: str = "teller1") -> dict[str, Any]:
    """Run a command for its JSON; a refused one gives its error and its exit code."""
    out = io.StringIO()
    said = ("--operator", operator, "--reason", "a test", "--json")
    code = 0
    try:
        call_command(command, *arguments, *said, stdout=out)
    except CommandError as error:
        code = error.returncode
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return {**answer, "exit_code": code}


def an_account(customer: str = "c-1", balance: str = "0", **options: str) -> dict[str, Any]:
    named = [part for name, value in options.items() for part in (f"--{name}", value)]
    return run(
        "open_account", "--customer-id", customer, "--account-type", "checking",
        "--currency", "USD", "--opening-balance", balance, *named,
    )  # fmt: skip


def a_transfer(source: str, target: str, amount: str, *more: str, **who: str) -> dict[str, Any]:
    ends = ("--from", source, "--to", target, "--amount", amount, "--currency", "USD")
    return run("transfer", *ends, *more, **who)


@pytest.fixture(autouse=True)
def teller(moto_store: None) -> None:
    a_member(username="teller1", roles=[Role.TELLER])


def test_an_account_is_opened_and_money_moves_by_id_and_number() -> None:
    source, target = an_account(balance="1,000.00"), an_account("c-2")
    assert (source["balance"], source["available"], source["exit_code"]) == (100_000, 100_000, 0)
    payment = a_transfer(source["id"], target["account_number"], "12.50")
    assert (payment["status"], payment["amount"], payment["requested_by"]) == (
        "processed", 1250, "teller1",
    )  # fmt: skip
    after = queries.get_account(target["id"])
    assert after is not None
    assert after.balance == 1250
    assert check_bank().faults == []


def test_a_request_id_given_again_does_nothing_twice() -> None:
    first = an_account(balance="10", **{"request-id": "monday"})
    again = an_account(balance="10", **{"request-id": "monday"})
    assert first["id"] == again["id"]
    target = an_account("c-2")
    sent = [a_transfer(first["id"], target["id"], "1.00", "--request-id", "rent") for _ in range(2)]
    assert sent[0]["id"] == sent[1]["id"]
    other = a_transfer(first["id"], target["id"], "1.01", "--request-id", "rent")
    assert (other["code"], other["exit_code"]) == ("key_reused", 2)
    kept = queries.get_account(first["id"])
    assert kept is not None
    assert kept.balance == 900


def test_two_operators_may_use_the_same_request_id_for_different_things() -> None:
    a_member(username="teller2", roles=[Role.TELLER])
    source, target = an_account(balance="10"), an_account("c-2")
    ends = (source["id"], target["id"])
    mine = a_transfer(*ends, "1.00", "--request-id", "rent")
    theirs = a_transfer(*ends, "2.00", "--request-id", "rent", operator="teller2")
    assert theirs["exit_code"] == 0
    assert mine["id"] != theirs["id"]


@pytest.mark.parametrize("lost", [read_timeout_before, read_timeout_after])
def test_an_unknown_outcome_says_how_to_find_out(
    lost: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losing_transfers(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        is_transfer = b"account.debited" in (request.body or b"")
        return lost(request, send) if is_transfer else send()

    source, target = an_account(balance="10"), an_account("c-2")
    ends = (source["id"], target["id"], "1.00")
    with monkeypatch.context() as patch, faults(then=losing_transfers):
        patch.setattr(Patience, "pause", lambda _: False)
        unknown = a_transfer(*ends)
    assert (unknown["code"], unknown["exit_code"]) == ("outcome_unknown", 1)
    (name,) = re.findall("--request-id ([^ ]+)", unknown["error"])
    assert a_transfer(*ends, "--request-id", name)["status"] == "processed"
    kept = queries.get_account(source["id"])
    assert kept is not None
    assert kept.balance == 900


@pytest.mark.parametrize(
    ("amount", "code"),
    [("100", "insufficient_funds"), ("1e3", "invalid_amount"), ("0", "invalid_amount")],
)
def test_a_refusal_is_one_sentence_a_code_and_exit_code_2(amount: str, code: str) -> None:
    source, target = an_account(), an_account("c-2")
    refused = a_transfer(source["id"], target["id"], amount)
    assert (refused["code"], refused["exit_code"]) == (code, 2)
    assert refused["error"].endswith(".")


def test_the_operator_must_be_there_active_and_allowed_and_say_why() -> None:
    a_member(username="boss", roles=[Role.ADMIN])
    for operator in ("nobody", "boss"):
        refused = a_transfer("a", "b", "1", operator=operator)
        assert refused["exit_code"] == 2
    assert chain("person:boss")[0].action == "access.refused"
    with pytest.raises(CommandError, match="Say who acts and why"):
        call_command("open_account", customer_id="c", account_type="checking", currency="USD")
    assert not list(Account.scan())


def test_the_reason_stands_in_the_operators_chain() -> None:
    an_account()
    entry = chain("person:teller1")[0]
    assert (entry.action, entry.new_values) == (
        "command.run", {"command": "open_account", "reason": "a test"},
    )  # fmt: skip


def test_a_large_transfer_waits_and_is_no_failure() -> None:
    source, target = an_account(balance="1,000"), an_account("c-2")
    policy.configure(Policy(approval_threshold=10_000))
    payment = a_transfer(source["id"], target["id"], "100.01")
    assert (payment["status"], payment["exit_code"]) == ("pending", 0)
    out = io.StringIO()
    call_command(
        "transfer", "--from", source["id"], "--to", target["id"], "--amount", "200",
        "--currency", "USD", "--operator", "teller1", "--reason", "x", stdout=out,
    )  # fmt: skip
    assert "200.00 USD waits for a supervisor's approval" in out.getvalue()
    call_command(
        "open_account", "--customer-id", "c-3", "--account-type", "checking", "--currency", "USD",
        "--opening-balance", "300", "--operator", "teller1", "--reason", "x", stdout=out,
    )  # fmt: skip
    assert "with 0.00 USD. 300.00 USD wait for a supervisor's approval" in out.getvalue()


def settled(*options: str) -> str:
    out = io.StringIO()
    call_command("settle_pending", *options, stdout=out, stderr=out)
    return out.getvalue()


def test_settling_counts_by_outcome_and_acts_as_the_system() -> None:
    assert settled("--once") == "Nothing was due.\n"
    assert json.loads(settled("--once", "--json")) == {}
    source, target = opened("a", balance=50_000), opened("b")
    policy.configure(Policy(approval_threshold=10_000))
    old = transferred(source, target, amount_minor=20_000).payment
    assert json.loads(settled("--once", "--json").splitlines()[-1]) == {"expired": 1}
    entry = chain(old.id)[0]
    assert (entry.action, entry.user_id) == ("payment.expired", "system:settlement")
    assert entry.user_agent == "manage.py settle_pending"


def test_settling_ends_with_code_1_where_a_record_is_damaged() -> None:
    source, target = opened("a", balance=50_000), opened("b")
    policy.configure(Policy(approval_threshold=10_000))
    odd = transferred(source, target, amount_minor=20_000).payment
    item = {**odd.serialize(), "amount": {"S": "x"}}
    store_client.call("PutItem", TableName=odd.table_name(), Item=item)
    with pytest.raises(CommandError, match="damaged") as failed:
        settled("--once")
    assert failed.value.returncode == 1


@pytest.fixture
def soon_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read is tried again for a tenth of a second, not for half a minute."""
    monkeypatch.setattr("dynamodb.scans.READ_SECONDS", 0.1)


@pytest.mark.usefixtures("soon_given_up")
def test_settling_goes_on_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def two_minutes(seconds: float) -> None:
        if seconds < 60:
            return  # the store's client, before it tries again
        rounds.append(seconds)
        if len(rounds) == 2:
            raise KeyboardInterrupt
        store_client.configure(replace(store_client.settings(), endpoint_url="http://127.0.0.1:9"))

    rounds: list[float] = []
    monkeypatch.setattr("time.sleep", two_minutes)
    first, second, last = settled().splitlines()
    assert first == "Nothing was due."
    assert second.endswith("It is tried again in 60 seconds.")
    assert last == "Stopped."


@pytest.mark.usefixtures("soon_given_up")
def test_settling_once_fails_where_the_store_is_away() -> None:
    store_client.configure(replace(store_client.settings(), endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(CommandError) as caught:
        settled("--once")
    assert caught.value.returncode == 1


@pytest.fixture
def a_small_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_test_data, "PAYMENTS", 40)
    policy.configure(Policy(role_limits=RoleLimits.parse("teller=100/200")))


def seeded(**options: bool) -> str:
    out = io.StringIO()
    call_command("seed_test_data", stdout=out, **options)
    return out.getvalue()


@pytest.mark.usefixtures("a_small_demo")
def test_demo_data_is_made_by_the_services_and_only_once() -> None:
    seeded()
    accounts, payments = list(Account.scan()), list(Payment.scan())
    customers = [account for account in accounts if not account.is_system]
    assert len(customers) == 40
    assert len({account.customer_id for account in customers}) == 12
    assert {account.currency for account in accounts} == {"USD", "EUR", "JPY", "KWD"}
    assert len(payments) == 40 + 40
    states = Counter(payment.status for payment in payments)
    assert states[PaymentStatus.PENDING] == 5
    assert states[PaymentStatus.PROCESSED] > 60
    assert states[PaymentStatus.FAILED] > 0
    page = queries.list_pending(person="supervisor1")
    assert [payment.requested_by for payment in page.rows[:4]] == list(demo_month.WAITING)
    assert page.rows[4].awaits_its_day
    assert all(payment.expires_at > utc_now() for payment in page.rows[:4])
    assert {payment.approved_by for payment in payments} == {None, "supervisor2"}
    assert check_bank().faults == []
    assert "nothing added" in seeded()
    assert len(list(Payment.scan())) == len(payments)


@pytest.mark.usefixtures("a_small_demo")
def test_demo_data_that_was_cut_short_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(month: demo_month.Month, number: int) -> None:
        if number == 20:
            raise StoreBusyError("The store is busy.")
        pay(month, number)

    pay = demo_month.Month.pay
    with monkeypatch.context() as cut_short:
        cut_short.setattr(demo_month.Month, "pay", stops)
        with pytest.raises(CommandError, match="busy"):
            seeded()
    assert len(list(Payment.scan())) == 40 + 20
    seeded()
    assert len(list(Payment.scan())) == 40 + 40
    assert check_bank().faults == []


def test_demo_data_is_refused_in_production(settings: Settings) -> None:
    settings.DEVELOPMENT = False
    with pytest.raises(CommandError, match="development only"):
        seeded()
    assert not list(Account.scan())


@pytest.mark.usefixtures("a_small_demo")
def test_a_store_that_is_in_use_gets_no_demo_data_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seed_test_data, "STAFF", {"demo": Role.TELLER})
    assert "in use" in seeded(if_empty=True)
    assert not list(Account.scan())
