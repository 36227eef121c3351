"""The pages of compliance: the queue, an alert, a case, the overview."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.holds import HELD
from audit.models import Hold, HoldStatus
from backoffice.permissions import Role
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments.alerts import queries, services
from payments.alerts.records import AlertStatus, Case, Outcome, Rule
from payments.events import receivers
from payments.events.receivers import Receivers
from payments.events.records import Feed
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, fresh, text
from tests.backoffice.people import a_member
from tests.builders import opened, planted, transferred
from tests.payments.alarms import an_alert


@pytest.fixture
def reviewer(signed_in: SignIn) -> Client:
    return signed_in(Role.COMPLIANCE, username="compliance1")


def listed(answer: Any) -> list[str]:
    """Customers in the order of the list."""
    return re.findall(r'data-label="Customer">\s*<a[^>]*>([^<]*)<', text(answer))


def test_the_queue_shows_the_most_urgent_first_and_costs_two_requests(reviewer: Client) -> None:
    now = utc_now()
    for days in (3, 31, 0):
        an_alert(f"a{days}", f"c{days}", at=now - timedelta(days=days))
    with count_requests() as seen:
        answer = reviewer.get("/admin/alerts/")
    assert seen.operations == ["BatchGetItem", "Query"]
    assert listed(answer) == ["c31", "c3", "c0"]
    assert text(answer).count("badge-bad") == 1
    assert "12,345.00 USD" in text(answer)


def test_filters_narrow_the_queue(reviewer: Client) -> None:
    now = utc_now()
    mine = an_alert("1", "c1", at=now)
    by: dict[str, Any] = {"reason": "a test", "actor": services.WATCH, "at": now}
    services.assign_alert(alert_id=mine.id, assignee="compliance1", **by)
    services.assign_alert(alert_id=an_alert("2", "c2", at=now).id, assignee="compliance2", **by)
    an_alert("3", "c3", at=now, rule=Rule.STRUCTURING)
    an_alert("4", "c3", at=now)
    for query, customers in {
        "": ["c3", "c3"],
        "status=assigned": ["c1", "c2"],
        "status=assigned&assigned_to=compliance1": ["c1"],
        "rule=structuring": ["c3"],
        "customer_id=c2": ["c2"],
        "customer_id=c3&rule=large_transaction": ["c3"],
        "status=resolved": [],
    }.items():
        assert listed(reviewer.get(f"/admin/alerts/?{query}")) == customers, query
    assert reviewer.get("/admin/alerts/?status=nonsense").status_code == 422


def test_the_queue_goes_on_page_by_page(reviewer: Client) -> None:
    now = utc_now()
    for number in range(53):
        an_alert(str(number), f"c{number:02}", at=now - timedelta(minutes=number))
    first = reviewer.get("/admin/alerts/")
    link = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', text(first))
    assert link is not None
    second = reviewer.get(link[1].replace("&amp;", "&"))
    assert listed(first) + listed(second) == [f"c{number:02}" for number in reversed(range(53))]
    assert reviewer.get("/admin/alerts/count/").content == b"50+"


def test_an_alert_shows_its_payments_and_relatives_within_six_requests(reviewer: Client) -> None:
    source, target = opened("a", customer_id="c", balance=9_000_000), opened("b")
    payment = transferred(source, target, at=utc_now(), amount_minor=1_500_000).payment
    (alert,) = [
        each
        for each in queries.list_alerts(person="x", customer_id="c").rows
        if each.amount == 1_500_000
    ]
    with count_requests() as seen:
        answer = reviewer.get(f"/admin/alerts/{alert.id}/")
    assert len(seen) == 6
    for words in (
        payment.id, "15,000.00 USD", "90,000.00 USD", "alert.raised", "nobody", "Kept at least",
        "none on it or its customer",
    ):  # fmt: skip
        assert words in text(answer), words
    held("customer:c")
    assert "on the customer" in text(reviewer.get(f"/admin/alerts/{alert.id}/"))
    assert reviewer.get("/admin/alerts/alert_none/").status_code == 404


def test_an_alert_is_worked_on_until_it_is_resolved(reviewer: Client) -> None:
    a_member(username="teller9", roles=[Role.TELLER])
    name = an_alert("1", at=utc_now()).id
    own = f"/admin/alerts/{name}/"
    answer = reviewer.post(f"{own}assign/", {"assignee": "teller9", "reason": "Please look."})
    assert answer.status_code == 422
    assert "No active compliance reviewer" in errors(answer)["assignee"][0]
    assert "Please look." in text(answer)
    entered = {"assignee": "Compliance1", "reason": "I look into it."}
    assert reviewer.post(f"{own}assign/", entered).headers["Location"] == own
    assert reviewer.post(f"{own}escalate/", {"reason": ""}).status_code == 422
    reviewer.post(f"{own}escalate/", {"reason": "Not for me to decide."})
    reviewer.post(f"{own}note/", {"reason": "Two\nlines."})
    decision = {"outcome": "not_reported", "reason": "It is a house purchase."}
    asking = reviewer.post(f"{own}resolve/", decision)
    assert "This cannot be taken back." in text(asking)
    assert services.find_alert(name).status == AlertStatus.ESCALATED
    assert reviewer.post(f"{own}resolve/", {**decision, "confirm": "yes"}).status_code == 302
    done = services.find_alert(name)
    assert (done.outcome, done.assigned_to) == (Outcome.NOT_REPORTED, "compliance1")
    shown = text(reviewer.get(own))
    for words in ("It is a house purchase.", "Two lines.", "Not reported", "by compliance1"):
        assert words in shown, words
    late = reviewer.post(f"{own}resolve/", {**decision, "outcome": "reported", "confirm": "yes"})
    assert late.status_code == 422
    assert "This alert is resolved already, by compliance1." in text(late)


def test_a_case_is_opened_extended_and_decided(reviewer: Client) -> None:
    now = utc_now()
    first, second = an_alert("1", at=now), an_alert("2", at=now)
    address = f"/admin/alerts/{first.id}/case/"
    named = {"case_name": fresh(reviewer, address, "case_name"), "reason": "They belong together."}
    own = reviewer.post(address, named).headers["Location"]
    assert reviewer.post(address, named).headers["Location"] == own
    (case,) = Case.scan()
    assert set(case.alerts) == {first.id, second.id}
    third = an_alert("3", at=now)
    link = f"{own}add/?alert_id={third.id}"
    assert link in text(reviewer.get(f"/admin/alerts/{third.id}/"))
    assert third.id in text(reviewer.get(link))
    assert reviewer.post(link, {"alert_id": third.id, "reason": "Also."}).status_code == 302
    nowhere = reviewer.post(f"{own}add/", {"alert_id": "alert_none", "reason": "Also."})
    assert "There is no such alert." in text(nowhere)
    decision = {"outcome": "reported", "reason": "Report 17 is filed.", "confirm": "yes"}
    assert reviewer.post(f"{own}close/", decision).status_code == 302
    shown = text(reviewer.get(own))
    assert "on the case" not in shown
    (pack,) = re.findall(r'href="(/admin/exports/new/[^"]+)"', shown)
    assert case.id in text(reviewer.get(pack.replace("&amp;", "&")))
    held(f"case:{case.id}")
    assert "on the case" in text(reviewer.get(f"/admin/alerts/{first.id}/"))
    with count_requests() as seen:
        shown = text(reviewer.get(own))
    assert len(seen) <= 6
    for words in ("Kept at least until", "2,555 days after the last change", "on the case"):
        assert words in shown
    assert "Report 17 is filed." in shown
    assert "Reported: a report is filed" in shown
    assert {services.find_alert(each).outcome for each in (first.id, third.id)} == {"reported"}
    assert "case_" in text(reviewer.get("/admin/cases/?status=closed"))
    assert "No case fits" in text(reviewer.get("/admin/cases/"))


def held(subject: str) -> None:
    hold = Hold(subject=subject, listed_as=HELD, status=HoldStatus.IN_FORCE, set_at=utc_now())
    planted(hold.with_changes({"since_month": "2026-01", "reason": "A court", "set_by": "x"}))


def test_the_overview_draws_and_lists_the_same_numbers(reviewer: Client) -> None:
    for number in range(3):
        an_alert(str(number), at=utc_now() - timedelta(days=31 * number))
    shown = text(reviewer.get("/admin/alerts/overview/"))
    assert shown.count('class="card chart"') == 3
    drawn = re.findall(r"<text x=\"[\d.]+\" y=\"[\d.]+\">(\d+\+?)</text>", shown)
    listed = re.findall(r'<td class="money">(\d+\+?)</td>', shown)
    assert drawn == listed
    assert "open 3, assigned 0, escalated 0, overdue 2." in shown


@pytest.mark.parametrize("action", ["assign", "note", "escalate", "resolve", "case"])
def test_whoever_is_not_compliance_can_do_none_of_it(signed_in: SignIn, action: str) -> None:
    name = an_alert("1").id
    client = signed_in(Role.SUPERVISOR)
    for address in (f"/admin/alerts/{name}/{action}/", f"/admin/alerts/none/{action}/"):
        assert client.get(address).status_code == 403
        assert client.post(address, {"reason": "x"}).status_code == 403
    assert services.find_alert(name).version == 1


def test_compliance_sees_that_notices_do_not_go_out(reviewer: Client) -> None:
    for address in ("/admin/", "/admin/alerts/"):
        assert "Notification is off: no topic set." in text(reviewer.get(address))
    arn = "arn:aws:sns:us-east-1:123456789012:alerts"
    receivers.configure(Receivers.from_environment({"ALERT_SNS_TOPIC_ARN": arn}))
    assert "is the worker running?" in text(reviewer.get("/admin/alerts/"))
    now = utc_now()
    store.put(Feed(name="alerts", seen_at=now, failing_since=now, error="It is gone."))
    for address in ("/admin/", "/admin/alerts/"):
        shown = text(reviewer.get(address))
        assert "Notices of alerts have not gone out since" in shown
        assert "It is gone." in shown
        assert "is the worker running?" not in shown
    store.put(Feed(name="alerts", seen_at=now))
    assert "Notices of alerts" not in text(reviewer.get("/admin/"))
