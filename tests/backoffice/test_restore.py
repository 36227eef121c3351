"""The rehearsal of a restore: copies of all tables, which say the same money and the same trail."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from backoffice.permissions import Role
from dynamodb import client
from dynamodb.tables import all_records, missing_tables
from payments import directory, queries
from tests.backoffice.people import a_member
from tests.builders import opened, transferred

BY = ("--operator", "root", "--reason", "The rehearsal of this quarter")
COPY = ("restore_tables", "--prefix", "copy-", "--time", "2026-01-31T12:00:00Z", *BY, "--json")


def run(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO())
    told: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return told


@pytest.mark.usefixtures("moto_store")
def test_a_copy_of_the_books_is_whole_and_goes_its_own_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    a_member(username="root", roles=[Role.ADMIN])
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    made = run(*COPY)
    assert len(made["tables"]) == len(all_records())
    transferred(source, target)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    used = client.settings()
    client.configure(type(used)(**{**vars(used), "table_prefix": "copy-"}))
    directory._numbers.clear()
    assert missing_tables() == []
    found = queries.get_account(source.id)
    assert found is not None
    assert found.balance == 4000
    assert run("reconcile", "--json", "--state-dir", str(tmp_path))["ok"]
    assert run("verify_audit", "--json")["unaltered"]
    client.configure(used)


@pytest.mark.usefixtures("moto_store")
@pytest.mark.parametrize("prefix", ["", "copy-"])
def test_nothing_in_use_is_ever_the_target(prefix: str) -> None:
    a_member(username="root", roles=[Role.ADMIN])
    if prefix:
        run(*COPY)
    words = [word.replace("copy-", prefix or client.settings().table_prefix) for word in COPY]
    with pytest.raises(CommandError, match=r"of their own|Already"):
        run(*words)


@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_an_engine_without_recovery_is_one_sentence() -> None:
    a_member(username="root", roles=[Role.ADMIN])
    with pytest.raises(CommandError, match="Nothing that is in use was touched"):
        run(*COPY)
