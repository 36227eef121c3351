from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.test import Client

from backoffice.staff.records import SessionRecord
from backoffice.staff.sessions import SessionStore
from dynamodb import store
from dynamodb.times import utc_now
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import PASSWORD, a_member

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


@pytest.mark.parametrize("key", ["short", "x" * 33, "x" * 5000])
def test_a_key_that_is_not_ours_is_not_looked_up(key: str) -> None:
    assert SessionStore(key).session_key is None


def test_a_session_names_its_person_once_signed_in(client: Client) -> None:
    a_member()
    client.post("/admin/login/", {"username": "someone", "password": PASSWORD})
    record = store.get(SessionRecord(session_key=client.session.session_key))
    assert record is not None
    assert record.username == "someone"


def test_a_session_ends_twelve_hours_after_signing_in_whatever_is_done(client: Client) -> None:
    a_member()
    began = utc_now()
    with time_machine.travel(began, tick=False) as clock:
        client.post("/admin/login/", {"username": "someone", "password": PASSWORD})
        clock.move_to(began + timedelta(hours=11))
        session = client.session
        session["colour"] = "green"
        session.save()
        assert client.get("/admin/").status_code == 200
        clock.move_to(began + timedelta(hours=12, seconds=1))
        assert client.get("/admin/").status_code == 302
