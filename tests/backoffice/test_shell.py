"""The dashboard, preferences, and how times, ids and states look."""

from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.utils import timezone

from backoffice.permissions import Permission, Role, conflicting, granted
from backoffice.staff import queries
from dynamodb.attributes import Unreadable
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import chain


def shown(tag: str, value: object) -> str:
    return Template("{% load backoffice %}{% " + tag + " value %}").render(
        Context({"value": value})
    )


def test_the_dashboard_shows_what_one_has_just_done(signed_in: SignIn) -> None:
    client = signed_in()
    client.post("/admin/preferences/", {"time_zone": "Asia/Tokyo"})
    page = client.get("/admin/").text
    assert "Signed in" in page
    assert "Staff preferences changed" in page
    assert "staff.preferences_changed" in page


def test_preferences_move_the_times(signed_in: SignIn) -> None:
    client = signed_in()
    answer = client.post("/admin/preferences/", {"time_zone": "Asia/Tokyo"}, follow=True)
    assert "Your preferences are saved." in answer.text
    assert "Asia/Tokyo" in answer.text
    record = queries.find("someone")
    assert record is not None
    assert record.time_zone == "Asia/Tokyo"
    entry = chain("staff:someone")[0]
    assert (entry.action, entry.changes) == ("staff.preferences_changed", ["time_zone"])
    assert (entry.old_values, entry.new_values) == (
        {"time_zone": "UTC"},
        {"time_zone": "Asia/Tokyo"},
    )


def test_a_zone_that_is_none_is_refused_beside_its_field(signed_in: SignIn) -> None:
    answer = signed_in().post("/admin/preferences/", {"time_zone": "Mars/Olympus"})
    assert answer.status_code == 422
    assert "Select a valid choice" in answer.text


@pytest.mark.parametrize(
    "at", [datetime(2026, 1, 31, 9, 30, 5, tzinfo=UTC), "2026-01-31T09:30:05.000000Z"]
)
def test_a_time_is_shown_in_the_persons_zone_with_utc_at_hand(at: object) -> None:
    with timezone.override("Asia/Tokyo"):
        assert shown("when", at) == (
            '<time datetime="2026-01-31T09:30:05Z" title="2026-01-31 09:30:05 UTC">'
            "31 Jan 2026, 18:30:05 JST</time>"
        )


def test_a_time_that_cannot_be_read_is_shown_as_it_is() -> None:
    assert "&lt;yesterday&gt;" in shown("when", Unreadable("<yesterday>"))
    assert "unreadable" in shown("when", Unreadable("<yesterday>"))


def test_an_id_is_escaped_and_can_be_copied() -> None:
    text = shown("ident", 'acc_"<1>')
    assert ">acc_&quot;&lt;1&gt;</code>" in text
    assert 'title="acc_&quot;&lt;1&gt;"' in text


@pytest.mark.parametrize(
    ("state", "tone"), [("active", "good"), ("failed", "bad"), ("unheard-of", "quiet")]
)
def test_a_state_is_shown_by_its_name(state: str, tone: str) -> None:
    assert shown("badge", state) == f'<span class="badge badge-{tone}">{state}</span>'


@pytest.mark.parametrize("tag", ["when", "ident", "badge"])
def test_what_is_absent_is_a_dash(tag: str) -> None:
    assert "\u2013" in shown(tag, None)


@pytest.mark.parametrize(
    ("roles", "pair"),
    [
        ([Role.TELLER], None),
        ([Role.TELLER, Role.SUPERVISOR], None),
        ([Role.ADMIN, Role.TELLER], (Role.ADMIN, Role.TELLER)),
        ([Role.COMPLIANCE, Role.SUPERVISOR], (Role.COMPLIANCE, Role.SUPERVISOR)),
        ([Role.ADMIN, Role.COMPLIANCE], (Role.COMPLIANCE, Role.ADMIN)),
    ],
)
def test_roles_that_one_person_must_not_have_together(
    roles: list[Role], pair: tuple[Role, Role] | None
) -> None:
    assert conflicting(roles) == pair


def test_only_tellers_and_supervisors_move_money() -> None:
    assert {role for role in Role if Permission.RUN_TRANSFERS in granted([role])} == {
        Role.TELLER,
        Role.SUPERVISOR,
    }


def test_only_compliance_reads_the_whole_trail() -> None:
    assert [role for role in Role if Permission.READ_TRAIL in granted([role])] == [Role.COMPLIANCE]


def test_an_admin_sees_no_money() -> None:
    assert granted([Role.ADMIN]) == {
        Permission.USE_DASHBOARD,
        Permission.READ_STAFF,
        Permission.MANAGE_STAFF,
        Permission.MAINTAIN_RECORDS,
    }


def test_the_foot_leads_to_utc_only_who_sees_another_zone(signed_in: SignIn) -> None:
    client = signed_in()
    assert "see it in UTC" not in client.get("/admin/").text
    client.post("/admin/preferences/", {"time_zone": "Asia/Tokyo"})
    assert "Point at one to see it in UTC." in client.get("/admin/").text
