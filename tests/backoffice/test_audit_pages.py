"""The trail and its chains as staff see them."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import translation
from pytest_django import Settings

from audit import context, trail
from audit.context import Actor, Context
from audit.models import AuditLog, EntryOutcome
from audit.trail import Event
from backoffice.permissions import Role
from backoffice.presenters.audit import entry_rows
from dynamodb import client as store_client
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments import directory
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import chain
from tests.builders import NOON, TELLER, opened, planted, transferred

HOSTILE = '<script>alert("x")</script>'
DAY = "2026-03-02"


def noted(
    entity_id: str = "person:teller1",
    action: str = "person.signed_in",
    user_id: str = "teller1",
    days: int = 0,
    **values: Any,
) -> None:
    """Write an entry without a record, some days after noon of the day."""
    event = Event(entity_id=entity_id, entity_type="person", action=action, actor=Actor(id=user_id))
    trail.note(event, at=NOON + timedelta(days=days), values=values)


def an_entry(number: int, **values: Any) -> AuditLog:
    defaults: dict[str, Any] = {
        "entity_id": "person:crowd",
        "timestamp": f"{DAY}T11:00:00.000000Z#{number:012d}",
        "action": "x.happened",
        "action_key": "x.happened",
        "user_id": "crowd",
        "user_key": "crowd",
        "day_key": DAY,
        "entity_type": "person",
        "outcome": EntryOutcome.SUCCESS,
    }
    return AuditLog(**(defaults | values))


def seen(answer: Any) -> list[tuple[str, str]]:
    return [(row.entry.entity_id, row.entry.action) for row in answer.context["rows"]]


def days_of(answer: Any) -> list[str]:
    return [row.entry.at[:10] for row in answer.context["rows"]]


def next_page(answer: Any) -> str:
    url: str = answer.context["pager"].next_url
    return url


def test_the_first_view_is_todays_trail(signed_in: SignIn) -> None:
    with time_machine.travel(NOON, tick=False):
        client = signed_in(Role.COMPLIANCE)
        noted(days=-1)
        noted(action="person.signed_out")
        answer = client.get("/admin/audit/")
    assert set(seen(answer)) == {
        ("person:someone", "person.signed_in"),
        ("person:teller1", "person.signed_out"),
    }
    assert "Complete." in answer.text
    assert "2 entries, all of them here." in answer.text
    assert f'value="{DAY}"' in answer.text
    for shown in ("Signed out", "person.signed_out", "02 Mar 2026, 12:00:00", "success"):
        assert shown in answer.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("entity_id=person:a", ["03", "03", "02", "01"]),
        ("action=x.two", ["03", "02", "01"]),
        ("user_id=ann", ["03", "02", "01"]),
        ("user_id=ann&action=x.two", ["02", "01"]),
        ("entity_id=person:a&action=x.two&user_id=ann", ["02"]),
        ("entity_id=person:a&from=2026-03-02", ["03", "03", "02"]),
        ("action=x.two&to=2026-03-02", ["02", "01"]),
        ("user_id=ann&from=2026-03-02&to=2026-03-02", ["02"]),
        ("from=2026-03-01&to=2026-03-02", ["02", "01", "01"]),
        ("to=2026-03-01", ["01", "01"]),
        ("entity_id=nothing", []),
        ("user_id=ann&outcome=success", ["03", "02", "01"]),
        ("user_id=ann&outcome=failure", []),
    ],
)
def test_filters_combine_and_days_are_included(
    signed_in: SignIn, query: str, expected: list[str]
) -> None:
    noted("person:a", "x.one", "bob", days=-1)
    noted("person:b", "x.two", "ann", days=-1)
    noted("person:a", "x.two", "ann", days=0)
    noted("person:a", "x.one", "ann", days=1)
    noted("person:a", "x.two", "bob", days=1)
    answer = signed_in(Role.COMPLIANCE).get(f"/admin/audit/?{query}")
    assert days_of(answer) == [f"2026-03-{day}" for day in expected]
    assert "Complete." in answer.text


def test_a_first_day_alone_means_until_today(signed_in: SignIn) -> None:
    with time_machine.travel(NOON + timedelta(days=2), tick=False):
        client = signed_in(Role.COMPLIANCE)
        noted(days=0)
        answer = client.get(f"/admin/audit/?from={DAY}")
    assert days_of(answer) == ["2026-03-04", "2026-03-02"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=yesterday", "Enter a day such as 2026-01-31."),
        ("to=2026-02-30", "Enter a day such as 2026-01-31."),
        ("from=0001-01-01", "Enter a day from 2000 on."),
        ("to=1999-12-31", "Enter a day from 2000 on."),
        ("from=2026-03-02&to=2026-03-01", "This day is before the first one."),
        ("action=x.one&from=2026-03-02&to=2026-03-01", "This day is before the first one."),
        ("from=2020-01-01&to=2026-03-02", "At most 366 days at a time"),
        ("entity_id=" + "x" * 201, "at most 200 characters"),
        ("user_id=%00", "Null characters are not allowed."),
        ("outcome=perhaps", "Choose one of the list."),
    ],
)
def test_a_malformed_filter_is_said_next_to_its_field(
    signed_in: SignIn, query: str, sentence: str
) -> None:
    answer = signed_in(Role.COMPLIANCE).get(f"/admin/audit/?{query}")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "rows" not in answer.context
    assert "Complete" not in answer.text


@pytest.mark.parametrize("query", ["from=9999-12-31", "to=9999-12-31", "to=2000-01-01"])
def test_the_ends_of_time_are_days_too(signed_in: SignIn, query: str) -> None:
    answer = signed_in(Role.COMPLIANCE).get(f"/admin/audit/?{query}")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query", ["", "entity_id=person:teller1", "user_id=teller1", "action=person.signed_in"]
)
def test_a_page_of_the_trail_costs_three_requests(signed_in: SignIn, query: str) -> None:
    client = signed_in(Role.COMPLIANCE)
    noted()
    with count_requests() as requests:
        assert client.get(f"/admin/audit/?{query}").status_code == 200
    assert requests.operations == ["BatchGetItem", "Query", "TransactWriteItems"]


def test_a_period_is_walked_a_week_at_a_time_and_says_how_far(signed_in: SignIn) -> None:
    noted(days=-9)
    client = signed_in(Role.COMPLIANCE)
    with count_requests() as requests:
        first = client.get(f"/admin/audit/?from=2026-02-20&to={DAY}")
    assert len(requests) == 2 + 7
    assert seen(first) == []
    assert "Partial, continue." in first.text
    assert "7 of 11 days have been read to their end so far." in first.text
    assert "Nothing found yet." in first.text
    second = client.get(next_page(first))
    assert days_of(second) == ["2026-02-21"]
    assert "Complete." in second.text


def test_the_end_of_a_period_that_begins_empty_leads_back_to_what_there_is(
    signed_in: SignIn,
) -> None:
    for number in range(60):
        planted(an_entry(number))
    client = signed_in(Role.COMPLIANCE)
    first = client.get(f"/admin/audit/?from=2026-02-20&to={DAY}")
    end = client.get(first.context["pager"].last_url)
    assert seen(end) == []
    assert "Partial, continue." in end.text
    assert "There are newer entries that have not been looked at: go on." in end.text
    newer = client.get(end.context["pager"].newer_url)
    assert len(seen(newer)) == 50
    assert client.get(newer.context["pager"].next_url).text.count("Nothing found yet.") == 1


def test_pages_neither_skip_nor_repeat_even_past_midnight(
    signed_in: SignIn, settings: Settings
) -> None:
    settings.SESSION_IDLE_SECONDS = 3 * 60 * 60
    for number in range(60):
        planted(an_entry(number))
    with time_machine.travel(NOON + timedelta(hours=11), tick=False) as clock:
        client = signed_in(Role.COMPLIANCE)
        first = client.get("/admin/audit/")
        clock.shift(timedelta(hours=2))
        second = client.get(next_page(first))
    rows = first.context["rows"] + second.context["rows"]
    crowd = [row.seq for row in rows if row.entry.user_id == "crowd"]
    assert crowd == list(reversed(range(60)))
    assert "Older entries follow." in first.text
    assert "This is the last page." in second.text


def test_a_cursor_serves_one_search_of_one_person(signed_in: SignIn) -> None:
    for number in range(51):
        planted(an_entry(number))
    client = signed_in(Role.COMPLIANCE)
    cursor = next_page(client.get("/admin/audit/?user_id=crowd")).rpartition("cursor=")[2]
    for browser, address, query in (
        (client, "/admin/audit/", f"user_id=crowd&cursor={cursor}x"),
        (client, "/admin/audit/", f"user_id=other&cursor={cursor}"),
        (client, "/admin/audit/", f"action=x.happened&cursor={cursor}"),
        (client, "/admin/audit/person:crowd/", f"cursor={cursor}"),
        (
            signed_in(Role.COMPLIANCE, username="other"),
            "/admin/audit/",
            f"user_id=crowd&cursor={cursor}",
        ),
    ):
        answer = browser.get(f"{address}?{query}")
        assert answer.status_code == 400
        assert "Please start from the first page." in answer.text
        assert f'href="{address}"' in answer.text


def test_a_chain_words_its_entries_and_shows_both_values(signed_in: SignIn) -> None:
    source, target = opened("a", balance=100_00), opened("b")
    payment = transferred(source, target, amount_minor=25_00).payment
    answer = signed_in().get(f"/admin/audit/{source.id}/")
    rows = answer.context["rows"]
    assert [row.words for row in rows] == [
        "Account debited 25.00 USD",
        "Account opened with 100.00 USD",
    ]
    (change,) = rows[0].changes
    assert (change.label, change.before.text, change.after.text) == (
        "Balance",
        "100.00 USD",
        "75.00 USD",
    )
    for shown in ("account.debited", "Before", "After", 'id="entry-2"', "teller1", "Complete."):
        assert shown in answer.text
    assert f'href="/admin/payments/{payment.id}/"' in answer.text


def test_what_is_masked_is_shown_as_masked(signed_in: SignIn) -> None:
    noted("person:teller1", password="hunter2")
    answer = signed_in(Role.COMPLIANCE).get("/admin/audit/person:teller1/")
    (change,) = answer.context["rows"][0].changes
    assert (change.after.text, change.after.kind) == ("***", "text")


def test_a_chain_knows_its_currency_on_every_page(signed_in: SignIn) -> None:
    account = opened("a", currency="JPY")
    early = "2026-01-01T00:00:00.000000Z#000000000001"
    values = {"old_values": {"balance": 500}, "new_values": {"balance": 3000}}
    action = "account.credited"
    planted(an_entry(1, entity_id=account.id, timestamp=early, action=action, **values))
    directory._numbers.clear()
    client = signed_in()
    with count_requests() as requests:
        answer = client.get(f"/admin/audit/{account.id}/", {"entry": early})
    assert [row.words for row in answer.context["rows"]] == ["Account credited 2,500 JPY"]
    assert len(requests) <= 6


def test_postings_are_found_by_their_action_and_day_and_with_their_payment_by_person(
    signed_in: SignIn,
) -> None:
    transferred(opened("a", balance=5000), opened("b"), at=utc_now())
    client = signed_in(Role.COMPLIANCE)
    client.get("/admin/audit/?user_id=nobody")
    with count_requests() as requests:
        by_person = client.get("/admin/audit/?user_id=teller1")
    made = [row.entry.action for row in by_person.context["rows"]]
    at = made.index("payment.processed")
    assert made[at : at + 3] == ["payment.processed", "account.debited", "account.credited"]
    assert made.count("account.debited") == 2
    assert f"{len(made)} entries, all of them here." in by_person.text
    assert len(requests) <= 5
    for address in ("?action=account.debited", "?action=account.debited&user_id=teller1"):
        found = client.get(f"/admin/audit/{address}")
        assert [row.entry.action for row in found.context["rows"]] == ["account.debited"]


def test_an_entry_of_the_list_leads_to_itself_in_its_chain(signed_in: SignIn) -> None:
    for number in range(1, 61):
        planted(an_entry(number))
    client = signed_in(Role.COMPLIANCE)
    listed = client.get("/admin/audit/?entity_id=person:crowd&cursor=").context["rows"]
    second_page = client.get(next_page(client.get("/admin/audit/?user_id=crowd")))
    row = second_page.context["rows"][3]
    assert row.seq not in [each.seq for each in listed]
    address, _, anchor = row.chain_url.partition("#")
    answer = client.get(address)
    assert f'id="{anchor}"' in answer.text
    assert answer.context["rows"][0].seq == row.seq
    assert "show the newest entries" in answer.text


def test_failures_say_why(signed_in: SignIn) -> None:
    payment = transferred(opened("a"), opened("b")).payment
    text = signed_in().get(f"/admin/audit/{payment.id}/").text
    assert "Payment failed 10.00 USD" in text
    assert "<code>insufficient_funds</code>" in text
    assert ">failure</span>" in text


def test_where_an_entry_comes_from_is_shown_as_text(signed_in: SignIn) -> None:
    origin = Context(ip_address="10.1.2.3", user_agent=HOSTILE, request_id="trace-me")
    with context.use(origin):
        noted("person:teller1", "x.refused", sentence=HOSTILE, code="odd", note=HOSTILE)
    text = signed_in(Role.COMPLIANCE).get("/admin/audit/person:teller1/").text
    assert HOSTILE not in text
    assert text.count("&lt;script&gt;") >= 3
    for shown in ("10.1.2.3", "trace-me", "<code>odd</code>"):
        assert shown in text


@pytest.mark.parametrize(
    "entity_id",
    ["person:teller1", "views:acc_1", "a/b", "a b?c#d", "ärger&so", "%2f", HOSTILE, "x" * 1500],
)
def test_any_entity_has_a_chain(signed_in: SignIn, entity_id: str) -> None:
    noted(entity_id)
    client = signed_in(Role.COMPLIANCE)
    row = client.get(f"/admin/audit/?from={DAY}&to={DAY}").context["rows"][0]
    answer = client.get(row.chain_url)
    assert answer.status_code == 200
    assert seen(answer) == [(entity_id, "person.signed_in")]
    assert HOSTILE not in answer.text


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/admin/audit/nonsense/", "The trail has no entry about nonsense."),
        ("/admin/audit/" + "x" * 3000 + "/", "The trail has no entry about x"),
        ("/admin/audit/person:teller1/?entry=nonsense", "no entry is named"),
        ("/admin/audit/person:teller1/?entry=" + "9" * 3000, "no entry is named"),
        ("/admin/audit/person:teller1/?entry=1999-01-01T00:00:00.0Z%231", "has no entry about"),
    ],
)
def test_nonsense_is_answered_politely(signed_in: SignIn, address: str, sentence: str) -> None:
    noted()
    answer = signed_in(Role.COMPLIANCE).get(address)
    assert answer.status_code == 404
    assert sentence in answer.text


@pytest.mark.parametrize("role", Role)
def test_who_may_read_what(signed_in: SignIn, role: Role) -> None:
    source = opened("a", balance=100_00)
    payment = transferred(source, opened("b")).payment
    noted("person:teller1")
    client = signed_in(role)
    may_read_own = role != Role.ADMIN
    may_read_all = role == Role.COMPLIANCE
    for address, may in (
        (f"/admin/audit/{source.id}/", may_read_own),
        (f"/admin/audit/{payment.id}/", may_read_own),
        ("/admin/audit/", may_read_all),
        ("/admin/audit/person:teller1/", may_read_all),
        ("/admin/audit/staff:someone/", may_read_all),
        (f"/admin/audit/views:{source.id}/", may_read_all),
    ):
        answer = client.get(address)
        if may:
            assert answer.status_code in (200, 404)
            continue
        assert answer.status_code == 403
        newest = chain("person:someone")[0]
        assert newest.action == "access.refused"
        assert newest.new_values is not None
        assert newest.new_values["path"] == address


def test_whoever_may_not_browse_is_offered_no_search(signed_in: SignIn) -> None:
    source = opened("a", balance=100_00)
    for role, offered in ((Role.TELLER, False), (Role.COMPLIANCE, True)):
        text = signed_in(role, username=role).get(f"/admin/audit/{source.id}/").text
        assert ("/admin/audit/?" in text) == offered


@pytest.mark.parametrize(
    "values",
    [
        {"outcome": {"S": "perhaps"}},
        {"created_at": {"S": "soon"}},
        {"severity": {"S": "odd"}},
        {"seq": {"N": "7"}, "timestamp": {"S": f"{DAY}-whenever"}},
        {"new_values": {"M": {"balance": {"S": "lots"}, "status": {"S": "?"}, "n": {"N": "1.5"}}}},
        {"old_values": {"M": {"balance": {"N": "5"}}}, "action": {"S": "account.debited"}},
    ],
)
def test_an_odd_stored_value_does_not_hide_its_entry(
    signed_in: SignIn, values: dict[str, Any]
) -> None:
    item = {**an_entry(1).serialize(), **values}
    store_client.call("PutItem", TableName=AuditLog.table_name(), Item=item)
    client = signed_in(Role.COMPLIANCE)
    for address in (f"/admin/audit/?from={DAY}&to={DAY}", "/admin/audit/person:crowd/"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert len(answer.context["rows"]) == 1


def test_naught_and_what_people_typed_are_shown_as_they_are_kept() -> None:
    """In German too: a reason is evidence, however much it reads like a sentence of ours."""
    new = {"description": "Account locked", "payment_count": 0, "roles": ["teller"]}
    entry = an_entry(1, old_values={"payment_count": 3}, new_values=new | {"reason": "open"})
    with translation.override("de"):
        (row,) = entry_rows([entry])
    kept = [change.after.text for change in row.changes if change.after]
    assert row.reason == "open"
    assert kept == ["Account locked", "0", "open", "Kasse"]


def test_an_empty_search_says_what_to_do(signed_in: SignIn) -> None:
    text = signed_in(Role.COMPLIANCE).get("/admin/audit/?entity_id=nobody").text
    assert "No entry of the trail fits these filters." in text
    assert "0 entries, all of them here." in text


def test_a_failed_read_never_looks_empty(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(Role.COMPLIANCE)
    monkeypatch.setattr(AuditLog.Meta, "table_name", "gone")
    for address in ("/admin/audit/", "/admin/audit/person:teller1/"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "No entry" not in answer.text


def test_recent_actions_are_worded_on_the_dashboard(signed_in: SignIn) -> None:
    with time_machine.travel(NOON, tick=False):
        client = signed_in(username="teller1")
        source = opened("a", balance=100_00)
        text = client.get("/admin/").text
    assert TELLER.id == "teller1"
    assert "Account opened" in text
    assert f'href="/admin/accounts/{source.id}/"' in text
