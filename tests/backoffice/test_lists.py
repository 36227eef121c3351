"""Above and below every list: periods, filters in force, views, columns, pages, what is new."""

import csv
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from backoffice.jobs.worker import Worker
from backoffice.permissions import Role
from backoffice.staff import services
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import text
from tests.backoffice.people import a_member, chain
from tests.backoffice.test_payments_pages import a_payment, links, many, stored
from tests.builders import NOON, TELLER, opened
from tests.payments.alarms import an_alert

PAYMENTS = "/admin/payments/"
_MARKS = "<span .*?</span>|<[^>]*>"


def chips(answer: Any) -> dict[str, str]:
    """Addresses by what their chips say."""
    found = re.findall(
        r'<a class="chip[^"]*"\s+href="([^"]*)"[^>]*>(.*?)</a>', text(answer), re.DOTALL
    )
    return {
        " ".join(unescape(re.sub(_MARKS, "", label)).split()): unescape(url) for url, label in found
    }


def save(client: Client, address: str, name: str = "", **more: str) -> Any:
    return client.post("/admin/views/", {"address": address, "name": name, **more}, follow=True)


def test_a_day_is_one_of_the_persons_zone_or_of_utc(moto_store: None) -> None:
    early = a_payment(created_at=datetime(2026, 3, 2, 2, tzinfo=UTC))
    late = a_payment(1, created_at=datetime(2026, 3, 2, 23, 30, tzinfo=UTC))
    stored(early, late)
    client = Client()
    client.force_login(a_member(time_zone="America/New_York"))
    both = [late.id, early.id]
    for zone, first, last, expected in (
        ("", "2026-03-02", "2026-03-02", [late.id]),
        ("", "2026-03-01", "2026-03-01", [early.id]),
        ("", "2026-03-01", "", both),
        ("", "", "2026-03-01", [early.id]),
        ("UTC", "2026-03-02", "2026-03-02", both),
        ("UTC", "2026-03-03", "", []),
    ):
        for more in ({}, {"customer_id": "customer-1"}):
            asked = {"from": first, "to": last, "zone": zone, **more}
            shown = links(text(client.get(PAYMENTS, asked)), [early, late])
            assert shown == expected, asked
    refused = client.get(PAYMENTS, {"from": "2026-03-02", "to": "2026-03-01"})
    assert refused.status_code == 422
    assert "This day is before the first one." in text(refused)


@time_machine.travel(datetime(2026, 3, 2, 2, tzinfo=UTC), tick=False)
def test_periods_at_hand_keep_the_filters_and_know_the_zone(moto_store: None) -> None:
    client = Client()
    client.force_login(a_member(time_zone="America/New_York"))
    found = chips(client.get(PAYMENTS, {"status": "failed", "cursor": ""}))
    assert found["Today"] == f"{PAYMENTS}?status=failed&days=today&from=2026-03-01&to=2026-03-01"
    assert "from=2026-02-23&to=2026-03-01" in found["Last 7 days"]
    utc = chips(client.get(PAYMENTS, {"zone": "UTC"}))
    assert utc["Today"].endswith("from=2026-03-02&to=2026-03-02")
    assert 'aria-current="true"' in text(client.get(found["Today"]))


@pytest.mark.parametrize("page", [PAYMENTS, "/admin/audit/"])
def test_a_saved_period_moves_along_unless_its_days_were_typed(
    signed_in: SignIn, page: str
) -> None:
    def kept_on(day: int, address: str) -> str:
        with time_machine.travel(datetime(2026, 3, day, 12, tzinfo=UTC), tick=False):
            client = signed_in(Role.COMPLIANCE, username=f"person-{len(seen)}")
            shown = text(client.get(address))
        found = re.search('name="address" value="([^"]*)"', shown)
        assert found is not None
        days = re.findall('type="date" name="(?:from|to)" value="([^"]*)"', shown)
        seen.append(days)
        return unescape(found[1])

    seen: list[list[str]] = []
    chosen = f"{page}?days=last-7-days&from=2026-02-24&to=2026-03-02"
    assert kept_on(2, chosen) == f"{page}?days=last-7-days"
    assert kept_on(9, f"{page}?days=last-7-days") == f"{page}?days=last-7-days"
    assert kept_on(9, chosen) == f"{page}?from=2026-02-24&to=2026-03-02"
    kept_on(9, f"{page}?days=nonsense&from=2026-02-24&to=2026-03-02")
    old, new = ["2026-02-24", "2026-03-02"], ["2026-03-03", "2026-03-09"]
    assert seen == [old, new, old, old]


