"""Sealing by command, seals on pages, and what the dashboard says of them."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from audit import seals, signing
from audit.context import Actor
from audit.models import Seal
from audit.replay import read_chain
from audit.verify_pack import proof_faults
from backoffice.permissions import Role
from backoffice.presenters.seals import missing_sentences
from dynamodb import scans
from dynamodb.client import call, count_requests
from payments.models import Account
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import text
from tests.builders import NOON, opened
from tests.stores import SEAL_KEY

FIRST = NOON.date()
PUBLIC = signing.public_key(SEAL_KEY)
TWO_DAYS_LATER = NOON + timedelta(days=2)


@pytest.fixture(autouse=True)
def whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "SEGMENTS", 1)


@pytest.fixture
def account(archive: None) -> Account:
    return opened("a", balance=5000)


def run(*options: str) -> tuple[dict[str, Any], int]:
    out, code = io.StringIO(), 0
    try:
        call_command("seal_audit", "--json", *options, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        code = error.returncode
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer, code


@time_machine.travel(TWO_DAYS_LATER, tick=True)
def test_all_missing_days_are_sealed_to_yesterday(account: Account) -> None:
    second = FIRST + timedelta(days=1)
    expected = {
        "sealed": [str(FIRST), str(second)],
        "entries": 4,
        "day": str(second),
        "is_sealed": True,
        "public_key": PUBLIC,
    }
    assert run() == (expected, 0)
    assert run() == ({**expected, "sealed": [], "entries": 0}, 0)
    assert run("--public-key") == ({"public_key": PUBLIC}, 0)
    (entry,) = read_chain(f"seal:{second}")
    assert (entry["action"], entry["user_id"]) == (
        {"S": "seal.written"},
        {"S": "system:seal_audit"},
    )


@time_machine.travel(TWO_DAYS_LATER, tick=True)
def test_a_day_may_be_named_and_must_be_over(account: Account) -> None:
    answer, code = run("--day", str(FIRST))
    assert (answer["sealed"], code) == ([str(FIRST)], 0)
    answer, code = run("--day", str(TWO_DAYS_LATER.date()))
    assert ("cannot be sealed yet" in answer["error"], code) == (True, 2)


@time_machine.travel(TWO_DAYS_LATER, tick=True)
def test_a_seal_that_the_table_lost_ends_with_code_1(account: Account) -> None:
    run()
    second = FIRST + timedelta(days=1)
    call("DeleteItem", TableName=Seal.table_name(), Key={"day": {"S": str(second)}})
    answer, code = run()
    assert (answer["code"], code) == ("store", 1)


def test_without_a_bucket_nothing_is_sealed_and_everybody_is_told(
    moto_store: None, signed_in: SignIn
) -> None:
    answer, code = run()
    assert (answer["error"], code) == ("Seals are off: no bucket set.", 2)
    client = signed_in(Role.COMPLIANCE)
    for address in ("/admin/", "/admin/seals/"):
        shown = text(client.get(address))
        assert "Seals are off: no bucket set." in shown
        assert "missing" not in shown
    entry = next(read_chain("staff:someone"))
    address = f"/admin/audit/staff:someone/prove/?entry={entry['timestamp']['S']}"
    refused = client.get(address.replace("#", "%23"), follow=True)
    assert "This entry is in no seal. Seals are off" in text(refused)


def test_a_seal_is_missed_for_as_long_as_one_request_tells(account: Account) -> None:
    seals.seal_day(FIRST, actor=Actor(id="system:x"), at=TWO_DAYS_LATER)
    for days in (1, 40):
        with count_requests() as seen:
            told = missing_sentences(TWO_DAYS_LATER + timedelta(days=days))
        assert len(seen) == 1
        missed = (seals.last_due_day(TWO_DAYS_LATER) - FIRST).days + days
        assert told[0].startswith("The seal of ")
        assert len(told) <= 8
        counted = [f"{missed - 7} more seals are missing."] if missed > 7 else []
        assert told[7:] == counted


@time_machine.travel(TWO_DAYS_LATER, tick=True)
def test_a_missing_seal_shows_on_the_dashboard_until_it_is_made(
    account: Account, signed_in: SignIn
) -> None:
    client = signed_in(Role.COMPLIANCE)
    missing = f"The seal of {FIRST + timedelta(days=1)} is missing."
    assert missing in text(client.get("/admin/"))
    assert "missing" not in text(signed_in(username="teller").get("/admin/"))
    run("--day", str(FIRST))
    assert missing in text(client.get("/admin/"))
    assert "missing" in text(client.get("/admin/seals/"))
    run()
    assert "missing" not in text(client.get("/admin/"))
    shown = text(client.get("/admin/seals/"))
    assert PUBLIC in shown
    assert str(FIRST) in shown
    assert "missing" not in shown
    for early in ("2020-01-01", "0001-01-10"):
        assert "No day is sealed here" in text(client.get(f"/admin/seals/?until={early}"))


@time_machine.travel(TWO_DAYS_LATER, tick=True)
def test_an_entry_is_proved_by_a_file_for_compliance_alone(
    account: Account, signed_in: SignIn
) -> None:
    seals.seal_day(FIRST, actor=Actor(id="system:x"), at=TWO_DAYS_LATER)
    entry = next(read_chain(account.id))
    address = f"/admin/audit/{account.id}/prove/?entry={entry['timestamp']['S']}".replace(
        "#", "%23"
    )
    client = signed_in(Role.COMPLIANCE)
    assert "Prove entry 1" in text(client.get(f"/admin/audit/{account.id}/"))
    answer = client.get(address)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert proof_faults(json.loads(answer.content), PUBLIC) == []
    assert client.get(f"/admin/audit/{account.id}/prove/").status_code == 404
    assert signed_in(username="other").get(address).status_code == 403
