"""Operators' commands: who may run them, what they leave, how they end."""

import io
import json
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from backoffice.permissions import Role
from backoffice.staff import queries
from dynamodb import client as store_client
from tests.backoffice.people import a_member, chain, deactivated

pytestmark = pytest.mark.usefixtures("moto_store")

CREATE = ["create_staff", "--username", "newbie", "--role", "teller", "--password-stdin"]


@pytest.fixture(autouse=True)
def typed_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a-long-enough-2026!\n"))


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().splitlines()


def refused(*arguments: str) -> tuple[CommandError, list[str]]:
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*arguments, stdout=out)
    return caught.value, out.getvalue().splitlines()


def test_an_admin_adds_a_teller_and_the_trail_says_why() -> None:
    a_member(username="admin1", roles=[Role.ADMIN])
    lines = run(*CREATE, "--operator", "admin1", "--reason", "new hire", "--json")
    assert json.loads(lines[-1]) == {"username": "newbie", "roles": ["teller"]}
    created = chain("staff:newbie")[0]
    assert (created.action, created.user_id) == ("staff.created", "admin1")
    ran = chain("person:admin1")[0]
    assert ran.new_values == {"command": "create_staff", "reason": "new hire"}
    assert ran.user_agent == "manage.py create_staff"
    assert ran.request_id == created.request_id
    record = queries.find("newbie")
    assert record is not None
    assert record.must_change_password


@pytest.mark.parametrize("option", ["--reason", "--operator", "--username"])
def test_bytes_that_are_no_text_are_refused_in_words(option: str) -> None:
    a_member(username="admin1", roles=[Role.ADMIN])
    given = [
        "--operator",
        "admin1",
        "--reason",
        "new hire",
        option,
        b"na\xefve".decode("utf-8", "surrogateescape"),
    ]
    error, lines = refused(*CREATE, *given, "--json")
    assert (error.returncode, json.loads(lines[-1])["code"]) == (2, "invalid_field")
    assert queries.find("newbie") is None


def test_whoever_may_not_is_refused_and_recorded() -> None:
    a_member(username="teller1", roles=[Role.TELLER])
    error, lines = refused(*CREATE, "--operator", "teller1", "--reason", "why not", "--json")
    assert error.returncode == 2
    assert json.loads(lines[-1]) == {"error": str(error), "code": "not_allowed"}
    assert [entry.action for entry in chain("person:teller1")] == ["access.refused"]
    assert queries.find("newbie") is None


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--operator", "admin1"],
        ["--reason", "because"],
        ["--operator", "nobody", "--reason", "because"],
        ["--operator", "gone", "--reason", "because"],
    ],
)
def test_somebody_active_must_answer_for_it(arguments: list[str]) -> None:
    a_member(username="admin1", roles=[Role.ADMIN])
    a_member(username="gone", roles=[Role.ADMIN])
    deactivated("gone")
    error, _ = refused(*CREATE, *arguments)
    assert error.returncode == 2
    assert queries.find("newbie") is None


def test_a_refusal_of_the_service_is_one_sentence() -> None:
    a_member(username="admin1", roles=[Role.ADMIN])
    error, lines = refused(
        *CREATE, "--role", "admin", "--operator", "admin1", "--reason", "x", "--json"
    )
    assert str(error) == "One person cannot be both admin and teller."
    assert json.loads(lines[-1])["code"] == "conflicting_roles"


def test_the_first_admin_needs_nobody() -> None:
    error, _ = refused(*CREATE)
    assert "must be an admin" in str(error)
    run("create_staff", "--username", "root", "--role", "admin", "--password-stdin")
    assert chain("staff:root")[0].user_id == "system:setup"


def test_a_store_that_is_away_is_one_sentence_and_code_1() -> None:
    store_client.configure(replace(store_client.settings(), endpoint_url="http://127.0.0.1:9"))
    error, lines = refused(*CREATE, "--operator", "admin1", "--reason", "x", "--json")
    assert error.returncode == 1
    assert json.loads(lines[-1])["code"] == "store"


def test_tables_are_created_once() -> None:
    store_client.configure(replace(store_client.settings(), table_prefix="other-"))
    assert "other-staff: created" in run("create_payment_tables")
    (line,) = run("create_payment_tables")
    assert line.endswith("nothing to do.")


def test_a_table_that_differs_is_reported() -> None:
    store_client.configure(replace(store_client.settings(), table_prefix="other-"))
    store_client.call(
        "CreateTable",
        TableName="other-staff",
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    error, _ = refused("create_payment_tables")
    assert error.returncode == 1
    assert "other-staff: its keys are" in str(error)