def test_each_filter_in_force_can_be_taken_away(signed_in: SignIn) -> None:
    found = chips(signed_in().get(PAYMENTS, {"status": "failed", "customer_id": "c & o"}))
    assert found["State: Failed"] == f"{PAYMENTS}?customer_id=c+%26+o"
    assert found["Customer: c & o"] == f"{PAYMENTS}?status=failed"


@pytest.mark.parametrize("page", [PAYMENTS, "/admin/audit/"])
def test_a_moving_period_is_taken_away_by_its_ends(signed_in: SignIn, page: str) -> None:
    client = signed_in(Role.COMPLIANCE)
    shown = chips(client.get(f"{page}?days=yesterday"))
    (first,) = (url for label, url in shown.items() if label.startswith("From"))
    assert "days=" not in first
    assert "to=" in first


def test_a_moving_period_stays_over_midnight_while_it_is_paged(signed_in: SignIn) -> None:
    payments = many(60, created_at=datetime(2026, 3, 2, 12, tzinfo=UTC))
    with time_machine.travel(datetime(2026, 3, 2, 23, 59, tzinfo=UTC), tick=False):
        client = signed_in(Role.COMPLIANCE)
        first = client.get(f"{PAYMENTS}?days=today")
    with time_machine.travel(datetime(2026, 3, 3, 0, 1, tzinfo=UTC), tick=False):
        second = client.get(first.context["pager"].next_url)
    assert {*links(text(first), payments), *links(text(second), payments)} == {
        payment.id for payment in payments
    }
    looked = [entry.new_values for entry in chain("person:someone")]
    assert {"days": "today", "from": "2026-03-02", "to": "2026-03-02"} in looked


def test_pages_lead_on_and_back_with_the_filters(signed_in: SignIn) -> None:
    payments = many(130, customer_id="c")
    client, seen = signed_in(), []
    answer = client.get(PAYMENTS, {"customer_id": "c", "hide": ["words", "sides"]})
    for _ in range(2):
        seen.append(links(text(answer), payments))
        answer = client.get(answer.context["pager"].next_url)
    assert len({*seen[0], *seen[1], *links(text(answer), payments)}) == 130
    for expected in reversed(seen):
        answer = client.get(answer.context["pager"].newer_url)
        assert links(text(answer), payments) == expected
        assert "hide-words hide-sides" in text(answer)
    assert not answer.context["pager"].newer_url


def test_pages_lead_back_from_the_end_with_the_filters(signed_in: SignIn) -> None:
    payments = many(130, customer_id="c")
    answer = signed_in().get(PAYMENTS, {"customer_id": "c", "hide": ["words", "sides"]})
    client, everything = answer.client, links(text(answer), payments)
    following = client.get(answer.context["pager"].next_url)
    everything += links(text(following), payments)
    everything += links(text(client.get(following.context["pager"].next_url)), payments)
    answer, shown = client.get(answer.context["pager"].last_url), []
    for expected in (everything[80:], everything[30:80], everything[:30]):
        shown.append(answer)
        assert links(text(answer), payments) == expected
        assert "hide-words hide-sides" in text(answer)
        address = answer.context["pager"].newer_url
        answer = client.get(address) if address else answer
    assert not address
    for expected in (everything[30:80], everything[80:]):
        answer = client.get(answer.context["pager"].next_url)
        assert links(text(answer), payments) == expected
    assert not answer.context["pager"].next_url


