"""Trouble is answered in words, and never looks like an empty page."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client
from pytest_django import Settings

from audit.models import AuditLog
from backoffice.staff import sessions
from backoffice.staff.records import StaffRecord
from dynamodb import client as store_client
from dynamodb import errors
from dynamodb.settings import Settings as StoreSettings
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import PASSWORD, chain

Fail = Callable[[Exception], None]


@pytest.fixture
def dashboard_fails(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Make the dashboard's own query fail."""

    def fail(error: Exception) -> None:
        def recent(**_: object) -> None:
            raise error

        monkeypatch.setattr("audit.queries.recent", recent)

    return fail


def test_a_page_that_is_not_there(signed_in: SignIn) -> None:
    answer = signed_in().get("/admin/nowhere/", headers={"X-Request-ID": "trace-me"})
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert "trace-me" in answer.text
    assert "Preferences" in answer.text


def test_a_stranger_sees_no_navigation_on_it(moto_store: None, client: Client) -> None:
    answer = client.get("/admin/nowhere/")
    assert answer.status_code == 404
    assert "Preferences" not in answer.text


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (errors.StoreUnavailableError("The store did not answer."), 503, "could not be read"),
        (errors.StoreBusyError("The store is busy."), 503, "The store is busy"),
        (errors.TableMissingError("A table is missing."), 503, "A table is missing."),
        (errors.OutcomeUnknownError("No answer came."), 503, "not certain"),
        (errors.UnreadableRecordError("Record 7 is damaged."), 500, "Record 7 is damaged."),
        (errors.CursorError("This page link is too old."), 400, "This page link is too old."),
    ],
)
def test_trouble_with_the_store_is_said(
    signed_in: SignIn, dashboard_fails: Fail, error: Exception, status: int, sentence: str
) -> None:
    client = signed_in()
    dashboard_fails(error)
    answer = client.get("/admin/", headers={"X-Request-ID": "trace-me"})
    assert answer.status_code == status
    assert sentence in answer.text
    assert "trace-me" in answer.text
    assert "Nothing yet" not in answer.text
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_foreign_cursor_is_recorded(signed_in: SignIn, dashboard_fails: Fail) -> None:
    client = signed_in()
    dashboard_fails(errors.CursorError("This page link does not belong to this list."))
    client.get("/admin/")
    assert chain("person:someone")[0].new_values == {
        "method": "GET",
        "path": "/admin/",
        "permission": "cursor",
    }


def test_what_nobody_foresaw_shows_no_secret(
    signed_in: SignIn, dashboard_fails: Fail, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in()
    client.raise_request_exception = False
    dashboard_fails(RuntimeError("a secret detail"))
    answer = client.get("/admin/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text


def test_a_store_that_is_away_is_said_on_every_page(
    signed_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in()
    nowhere = StoreSettings(endpoint_url="http://127.0.0.1:9", cursor_signing_key="x")
    store_client.configure(nowhere)
    caplog.set_level(logging.CRITICAL)
    for address in ("/admin/", "/admin/preferences/"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "The store could not be read" in answer.text
        assert "127.0.0.1:9" not in answer.text
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["status"] == "not ready"
    assert client.get("/healthz").status_code == 200
    credentials = {"username": "someone", "password": PASSWORD}
    assert Client().post("/admin/login/", credentials).status_code == 503


def test_ready_says_which_tables_are_missing(moto_store: None, client: Client) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}
    store_client.configure(replace(store_client.settings(), table_prefix="elsewhere-"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert StaffRecord.table_name() in answer.json()["reason"]


def test_a_session_ended_during_a_request_is_said(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in()
    session = client.session
    original = sessions.SessionStore.load

    def load_and_end(store: sessions.SessionStore) -> dict[str, object]:
        loaded = original(store)
        store.modified = True
        session.delete()
        return loaded

    monkeypatch.setattr(sessions.SessionStore, "load", load_and_end)
    answer = client.post("/admin/preferences/", {"time_zone": "Europe/Berlin"})
    assert answer.status_code == 400
    assert "Your session has ended" in answer.text


def test_a_form_from_elsewhere_is_refused_and_recorded(signed_in: SignIn) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = signed_in().cookies
    answer = browser.post("/admin/preferences/", {"time_zone": "UTC"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.text
    entry = chain("person:someone")[0]
    assert (entry.action, (entry.new_values or {})["permission"]) == ("access.refused", "csrf")


def test_nobody_who_is_not_signed_in_is_shown_a_menu() -> None:
    answer = Client(enforce_csrf_checks=True).post("/admin/login/")
    assert answer.status_code == 403
    assert "This form has expired" in answer.text
    assert 'id="nav-sidebar"' not in answer.text


def test_a_foreign_host_is_refused(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["here.example"]
    answer = client.get("/admin/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "This request cannot be understood" in answer.text


@pytest.mark.parametrize("encoding", ["unicode_escape", "raw_unicode_escape", "utf-7"])
def test_no_encoding_leads_to_what_cannot_be_kept(moto_store: None, encoding: str) -> None:
    """Half a character, which Python can hold and UTF-8 cannot write."""
    half = r"a\ud800 +2AA-"
    browser = Client(raise_request_exception=False)
    fields = "".join(
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{half}\r\n'
        for name in ("username", "password", "next")
    )
    kind = f"multipart/form-data; boundary=B; charset={encoding}"
    tried = browser.generic("POST", "/admin/login/", f"{fields}--B--\r\n", kind)
    assert tried.status_code == 200
    assert [entry.action for entry in AuditLog.scan()] == ["person.sign_in_refused"]
    asked = browser.generic(
        "GET", "/admin/login/", "", f"text/plain; charset={encoding}", QUERY_STRING=f"next={half}"
    )
    assert asked.status_code == 200
