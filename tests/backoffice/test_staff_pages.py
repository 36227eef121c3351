"""Administrators manage other people's accounts; everybody's rights are reviewed and signed."""

import hashlib
import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from audit.context import Actor
from audit.models import AuditLog
from backoffice.permissions import Role
from backoffice.staff import managing, queries, refusals
from backoffice.staff.records import StaffRecord
from dynamodb.client import count_requests
from dynamodb.times import to_rfc3339
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, hidden, text
from tests.backoffice.people import AT, a_member, chain

REASON = {"reason": "Asked for by mail"}


@pytest.fixture
def admin(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN, username="admin1")


def stored(username: str = "someone") -> StaffRecord:
    record = queries.find(username)
    assert record is not None
    return record


def act(client: Client, action: str, username: str = "someone", **values: Any) -> Any:
    fields = REASON | values | {"confirm": "yes"}
    return client.post(f"/admin/staff/{username}/{action}/", fields)


def sign_in(client: Client, username: str, password: str) -> Any:
    return client.post("/admin/login/", {"username": username, "password": password})


def newest(username: str = "someone") -> AuditLog:
    return chain(f"staff:{username}")[0]


def test_a_new_member_signs_in_with_the_first_password_and_must_change_it(admin: Client) -> None:
    fields = {"username": "newcomer", "full_name": "New Comer", "roles": ["teller"]}
    answer = admin.post("/admin/staff/new/", fields | {"time_zone": "UTC"})
    assert answer.status_code == 200
    found = re.search(r'title="([a-z0-9-]{23})"', text(answer))
    assert found is not None
    newcomer = Client()
    assert sign_in(newcomer, "newcomer", found[1]).status_code == 302
    assert newcomer.get("/admin/").headers["Location"] == "/admin/password_change/"
    entry = newest("newcomer")
    assert (entry.action, entry.user_id) == ("staff.created", "admin1")
    assert found[1] not in str(entry.serialize())


def test_a_bad_new_member_is_refused_with_what_was_typed(admin: Client) -> None:
    fields = {"username": "Bad Name", "full_name": "New Comer", "time_zone": "UTC"}
    answer = admin.post("/admin/staff/new/", fields | {"roles": ["teller"]})
    assert answer.status_code == 422
    assert "small letters" in errors(answer)["username"][0]
    assert "New Comer" in text(answer)
    both = fields | {"username": "newcomer", "roles": ["teller", "compliance"]}
    answer = admin.post("/admin/staff/new/", both)
    assert errors(answer)["roles"] == ["One person cannot be both compliance and teller."]
    reserved = admin.post("/admin/staff/new/", fields | {"username": "review", "roles": "teller"})
    assert reserved.status_code == 422
    assert queries.find("newcomer") is None
    assert chain("person:admin1")[0].action == "staff.refused"


def test_disabling_needs_a_confirmation_and_ends_sessions_for_good(
    admin: Client, signed_in: SignIn
) -> None:
    member = signed_in()
    asked = admin.post("/admin/staff/someone/disable/", REASON)
    assert "Disable the account?" in text(asked)
    assert stored().is_active
    assert act(admin, "disable").status_code == 302
    assert member.get("/admin/").status_code == 302
    entry = newest()
    assert (entry.action, entry.user_id) == ("staff.disabled", "admin1")
    assert (entry.old_values, entry.new_values) == (
        {"is_active": True},
        {"is_active": False, "reason": "Asked for by mail"},
    )
    assert act(admin, "disable").status_code == 422
    assert act(admin, "enable").status_code == 302
    assert newest().action == "staff.enabled"
    assert member.get("/admin/").status_code == 302, "The old session rose again."


def test_roles_are_changed_with_old_and_new_values(admin: Client) -> None:
    a_member()
    page = text(admin.get("/admin/staff/someone/roles/"))
    assert re.search(r'value="teller"[^>]*checked', page)
    assert act(admin, "roles", roles=["teller", "supervisor"]).status_code == 302
    entry = newest()
    assert entry.action == "staff.roles_changed"
    assert (entry.old_values or {})["roles"] == ["teller"]
    assert (entry.new_values or {})["roles"] == ["supervisor", "teller"]


def test_roles_are_shown_once_more_and_can_be_changed_again(admin: Client) -> None:
    a_member()
    entered = REASON | {"roles": ["teller", "supervisor"]}
    asked = text(admin.post("/admin/staff/someone/roles/", entered))
    assert "teller, supervisor" in asked
    assert asked.count('type="hidden" name="roles"') == 2
    again = text(admin.post("/admin/staff/someone/roles/", entered | {"edit": "yes"}))
    assert len(re.findall(r'name="roles"[^>]*checked', again)) == 2
    assert 'value="Asked for by mail"' in again
    assert stored().roles == ["teller"]


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        (["teller", "admin"], "One person cannot be both admin and teller."),
        (["compliance", "supervisor"], "One person cannot be both compliance and supervisor."),
        ([], "A member of staff needs at least one role."),
    ],
)
def test_conflicting_roles_are_refused_with_the_rule(
    admin: Client, roles: list[str], sentence: str
) -> None:
    a_member()
    answer = act(admin, "roles", roles=roles)
    assert answer.status_code == 422
    assert errors(answer)["roles"] == [sentence]
    assert "Asked for by mail" in text(answer)
    assert stored().roles == ["teller"]


