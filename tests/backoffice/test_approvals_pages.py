"""Four eyes in the browser: the inbox, one request, many at once, taking a request back."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from audit.context import Actor
from backoffice.permissions import Role
from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments import directory, lifecycle, policy, queries
from payments.approvals import cancel_payment, digest
from payments.identifiers import new_payment_id
from payments.models import Account, FrozenDirection, Payment, PaymentStatus
from payments.policy import Policy
from payments.transfers import transfer_funds
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, fresh, hidden, text
from tests.backoffice.people import chain
from tests.bank import check_bank
from tests.builders import TELLER, a_request, opened
from tests.stores import NO_FOUR_EYES

INBOX = "/admin/approvals/"
COUNT = "/admin/approvals/count/"


@pytest.fixture
def supervisor(signed_in: SignIn) -> Client:
    """A supervisor named ``someone``, where 100.00 is the most that moves without a second one."""
    client = signed_in(Role.SUPERVISOR)
    policy.configure(Policy(approval_threshold=10_000))
    return client


def account(name: str, balance: int = 0, currency: str = "USD") -> Account:
    now_in_force = policy.policy()
    policy.configure(NO_FOUR_EYES)
    made = opened(name, balance=balance, currency=currency)
    policy.configure(now_in_force)
    return made


def asked(
    *, name: str = "a", amount: int = 20_000, currency: str = "USD", maker: Actor = TELLER,
    **values: Any,
) -> Payment:  # fmt: skip
    """A request that waits, between two accounts of its own."""
    source, target = account(f"{name}-1", 50_000, currency), account(f"{name}-2", 0, currency)
    at = utc_now()
    request = a_request(
        source,
        target,
        payment_id=new_payment_id(at),
        amount_minor=amount,
        currency=currency,
        **values,
    )
    payment = transfer_funds(request, actor=maker, at=at).payment
    assert payment.status == PaymentStatus.PENDING
    return payment


def now(payment: Payment) -> Payment:
    found = queries.get_payment(payment.id)
    assert found is not None
    return found


def page_of(payment: Payment) -> str:
    return f"{INBOX}{payment.id}/"


def decided(client: Client, payment: Payment, **values: str) -> Any:
    fields = {"decision": "approve", "digest": digest(payment), "confirm": "yes"}
    return client.post(page_of(payment), fields | values)


def chosen(*payments: Payment) -> list[str]:
    return [f"{payment.id}:{digest(payment)}" for payment in payments]


def frozen(account_id: str) -> None:
    lifecycle.freeze_account(
        account_id=account_id,
        direction=FrozenDirection.BOTH,
        reason="court",
        until=None,
        actor=Actor(id="supervisor9"),
        at=utc_now(),
    )


@pytest.mark.parametrize(
    ("role", "reads", "decides"),
    [
        (Role.TELLER, 403, 403),
        (Role.SUPERVISOR, 200, 302),
        (Role.COMPLIANCE, 200, 403),
        (Role.ADMIN, 403, 403),
    ],
)
def test_supervisors_decide_compliance_reads_and_nobody_else(
    supervisor: Client, signed_in: SignIn, role: Role, reads: int, decides: int
) -> None:
    payment = asked()
    client = signed_in(role, username="other")
    for address in (INBOX, COUNT, page_of(payment)):
        assert client.get(address).status_code == reads
    if role == Role.COMPLIANCE:
        assert "<form method" not in text(client.get(page_of(payment))).partition('id="content"')[2]
        assert 'type="checkbox"' not in text(client.get(INBOX))
    assert decided(client, payment).status_code == decides
    bulk = client.post(INBOX, {"chosen": chosen(payment), "confirm": "yes"})
    assert bulk.status_code == {403: 403, 302: 200}[decides]
    assert now(payment).is_processed() == (decides == 302)


def test_the_inbox_shows_who_why_and_how_long_oldest_first(supervisor: Client) -> None:
    with time_machine.travel(utc_now() - timedelta(hours=3), tick=False):
        first = asked(name="a", description="New machine")
    second = asked(name="b", maker=Actor(id="someone"))
    later = (utc_now() + timedelta(days=3)).date().isoformat()
    transfer = a_request(
        account("c-1", 500), account("c-2"), amount_minor=100, scheduled_for=later,
        payment_id=new_payment_id(utc_now()),
    )  # fmt: skip
    scheduled = transfer_funds(transfer, actor=TELLER, at=utc_now()).payment
    page = text(supervisor.get(INBOX))
    for shown in (
        "200.00 USD", "teller1", "3\xa0hours", "New machine", "Source: 200.00 USD today",
        "20\xa0hours", "yours", later,
    ):  # fmt: skip
        assert shown in page, shown
    assert page.index(first.id) < page.index(second.id) < page.index(scheduled.id)
    assert page.count('type="checkbox"') == 1
    assert chosen(first)[0] in page
    assert supervisor.get(COUNT).content == b"2"


def test_an_empty_inbox_says_so_and_has_no_count(supervisor: Client) -> None:
    assert "Nothing waits for approval." in text(supervisor.get(INBOX))
    assert supervisor.get(COUNT).content == b""


def test_the_count_stops(supervisor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.views.inbox.MOST_COUNTED", 2)
    for name in ("a", "b", "c"):
        asked(name=name)
    assert supervisor.get(COUNT).content == b"2+"
    assert f'data-count="{COUNT}"' in text(supervisor.get("/admin/"))


def test_what_it_costs(supervisor: Client) -> None:
    payment = asked()
    for address in (INBOX, COUNT):
        with count_requests() as seen:
            supervisor.get(address)
        assert seen.operations == ["BatchGetItem", "Query", "BatchGetItem"]
    directory._numbers.clear()
    with count_requests() as seen:
        assert supervisor.get(page_of(payment)).status_code == 200
    assert len(seen) <= 6


def test_the_checker_sees_both_accounts_now_and_after_and_what_changed_since(
    supervisor: Client,
) -> None:
    payment = asked(description="New machine")
    page = text(supervisor.get(page_of(payment)))
    for shown in (
        "New machine", "teller1", "Source: 200.00 USD today", "500.00 USD", "300.00 USD",
        "200.00 USD", "nothing else has changed", digest(payment),
    ):  # fmt: skip
        assert shown in page, shown
    frozen(payment.from_account_id)
    page = text(supervisor.get(page_of(payment)))
    for shown in ("account.frozen", "court", "The source account is frozen.", "source_not_active"):
        assert shown in page, shown


def test_an_approval_is_confirmed_then_moves_the_money_once(supervisor: Client) -> None:
    payment = asked()
    shown = decided(supervisor, payment, confirm="")
    assert shown.status_code == 200
    assert "Approve and move 200.00 USD" in text(shown)
    assert now(payment).can_cancel()
    fields = {name: hidden(shown, name) for name in ("decision", "digest", "confirm")}
    for _ in range(2):
        done = supervisor.post(page_of(payment), fields)
        assert done.headers["Location"] == f"/admin/payments/{payment.id}/"
    assert now(payment).approved_by == "someone"
    page = text(supervisor.get(f"/admin/payments/{payment.id}/"))
    assert re.search(r"Approved by\s*</dt>\s*<dd>\s*someone", page)
    assert check_bank().faults == []


def refused(answer: Any, sentence: str, client: str = "someone") -> None:
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert chain(f"person:{client}")[0].action == "approval.refused"


@pytest.mark.parametrize("confirm", ["", "yes"])
def test_what_may_not_be_approved_is_refused_on_the_page(supervisor: Client, confirm: str) -> None:
    own = asked(name="own", maker=Actor(id="someone"))
    refused(decided(supervisor, own, confirm=confirm), "another supervisor must")
    assert "decision" not in text(supervisor.get(page_of(own)))

    other = asked(name="other")
    refused(decided(supervisor, other, confirm=confirm, digest="0" * 64), "not the one that was")
    refused(decided(supervisor, other, confirm=confirm, digest=""), "not the one that was")

    frozen(other.from_account_id)
    refused(decided(supervisor, other, confirm=confirm), "The source account is frozen.")

    gone = asked(name="gone")
    cancel_payment(payment_id=gone.id, reason="no", actor=TELLER, at=utc_now())
    refused(decided(supervisor, gone, confirm=confirm), "already canceled")

    with time_machine.travel(utc_now() - timedelta(hours=25), tick=False):
        old = asked(name="old")
    refused(decided(supervisor, old, confirm=confirm), "has expired")
    for payment in (own, other, gone, old):
        assert not now(payment).is_processed()
    assert check_bank().faults == []


def test_a_scheduled_transfer_is_not_approved_before_its_day(supervisor: Client) -> None:
    later = (utc_now() + timedelta(days=3)).date().isoformat()
    payment = asked(scheduled_for=later)
    assert f"decided on its day, {later}" in text(supervisor.get(page_of(payment)))
    refused(decided(supervisor, payment), "decided on its day")


def test_a_rejection_needs_a_reason_and_stays_visible(supervisor: Client) -> None:
    payment = asked()
    answer = decided(supervisor, payment, decision="reject", reason="")
    assert answer.status_code == 422
    assert errors(answer) == {"reason": ["Say why."]}
    for _ in range(2):  # a double click
        answer = decided(supervisor, payment, decision="reject", reason="Who?")
        assert answer.headers["Location"] == f"/admin/payments/{payment.id}/"
    page = text(supervisor.get(f"/admin/payments/{payment.id}/"))
    for shown in ("Rejected", "Who?", "<code>rejected</code>", "failed"):
        assert shown in page
    page = text(supervisor.get(page_of(payment)))
    assert "This request is decided" in page
    assert "Would have expired" in page
    assert "needs a second person" not in page


def test_a_decision_of_no_kind_is_refused_and_what_was_sent_is_not_kept(supervisor: Client) -> None:
    answer = decided(supervisor, asked(), decision="9" * 500_000)
    assert answer.status_code == 422
    told = chain("person:someone")[0]
    assert (told.action, (told.new_values or {})["field"]) == ("approval.refused", "decision")
    assert "9" not in str((told.new_values or {})["sentence"])


def test_many_are_approved_with_a_total_per_currency_and_each_by_itself(
    supervisor: Client,
) -> None:
    payments = [asked(name="a"), asked(name="b", amount=30_000), asked(name="c", currency="EUR")]
    values = chosen(*payments)
    shown = supervisor.post(INBOX, {"chosen": values})
    for expected in ("500.00 USD", "2 payments", "200.00 EUR", "Approve 3 requests"):
        assert expected in text(shown)
    assert all(value in text(shown) for value in values)
    assert "700.00" not in text(shown)
    frozen(payments[1].from_account_id)
    done = supervisor.post(INBOX, {"chosen": values, "confirm": "yes"})
    assert done.status_code == 200
    assert [now(payment).is_processed() for payment in payments] == [True, False, True]
    for expected in ("The source account is frozen.", "source_not_active", "200.00 USD"):
        assert expected in text(done)
    again = supervisor.post(INBOX, {"chosen": values[:1], "confirm": "yes"})
    assert again.status_code == 200
    assert check_bank().faults == []


def test_a_damaged_request_among_many_does_not_hide_what_was_approved_before_it(
    supervisor: Client,
) -> None:
    first, odd, last = (asked(name=name) for name in "abc")
    values = chosen(first, odd, last)
    planted_item = {**odd.serialize(), "amount": {"S": "x"}}
    client.call("PutItem", TableName=Payment.table_name(), Item=planted_item)
    done = supervisor.post(INBOX, {"chosen": values, "confirm": "yes"})
    assert done.status_code == 200
    assert "cannot be read" in text(done)
    assert [now(payment).is_processed() for payment in (first, last)] == [True, False]


def test_one_s_own_among_many_is_refused_and_what_changed_is_said_before(
    supervisor: Client,
) -> None:
    own, gone = asked(name="a", maker=Actor(id="someone")), asked(name="b")
    values = chosen(own, gone)
    cancel_payment(payment_id=gone.id, reason="no", actor=TELLER, at=utc_now())
    assert "1 of those you chose is no longer" in " ".join(
        text(supervisor.post(INBOX, {"chosen": values})).split()
    )
    done = supervisor.post(INBOX, {"chosen": values, "confirm": "yes"})
    assert done.status_code == 422
    assert "another supervisor must" in text(done)
    assert "already canceled" in text(done)
    assert now(own).can_cancel()


@pytest.mark.parametrize("values", [[], ["nonsense"], ["0" * 36 + ":" + "0" * 63]])
def test_a_choice_of_nothing_or_nonsense_is_refused(supervisor: Client, values: list[str]) -> None:
    asked()
    answer = supervisor.post(INBOX, {"chosen": values, "confirm": "yes"})
    assert answer.status_code == 422
    assert "hoose" in text(answer)


def test_the_maker_takes_a_request_back_others_only_as_supervisors(
    supervisor: Client, signed_in: SignIn
) -> None:
    maker, other = (signed_in(Role.TELLER, username=name) for name in ("maker", "other"))
    first, second = asked(name="a", maker=Actor(id="maker")), asked(name="b")
    address = f"/admin/payments/{first.id}/cancel/"
    assert address in text(maker.get(f"/admin/payments/{first.id}/"))
    assert address not in text(other.get(f"/admin/payments/{first.id}/"))
    assert other.get(address).status_code == 403
    assert other.post(address, {"reason": "x"}).status_code == 403
    assert maker.post(address, {"reason": ""}).status_code == 422
    for _ in range(2):  # a double click
        answer = maker.post(address, {"reason": "mistyped"})
        assert answer.headers["Location"] == f"/admin/payments/{first.id}/"
    assert (now(first).status, now(first).failure_reason) == ("canceled", "mistyped")
    refused(maker.post(address, {"reason": "again"}), "already canceled", "maker")
    assert "mistyped" in text(maker.get(f"/admin/payments/{first.id}/"))
    address = f"/admin/payments/{second.id}/cancel/"
    page = text(supervisor.post(address, {"reason": "stop"}, follow=True))
    assert "its money is free again" in page
    later = asked(name="c", scheduled_for=(utc_now() + timedelta(days=2)).date().isoformat())
    address = f"/admin/payments/{later.id}/cancel/"
    page = text(supervisor.post(address, {"reason": "stop"}, follow=True))
    assert "The request is canceled." in page
    assert check_bank().faults == []


def transfer_fields(client: Client, amount: str, **values: str) -> dict[str, str]:
    return {
        "from_account_id": account("s", 50_000).id,
        "to_account_id": account("t").id,
        "amount": amount,
        "currency": "USD",
        "description": "Press",
        "payment_id": fresh(client, "/admin/transfers/new/", "payment_id"),
        **values,
    }


def test_a_teller_hears_before_and_after_that_a_transfer_waits(
    supervisor: Client, signed_in: SignIn
) -> None:
    teller = signed_in(Role.TELLER, username="teller1")
    fields = transfer_fields(teller, "100.01")
    shown = text(teller.post("/admin/transfers/new/", fields))
    for expected in ("second person", "above 100.00 USD", "Ask for approval of 100.01 USD"):
        assert expected in shown
    done = teller.post("/admin/transfers/new/", fields | {"confirm": "yes"}, follow=True)
    for expected in ("waits for a supervisor", "100.01 USD is held", "pending", "Press"):
        assert expected in text(done)
    assert supervisor.get(COUNT).content == b"1"


def test_a_transfer_for_a_later_day_is_shown_first_and_then_kept(supervisor: Client) -> None:
    day = (utc_now() + timedelta(days=2)).date().isoformat()
    fields = transfer_fields(supervisor, "5", scheduled_for=day)
    shown = supervisor.post("/admin/transfers/new/", fields)
    assert "Schedule 5.00 USD" in text(shown)
    assert list(Payment.scan(Payment.description == "Press")) == []
    done = supervisor.post("/admin/transfers/new/", fields | {"confirm": "yes"}, follow=True)
    assert f"decided on {day}" in text(done)
    past = fields | {"scheduled_for": "2020-01-01", "confirm": "yes"}
    past["payment_id"] = fresh(supervisor, "/admin/transfers/new/", "payment_id")
    answer = supervisor.post("/admin/transfers/new/", past)
    assert list(errors(answer)) == ["scheduled_for"]
