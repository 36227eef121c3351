"""Accounts that nobody uses are disabled by a command."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from audit.context import Actor
from backoffice.permissions import Role
from backoffice.staff import managing, queries, refusals
from tests.backoffice.people import AT, PASSWORD, a_member, chain

DAY = timedelta(days=1)


def run(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    operated = ("--operator", "admin1", "--reason", "Monthly", "--json", *options)
    call_command("disable_unused_staff", *operated)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return answer


def is_active(username: str) -> bool:
    record = queries.find(username)
    assert record is not None
    return record.is_active


@pytest.fixture(autouse=True)
def staff(moto_store: None) -> None:
    with time_machine.travel(AT):
        a_member(username="admin1", roles=[Role.ADMIN])
        for name in ("idle", "busy"):
            a_member(username=name)
    with time_machine.travel(AT + 30 * DAY):
        Client().post("/admin/login/", {"username": "busy", "password": PASSWORD})


def test_only_those_unused_for_90_days_are_disabled(capsys: pytest.CaptureFixture[str]) -> None:
    with time_machine.travel(AT + 89 * DAY):
        assert run(capsys)["disabled"] == []
    with time_machine.travel(AT + 91 * DAY):
        assert run(capsys, "--dry-run")["disabled"] == ["idle"]
        assert is_active("idle")
        answer = run(capsys)
    assert answer == {
        "disabled": ["idle"],
        "kept": {"admin1": "is who runs this"},
        "dry_run": False,
    }
    assert not is_active("idle")
    assert is_active("busy")
    entry = chain("staff:idle")[0]
    assert (entry.action, entry.user_id) == ("staff.disabled", "admin1")
    assert (entry.new_values or {})["reason"] == "Monthly"


def test_whoever_signs_in_meanwhile_stays() -> None:
    with pytest.raises(refusals.NoChange):
        managing.disable_unused(
            username="busy",
            before=AT + 20 * DAY,
            reason="Monthly",
            actor=Actor(id="admin1"),
            at=AT + 100 * DAY,
        )
    assert is_active("busy")
