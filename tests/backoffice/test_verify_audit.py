"""Verifying by command and by button: what is said, recorded and kept, and for whom."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditLog, LastVerification
from audit.replay import read_chain
from backoffice.management.base import Refused
from backoffice.permissions import Role
from backoffice.views import seals
from dynamodb import client as store_client
from dynamodb import scans
from payments.models import Account
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import text
from tests.backoffice.people import a_member, chain
from tests.builders import opened, planted, transferred

pytestmark = pytest.mark.usefixtures("moto_store")


@pytest.fixture(autouse=True)
def whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "SEGMENTS", 1)


def run(*options: str) -> tuple[str, int]:
    """What it prints, and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("verify_audit", *options, stdout=out)
    except CommandError as error:
        code = error.returncode
    return out.getvalue(), code


def report(*options: str) -> tuple[dict[str, Any], int]:
    printed, code = run("--json", *options)
    answer: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return answer, code


def tampered(account: Account) -> None:
    entry = AuditLog.from_item(list(read_chain(account.id))[1])
    planted(entry.with_changes({"user_id": "teller9"}))


@pytest.fixture
def account() -> Account:
    source = opened("a", balance=5000)
    transferred(source, opened("b"))
    return source


@pytest.mark.parametrize("options", [[], ["--from", "2026-03-02"], ["--to", "2026-03-02"]])
def test_the_report_is_what_scripts_rely_on(account: Account, options: list[str]) -> None:
    entries = sum(1 for _ in AuditLog.scan())
    clean = {"unaltered": True, "no_gaps": True, "tail_complete": True, "faults": []}
    assert report(*options) == ({**clean, "entries": entries}, 0)
    assert report("--entity", account.id, *options) == ({**clean, "entries": 2}, 0)
    assert report("--from", "2026-03-03") == ({**clean, "entries": 0}, 0)
    tampered(account)
    faults = [{"entity_id": account.id, "seq": 2, "reason": "entry_altered"}]
    answer, code = report(*options)
    assert (answer["faults"], answer["unaltered"], answer["no_gaps"], code) == (
        faults,
        False,
        True,
        1,
    )


def test_faults_are_told_in_words(account: Account) -> None:
    assert run()[0].splitlines()[-1].endswith("entries, 0 faults.")
    tampered(account)
    printed, code = run("--entity", account.id)
    assert code == 1
    assert printed.splitlines()[0] == f"{account.id}: Entry 2 is not what its hash was made of."
    assert "No gaps: every number is there once." in printed


def test_it_writes_nothing_unless_an_operator_asks(account: Account) -> None:
    with store_client.count_requests() as seen:
        run()
        run("--entity", account.id)
    assert set(seen.operations) <= {"Scan", "Query"}
    a_member(username="compliance1", roles=[Role.COMPLIANCE])
    tampered(account)
    _, code = run("--entity", account.id, "--operator", "compliance1", "--reason", "yearly")
    assert code == 1
    verified, asked, *_ = chain("person:compliance1")
    assert (asked.action, asked.new_values) == (
        "command.run",
        {"command": "verify_audit", "reason": "yearly"},
    )
    assert (verified.action, verified.reference, verified.outcome) == (
        "trail.verified",
        account.id,
        "failure",
    )
    kept = LastVerification.get(account.id)
    assert (kept.verified_by, kept.unaltered, kept.no_gaps) == ("compliance1", False, True)


def test_who_may_not_verify_is_refused(account: Account) -> None:
    a_member(username="teller1", roles=[Role.TELLER])
    assert run("--operator", "teller1", "--reason", "curious")[1] == 2


def test_a_period_that_ends_before_it_begins_is_not_called_verified(account: Account) -> None:
    days = ("--from", "2026-03-05", "--to", "2026-03-01")
    for options in (days, ("--entity", account.id, *days)):
        with pytest.raises(Refused, match="--to is before --from"):
            call_command("verify_audit", *options)


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="'today' is not a day"):
        call_command("verify_audit", "--from", "today")


def test_a_chains_page_shows_when_it_was_verified_and_what_was_found(
    account: Account, signed_in: SignIn
) -> None:
    client = signed_in(Role.COMPLIANCE)
    address = f"/admin/audit/{account.id}/"
    assert "not verified yet" in text(client.get(address))
    answer = client.post(f"{address}verify/")
    assert answer.headers["Location"] == address
    shown = text(client.get(address))
    assert "2 entries of this chain" in shown
    assert "Unaltered: every entry is what its hash was made of." in shown
    tampered(account)
    client.post(f"{address}verify/")
    shown = text(client.get(address))
    assert "ALTERED" in shown
    assert f"{account.id}: Entry 2 is not what its hash was made of." in shown
    assert chain("person:someone")[0].action == "trail.verified"


def test_the_whole_trails_result_shows_on_each_chain(account: Account, signed_in: SignIn) -> None:
    a_member(username="compliance1", roles=[Role.COMPLIANCE])
    run("--operator", "compliance1", "--reason", "yearly")
    assert "of the whole trail" in text(signed_in().get(f"/admin/audit/{account.id}/"))


def test_only_compliance_verifies(account: Account, signed_in: SignIn) -> None:
    client = signed_in(Role.SUPERVISOR)
    address = f"/admin/audit/{account.id}/"
    assert "Verify this chain now" not in text(client.get(address))
    assert client.post(f"{address}verify/").status_code == 403


def test_a_chain_too_long_for_a_page_is_left_to_an_operator(
    account: Account, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "MOST_ENTRIES", 1)
    client = signed_in(Role.COMPLIANCE)
    shown = text(client.post(f"/admin/audit/{account.id}/verify/", follow=True))
    assert f"manage.py verify_audit --entity {account.id}" in shown
    assert client.post("/admin/audit/nobody/verify/").status_code == 404
    assert client.get(f"/admin/audit/{account.id}/verify/").status_code == 405