def test_a_list_says_how_many_are_new_and_leaves_no_entry_for_asking(signed_in: SignIn) -> None:
    many(3)
    client = signed_in()
    page = text(client.get(PAYMENTS))
    (asked,) = re.findall('data-newer="([^"]*)"', page)
    assert text(client.get(unescape(asked))) == ""
    entries = len(chain("person:someone"))
    stored(
        *(
            a_payment(60 + minute, created_at=NOON + timedelta(hours=1, minutes=minute))
            for minute in range(2)
        )
    )
    with count_requests() as seen:
        assert text(client.get(unescape(asked))) == "2"
    assert len(seen.operations) <= 3
    assert len(chain("person:someone")) == entries
    assert text(client.get("/admin/payments/newer/?since=nonsense")) == ""


def newer(client: Client, list_page: str) -> str:
    """The address that the first page of a list asks for what is new."""
    (asked,) = re.findall('data-newer="([^"]*)"', text(client.get(list_page)))
    return unescape(asked)


@pytest.mark.parametrize(
    ("list_page", "come"),
    [
        ("/admin/accounts/", opened),
        ("/admin/alerts/", an_alert),
        ("/admin/audit/", an_alert),
        (f"/admin/audit/?user_id={TELLER.id}", opened),
    ],
)
def test_other_lists_say_too_what_others_have_brought(
    signed_in: SignIn, list_page: str, come: Callable[..., Any]
) -> None:
    opened("old", at=utc_now())
    an_alert("old", at=utc_now())
    client = signed_in(Role.COMPLIANCE)
    asked = newer(client, list_page)
    client.get("/admin/audit/")
    assert text(client.get(asked)) == ""
    entries = len(chain("person:someone"))
    come("new", at=utc_now())
    with count_requests() as seen:
        assert text(client.get(asked)) == "1"
    assert len(seen.operations) <= 3
    assert len(chain("person:someone")) == entries
    assert text(client.get(newer(client, list_page))) == ""
    assert "data-newer" not in text(client.get(list_page, {"cursor": ""}))
    for nonsense in ("nonsense", "2026-01-01", "9999-12-31T23:59:59Z%23x", ""):
        assert text(client.get(f"{asked.partition('?')[0]}?since={nonsense}")) == ""


def test_a_view_is_saved_shown_shared_and_removed(signed_in: SignIn) -> None:
    client, address = signed_in(), f"{PAYMENTS}?status=failed&hide=words"
    assert "The view is saved." in text(save(client, address, "Failed ones"))
    assert chips(client.get(PAYMENTS))["Failed ones"] == address
    assert "Failed ones" not in chips(client.get("/admin/accounts/"))
    assert "Failed ones" in text(client.get("/admin/find/?q=failed+on&stay=yes"))
    assert 'value="Failed ones"' in text(client.get(address))
    assert re.search("Failed ones</a>.*?Payments", text(client.get("/admin/views/")), re.DOTALL)
    save(client, f"{PAYMENTS}?status=pending", "Failed ones")
    assert chips(client.get(PAYMENTS))["Failed ones"] == f"{PAYMENTS}?status=pending"
    entry = chain("staff:someone")[0]
    assert (entry.action, entry.user_id) == ("staff.views_changed", "someone")
    other = signed_in(username="another")
    assert "Failed ones" not in chips(other.get(PAYMENTS))
    assert other.get(address).status_code == 200
    removed = save(client, f"{PAYMENTS}?status=pending", remove="yes", stays="yes")
    assert removed.redirect_chain[-1][0] == "/admin/views/"
    assert "The view is removed." in text(removed)
    assert "Failed ones" not in chips(client.get(PAYMENTS))


@pytest.mark.parametrize(
    ("address", "name", "sentence"),
    [
        ("https://evil.example/", "x", "Only lists can be saved"),
        ("//evil.example/admin/payments/", "x", "Only lists can be saved"),
        ("/admin/staff/", "x", "Only lists can be saved"),
        (PAYMENTS, "", "Give the view a name."),
        (PAYMENTS, "n" * 41, "at most 40 characters"),
    ],
)
def test_what_is_no_view_is_refused(
    signed_in: SignIn, address: str, name: str, sentence: str
) -> None:
    client = signed_in()
    answer = client.post("/admin/views/", {"address": address, "name": name})
    assert answer.headers["Location"] in ("/admin/", PAYMENTS)
    assert sentence in text(client.get("/admin/"))
    assert services.find_staff("someone").saved_views is None


