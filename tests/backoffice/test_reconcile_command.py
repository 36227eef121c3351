"""`manage.py reconcile`: its report, its exit code, and going on after a kill."""

import io
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from backoffice.management.commands import reconcile as command
from dynamodb import client
from dynamodb.errors import StoreUnavailableError
from payments.models import Account
from tests.builders import opened, planted, transferred

pytestmark = pytest.mark.usefixtures("moto_store")


def run(folder: Path, *options: str) -> tuple[str, int]:
    """What it prints, and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("reconcile", "--state-dir", str(folder), *options, stdout=out)
    except CommandError as error:
        code = error.returncode
    return out.getvalue(), code


def report(folder: Path, *options: str) -> tuple[dict[str, Any], int]:
    text, code = run(folder, "--json", *options)
    answer: dict[str, Any] = json.loads(text.splitlines()[-1])
    return answer, code


def test_a_store_in_order_is_reported_and_ends_well(tmp_path: Path) -> None:
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    expected = {"ok": True, "accounts": 3, "payments": 2, "sums": {"USD": 0}, "faults": []}
    assert report(tmp_path) == (expected, 0)
    text, _ = run(tmp_path)
    assert text == "3 accounts, 2 payments, sums: 0.00 USD, 0 faults.\n"
    assert list(tmp_path.iterdir()) == []


def test_faults_are_named_and_end_with_code_1(tmp_path: Path) -> None:
    planted(opened("a").with_changes({"balance": 7}))
    answer, code = report(tmp_path)
    assert code == 1
    assert [fault["kind"] for fault in answer["faults"]] == ["balance_differs", "sum_not_zero"]
    text, code = run(tmp_path)
    assert code == 1
    assert "sum_not_zero USD: All balances sum to 7, not to zero.\n" in text


@pytest.mark.parametrize("stops_at", range(0, 40, 7))
def test_a_run_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops_at: int
) -> None:
    monkeypatch.setattr(command, "SAVE_SECONDS", 0.0)
    source, target = opened("a", balance=5000), opened("b")
    planted(transferred(source, target).payment.with_changes({"amount": 1}))
    whole, _ = report(tmp_path)
    call, sent = client.call, count()

    def breaking(operation: str, **arguments: Any) -> dict[str, Any]:
        if operation == "Scan" and next(sent) >= stops_at:
            raise StoreUnavailableError("The store did not answer.")
        return call(operation, **arguments)

    monkeypatch.setattr("dynamodb.scans.call", breaking)
    monkeypatch.setattr("dynamodb.scans.READ_SECONDS", 0.0)
    answer, code = report(tmp_path)
    assert (code, answer["code"]) == (1, "store")
    assert "--resume" in answer["error"]
    monkeypatch.setattr("dynamodb.scans.call", call)
    assert report(tmp_path, "--resume") == (whole, 1)
    assert list(tmp_path.iterdir()) == []


def test_without_notes_to_resume_from_it_begins_anew(tmp_path: Path) -> None:
    opened("a", balance=5000)
    assert report(tmp_path, "--resume")[0]["accounts"] == len(list(Account.scan()))


def test_notes_that_cannot_be_read_are_said_so(tmp_path: Path) -> None:
    notes = command._Notes(tmp_path)
    for text in ("", "[]", "{}", '{"told": {}, "places": [], "faults": [], "prints": {}}'):
        notes.path.write_text(text)
        with pytest.raises(CommandError, match="run without --resume"):
            run_resumed(tmp_path)


def run_resumed(folder: Path) -> None:
    call_command("reconcile", "--resume", "--state-dir", str(folder))
