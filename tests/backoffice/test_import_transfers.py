"""`manage.py import_transfers`: tried, applied once, taken up again after a kill."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from audit.context import Actor
from backoffice.jobs import services
from backoffice.jobs.imports import order_import
from backoffice.jobs.records import Job, JobState
from backoffice.jobs.services import LEASE
from backoffice.jobs.worker import Worker
from backoffice.permissions import Role
from backoffice.staff import managing
from dynamodb import client as store_client
from dynamodb import tables
from dynamodb.client import call
from dynamodb.times import utc_now
from payments import policy
from payments.bulk import batches
from payments.bulk.batches import Batch
from payments.bulk.rows import COLUMNS, read_rows
from payments.models import Account, Payment, PaymentStatus
from payments.policy import Policy
from payments.queries import get_account
from tests.backoffice.people import SETUP, a_member, chain
from tests.bank import check_bank, scanned
from tests.builders import opened
from tests.engines import ROOT
from tests.stores import rows_of

HEADER = ",".join(COLUMNS)
AUDITED = ["audit_heads", "audit_log"]
"""Where it stands that an operator has run the command, and why."""


@pytest.fixture
def teller(moto_store: None) -> None:
    a_member(username="teller1", roles=[Role.TELLER])


def imported(file: Path, *options: str, operator: str = "teller1") -> dict[str, Any]:
    """Run the command for its JSON and its exit code."""
    out, code = io.StringIO(), 0
    said = ("--operator", operator, "--reason", "a test") if operator else ()
    try:
        call_command("import_transfers", str(file), *options, *said, "--json", stdout=out)
    except CommandError as error:
        code = error.returncode
    lines = out.getvalue().splitlines()
    return {**(json.loads(lines[-1]) if lines else {}), "exit_code": code}


def a_file(folder: Path, *rows: str, name: str = "may.csv") -> Path:
    file = folder / name
    file.write_text("\n".join([HEADER, *rows]))
    return file


def payments() -> list[Payment]:
    return list(scanned(Payment))


def balance(account: Account) -> int:
    found = get_account(account.id)
    assert found is not None
    return found.balance


@pytest.mark.usefixtures("teller")
def test_the_json_is_the_contracts_and_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    a, b = opened("a", balance=100_000), opened("b")
    line = f"{a.account_number},{b.id},"
    file = a_file(
        tmp_path, f'{line}"1,00.5",USD,Rent,,R1', f"{line}250.00,USD,Rent,,R2",
        f"{line}250.00,USD,Rent,,R2", f"{line}900,USD,,,",
    )  # fmt: skip
    before = {table: rows_of(table) for table in _tables()}
    tried = imported(file)
    assert tried == {
        "rows": 4,
        "accepted": 2,
        "refused": 2,
        "errors": [
            {"row": 1, "column": "amount", "value": "1,00.5", "rule": "invalid_amount"},
            {"row": 4, "column": "amount", "value": "900", "rule": "insufficient_funds"},
        ],
        "warnings": [
            {
                "row": 3,
                "column": "reference",
                "value": "R2",
                "rule": "duplicate_reference",
                "of": "row 2",
            },
            {"row": 3, "column": "", "value": "", "rule": "duplicate_row", "of": "row 2"},
        ],
        "totals": {"USD": 50_000},
        "exit_code": 0,
    }
    assert [name for name in before if rows_of(name) != before[name]] == AUDITED
    whole = {table: rows_of(table) for table in _tables()}
    assert imported(file, operator="") == tried
    assert {table: rows_of(table) for table in whole} == whole
    applied = imported(file, "--apply")
    assert applied == tried
    assert balance(b) == 50_000
    assert imported(file, "--apply", operator="")["code"] == "not_allowed"


@pytest.mark.usefixtures("teller")
def test_rows_of_a_damaged_account_are_told_before_and_after(tmp_path: Path) -> None:
    a, b, damaged = opened("a", balance=100_000), opened("b"), opened("c")
    call(
        "UpdateItem", TableName=Account.table_name(), Key=damaged.key_item(),
        UpdateExpression="SET balance = :b", ExpressionAttributeValues={":b": {"N": "1.5"}},
    )  # fmt: skip
    file = a_file(tmp_path, f"{a.id},{b.id},10,USD,,,", f"{a.id},{damaged.id},10,USD,,,")
    for done in (imported(file), imported(file, "--apply")):
        assert [each["rule"] for each in done["errors"]] == ["unreadable_account"]
    assert balance(b) == 1_000


def _tables() -> list[str]:
    return [str(model.Meta.table_name) for model in tables.all_records()]


@pytest.mark.usefixtures("teller")
def test_the_same_file_is_applied_once_and_anew_under_a_name_of_its_own(tmp_path: Path) -> None:
    a, b = opened("a", balance=100_000), opened("b")
    file = a_file(tmp_path, f"{a.id},{b.id},10,USD,,,R1", f"{a.id},{b.id},20,USD,,,R2")
    for _ in range(2):
        assert imported(file, "--apply")["accepted"] == 2
    assert (balance(b), len(services.list_jobs(person="x", kind="bulk").rows)) == (3_000, 1)
    for _ in range(2):
        again = imported(file, "--apply", "--request-id", "june")
        assert (again["accepted"], len(again["warnings"])) == (2, 4)
    assert balance(b) == 6_000
    other = a_file(tmp_path, f"{a.id},{b.id},30,USD,,,", name="other.csv")
    refused = imported(other, "--apply", "--request-id", "june")
    assert (refused["code"], refused["exit_code"], balance(b)) == ("key_reused", 2, 6_000)
    assert chain("person:teller1")[0].action == "bulk.refused"
    assert {each.reference for each in payments() if each.batch_id} == {"R1", "R2"}
    assert check_bank().faults == []


@pytest.mark.usefixtures("teller")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (f"{HEADER}\nä".encode("latin-1"), "not UTF-8"),
        (HEADER.encode(), "no rows"),
        (f"{HEADER}\n".encode() + b"1,2,3,USD,,,\n" * 10_001, "more than 10,000 rows"),
        (b"x" * (20 * 2**20 + 1), "larger than 20 MB"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--apply",)])
def test_a_file_that_cannot_be_taken_is_refused_with_code_2(
    tmp_path: Path, content: bytes, sentence: str, options: tuple[str, ...]
) -> None:
    file = tmp_path / "odd.csv"
    file.write_bytes(content)
    refused = imported(file, *options)
    assert (refused["code"], refused["exit_code"]) == ("invalid_file", 2)
    assert sentence in refused["error"]
    assert imported(tmp_path / "none.csv")["exit_code"] == 2


@pytest.mark.usefixtures("teller")
def test_a_batch_above_the_threshold_posts_nothing_by_itself(tmp_path: Path) -> None:
    a, b = opened("a", balance=100_000), opened("b")
    policy.configure(Policy(approval_threshold=2_999))
    file = a_file(tmp_path, f"{a.id},{b.id},10,USD,,,R1", f"{a.id},{b.id},20,USD,,,R2")
    assert imported(file, "--apply")["accepted"] == 2
    statuses = {each.status for each in payments() if each.batch_id}
    assert (statuses, balance(b)) == ({PaymentStatus.PENDING}, 0)


@pytest.mark.usefixtures("teller")
def test_who_may_not_or_no_longer_moves_nothing(tmp_path: Path) -> None:
    a, b = opened("a", balance=100_000), opened("b")
    file = a_file(tmp_path, f"{a.id},{b.id},10,USD,,,")
    a_member(username="admin1", roles=[Role.ADMIN])
    assert imported(file, "--apply", operator="admin1")["code"] == "not_allowed"
    job = ordered(file)
    managing.disable_staff(username="teller1", reason="Has left", actor=SETUP, at=utc_now())
    Worker(say=lambda _: None, chores=[]).run_once()
    failed = services.find_job(job.id)
    assert (failed.state, failed.error) == (JobState.FAILED, "teller1 may not do this any more.")
    assert balance(b) == 0


def ordered(file: Path) -> Job:
    actor = Actor(id="teller1", roles=("teller",))
    return order_import(file.read_bytes(), file.name, actor=actor, at=utc_now())


ROWS = 250


@pytest.mark.integration
def test_a_file_killed_in_the_middle_is_finished_without_doubling(
    local_store: None, tmp_path: Path
) -> None:
    """Killed with its worker, taken up by one, and meanwhile by a second that knows nothing."""
    a_member(username="teller1", roles=[Role.TELLER])
    a, b = opened("a", balance=100 * ROWS), opened("b")
    file = a_file(tmp_path, *(f"{a.id},{b.id},1.00,USD,,,R{number}" for number in range(ROWS)))
    environment = os.environ | {
        "DYNAMODB_ENDPOINT_URL": store_client.settings().endpoint_url,
        "DYNAMODB_TABLE_PREFIX": store_client.settings().table_prefix,
        "APPROVAL_THRESHOLD": str(10**15),
    }
    options = ["--apply", "--operator", "teller1", "--reason", "May"]
    command = [sys.executable, "manage.py", "import_transfers", str(file), *options]
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    jobs: list[Job] = []
    while not (jobs and jobs[0].done) and time.monotonic() < deadline:
        time.sleep(0.01)
        jobs = services.list_jobs(person="x", kind="bulk").rows
    running.kill()
    running.wait()
    before = services.find_job(jobs[0].id)
    assert (before.state, 0 < before.done < ROWS) == (JobState.RUNNING, True)
    assert before.updated_at is not None
    with time_machine.travel(before.updated_at + 2 * LEASE):
        workers = [
            threading.Thread(target=Worker(say=lambda _: None, chores=[]).run_once)
            for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    done = services.find_job(before.id)
    assert (done.state, done.result) == (JobState.DONE, {"processed": ROWS})
    assert sum(bool(each.batch_id) for each in payments()) == ROWS
    assert (balance(a), balance(b)) == (0, 100 * ROWS)
    assert check_bank().faults == []


@pytest.mark.integration
def test_a_file_applied_by_two_at_once_is_applied_once(local_store: None, tmp_path: Path) -> None:
    """And its rows posted by four that all believe the job is theirs."""
    a_member(username="teller1", roles=[Role.TELLER])
    a, b = opened("a", balance=10_000), opened("b")
    file = a_file(tmp_path, *(f"{a.id},{b.id},1.00,USD,,,R{number}" for number in range(30)))
    jobs = {ordered(file).id for _ in range(2)}
    assert len(jobs) == 1
    batch = Batch(id=jobs.pop(), rows=read_rows(file.read_bytes()))
    counts: list[Counter[str]] = []

    def post() -> None:
        actor = Actor(id="teller1", roles=("teller",))
        counts.append(batches.post_rows(batch, batch.rows, actor=actor, clock=utc_now))

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [{"processed": 30}] * 4
    assert balance(b) == 3_000
    assert check_bank().faults == []
