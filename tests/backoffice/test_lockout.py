"""Three failures lock a name and an address for half an hour, however they are tried."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from backoffice.permissions import Role
from backoffice.staff import lockout
from backoffice.staff.records import SignInAttempts
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from tests.backoffice.conftest import SignIn
from tests.backoffice.people import PASSWORD, a_member, chain, deactivated

LOGIN = "/admin/login/"
OFFICE = "198.51.100.7"
moto = pytest.mark.usefixtures("moto_store")


def sign_in(username: str, password: str = PASSWORD, address: str = "127.0.0.1") -> bool:
    answer = Client(REMOTE_ADDR=address).post(LOGIN, {"username": username, "password": password})
    assert answer.status_code == 302 or "No active member of staff" in answer.content.decode()
    return answer.status_code == 302


def fail(username: str, times: int = 3, address: str = "127.0.0.1") -> None:
    for _ in range(times):
        assert not sign_in(username, "wrong", address)


def failures(username: str) -> int:
    record = store.get(lockout.of_name(username))
    return record.failures if record else 0


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(utc_now(), tick=False) as coordinates:
        yield coordinates


@moto
def test_the_third_failure_locks_for_half_an_hour_and_says_so_once(
    clock: Any,
) -> None:
    a_member()
    fail("someone")
    clock.shift(timedelta(minutes=29, seconds=59))
    assert not sign_in("someone")
    assert [entry.action for entry in chain("person:someone")] == [
        "person.sign_in_refused", "person.locked", *["person.sign_in_refused"] * 2,
    ]  # fmt: skip
    assert [(entry.new_values or {})["reason"] for entry in chain("person:someone")] == [
        "locked", *["wrong password"] * 3,
    ]  # fmt: skip
    assert chain("person:someone")[1].severity == "high"
    clock.shift(1)
    assert sign_in("someone")


@moto
def test_a_sign_in_forgets_the_failures_before_it(clock: Any) -> None:
    a_member()
    for _ in range(3):
        fail("someone", 2)
        assert sign_in("someone")
        assert failures("someone") == 0


@moto
def test_failures_count_together_for_half_an_hour(clock: Any) -> None:
    a_member()
    for _ in range(4):
        fail("someone", 1)
        clock.shift(timedelta(minutes=30))
    fail("someone", 2)
    assert sign_in("someone")


@moto
@pytest.mark.parametrize("username", ["someone", "nobody", "disabled", "locked", "no body!", "é"])
def test_every_refusal_costs_the_same_work_and_says_the_same(username: str) -> None:
    for name in ("someone", "disabled", "locked"):
        a_member(username=name)
    deactivated("disabled")
    fail("locked")
    password = "wrong" if username == "someone" else PASSWORD
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(hasher: MD5PasswordHasher, *args: str) -> str:
        hashed.append(args[0])
        return encode(hasher, *args)

    with patch.object(MD5PasswordHasher, "encode", counting), count_requests() as seen:
        assert not sign_in(username, password, OFFICE)
    assert seen.operations == ["BatchGetItem", "UpdateItem", "TransactWriteItems", "UpdateItem"]
    assert len(hashed) == 1


@moto
def test_signing_in_costs_four_requests() -> None:
    a_member()
    with count_requests() as seen:
        assert sign_in("someone", address=OFFICE)
    assert seen.operations == ["BatchGetItem", "UpdateItem", "TransactWriteItems", "PutItem"]


@moto
def test_nothing_of_a_typed_name_is_kept() -> None:
    fail("my secret passphrase")
    kept = [str(record.serialize()) for record in SignInAttempts.scan()]
    assert len(kept) == 1
    assert "passphrase" not in kept[0]


@moto
def test_an_address_is_locked_for_strangers_but_not_for_who_works_there(
    clock: Any,
) -> None:
    for name in ("regular", "stranger", "one", "two", "three"):
        a_member(username=name)
    assert sign_in("regular", address=OFFICE)
    for name in ("one", "two", "three"):
        fail(name, 1, OFFICE)
    assert not sign_in("stranger", address=OFFICE)
    assert (chain("person:stranger")[0].new_values or {})["reason"] == "address locked"
    assert sign_in("regular", address=OFFICE)
    assert sign_in("stranger", address="203.0.113.1")
    (entry,) = chain(f"address:{OFFICE}")
    assert (entry.action, entry.severity) == ("address.locked", "high")
    clock.shift(timedelta(minutes=30))
    assert sign_in("two", address=OFFICE)


@moto
def test_this_machine_itself_is_never_locked() -> None:
    for name in ("one", "two"):
        a_member(username=name)
    fail("one")
    fail("nobody")
    assert sign_in("two")


@moto
def test_another_administrator_unlocks_with_a_reason(signed_in: SignIn) -> None:
    a_member(username="locked")
    fail("locked")
    client = signed_in(Role.ADMIN, username="boss")
    page = "/admin/staff/locked/"
    assert "Sign-in is locked" in client.get(page).content.decode()
    refused = client.post(f"{page}unlock/", {"reason": "", "confirm": "yes"})
    assert refused.status_code == 422
    assert not sign_in("locked")
    done = client.post(f"{page}unlock/", {"reason": "called me", "confirm": "yes"})
    assert done.status_code == 302
    assert "Sign-in is locked" not in client.get(page).content.decode()
    entry = chain("staff:locked")[0]
    assert (entry.action, entry.user_id) == ("staff.unlocked", "boss")
    assert entry.new_values == {"reason": "called me"}
    assert sign_in("locked")


@moto
@pytest.mark.parametrize(
    ("operator", "username", "code"),
    [
        ("boss", "boss", "same_person"),
        ("boss", "nobody", "staff_not_found"),
        ("boss", "free", "no_change"),
        ("teller", "locked", "not_allowed"),
        ("boss", "locked", ""),
    ],
)
def test_the_command_unlocks_others_only(operator: str, username: str, code: str) -> None:
    a_member(username="boss", roles=[Role.ADMIN])
    for name in ("teller", "locked", "free"):
        a_member(username=name)
    for name in ("locked", "boss"):
        fail(name)
    options = ["--username", username, "--operator", operator, "--reason", "asked to", "--json"]
    out = StringIO()
    if not code:
        call_command("unlock_staff", *options, stdout=out)
        assert json.loads(out.getvalue()) == {"username": "locked", "unlocked": True}
        assert sign_in("locked")
        return
    with pytest.raises(CommandError) as refused:
        call_command("unlock_staff", *options, stdout=out)
    assert refused.value.returncode == 2
    assert json.loads(out.getvalue())["code"] == code
    assert failures("locked") == failures("boss") == 3


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_of_twenty_guesses_at_once_three_are_looked_at_and_all_count() -> None:
    a_member()
    with ThreadPoolExecutor(20) as pool:
        assert not any(pool.map(lambda _: sign_in("someone", "wrong"), range(20)))
    assert failures("someone") == 20
    assert not sign_in("someone")
    reasons = [(entry.new_values or {})["reason"] for entry in chain("person:someone")]
    assert sorted(reasons) == ["locked"] * 18 + ["wrong password"] * 3
    assert [entry.action for entry in chain("person:someone")].count("person.locked") == 1
