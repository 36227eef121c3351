"""People who try for more than they have: lost rights, guesses, links made by others."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.context import Actor
from backoffice.permissions import Role
from backoffice.staff import managing, queries, second_factor
from backoffice.staff.refusals import NotAllowed
from backoffice.staff.services import NewStaff
from payments.models import Account
from tests.backoffice.conftest import SignIn
from tests.backoffice.factors import with_app
from tests.backoffice.pages import text
from tests.backoffice.people import AT, PASSWORD, a_member, chain
from tests.builders import opened

WAS_ADMIN = Actor(id="was-admin")
BY: dict[str, Any] = {"username": "target", "reason": "A try", "actor": WAS_ADMIN, "at": AT}
NEW = NewStaff(username="minion", roles=(Role.SUPERVISOR,), password=PASSWORD)
ACTS: dict[str, Callable[[], object]] = {
    "add": lambda: managing.add_staff(NEW, actor=WAS_ADMIN, at=AT),
    "disable": lambda: managing.disable_staff(**BY),
    "factor": lambda: second_factor.reset(**BY),
    "password": lambda: managing.reset_password(**BY),
    "roles": lambda: managing.change_roles(roles=(Role.ADMIN,), **BY),
}


@pytest.mark.parametrize("act", ACTS)
def test_who_has_just_lost_the_role_changes_nobody_any_more(moto_store: None, act: str) -> None:
    """The page let them in before another administrator's change was committed."""
    a_member(username="was-admin", roles=(Role.TELLER,))
    a_member(username="target")
    with_app("target")
    before = queries.find("target")
    with pytest.raises(NotAllowed):
        ACTS[act]()
    after = queries.find("target")
    assert before is not None
    assert after is not None
    assert after.attribute_values == before.attribute_values
    assert queries.find("minion") is None
    assert chain("person:was-admin")[0].action == "staff.refused"


def test_guesses_of_ones_own_password_count_as_those_at_the_door(signed_in: SignIn) -> None:
    """A session left open does not help to find its password."""
    client = signed_in()
    for old in ("wrong-1", "wrong-2", "wrong-3", PASSWORD):
        new = "another-long-one-2026!"
        fields = {"old_password": old, "new_password1": new, "new_password2": new}
        answer = client.post("/admin/password_change/", fields)
        assert "incorrectly" in text(answer), old
    entries = chain("person:someone")
    assert [entry.action for entry in entries[:2]] == ["person.proof_refused", "person.locked"]
    signing_in = {"username": "someone", "password": PASSWORD}
    assert Client().post("/admin/login/", signing_in).status_code == 200


def test_a_release_confirmed_by_who_asked_for_it_is_recorded_as_refused(archive: None) -> None:
    client = Client()
    client.force_login(a_member(username="compliance1", roles=(Role.COMPLIANCE,)))
    account: Account = opened("held")
    values = {"kind": "account", "held_id": account.id, "reason": "Court", "confirm": "yes"}
    assert client.post("/admin/holds/new/", values).status_code == 302
    release = f"/admin/holds/account:{account.id}/release/"
    assert client.post(release, {"reason": "Over"}).status_code == 302
    assert client.post(release).status_code == 422
    entry = next(each for each in chain("person:compliance1") if each.action == "hold.refused")
    assert (entry.new_values or {})["code"] == "same_person"


@pytest.mark.parametrize(
    "there",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "///x.y",
    ],
)
def test_signing_in_leads_nowhere_else(moto_store: None, there: str) -> None:
    a_member()
    fields = {"username": "someone", "password": PASSWORD, "next": there}
    answer = Client().post("/admin/login/", fields)
    assert answer.headers["Location"] == "/admin/"


def test_no_page_speaks_for_another_host(signed_in: SignIn) -> None:
    assert signed_in().get("/admin/", headers={"host": "evil.example"}).status_code == 400


def test_a_session_that_was_left_does_not_come_back(signed_in: SignIn) -> None:
    client = signed_in()
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert stolen.get("/admin/").status_code == 200
    client.post("/admin/logout/")
    assert stolen.get("/admin/").status_code == 302