def test_twenty_views_are_kept_and_no_more(signed_in: SignIn) -> None:
    client = signed_in()
    for number in range(20):
        save(client, f"{PAYMENTS}?merchant_id={number}", f"View {number}")
    assert "Remove one first." in text(save(client, f"{PAYMENTS}?merchant_id=x", "One more"))
    assert len(services.find_staff("someone").saved_views) == 20


def test_rows_offer_what_one_may_do(signed_in: SignIn) -> None:
    done = a_payment()
    waiting = a_payment(1, status="pending")
    stored(done, waiting)
    for role, may_reverse, may_review in (
        (Role.TELLER, False, False), (Role.SUPERVISOR, True, True), (Role.COMPLIANCE, False, True),
    ):  # fmt: skip
        client = signed_in(role, username=role)
        assert (f"/{done.id}/reverse/" in text(client.get(PAYMENTS))) == may_reverse
        pending = text(client.get(PAYMENTS, {"status": "pending"}))
        assert (f'/admin/approvals/{waiting.id}/"' in pending) == may_review
        assert f"/{waiting.id}/reverse/" not in pending


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EXPORT_DIR = tmp_path
    return tmp_path


def test_all_that_a_filter_finds_is_exported_and_recorded(signed_in: SignIn, folder: Path) -> None:
    payments = many(120, customer_id="c", description="=HYPERLINK(1)")
    stored(a_payment(1, customer_id="d"))
    client = signed_in(Role.COMPLIANCE)
    page = text(client.get(PAYMENTS, {"customer_id": "c"}))
    assert 'action="/admin/exports/lists/payments/"' in page
    answer = client.post(
        "/admin/exports/lists/payments/", {"customer_id": "c", "from": "2026-03-02"}
    )
    Worker(say=lambda _: None, chores=[]).run_once()
    (file,) = folder.glob("*.csv")
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert {row["id"] for row in rows} == {payment.id for payment in payments}
    assert rows[0] | {"id": ""} == {
        "id": "", "created_at": "2026-03-02T13:59:00.000000Z", "status": "processed",
        "amount": "25.00", "currency": "USD", "from_account_id": "acc_1",
        "to_account_id": "acc_2", "customer_id": "c", "merchant_id": "",
        "description": "'=HYPERLINK(1)", "failure_code": "",
    }  # fmt: skip
    shown = client.get(answer.headers["Location"])
    (link,) = re.findall(r'href="([^"]*download[^"]*)"', text(shown))
    fetched = client.get(unescape(link))
    assert b"".join(fetched) == file.read_bytes()
    told = next(entry for entry in chain("person:someone") if entry.action == "payment.exported")
    assert told.new_values["rows"] == 120
    assert told.new_values["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_accounts_are_exported_too_and_for_compliance_alone(
    signed_in: SignIn, folder: Path
) -> None:
    opened("a", balance=1_234)
    client = signed_in(Role.COMPLIANCE)
    client.post("/admin/exports/lists/accounts/", {"customer_id": "customer-a"})
    Worker(say=lambda _: None, chores=[]).run_once()
    (file,) = folder.glob("*.csv")
    (row,) = csv.DictReader(file.read_text().splitlines())
    assert (row["balance"], row["available"], row["currency"]) == ("12.34", "12.34", "USD")
    wrong = {"status": "nothing", "csrfmiddlewaretoken": "secret"}
    refused = client.post("/admin/exports/lists/payments/", wrong, follow=True)
    assert refused.status_code == 422
    assert "secret" not in refused.redirect_chain[0][0]
    teller = signed_in(Role.TELLER, username="teller")
    assert "/admin/exports/" not in text(teller.get("/admin/accounts/"))
    assert teller.post("/admin/exports/lists/accounts/").status_code == 403
