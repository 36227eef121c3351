"""The daily review: nothing unusual is left out, nobody signs unseen, no day is skipped."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.test import Client

from audit import trail
from audit.context import Actor
from audit.tables import make_tables
from audit.trail import Event
from backoffice.jobs.chores import CHORES
from backoffice.permissions import Role
from backoffice.reviews import queries, services
from backoffice.reviews.gathering import gather
from backoffice.reviews.queries import DayState
from backoffice.reviews.records import AccountPair, Decision, Kind, ReviewItem
from backoffice.reviews.refusals import AlreadySigned, ItemsOpen, NoteMissing, NotOverYet
from backoffice.staff import doings, managing
from backoffice.staff.records import SignInAttempts
from dynamodb.client import call, count_requests
from payments.alerts.cases import find_case
from payments.identifiers import new_payment_id
from payments.refusals import CaseNotFound
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import fresh, text
from tests.backoffice.people import SETUP, a_member, chain
from tests.builders import opened, transferred
from tests.payments.alarms import an_alert

DAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEXT = NOON + timedelta(days=1)
REVIEWER = Actor(id="compliance1")

pytestmark = pytest.mark.usefixtures("moto_store")


def noted(action: str, entity_id: str, actor: str = "admin1", at: datetime = NOON) -> None:
    kind = entity_id.partition(":")[0]
    trail.note(
        Event(entity_id=entity_id, entity_type=kind, action=action, actor=Actor(id=actor)), at=at
    )


def kinds(items: list[ReviewItem]) -> list[tuple[Kind, str]]:
    return [(item.kind, item.subject) for item in items]


def an_unusual_day() -> None:
    noted("staff.roles_changed", "staff:teller1")
    noted("staff.disabled", "staff:teller2")
    noted("staff.password_changed", "staff:teller3", actor="teller3")
    noted("account.unlocked", "views:acc_x", actor="supervisor1")
    for _ in range(3):
        refused_sign_in()
    noted("account.viewed", "views:acc_y", actor="owl", at=NOON.replace(hour=22))
    noted("account.viewed", "views:acc_z", actor="owl", at=NOON.replace(hour=23))


def refused_sign_in() -> None:
    tried = SignInAttempts(failures=1)
    doings.sign_in_refused(
        "teller1", a_known_one(), "wrong password", tried=tried, known_heads={}, at=NOON
    )


def a_known_one() -> Any:
    from backoffice.staff import queries as staff

    return staff.find("teller1") or a_member(username="teller1").record


def test_each_unusual_thing_of_a_day_is_one_line() -> None:
    an_unusual_day()
    noted("staff.roles_changed", "staff:teller1", at=NEXT)
    items = gather(DAY)
    assert kinds(items) == [
        (Kind.ADMIN_ACT, "staff:teller2"),
        (Kind.ROLE_CHANGE, "staff:teller1"),
        (Kind.UNLOCK, "views:acc_x"),
        (Kind.FAILED_SIGN_INS, "person:teller1"),
        (Kind.OFF_HOURS, "person:owl"),
    ]
    assert [item.occurrences for item in items] == [1, 1, 1, 3, 2]


def test_an_alert_is_a_line_that_says_what_it_was_raised_by(signed_in: SignIn) -> None:
    alert = an_alert("1", at=NOON)
    [item] = gather(DAY)
    assert (item.kind, item.subject, item.words) == (Kind.MONEY_ALERT, alert.id, alert.rule)
    services.prepare(DAY, actor=REVIEWER, at=NEXT)
    client = signed_in(Role.COMPLIANCE, username="compliance1")
    with time_machine.travel(NEXT, tick=False):
        shown = text(client.get("/admin/reviews/2026-03-02/"))
    assert f'<a href="/admin/alerts/{alert.id}/">Large transaction</a>' in shown


def test_sessions_that_an_administrator_ends_and_wrong_codes_are_lines() -> None:
    noted("session.ended", "person:teller1")
    noted("session.ended", "person:teller2", actor="teller2")
    doings.proof_refused("teller3", "sign-in", tried=SignInAttempts(failures=1), at=NOON)
    assert kinds(gather(DAY)) == [
        (Kind.ADMIN_ACT, "person:teller1"),
        (Kind.FAILED_SIGN_INS, "person:teller3"),
    ]


def test_the_first_payment_between_two_accounts_is_a_line_and_the_second_is_not() -> None:
    source, target = opened("a", balance=900_000), opened("b")
    small = transferred(source, opened("c"), amount_minor=99_999)
    first = transferred(source, target, amount_minor=100_000)
    second = transferred(source, target, at=NOON + timedelta(seconds=1), amount_minor=200_000)
    pairs = [item.subject for item in gather(DAY) if item.kind == Kind.FIRST_PAIR]
    assert first.payment.id in pairs
    assert not {small.payment.id, second.payment.id} & set(pairs)
    again = [item.subject for item in gather(DAY) if item.kind == Kind.FIRST_PAIR]
    assert again == pairs


def test_a_day_is_prepared_once_and_only_when_it_is_over() -> None:
    an_unusual_day()
    with pytest.raises(NotOverYet):
        services.prepare(DAY, actor=REVIEWER, at=NOON)
    review = services.prepare(DAY, actor=REVIEWER, at=NEXT)
    noted("staff.disabled", "staff:late")
    assert services.prepare(DAY, actor=REVIEWER, at=NEXT).version == 1
    assert (review.items, review.open_items) == (5, 5)
    assert len(list(queries.all_items(DAY))) == 5


def test_preparing_goes_on_after_it_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    an_unusual_day()
    monkeypatch.setattr(services, "_CHUNK", 2)
    put, calls = services._put, 0

    def stop_at_third(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        put(*args)

    monkeypatch.setattr(services, "_put", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        services.prepare(DAY, actor=REVIEWER, at=NEXT)
    assert queries.find(DAY) is None
    assert services.prepare(DAY, actor=REVIEWER, at=NEXT).items == 5
    assert len(list(queries.all_items(DAY))) == 5


def test_a_day_is_signed_only_when_every_line_is_decided_and_then_stays() -> None:
    an_unusual_day()
    services.prepare(DAY, actor=REVIEWER, at=NEXT)
    ids = [item.item_id for item in queries.all_items(DAY)]
    decide: dict[str, Any] = {"actor": REVIEWER, "at": NEXT}
    services.decide(DAY, ids[:4], decision=Decision.TICKED, **decide)
    services.decide(DAY, ids[:1], decision=Decision.NOTED, note="Asked them", **decide)
    with pytest.raises(ItemsOpen):
        services.sign(DAY, actor=REVIEWER, at=NEXT)
    with pytest.raises(NoteMissing):
        services.decide(DAY, ids[4:], decision=Decision.NOTED, **decide)
    with pytest.raises(CaseNotFound):
        services.decide(DAY, ids[4:], decision=Decision.CASE, case_id="case_1", **decide)
    decide |= {"decision": Decision.CASE, "name": new_payment_id(NEXT), "note": "Odd"}
    for _ in range(2):
        services.decide(DAY, ids[4:], **decide)
    [item] = [item for item in queries.all_items(DAY) if item.item_id == ids[4]]
    case = find_case(item.case_id or "")
    assert (case.customer_id, case.opened_by) == (item.subject, REVIEWER.id)
    signed = services.sign(DAY, actor=REVIEWER, at=NEXT)
    assert signed.digest == services.digest(queries.all_items(DAY))
    with pytest.raises(AlreadySigned):
        services.decide(DAY, ids[:1], **decide)
    actions = [entry.action for entry in chain("review:2026-03-02")]
    assert actions == [
        "review.signed", "review.items_case", "review.items_case", "review.items_noted",
        "review.items_ticked", "review.prepared",
    ]  # fmt: skip


def test_a_line_decided_while_somebody_signs_is_in_what_they_sign(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    an_unusual_day()
    services.prepare(DAY, actor=REVIEWER, at=NEXT)
    ids = [item.item_id for item in queries.all_items(DAY)]
    services.decide(DAY, ids, decision=Decision.TICKED, actor=REVIEWER, at=NEXT)
    seen = services.digest

    def another_decides_first(items: Any) -> str:
        digest = seen(items)
        monkeypatch.setattr(services, "digest", seen)
        other: dict[str, Any] = {"actor": Actor(id="compliance2"), "at": NEXT}
        services.decide(DAY, ids[:1], decision=Decision.NOTED, note="Wait", **other)
        return digest

    monkeypatch.setattr(services, "digest", another_decides_first)
    signed = services.sign(DAY, actor=REVIEWER, at=NEXT)
    assert signed.digest == seen(queries.all_items(DAY))


def test_a_period_shows_every_day_and_those_that_were_missed() -> None:
    noted("tables.created", "tables:all", at=NOON - timedelta(days=1))
    services.prepare(DAY, actor=REVIEWER, at=NEXT)
    for item in list(queries.all_items(DAY)):
        at = NEXT
        services.decide(DAY, [item.item_id], decision=Decision.TICKED, actor=REVIEWER, at=at)
    services.sign(DAY, actor=REVIEWER, at=NEXT)
    with count_requests() as seen:
        days = queries.days(date(2026, 2, 27), date(2026, 3, 5), at=NEXT + timedelta(days=2))
    assert [each.state for each in days] == [
        DayState.OUTSIDE, DayState.OUTSIDE, DayState.MISSED, DayState.SIGNED, DayState.MISSED,
        DayState.OPEN, DayState.RUNNING,
    ]  # fmt: skip
    assert seen.operations == ["BatchGetItem"]
    assert queries.missed(at=NEXT + timedelta(days=2)) == [date(2026, 3, 1), date(2026, 3, 3)]
    early = DAY - timedelta(days=3)
    services.prepare(early, actor=REVIEWER, at=NEXT)
    assert [each.state for each in queries.days(early, early, at=NEXT)] == [DayState.MISSED]


def test_the_dashboard_names_the_days_that_were_missed(signed_in: SignIn) -> None:
    noted("tables.created", "tables:all", at=NOON - timedelta(days=1))
    client = signed_in(Role.COMPLIANCE, username="compliance1")
    with time_machine.travel(NEXT + timedelta(days=2), tick=False), count_requests() as seen:
        page = text(client.get("/admin/"))
    with time_machine.travel(NEXT + timedelta(days=2), tick=False):
        months = text(client.get("/admin/reviews/"))
    assert "0 signed, 1 open, 3 missed." in months
    assert months.count('class="day-missed"') == 3
    assert "Nobody has signed the review of 03 Mar 2026, and 2 before it." in page
    assert len(seen.operations) <= 7
    teller = text(signed_in(Role.TELLER, username="teller1").get("/admin/"))
    assert "Nobody has signed" not in teller


def test_older_and_newer_days_are_a_click_away(signed_in: SignIn) -> None:
    client, page = signed_in(Role.COMPLIANCE, username="compliance1"), "/admin/reviews/"
    with time_machine.travel(NEXT, tick=False):

        def spans(beside: str, query: str, clicks: int) -> list[tuple[date, date]]:
            shown = client.get(page + query).context
            here = (shown["first"], shown["last"])
            further = spans(beside, shown["pager"][beside], clicks - 1) if clicks else []
            return [here, *further]

        back = spans("next_url", "", 20)
        assert back[0] == (date(2026, 1, 1), NEXT.date())
        assert all(new == old + timedelta(days=1) for (new, _), (_, old) in pairwise(back))
        assert spans("newer_url", f"?month={back[-1][1]}", 20) == back[::-1]
        assert spans("next_url", "?month=2999-01-01", 0) == back[:1]
        assert spans("next_url", "?month=soon", 0) == back[:1]
        assert spans("next_url", "?month=0001-01-01", 0)[0][1] == date(2000, 1, 31)


def test_making_tables_is_recorded() -> None:
    name = AccountPair.table_name()
    call("UpdateTable", TableName=name, DeletionProtectionEnabled=False)
    call("DeleteTable", TableName=name)
    make_tables(at=NOON)
    make_tables(at=NOON)
    [entry] = chain("tables:all")
    assert (entry.action, entry.user_id) == ("tables.created", "system:setup")
    assert entry.new_values == {"tables": [name]}


def decided(client: Client, fields: dict[str, Any]) -> Any:
    page = "/admin/reviews/2026-03-02/"
    return client.post(page, {"request_id": fresh(client, page, "request_id"), **fields})


def test_a_reviewer_works_through_a_day_in_the_browser(signed_in: SignIn) -> None:
    an_unusual_day()
    client = signed_in(Role.COMPLIANCE, username="compliance1")
    page = "/admin/reviews/2026-03-02/"
    with time_machine.travel(NEXT, tick=False):
        assert "Nobody has gathered" in text(client.get(page))
        assert client.post(f"{page}prepare/").status_code == 302
        assert "3 failed sign-ins" in text(client.get(page))
        ids = [item.item_id for item in queries.all_items(DAY)]
        nothing = decided(client, {"decision": "ticked"})
        assert (nothing.status_code, "Choose at least one" in text(nothing)) == (422, True)
        silent = decided(client, {"items": ids[:1], "decision": "noted"})
        assert "Write what you noted" in text(silent)
        late = {"request_id": fresh(client, page, "request_id"), "items": ids, "decision": "ticked"}
        assert decided(client, {"items": ids, "decision": "ticked"}).status_code == 302
        assert client.post(f"{page}sign/").status_code == 200
        assert client.post(f"{page}sign/", {"confirm": "yes"}).status_code == 302
        assert "signed" in text(client.get(page))
        assert client.post(page, late).status_code == 422
        assert client.get("/admin/reviews/nonsense/").status_code == 404
        assert client.get("/admin/reviews/").status_code == 200


def test_yesterday_is_prepared_by_the_clock() -> None:
    an_unusual_day()
    [chore] = [each for each in CHORES if "review" in each.name]
    assert chore.run(NEXT.replace(hour=0)) == ""
    assert chore.run(NEXT) == "5 lines to review of 2026-03-02"
    assert chore.run(NEXT) == ""


def test_nobody_but_compliance_reviews(signed_in: SignIn) -> None:
    for role in (Role.TELLER, Role.SUPERVISOR, Role.ADMIN):
        client: Client = signed_in(role, username=f"a-{role}")
        assert client.get("/admin/reviews/").status_code == 403
        assert client.post("/admin/reviews/2026-03-02/sign/").status_code == 403


def test_role_changes_by_the_service_are_found() -> None:
    a_member(username="teller9")
    managing.change_roles(
        username="teller9", roles=[Role.SUPERVISOR], reason="Promoted", actor=SETUP, at=NOON
    )
    assert (Kind.ROLE_CHANGE, "staff:teller9") in kinds(gather(DAY))
