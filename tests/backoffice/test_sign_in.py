import pytest
from django.test import Client

from backoffice.permissions import Role
from backoffice.staff import queries, services
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import AT, PASSWORD, SETUP, a_member, chain, deactivated

LOGIN = "/admin/login/"


def sign_in(client: Client, username: str = "someone", password: str = PASSWORD) -> int:
    answer = client.post(LOGIN, {"username": username, "password": password, "next": "/admin/"})
    return answer.status_code


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_a_stranger_is_led_to_the_sign_in_page_and_back(moto_store: None, client: Client) -> None:
    a_member()
    answer = client.get("/admin/preferences/?a=1&b=2")
    assert answer.headers["Location"] == "/admin/login/?next=/admin/preferences/%3Fa%3D1%26b%3D2"
    back = client.post(
        answer.headers["Location"],
        {"username": "someone", "password": PASSWORD, "next": "/admin/preferences/?a=1&b=2"},
    )
    assert back.headers["Location"] == "/admin/preferences/?a=1&b=2"


def test_the_sign_in_page_leads_nowhere_else(moto_store: None, client: Client) -> None:
    a_member()
    where = {"username": "someone", "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert client.post(LOGIN, where).headers["Location"] == "/admin/"


def test_signing_in_changes_the_session_and_is_recorded(moto_store: None, client: Client) -> None:
    a_member()
    assert sign_in(client) == 302
    assert is_in(client)
    (entry,) = chain("person:someone")
    assert (entry.action, entry.user_id, entry.outcome) == (
        "person.signed_in",
        "someone",
        "success",
    )
    record = queries.find("someone")
    assert record is not None
    assert record.last_login is not None


def test_a_name_may_be_typed_in_capitals(moto_store: None, client: Client) -> None:
    a_member()
    assert sign_in(client, username=" Someone ") == 302


@pytest.mark.parametrize("username", ["someone", "nobody", "disabled", "no body", "x" * 3000])
def test_every_refused_sign_in_gets_the_same_answer(
    moto_store: None, client: Client, username: str
) -> None:
    a_member()
    a_member(username="disabled")
    deactivated("disabled")
    password = PASSWORD if username == "disabled" else "wrong"
    answer = client.post(LOGIN, {"username": username, "password": password})
    assert answer.status_code == 200
    assert "No active member of staff has this username and password." in answer.text
    assert not is_in(client)


def test_a_wrong_password_is_recorded_with_the_person(moto_store: None, client: Client) -> None:
    a_member()
    sign_in(client, password="wrong")
    (entry,) = chain("person:someone")
    assert (entry.action, entry.outcome) == ("person.sign_in_refused", "failure")
    assert entry.new_values == {"reason": "wrong password"}


def test_an_unknown_name_is_recorded_without_the_name(moto_store: None, client: Client) -> None:
    sign_in(client, username="my secret passphrase")
    entries = [entry for byte in range(256) for entry in chain(f"unknown:{byte:02x}")]
    assert [entry.action for entry in entries] == ["person.sign_in_refused"]
    assert "passphrase" not in str(entries[0].serialize())


def test_signing_out_ends_the_session_for_good(signed_in: SignIn) -> None:
    client = signed_in()
    replayed = Client()
    replayed.cookies = client.cookies.copy()  # type: ignore[assignment]  # the same cookies
    assert is_in(replayed)
    answer = client.post("/admin/logout/")
    assert "You are signed out" in answer.text
    assert not is_in(client)
    assert not is_in(replayed)
    assert chain("person:someone")[0].action == "person.signed_out"


def test_changing_the_password_ends_the_other_sessions(signed_in: SignIn) -> None:
    mine, other = signed_in(), Client()
    assert sign_in(other) == 302
    new = "another-long-one-2026!"
    answer = mine.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
    )
    assert answer.status_code == 302
    assert is_in(mine)
    assert not is_in(other)
    assert sign_in(Client()) == 200
    assert sign_in(Client(), password=new) == 302
    newest = chain("staff:someone")[0]
    assert newest.action == "staff.password_changed"
    assert "password" in (newest.changes or [])
    assert newest.new_values is not None
    assert newest.new_values["password"] == "***"


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        ("short-2026!", "at least 12 characters"),
        ("x9" * 65, "at most 128"),
        ("1qaz2wsx3edc", "too common"),
        ("someone-example", "too similar"),
        (PASSWORD, "one of your last 4"),
    ],
)
def test_a_bad_password_is_refused(signed_in: SignIn, new: str, sentence: str) -> None:
    answer = signed_in().post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
    )
    assert sentence in answer.text


def test_whoever_is_deactivated_is_out_at_the_next_request(signed_in: SignIn) -> None:
    client = signed_in()
    assert is_in(client)
    deactivated("someone")
    assert not is_in(client)


def test_the_first_password_is_changed_first(moto_store: None, client: Client) -> None:
    client.force_login(a_member(first_password_stays=False))
    assert client.get("/admin/").headers["Location"] == "/admin/password_change/"
    assert "This is your first password" in client.get("/admin/password_change/").text
    new = "another-long-one-2026!"
    client.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
    )
    assert is_in(client)


def test_a_role_unknown_to_this_release_grants_nothing(signed_in: SignIn) -> None:
    client = signed_in(Role.TELLER)
    event = services.staff_event("someone", "staff.roles_changed", SETUP)
    services.change_staff("someone", lambda _: {"roles": ["auditor"]}, event, at=AT)
    assert "Audit" not in client.get("/admin/").text
