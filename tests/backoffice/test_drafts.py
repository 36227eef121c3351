"""What was typed survives the end of a session, for the same person, and is never sent by that."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from backoffice.permissions import Role
from backoffice.staff.records import SessionRecord
from dynamodb import store
from dynamodb.times import utc_now
from payments.models import Payment
from tests.backoffice.pages import errors, hidden, text
from tests.backoffice.people import PASSWORD, a_member, chain
from tests.builders import opened

pytestmark = pytest.mark.usefixtures("moto_store")

NEW = "/admin/transfers/new/"
LOGIN = "/admin/login/"
TYPED = {
    "from_account_id": "100000000104",
    "to_account_id": '"><script>',
    "amount": "12,3.4x",
    "currency": "JPY",
    "description": "Rent für März",
    "merchant_id": "",
}


def sign_in(client: Client, username: str = "someone", following: str = "") -> Any:
    token = hidden(client.get(LOGIN), "csrfmiddlewaretoken")
    fields = {"username": username, "password": PASSWORD, "next": following}
    answer = client.post(LOGIN, fields | {"csrfmiddlewaretoken": token})
    assert answer.status_code == 302
    return answer


@pytest.fixture
def browser() -> Client:
    """One that checks forms as browsers' are, with somebody signed in."""
    for name in ("someone", "other"):
        a_member(username=name, roles=[Role.TELLER])
    client = Client(enforce_csrf_checks=True)
    sign_in(client)
    return client


def typed_into(client: Client) -> dict[str, str]:
    page = client.get(NEW)
    return TYPED | {name: hidden(page, name) for name in ("payment_id", "csrfmiddlewaretoken")}


def end_session(client: Client) -> None:
    store.delete(SessionRecord(session_key=client.cookies[settings.SESSION_COOKIE_NAME].value))


def shown(answer: Any) -> dict[str, str]:
    form = answer.context["form"]
    return {name: str(form[name].value()) for name in [*TYPED, "payment_id"]}


def as_typed(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name != "csrfmiddlewaretoken"}


@pytest.mark.parametrize("how", ["idle", "ended", "another tab noticed"])
def test_what_was_typed_stands_in_the_form_again_and_was_not_sent(
    browser: Client, how: str
) -> None:
    source, target = opened("a", balance=9000), opened("b")
    with time_machine.travel(utc_now(), tick=False) as clock:
        fields = typed_into(browser) | {"confirm": "yes"}
        fields |= {"from_account_id": source.id, "to_account_id": target.id}
        fields |= {"amount": "12.00", "currency": "USD"}
        if how == "ended":
            end_session(browser)
        else:
            clock.shift(timedelta(minutes=16))
        if how == "another tab noticed":
            assert browser.get("/admin/").status_code == 302
        answer = browser.post(NEW, fields)
        assert answer.headers["Location"] == f"{LOGIN}?next={NEW}"
        draft = browser.cookies[settings.DRAFT_COOKIE_NAME]
        assert draft["httponly"]
        assert "12.00" not in draft.value
        assert "was not sent" in text(browser.get(answer.headers["Location"]))
        back = browser.get(sign_in(browser, following=NEW).headers["Location"])
        fields.pop("confirm")
        assert shown(back) == as_typed(fields)
        assert errors(back) == {}
        assert "nothing was sent" in text(back)
        payments = list(Payment.scan())
        assert [payment for payment in payments if payment.to_account_id == target.id] == []
        again = browser.get(NEW)
        assert again.context["form"]["amount"].value() is None
        token = hidden(back, "csrfmiddlewaretoken")
        done = browser.post(NEW, fields | {"csrfmiddlewaretoken": token, "confirm": "yes"})
        assert done.headers["Location"].startswith("/admin/payments/")


def test_another_person_never_sees_it(browser: Client) -> None:
    fields = typed_into(browser)
    end_session(browser)
    browser.post(NEW, fields)
    sign_in(browser, "other")
    page = browser.get(NEW)
    assert "Rent" not in text(page)
    assert page.context["form"]["amount"].value() is None


@pytest.mark.parametrize("minutes", [59, 61])
def test_it_is_kept_for_an_hour_and_for_its_own_address(browser: Client, minutes: int) -> None:
    with time_machine.travel(utc_now(), tick=False) as clock:
        fields = typed_into(browser)
        end_session(browser)
        browser.post(NEW, fields)
        draft = browser.cookies[settings.DRAFT_COOKIE_NAME].value
        clock.shift(timedelta(minutes=minutes))
        sign_in(browser)
        browser.cookies[settings.DRAFT_COOKIE_NAME] = draft
        assert "Rent" not in text(browser.get("/admin/accounts/new/"))
        assert ("Rent" in text(browser.get(NEW))) is (minutes == 59)


def test_secrets_and_what_is_too_long_are_not_kept(browser: Client) -> None:
    token = typed_into(browser)["csrfmiddlewaretoken"]
    end_session(browser)
    secret = {"old_password": "a", "new_password1": "b", "proof_code": "c", "passkey": "d"}
    browser.post("/admin/password_change/", secret | {"csrfmiddlewaretoken": token})
    assert settings.DRAFT_COOKIE_NAME not in browser.cookies
    long = {"description": "".join(map(chr, range(0x400, 0x2400)))}
    assert browser.post(NEW, long | {"csrfmiddlewaretoken": token}).status_code == 302
    assert settings.DRAFT_COOKIE_NAME not in browser.cookies


def test_a_made_up_draft_is_nothing(browser: Client) -> None:
    browser.cookies[settings.DRAFT_COOKIE_NAME] = "gAAAAA-nonsense"
    assert browser.get(NEW).status_code == 200


def test_a_form_from_before_signing_in_again_comes_back_as_it_was_typed(browser: Client) -> None:
    fields = typed_into(browser)
    end_session(browser)
    sign_in(browser)
    answer = browser.post(NEW, fields | {"confirm": "yes"})
    assert (answer.status_code, answer.headers["Location"]) == (302, NEW)
    assert shown(browser.get(NEW)) == as_typed(fields)
    assert chain("person:someone")[0].action == "person.signed_in"


@pytest.mark.parametrize("who", ["other", "someone"])
def test_but_not_to_another_person_nor_from_another_site(browser: Client, who: str) -> None:
    fields = typed_into(browser)
    end_session(browser)
    sign_in(browser, who)
    if who == "someone":
        fields["csrfmiddlewaretoken"] = "x" * 64
    answer = browser.post(NEW, fields)
    assert answer.status_code == 403
    assert "Rent" not in text(answer)
    assert settings.DRAFT_COOKIE_NAME not in browser.cookies


def test_a_preference_comes_back_too(browser: Client) -> None:
    page = browser.get("/admin/preferences/")
    fields = {"time_zone": "Asia/Tokyo", "csrfmiddlewaretoken": hidden(page, "csrfmiddlewaretoken")}
    end_session(browser)
    browser.post("/admin/preferences/", fields)
    sign_in(browser)
    assert browser.get("/admin/preferences/").context["form"]["time_zone"].value() == "Asia/Tokyo"
