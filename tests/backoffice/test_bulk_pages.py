"""Bulk transfers on their pages: handed in, looked at, confirmed, followed, decided whole."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.context import Actor
from backoffice.jobs import imports, services
from backoffice.jobs.worker import Worker
from backoffice.permissions import Role
from backoffice.staff import managing
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments import directory, policy
from payments.bulk import batches
from payments.bulk.rows import COLUMNS
from payments.models import Account, Payment, PaymentStatus
from payments.policy import Policy
from payments.queries import get_account
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, text
from tests.backoffice.people import SETUP, chain
from tests.bank import check_bank, scanned
from tests.builders import opened, planted
from tests.stores import rows_of

ADDRESS = "/admin/bulk/"
HEADER = ",".join(COLUMNS)


def handed_in(client: Client, *rows: str, name: str = "may.csv") -> Any:
    body = "\n".join([HEADER, *rows]).encode()
    return client.post(ADDRESS, {"file": SimpleUploadedFile(name, body)})


def worked() -> None:
    Worker(say=lambda _: None, chores=[]).run_once()


def balance(account: Account) -> int:
    found = get_account(account.id)
    assert found is not None
    return found.balance


def statuses() -> list[str]:
    return sorted(str(each.status) for each in scanned(Payment) if each.batch_id)


def two_accounts() -> tuple[Account, Account]:
    return opened("a", balance=100_000), opened("b")


def test_a_file_is_looked_at_confirmed_followed_and_its_result_taken_away(
    signed_in: SignIn,
) -> None:
    client = signed_in()
    a, b = two_accounts()
    upload = handed_in(
        client, f"{a.id},{b.id},10.00,USD,=cmd,,R1", f"{a.id},{b.id},900,USD,Rent,,R1",
        f"{a.id},{b.id},950,USD,Rent,,R2",
    )  # fmt: skip
    assert upload.status_code == 302
    money = {table: rows_of(table) for table in ("accounts", "payments", "activity")}
    report = client.get(upload.url)
    page = text(report)
    assert report.context["report"].accepted == 2
    for told in ("910.00 USD", "insufficient_funds", "950", "90.00 USD", "reference", "row 1"):
        assert told in page, told
    assert {table: rows_of(table) for table in money} == money
    assert (balance(b), rows_of("jobs")) == (0, [])

    confirmed: Any = client.post(upload.url)
    again: Any = client.post(upload.url)
    assert confirmed.status_code == 302
    assert (confirmed.url, len(rows_of("jobs"))) == (again.url, 1)
    assert "queued" in text(client.get(confirmed.url))
    worked()
    done = client.get(confirmed.url)
    assert "done" in text(done)
    assert statuses() == ["failed", "processed", "processed"]
    assert balance(b) == 91_000
    result = client.get(f"{confirmed.url}result.csv")
    rows = list(csv.DictReader(io.StringIO(result.content.decode())))
    assert [(row["row"], row["status"], row["rule"]) for row in rows] == [
        ("1", "processed", ""), ("2", "processed", ""), ("3", "failed", "insufficient_funds"),
    ]  # fmt: skip
    assert rows[0]["description"] == "'=cmd"
    entries = [entry.action for entry in chain("person:someone")]
    assert "bulk.applied" in entries
    assert entries[0] == "bulk.exported"
    assert "has been applied" in text(client.get(upload.url))


def test_the_same_file_is_paid_again_only_under_a_name(signed_in: SignIn) -> None:
    client = signed_in()
    a, b = two_accounts()
    for run, expected in (("", 1_000), ("", 1_000), ("june", 2_000), ("june", 2_000)):
        upload = handed_in(client, f"{a.id},{b.id},10,USD,,,")
        client.post(upload.url, {"run": run})
        worked()
        assert balance(b) == expected
    upload = handed_in(client, f"{a.id},{b.id},11,USD,,,")
    refused = client.post(upload.url, {"run": "june"})
    worked()
    assert (refused.status_code, balance(b)) == (422, 2_000)
    assert "already sent with other values" in text(refused)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (f"{HEADER}\n1,2,3,USD,\xe4,,".encode("latin-1"), "Line 2 is not UTF-8 text"),
        (b"", "This file is empty."),
        (b"a,b\n1,2", "from_account_id is not among them"),
        (b"<html></html>", "no pain.001"),
    ],
)
def test_a_file_that_cannot_be_taken_says_so_beside_the_field(
    signed_in: SignIn, body: bytes, sentence: str
) -> None:
    client = signed_in()
    answer = client.post(ADDRESS, {"file": SimpleUploadedFile("x.csv", body)})
    assert answer.status_code == 422
    assert sentence in errors(answer)["file"][0]
    assert chain("person:someone")[0].action == "bulk.refused"
    assert rows_of("batches") == []
    assert client.post(ADDRESS, {}).status_code == 422


def waiting_batch(signed_in: SignIn) -> tuple[Client, str, Account]:
    """Four rows that are each below the threshold and together above."""
    a, b = two_accounts()
    policy.configure(Policy(approval_threshold=3_500))
    maker = signed_in(Role.SUPERVISOR, username="maker")
    upload = handed_in(maker, *(f"{a.id},{b.id},10,USD,,,R{number}" for number in range(4)))
    assert "every row will wait" in text(maker.get(upload.url))
    address: str = maker.post(upload.url).headers["Location"]
    worked()
    assert (statuses(), balance(b)) == (["pending"] * 4, 0)
    return maker, address, b


def decided(client: Client, address: str, decision: str, **more: str) -> Any:
    digest = client.get(address).context["digest"]
    posted = {"decision": decision, "digest": digest, **more}
    return client.post(address, posted)


def test_a_batch_is_approved_whole_by_another_person(signed_in: SignIn) -> None:
    maker, address, b = waiting_batch(signed_in)
    refused = decided(maker, address, "approve", confirm="yes")
    assert (refused.status_code, statuses()) == (422, ["pending"] * 4)
    teller = signed_in(Role.TELLER, username="teller")
    assert decided(teller, address, "approve", confirm="yes").status_code == 403
    assert decided(teller, address, "cancel").status_code == 403
    checker = signed_in(Role.SUPERVISOR, username="checker")
    stale = checker.post(address, {"decision": "approve", "digest": "0" * 64, "confirm": "yes"})
    assert (stale.status_code, "not the one that was shown" in text(stale)) == (422, True)
    asked = decided(checker, address, "approve")
    assert "Approve and move 40.00 USD" in text(asked)
    worked()
    assert (statuses(), balance(b)) == (["pending"] * 4, 0)
    job = decided(checker, address, "approve", confirm="yes").url
    worked()
    page = text(checker.get(job))
    assert "4 of 4" in page
    made = re.search(r'href="(/admin/bulk/[^"]+/)">See what it made', page)
    assert made is not None
    assert checker.get(made[1]).context["job"].id in address
    assert (statuses(), balance(b)) == (["processed"] * 4, 4_000)
    assert {each.approved_by for each in scanned(Payment) if each.batch_id} == {"checker"}
    assert check_bank().faults == []


def after_two_rows(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Do something while a batch is on its way, once its first two rows are posted."""
    post, acts = batches.post_rows, iter([act])

    def posted(*given: Any, **named: Any) -> Any:
        counts = post(*given, **named)
        next(acts, lambda: None)()
        return counts

    monkeypatch.setattr(imports, "_STEP", 2)
    monkeypatch.setattr(batches, "post_rows", posted)


