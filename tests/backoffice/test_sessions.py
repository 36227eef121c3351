from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.test import Client

from backoffice.permissions import Role
from backoffice.staff.records import SessionRecord
from backoffice.staff.sessions import SessionStore, username_in
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import PASSWORD, a_member
from tests.builders import opened, planted

pytestmark = pytest.mark.usefixtures("moto_store")


def a_session(**data: object) -> SessionStore:
    session = SessionStore()
    session.update(data)
    session.create()
    session.update(data)
    session.save()
    return session


def test_what_is_saved_is_read() -> None:
    session = a_session(colour="green")
    assert SessionStore(session.session_key)["colour"] == "green"
    assert session.exists(str(session.session_key))


def test_a_new_session_takes_no_key_that_is_taken() -> None:
    session = a_session(colour="green")
    with pytest.raises(CreateError):
        SessionStore(session.session_key).save(must_create=True)
    assert SessionStore(session.session_key)["colour"] == "green"


def test_a_revoked_session_does_not_rise() -> None:
    session = a_session(colour="green")
    late = SessionStore(session.session_key)
    late["colour"] = "blue"
    session.delete()
    with pytest.raises(UpdateError):
        late.save()
    assert not session.exists(str(session.session_key))


def test_a_session_revoked_during_a_request_says_so(signed_in: SignIn) -> None:
    client = signed_in()
    session = client.session
    session["colour"] = "blue"
    session.delete()
    assert client.get("/admin/").status_code == 302
    assert SessionStore(session.session_key).load() == {}


def test_an_expired_session_is_none_though_the_store_still_has_it() -> None:
    session = a_session(colour="green")
    later = utc_now() + timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)
    with time_machine.travel(later):
        assert SessionStore(session.session_key).load() == {}
        assert not session.exists(str(session.session_key))
    assert store.get(SessionRecord(session_key=session.session_key)) is not None


RANDOM = "k1" * 16


@pytest.mark.parametrize(
    "key",
    [
        "short", "x" * 5000, RANDOM, f".{RANDOM}", f"someone.{RANDOM}x", f"someone.{RANDOM[1:]}",
        f"Someone.{RANDOM}", f"some one.{RANDOM}", f"{'x' * 41}.{RANDOM}", f"someone.{RANDOM}\n",
        f"someone.{RANDOM[:-1]}K", f"--.{RANDOM}",
    ],
)  # fmt: skip
def test_a_key_that_is_not_ours_is_not_looked_up(key: str) -> None:
    assert SessionStore(key).session_key is None


def test_a_key_names_its_person_even_one_with_dots() -> None:
    assert username_in(f"a.b-c_d.{RANDOM}") == "a.b-c_d"
    assert username_in(f"-.{RANDOM}") == username_in(None) == ""
    assert SessionStore(f"-.{RANDOM}").session_key


def test_signing_in_changes_the_key_and_ends_the_session_before(client: Client) -> None:
    a_member()
    keys = []
    for _ in range(2):
        client.post("/admin/login/", {"username": "someone", "password": PASSWORD})
        keys.append(client.session.session_key)
    first, second = (store.get(SessionRecord(session_key=key)) for key in keys)
    assert first is None
    assert second is not None
    assert second.username == "someone"
    assert username_in(keys[1]) == "someone"
    assert second.ip_address == "127.0.0.1"


def test_a_session_under_anothers_name_lets_nobody_in(signed_in: SignIn) -> None:
    client = signed_in()
    a_member(username="admin1", roles=[Role.ADMIN])
    record = store.get(SessionRecord(session_key=client.session.session_key))
    assert record is not None
    planted(record.with_changes({"session_key": f"admin1.{RANDOM}"}))
    client.cookies[settings.SESSION_COOKIE_NAME] = f"admin1.{RANDOM}"
    assert client.get("/admin/").status_code == 302


def test_a_session_ends_twelve_hours_after_signing_in_whatever_is_done(client: Client) -> None:
    a_member()
    began = utc_now()
    with time_machine.travel(began, tick=False) as clock:
        client.post("/admin/login/", {"username": "someone", "password": PASSWORD})
        for _ in range(12 * 6):
            session = client.session
            session["colour"] = "green"
            session.save()
            assert client.get("/admin/").status_code == 200
            clock.shift(timedelta(minutes=10))
        assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("address", ["/admin/preferences/", "/admin/accounts/?customer_id=c"])
def test_a_session_ends_after_fifteen_idle_minutes(signed_in: SignIn, address: str) -> None:
    with time_machine.travel(utc_now(), tick=False) as clock:
        client = signed_in()
        for minutes, status in ((14.9, 200), (14.9, 200), (15, 302)):
            clock.shift(timedelta(minutes=minutes))
            assert client.get(address).status_code == status


def test_when_it_was_last_seen_moves_once_a_minute(signed_in: SignIn) -> None:
    with time_machine.travel(utc_now(), tick=False) as clock:
        client = signed_in()
        for seconds, operations in ((59, []), (1, ["UpdateItem"]), (59, []), (1, ["UpdateItem"])):
            clock.shift(seconds)
            with count_requests() as seen:
                client.get("/admin/preferences/")
            assert seen.operations == ["BatchGetItem", *operations]


def test_a_session_ended_while_a_page_is_made_shows_nothing(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the page itself, nor does its note of having been seen bring the session back."""
    account = opened("a")
    for minutes, address in ((0, f"/admin/accounts/{account.id}/"), (2, "/admin/preferences/")):
        with time_machine.travel(utc_now(), tick=False) as clock:
            client = signed_in(username=f"person{minutes}")
            clock.shift(timedelta(minutes=minutes))
            session, load = client.session, SessionStore.load

            def load_and_end(
                loading: SessionStore, session: Any = session, load: Any = load
            ) -> dict[str, Any]:
                loaded: dict[str, Any] = load(loading)
                session.delete()
                return loaded

            with monkeypatch.context() as patched:
                patched.setattr(SessionStore, "load", load_and_end)
                answer = client.get(address)
            assert answer.status_code == 400
            assert "Your session has ended" in answer.text
            assert account.account_number not in answer.text
            assert store.get(SessionRecord(session_key=session.session_key)) is None
