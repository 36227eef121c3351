"""What lies behind an account: its time line, and who looked at it."""

from datetime import timedelta
from typing import Any

import pytest

from audit import trail
from audit.context import Actor, Context, use
from audit.trail import Event
from backoffice.permissions import Role
from dynamodb.client import count_requests
from payments import lifecycle, policy
from payments.approvals import approve_payment, digest, reject_payment
from payments.identifiers import new_payment_id
from payments.models import Account, FrozenDirection, Payment
from payments.policy import Policy
from tests.backoffice.conftest import SignIn
from tests.builders import NOON, opened, transferred

CHECKER = Actor(id="supervisor1")


def later(minutes: int) -> Any:
    return NOON + timedelta(minutes=minutes)


def moved(source: Account, target: Account, minutes: int, **values: Any) -> Payment:
    at = later(minutes)
    return transferred(
        source, target, at=at, payment_id=new_payment_id(at), **values
    ).payment  # fmt: skip


def looked(entity_id: str, minutes: int, person: str = "teller2") -> None:
    event = Event(
        entity_id=f"views:{entity_id}",
        entity_type="views",
        action="account.viewed",
        actor=Actor(id=person),
    )
    trail.note(event, at=later(minutes))


def a_story() -> tuple[Account, Payment]:
    """An account with every kind of thing behind it, and the payment that was approved."""
    source, target = opened("a", balance=500_00), opened("b")
    moved(source, target, 1, amount_minor=20_00)
    policy.configure(Policy(approval_threshold=10_00))
    approved = moved(source, target, 2, amount_minor=200_00)
    approve_payment(
        payment_id=approved.id, shown=digest(approved), actor=CHECKER, at=later(3)
    )  # fmt: skip
    rejected = moved(source, target, 4, amount_minor=100_00)
    reject_payment(payment_id=rejected.id, reason="Not today.", actor=CHECKER, at=later(5))
    looked(source.id, 6)
    lifecycle.freeze_account(
        account_id=source.id,
        reason="Court order.",
        direction=FrozenDirection.BOTH,
        until=None,
        actor=CHECKER,
        at=later(7),
    )
    moved(source, target, 8, amount_minor=1_00)
    moved(opened("a2", customer_id=source.customer_id, balance=9_00), target, 9)
    return source, approved


def told(answer: Any) -> list[tuple[str, str]]:
    return [
        (each.kind, each.row.words if each.row else f"Asked for {each.payment.amount}")
        for each in answer.context["happenings"]
    ]


STORY = [
    ("Payment", "Asked for 1.00 USD"),
    ("State", "Account frozen"),
    ("View", "Account viewed"),
    ("Approval", "Account released"),
    ("Approval", "Account held"),
    ("Payment", "Asked for 100.00 USD"),
    ("Approval", "Account debited 200.00 USD"),
    ("Approval", "Account held"),
    ("Payment", "Asked for 200.00 USD"),
    ("Movement", "Account debited 20.00 USD"),
    ("Payment", "Asked for 20.00 USD"),
    ("State", "Account opened with 500.00 USD"),
]


def test_a_time_line_joins_payments_approvals_states_and_views(signed_in: SignIn) -> None:
    source, _ = a_story()
    address = f"/admin/accounts/{source.id}/timeline/"
    with count_requests() as requests:
        answer = signed_in(Role.COMPLIANCE).get(address)
    assert told(answer) == STORY
    for sentence in (
        "Asked for by teller1, approved by supervisor1.",
        "Rejected by supervisor1.",
        "Court order.",
        "source_not_active",
        "12 entries, all of them here.",
    ):
        assert sentence in answer.text
    assert requests.operations.count("Query") <= 4
    views_hidden = [each for each in STORY if each[0] != "View"]
    assert told(signed_in(Role.TELLER, username="t").get(address)) == views_hidden


def test_a_page_of_a_time_line_is_bounded_and_the_next_goes_on(signed_in: SignIn) -> None:
    source, target = opened("a", balance=500_00), opened("b")
    for minute in range(1, 31):
        moved(source, target, minute, amount_minor=1_00)
        looked(source.id, minute)
    client = signed_in(Role.COMPLIANCE)
    address, rows, pages = f"/admin/accounts/{source.id}/timeline/", [], 0
    while address:
        with count_requests() as requests:
            answer = client.get(address)
        assert len(requests) <= 6
        looked(source.id, 1000 + pages)
        address, pages = answer.context["pager"].next_url, pages + 1
        rows += told(answer)
    assert pages == 2
    assert len(rows) == 3 * 30 + 1
    assert rows[-1] == ("State", "Account opened with 500.00 USD")


def test_who_looked_is_one_query_for_compliance_alone(signed_in: SignIn) -> None:
    source, payment = a_story()
    looked(payment.id, 1, person="teller1")
    with use(Context(ip_address="10.1.2.3", request_id="trace-me")):
        looked(source.id, 10, person="admin1")
    client = signed_in(Role.COMPLIANCE)
    with count_requests() as requests:
        answer = client.get(f"/admin/accounts/{source.id}/viewers/")
    assert requests.operations == ["BatchGetItem", "Query", "TransactWriteItems"]
    assert [row.entry.user_id for row in answer.context["rows"]] == ["admin1", "teller2"]
    assert "10.1.2.3" in answer.text
    of_payment = client.get(f"/admin/payments/{payment.id}/viewers/")
    assert [row.entry.user_id for row in of_payment.context["rows"]] == ["teller1"]
    teller = signed_in(Role.TELLER, username="t")
    for kind, name in (("accounts", source.id), ("payments", payment.id)):
        assert f"/admin/{kind}/{name}/viewers/" in client.get(f"/admin/{kind}/{name}/").text
        assert "/viewers/" not in teller.get(f"/admin/{kind}/{name}/").text
        assert teller.get(f"/admin/{kind}/{name}/viewers/").status_code == 403


@pytest.mark.parametrize("page", ["timeline", "viewers"])
def test_nothing_has_no_history(signed_in: SignIn, page: str) -> None:
    assert signed_in(Role.COMPLIANCE).get(f"/admin/accounts/acc_1/{page}/").status_code == 404