def test_a_reset_password_is_shown_once_and_ends_sessions(admin: Client, signed_in: SignIn) -> None:
    member = signed_in()
    answer = act(admin, "password")
    found = re.search(r'title="([a-z0-9-]{23})"', text(answer))
    assert found is not None
    assert member.get("/admin/").status_code == 302
    assert sign_in(Client(), "someone", found[1]).status_code == 302
    assert stored().must_change_password
    assert newest().action == "staff.password_changed"
    assert (newest().new_values or {})["reason"] == "Asked for by mail"


@pytest.mark.parametrize("action", ["disable", "roles", "password"])
def test_nobody_manages_themselves(admin: Client, action: str) -> None:
    before = stored("admin1").version
    answer = act(admin, action, "admin1", roles=["teller"])
    assert answer.status_code == 422
    assert "another administrator" in text(answer)
    assert stored("admin1").version == before
    assert chain("person:admin1")[0].new_values == {
        "code": "same_person",
        "sentence": refusals.Oneself.sentence,
    }
    assert "another administrator does for you" in text(admin.get("/admin/staff/admin1/"))


@pytest.mark.parametrize("role", [Role.TELLER, Role.SUPERVISOR, Role.COMPLIANCE])
def test_only_an_admin_manages(signed_in: SignIn, role: Role) -> None:
    a_member()
    client = signed_in(role, username="another")
    assert act(client, "disable").status_code == 403
    assert client.get("/admin/staff/new/").status_code == 403
    assert stored().is_active
    expected = 200 if role == Role.COMPLIANCE else 403
    answer = client.get("/admin/staff/someone/")
    assert answer.status_code == expected
    assert "Reset password" not in text(answer)


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_two_administrators_cannot_shut_each_other_out() -> None:
    for name in ("admin1", "admin2"):
        a_member(username=name, roles=[Role.ADMIN])
    managing.disable_staff(username="admin2", reason="First", actor=Actor(id="admin1"), at=AT)
    with pytest.raises(refusals.NotAllowed, match="not active"):
        managing.disable_staff(username="admin1", reason="Late", actor=Actor(id="admin2"), at=AT)
    assert stored("admin1").is_active


def test_the_pages_keep_their_budgets(admin: Client) -> None:
    a_member()
    for address, most in [("/admin/staff/", 4), ("/admin/staff/someone/", 5)]:
        with count_requests() as seen:
            assert admin.get(address).status_code == 200
        assert len(seen.operations) <= most, seen.operations
        assert "Scan" not in seen.operations


def test_everybody_is_listed_a_page_at_a_time_by_name(admin: Client) -> None:
    names = [f"person{number:02d}" for number in range(60)]
    for name in names:
        a_member(username=name)
    seen: list[str] = []
    address: str | None = "/admin/staff/"
    while address:
        page = text(admin.get(address))
        seen += re.findall(r'href="/admin/staff/([a-z0-9]+)/"><code', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = unescape(following[1]) if following else None
    assert seen == ["admin1", *names]
    assert admin.get("/admin/staff/nobody/").status_code == 404


def test_a_review_is_signed_for_exactly_the_list_that_was_seen(signed_in: SignIn) -> None:
    reviewer = signed_in(Role.COMPLIANCE, username="compliance1")
    a_member(roles=[Role.SUPERVISOR])
    seen = hidden(reviewer.get("/admin/staff/review/"), "seen")
    sign_in(Client(), "someone", "a-long-enough-2026!")
    assert reviewer.post("/admin/staff/review/", {"seen": seen}).status_code == 302
    (entry,) = chain("reviews:access")
    values = entry.new_values or {}
    assert (entry.action, entry.user_id) == ("access_review.signed", "compliance1")
    assert values["people"] == 2
    file = reviewer.get(f"/admin/staff/review/{values['list_hash']}/").content
    assert hashlib.sha256(file).hexdigest() == values["list_hash"]
    (line,) = [
        told for told in map(json.loads, file.splitlines()) if told["roles"] != ["compliance"]
    ]
    assert "payments.reverse" in line["may"]
    assert (line["roles"], line["second_factors"]) == (["supervisor"], [])
    record = stored()
    assert record.last_login is not None
    assert line["last_sign_in"] == to_rfc3339(record.last_login) > line["roles_since"]
    assert line["roles_since"] == to_rfc3339(record.created_at)
    assert values["list_hash"] in text(reviewer.get("/admin/staff/review/"))
    assert reviewer.get("/admin/staff/review/0000/").status_code == 404


def test_a_list_that_has_changed_is_not_signed_unseen(admin: Client, signed_in: SignIn) -> None:
    a_member()
    seen = hidden(admin.get("/admin/staff/review/"), "seen")
    act(admin, "roles", roles=["supervisor"])
    answer = admin.post("/admin/staff/review/", {"seen": seen, "note": "All well"})
    assert answer.status_code == 422
    assert "has changed since you opened" in text(answer)
    assert "All well" in text(answer)
    assert chain("reviews:access") == []
    again = {"seen": hidden(answer, "seen"), "note": "All well"}
    assert admin.post("/admin/staff/review/", again).status_code == 302
