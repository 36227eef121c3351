"""Signing in with a second factor, and showing it anew before grave acts."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from backoffice.permissions import Role
from backoffice.staff import queries
from backoffice.staff.records import SessionRecord
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from tests.backoffice.conftest import SignIn
from tests.backoffice.factors import code_for, enrolled, passed, with_app
from tests.backoffice.pages import errors, text
from tests.backoffice.people import PASSWORD, a_member, chain, deactivated
from tests.builders import opened, transferred

SECOND_STEP = "/admin/login/second-step/"


def give_password(client: Client, username: str = "someone", following: str = "/admin/") -> Any:
    values = {"username": username, "password": PASSWORD, "next": following}
    return client.post("/admin/login/", values)


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


@pytest.fixture
def seed(moto_store: None) -> str:
    a_member()
    return with_app("someone")[0]


def test_before_the_second_step_there_is_no_page_and_no_data(seed: str, client: Client) -> None:
    answer = give_password(client, following="/admin/accounts/")
    assert answer.headers["Location"] == SECOND_STEP
    half = client.session.session_key
    for address in ("/admin/", "/admin/accounts/", "/admin/second-factor/", "/admin/preferences/"):
        assert client.get(address).headers["Location"].startswith("/admin/login/")
    assert "person.signed_in" not in {entry.action for entry in chain("person:someone")}
    page = client.get(SECOND_STEP)
    assert "You are not signed in yet" in text(page)
    done = passed(client, code_for(seed, utc_now()))
    assert done.headers["Location"] == "/admin/accounts/"
    assert is_in(client)
    assert client.session.session_key != half
    assert store.get(SessionRecord(session_key=half)) is None
    actions = [entry.action for entry in chain("person:someone")]
    assert actions.index("person.signed_in") < actions.index("person.proved")


def test_a_wrong_code_does_not_sign_in_and_is_recorded(seed: str, client: Client) -> None:
    give_password(client)
    answer = passed(client, "000000")
    assert answer.status_code == 422
    assert "was not accepted" in text(answer)
    assert not is_in(client)
    entry = chain("person:someone")[0]
    assert (entry.action, entry.outcome) == ("person.proof_refused", "failure")


def test_the_second_step_is_nothing_without_a_fresh_right_password(
    seed: str, client: Client
) -> None:
    code = code_for(seed, utc_now())
    assert passed(client, code).headers["Location"] == "/admin/login/"
    give_password(client)
    with time_machine.travel(utc_now() + timedelta(minutes=6)):
        late = passed(client, code_for(seed, utc_now()))
        assert late.headers["Location"] == "/admin/login/"
        assert not is_in(client)


def test_disabling_or_another_password_ends_a_half_sign_in(seed: str, client: Client) -> None:
    give_password(client)
    deactivated("someone")
    assert passed(client, code_for(seed, utc_now())).headers["Location"] == "/admin/login/"
    assert not is_in(client)


def test_adding_a_factor_ends_the_sessions_begun_without(signed_in: SignIn) -> None:
    mine, other = signed_in(), Client()
    give_password(other)
    assert is_in(other)
    seed, recovery = enrolled(mine)
    assert len(recovery) == 10
    assert is_in(mine)
    assert not is_in(other)
    assert chain("staff:someone")[0].new_values == {"factors": ["authenticator app"]}
    give_password(other)
    assert passed(other, recovery[0]).status_code == 302
    assert is_in(other)
    assert "9 recovery codes left" in text(mine.get("/admin/second-factor/"))
    shown_again = text(mine.get("/admin/second-factor/"))
    assert not [secret for secret in (seed, *recovery) if secret in shown_again]


def test_a_wrong_first_code_adds_nothing(signed_in: SignIn) -> None:
    client = signed_in()
    page = text(client.get("/admin/second-factor/app/"))
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    assert sealed is not None
    values = {"sealed": sealed[1], "code": "000000"}
    answer = client.post("/admin/second-factor/app/", values)
    assert answer.status_code == 422
    assert "was not accepted" in errors(answer)["code"][0]
    assert "<svg" in text(answer)
    forged = client.post("/admin/second-factor/app/", values | {"sealed": "forged"})
    assert forged.headers["Location"] == "/admin/second-factor/app/"
    record = queries.find("someone")
    assert record is not None
    assert record.factors is None


def test_where_compulsory_whoever_has_none_adds_one_before_anything_else(
    signed_in: SignIn, settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    client = signed_in(Role.TELLER)
    for address in ("/admin/", "/admin/accounts/", "/admin/preferences/"):
        assert client.get(address).headers["Location"] == "/admin/second-factor/"
    assert "Add one before you go on" in text(client.get("/admin/second-factor/"))
    enrolled(client)
    assert is_in(client)


def test_where_compulsory_the_first_password_is_changed_first(
    moto_store: None, client: Client, settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    client.force_login(a_member(first_password_stays=False))
    assert client.get("/admin/second-factor/").headers["Location"] == "/admin/password_change/"
    new = "another-long-one-2026!"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    client.post("/admin/password_change/", fields)
    assert client.get("/admin/").headers["Location"] == "/admin/second-factor/"


@pytest.fixture
def admin(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN, username="admin1")


def roles_form(**more: str) -> dict[str, Any]:
    return {"roles": ["supervisor", "teller"], "reason": "Promoted", "confirm": "yes", **more}


ROLES = "/admin/staff/someone/roles/"


def test_a_grave_act_asks_for_a_fresh_proof_and_keeps_what_was_typed(admin: Client) -> None:
    a_member()
    seed, _ = enrolled(admin)
    with time_machine.travel(utc_now() + timedelta(minutes=6)):
        asked = admin.post(ROLES, roles_form())
        assert "Is it you?" in text(asked)
        kept = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text(asked))
        assert ("roles", "teller") in kept
        assert ("reason", "Promoted") in kept
        wrong = admin.post(ROLES, roles_form(proof_code="000000", proof_for="POST"))
        assert (asked.status_code, wrong.status_code) == (401, 401)
        assert ("roles", "teller") in re.findall(r'name="(\w+)" value="([^"]*)"', text(wrong))
        assert chain("person:admin1")[0].action == "person.proof_refused"
        assert roles() == ["teller"]
        proof = {"proof_code": code_for(seed, utc_now()), "proof_for": "POST"}
        assert admin.post(ROLES, roles_form(**proof)).status_code == 302
        assert roles() == ["supervisor", "teller"]
        proved = next(e for e in chain("person:admin1") if e.action == "person.proved")
        assert proved.new_values == {"purpose": ROLES, "factor": "authenticator app"}
        assert "Is it you?" not in text(admin.get(ROLES))
    with time_machine.travel(utc_now() + timedelta(minutes=12)):
        assert "Is it you?" in text(admin.get(ROLES))


def roles() -> list[str]:
    record = queries.find("someone")
    assert record is not None
    return record.roles


def test_a_page_is_shown_after_the_proof_at_its_own_address(admin: Client) -> None:
    a_member()
    seed, _ = enrolled(admin)
    with time_machine.travel(utc_now() + timedelta(minutes=6)):
        assert 'name="proof_for" value="GET"' in text(admin.get(f"{ROLES}?from=list"))
        proof = {"proof_code": code_for(seed, utc_now()), "proof_for": "GET"}
        for _ in ("now", "asked in two tabs, and proved in the other one"):
            answer = admin.post(f"{ROLES}?from=list", proof)
            assert answer.headers["Location"] == f"{ROLES}?from=list"


def test_a_proof_may_not_stand_for_more_than_a_proof(admin: Client) -> None:
    """A posted proof never carries a person past the form: without confirmation nothing is done."""
    a_member()
    seed, _ = enrolled(admin)
    with time_machine.travel(utc_now() + timedelta(minutes=6)):
        proof = {"proof_code": code_for(seed, utc_now()), "proof_for": "POST"}
        assert admin.post(ROLES, proof).status_code == 422
        assert roles() == ["teller"]


def test_whoever_has_no_factor_is_not_asked_in_development(admin: Client) -> None:
    a_member()
    assert admin.post(ROLES, roles_form()).status_code == 302
    assert roles() == ["supervisor", "teller"]


def test_a_reset_by_an_admin_ends_sessions_and_the_factor(signed_in: SignIn, admin: Client) -> None:
    member = signed_in()
    enrolled(member)
    values = {"reason": "Lost the phone", "confirm": "yes"}
    assert admin.post("/admin/staff/someone/factor/", values).status_code == 302
    assert not is_in(member)
    assert give_password(member).headers["Location"] == "/admin/"
    own = admin.post("/admin/staff/admin1/factor/", values)
    assert own.status_code == 422


@pytest.mark.parametrize(
    ("address", "posted"),
    [
        ("/admin/approvals/{payment}/", {"decision": "approve"}),
        ("/admin/approvals/", {"chosen": "x"}),
        ("/admin/payments/{payment}/reverse/", {}),
        ("/admin/accounts/{account}/unfreeze/", {"reason": "Checked"}),
    ],
)
def test_approving_reversing_and_unfreezing_ask_for_a_fresh_proof(
    signed_in: SignIn, address: str, posted: dict[str, str]
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    payment = transferred(source, target).payment
    client = signed_in(Role.SUPERVISOR)
    enrolled(client)
    where = address.format(payment=payment.id, account=source.id)
    assert "Is it you?" not in text(client.post(where, posted))
    with time_machine.travel(utc_now() + timedelta(minutes=6)):
        assert "Is it you?" in text(client.post(where, posted))


def test_wrong_codes_count_with_wrong_passwords(seed: str, client: Client) -> None:
    client.post("/admin/login/", {"username": "someone", "password": "wrong"})
    give_password(client)
    for _ in range(2):
        assert passed(client, "000000").status_code == 422
    assert passed(client, code_for(seed, utc_now())).status_code == 422
    assert not is_in(client)
    assert give_password(Client()).status_code == 200, "The password alone got further."


def test_a_sign_in_by_password_costs_four_requests(moto_store: None, client: Client) -> None:
    a_member()
    client.get("/admin/login/")
    with count_requests() as seen:
        assert give_password(client).status_code == 302
    assert len(seen.operations) <= 4, seen.operations