def test_nobody_approves_rows_that_they_have_not_seen(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a batch is approved; its maker has the other half posted before that is done."""
    a, b = two_accounts()
    policy.configure(Policy(approval_threshold=3_500))
    maker = signed_in(Role.SUPERVISOR, username="maker")
    upload = handed_in(maker, *(f"{a.id},{b.id},10,USD,,,R{number}" for number in range(4)))
    address = maker.post(upload.url).headers["Location"]
    batch_id = address.rstrip("/").rsplit("/", 1)[-1]
    asked: dict[str, Any] = {"actor": Actor(id="maker"), "at": utc_now()}
    after_two_rows(monkeypatch, lambda: services.cancel_job(batch_id, **asked))
    worked()
    assert statuses() == ["pending"] * 2
    checker = signed_in(Role.SUPERVISOR, username="checker")
    assert decided(checker, address, "approve", confirm="yes").status_code == 302
    services.retry_job(batch_id, **asked)
    worked()
    assert (statuses(), balance(b)) == (["pending"] * 2 + ["processed"] * 2, 2_000)
    decided(checker, address, "approve", confirm="yes")
    worked()
    assert (statuses(), balance(b)) == (["processed"] * 4, 4_000)
    assert check_bank().faults == []


def test_who_loses_the_right_in_the_middle_of_a_batch_moves_no_more(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = two_accounts()
    maker = signed_in(Role.TELLER, username="maker")
    upload = handed_in(maker, *(f"{a.id},{b.id},10,USD,,,R{number}" for number in range(4)))
    maker.post(upload.url)
    left: dict[str, Any] = {"reason": "Has left", "actor": SETUP, "at": utc_now()}
    after_two_rows(monkeypatch, lambda: managing.disable_staff(username="maker", **left))
    worked()
    assert (statuses(), balance(b)) == (["processed"] * 2, 2_000)


@pytest.mark.parametrize(
    ("decision", "who", "status"),
    [("reject", "checker", "failed"), ("cancel", "maker", "canceled")],
)
def test_a_batch_is_rejected_or_taken_back_whole(
    signed_in: SignIn, decision: str, who: str, status: str
) -> None:
    maker, address, b = waiting_batch(signed_in)
    client = maker if who == "maker" else signed_in(Role.SUPERVISOR, username="checker")
    if decision == "reject":
        assert decided(client, address, decision).status_code == 422
    decided(client, address, decision, reason="Not ours")
    worked()
    assert (statuses(), balance(b)) == ([status] * 4, 0)
    assert check_bank().faults == []


def test_the_pages_cost_what_they_show_and_no_more(signed_in: SignIn) -> None:
    client = signed_in()
    accounts = [opened(f"n{number}", balance=1_000) for number in range(10)]
    ends = [each.account_number for each in accounts]
    rows = [f"{ends[n % 10]},{ends[(n + 1) % 10]},0.01,USD,,,R{n}" for n in range(200)]
    upload = handed_in(client, *rows)
    with count_requests() as log:
        client.get(upload.url)
    assert len(log.operations) <= 5
    for number in range(3):
        client.post(handed_in(client, rows[number], rows[100]).url)
    with count_requests() as log:
        page = text(client.get(upload.url))
    assert len(log.operations) <= 7
    for told in ("R0", "R1", "R2", "R100", "row 1 of"):
        assert told in page
    with count_requests() as log:
        client.get(ADDRESS)
    assert len(log.operations) <= 3


def test_a_waiting_batch_costs_six_requests_of_who_has_met_no_account(signed_in: SignIn) -> None:
    maker, address, b = waiting_batch(signed_in)
    for page in (address, f"{address}result.csv"):
        directory._numbers.clear()
        with count_requests() as log:
            answer = maker.get(page)
        assert len(log.operations) <= 6
        assert answer.status_code == 200
    moved = {old.id: new.balance for old, new in maker.get(address).context["report"].accounts}
    assert moved[b.id] == 4_000


def test_an_uploaded_file_that_nobody_confirms_is_gone_after_a_day(signed_in: SignIn) -> None:
    client = signed_in()
    a, b = two_accounts()
    upload = handed_in(client, f"{a.id},{b.id},10,USD,,,")
    (item,) = rows_of("batches")
    left = int(item["expires_at"]["N"]) - utc_now().timestamp()
    assert 0 < left <= 24 * 60 * 60
    client.post(upload.url)
    assert all("expires_at" not in each for each in rows_of("batches"))
    handed_in(client, f"{a.id},{b.id},10,USD,,,")
    assert all("expires_at" not in each for each in rows_of("batches"))


def test_who_is_pending_is_pending_in_the_inbox_too(signed_in: SignIn) -> None:
    _, address, _ = waiting_batch(signed_in)
    checker = signed_in(Role.SUPERVISOR, username="checker")
    inbox = text(checker.get("/admin/approvals/"))
    assert inbox.count(f'href="{address}"') == 1
    assert "Batch: 40.00 USD in all" in inbox
    assert checker.get("/admin/approvals/count/").content == b"1"
    payment = next(each for each in scanned(Payment) if each.status == PaymentStatus.PENDING)
    assert f'href="{address}"' in text(checker.get(f"/admin/payments/{payment.id}/"))


def test_a_batch_is_stopped_by_whom_it_may_be_and_tried_again_by_its_maker(
    signed_in: SignIn,
) -> None:
    client = signed_in()
    a, b = two_accounts()
    upload = handed_in(client, f"{a.id},{b.id},10,USD,,,")
    address: str = client.post(upload.url).headers["Location"]
    job = address.replace("/bulk/", "/jobs/")
    other = signed_in(Role.TELLER, username="other")
    supervisor = signed_in(Role.SUPERVISOR, username="supervisor")

    def state() -> str:
        (item,) = rows_of("jobs")
        return str(item["state"]["S"])

    other.post(f"{job}cancel/")
    assert state() == "queued"
    supervisor.post(f"{job}cancel/")
    assert state() == "canceled"
    worked()
    supervisor.post(f"{job}retry/")
    assert (state(), balance(b)) == ("canceled", 0)
    client.post(f"{job}retry/")
    worked()
    assert (state(), balance(b)) == ("done", 1_000)


def test_a_row_that_is_not_the_files_any_more_is_not_approved(signed_in: SignIn) -> None:
    _, address, b = waiting_batch(signed_in)
    checker = signed_in(Role.SUPERVISOR, username="checker")
    odd = next(each for each in scanned(Payment) if each.batch_id)
    planted(odd.with_changes({"request_hash": "0" * 64}))
    decided(checker, address, "approve", confirm="yes")
    worked()
    assert (statuses(), balance(b)) == (["pending"] + ["processed"] * 3, 3_000)
