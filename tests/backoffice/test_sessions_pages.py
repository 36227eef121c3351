"""Where somebody is signed in, and who may end that; rights hold from the next request on."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from backoffice.permissions import Role
from backoffice.presenters.staff import program
from backoffice.staff import managing, services
from backoffice.staff.records import SessionRecord
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import text
from tests.backoffice.people import AT, PASSWORD, SETUP, a_member, chain, deactivated

pytestmark = pytest.mark.usefixtures("moto_store")

OWN = "/admin/sessions/"


def sign_in(username: str = "someone", address: str = "198.51.100.7") -> Client:
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=f"Browser of {address}")
    credentials = {"username": username, "password": PASSWORD}
    assert client.post("/admin/login/", credentials).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/preferences/").status_code == 200


def names(client: Client, address: str = OWN) -> dict[str, str]:
    """Sessions shown, by the address they are from."""
    return {
        session.ip_address: name for session, name, _ in client.get(address).context["sessions"]
    }


def test_ones_own_sessions_say_from_where_since_when_and_which_is_this() -> None:
    a_member()
    a_member(username="other")
    with time_machine.travel(utc_now(), tick=False) as clock:
        sign_in(address="203.0.113.1")
        clock.shift(timedelta(minutes=10))
        client = sign_in()
        sign_in("other", address="203.0.113.9")
        assert set(names(client)) == {"198.51.100.7", "203.0.113.1"}
        page = text(client.get(OWN))
        assert page.count("this one") == 1
        assert "Browser of 203.0.113.1" in page
        assert "Signed in" in page
        key = client.session.session_key
        assert key is not None
        assert key.partition(".")[2] not in page
        clock.shift(timedelta(minutes=6))
        assert set(names(client)) == {"198.51.100.7"}


def test_one_session_or_all_others_are_ended_for_good() -> None:
    a_member()
    first, second, third, mine = (sign_in(address=f"203.0.113.{each}") for each in range(1, 5))
    answer = mine.post(OWN, {"end": names(mine)["203.0.113.1"]}, follow=True)
    assert "1 session ended." in text(answer)
    assert [is_in(each) for each in (first, second, third, mine)] == [False, True, True, True]
    entry = chain("person:someone")[0]
    assert (entry.action, entry.user_id) == ("session.ended", "someone")
    assert entry.new_values == {"sessions": 1, "addresses": ["203.0.113.1"]}
    assert "2 sessions ended." in text(mine.post(OWN, {"end": "others"}, follow=True))
    assert [is_in(each) for each in (second, third, mine)] == [False, False, True]
    assert "no such session" in text(mine.post(OWN, {"end": "others"}, follow=True))
    assert len(list(SessionRecord.scan())) == 1


@pytest.mark.parametrize(
    ("role", "seen", "ended"),
    [(Role.ADMIN, 200, 302), (Role.COMPLIANCE, 200, 403), (Role.SUPERVISOR, 403, 403)],
)
def test_others_sessions_are_read_by_compliance_and_ended_by_administrators(
    signed_in: SignIn, role: Role, seen: int, ended: int
) -> None:
    a_member(username="other")
    other, client = sign_in("other"), signed_in(role)
    address = "/admin/staff/other/sessions/"
    answer = client.get(address)
    assert answer.status_code == seen
    if seen == 200:
        assert "198.51.100.7" in text(answer)
        assert (">End all</button>" in text(answer)) is (ended == 302)
    assert client.post(address, {"end": "others"}).status_code == ended
    assert is_in(other) is (ended != 302)
    if ended == 302:
        assert chain("person:other")[0].user_id == "someone"
    assert client.get("/admin/staff/nobody/sessions/").status_code in (404, 403)


def test_a_session_of_somebody_else_cannot_be_ended_by_its_name() -> None:
    a_member()
    a_member(username="other")
    client, other = sign_in(), sign_in("other")
    client.post(OWN, {"end": next(iter(names(other).values()))})
    assert is_in(other)


def test_what_the_page_costs() -> None:
    a_member()
    client = sign_in()
    with count_requests() as seen:
        client.get(OWN)
    assert seen.operations == ["BatchGetItem", "Query", "BatchGetItem", "Query"]


def test_a_new_password_ends_the_others_and_the_list_knows() -> None:
    a_member()
    other, mine = sign_in(address="203.0.113.1"), sign_in()
    new = "another-long-one-2026!"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert mine.post("/admin/password_change/", fields).status_code == 302
    assert set(names(mine)) == {"198.51.100.7"}
    assert not is_in(other)


def test_what_is_taken_away_is_gone_at_the_next_request() -> None:
    a_member(roles=[Role.SUPERVISOR])
    client = sign_in()
    assert client.get("/admin/approvals/").status_code == 200
    managing.change_roles(
        username="someone", roles=[Role.TELLER], reason="moved", actor=SETUP, at=AT
    )
    assert client.get("/admin/approvals/").status_code == 403
    assert client.get("/admin/accounts/").status_code == 200
    services.set_password(username="someone", password="given-by-an-admin-1", actor=SETUP, at=AT)
    assert not is_in(client)
    client = Client()
    client.post("/admin/login/", {"username": "someone", "password": "given-by-an-admin-1"})
    assert client.get("/admin/password_change/").status_code == 200
    deactivated("someone")
    assert client.get("/admin/password_change/").status_code == 302


EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "Firefox on Linux"),
        (EDGE, "Edge on Windows"),
        (PHONE, "Safari on iOS"),
        ("curl/8.1", "curl/8.1"),
        (None, ""),
    ],
)
def test_a_browser_is_named(user_agent: str | None, shown: str) -> None:
    assert program(user_agent) == shown
