"""Evidence packs: complete, checkable anywhere, made once whatever happens, taken away safely."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.core.management import call_command
from uuid_utils import uuid7

from audit import bucket, seals, trail, verify_pack
from audit import settings as archive_settings
from audit.chain import canonical_json
from audit.context import Actor
from audit.models import AuditLog
from audit.pack import About, make_pack
from audit.trail import Event
from backoffice.jobs import services
from backoffice.jobs.exports import export_order, pack_path, tidy_packs
from backoffice.jobs.records import Job, JobState
from backoffice.jobs.services import LEASE, Interrupted, JobLost, Work
from backoffice.jobs.worker import Worker
from backoffice.management.base import Failed, Refused
from backoffice.permissions import Role
from dynamodb import client as store_client
from payments.alerts.records import Case, CaseStatus
from payments.models import Account
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, fresh
from tests.backoffice.people import a_member, chain
from tests.builders import NOON, opened, planted, transferred
from tests.engines import ROOT

ANN = Actor(id="someone")
SEALER = Actor(id="system:seal_audit")
DAY = NOON.date().isoformat()
LATER = NOON + timedelta(days=3)


@pytest.fixture(autouse=True)
def folder(settings: LazySettings, tmp_path: Path) -> Path:
    settings.EXPORT_DIR = tmp_path / "exports"
    return tmp_path / "exports"


def noted(number: int, *, days: int = 0, **values: Any) -> None:
    event = Event(
        entity_id=f"person:p{number % 3}", entity_type="person", action="x.y", actor=ANN
    )  # fmt: skip
    trail.note(event, at=NOON + timedelta(days=days, seconds=number), values=values)


def ordered(**parameters: str) -> Job:
    order = export_order(order_id=str(uuid7()), parameters=parameters)
    return services.order_job(order, actor=ANN, at=LATER)


def a_pack(**parameters: str) -> Path:
    job = ordered(**parameters)
    Worker(say=lambda _: None, chores=[]).run_once()
    assert services.find_job(job.id).state == JobState.DONE, services.find_job(job.id).error
    return pack_path(job)


def unpacked(pack: Path, target: Path) -> Path:
    with zipfile.ZipFile(pack) as members:
        members.extractall(target)
    return target


def read(pack: Path, name: str) -> bytes:
    with zipfile.ZipFile(pack) as members:
        return members.read(name)


def entries_of(pack: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read(pack, "entries.jsonl").splitlines()]


def verified(*argument: Path) -> subprocess.CompletedProcess[str]:
    """The pack's own program in a bare Python, outside of this project."""
    program, *rest = argument
    bare = [sys.executable, "-I", "-S", str(program), *map(str, rest)]
    return subprocess.run(bare, cwd="/", env={}, capture_output=True, text=True, check=False)


def sealed() -> None:
    for day in seals.due_days(at=LATER):
        seals.seal_day(day, actor=SEALER, at=LATER)


@pytest.fixture
def account(archive: None) -> Account:
    """An account that moved on one day and on a later one, of days that are sealed."""
    source, target = opened("a", balance=100_00), opened("b", customer_id="customer-b")
    transferred(source, target)
    transferred(source, target, at=NOON + timedelta(days=1))
    sealed()
    return source


def test_a_pack_of_an_account_proves_each_entry(account: Account, tmp_path: Path) -> None:
    noted(1)
    pack = a_pack(scope="account", about=account.id)
    place = unpacked(pack, tmp_path / "out")
    entries = entries_of(pack)
    assert {entry["entity_id"] for entry in entries if entry["entity_type"] == "account"} == {
        account.id
    }
    assert len([entry for entry in entries if entry["entity_type"] == "payment"]) == 3
    run = verified(place / "verify.py")
    assert run.returncode == 0, run.stdout + run.stderr
    for sentence in (
        f"{len(entries)} entries were there when their day was sealed.",
        "The manifest is signed by the key",
        "2 days are sealed",
        "NOT PROVED by this pack:",
        "That a key is the bank's",
        "the pack has what its filter asked for",
    ):
        assert sentence in run.stdout
    moved = tmp_path / "elsewhere.py"
    moved.write_bytes((place / "verify.py").read_bytes())
    assert verified(moved, pack).returncode == 0


def test_a_pack_of_a_person_has_both_sides_of_each_payment(
    account: Account, tmp_path: Path
) -> None:
    pack = a_pack(scope="search", user_id="teller1")
    told = Counter(entry["action"] for entry in entries_of(pack))
    assert told["payment.processed"] == 3
    assert (told["account.debited"], told["account.credited"]) == (3, 2)
    run = verified(unpacked(pack, tmp_path / "out") / "verify.py")
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_pack_of_whole_days_proves_that_nothing_is_left_out(
    account: Account, tmp_path: Path
) -> None:
    pack = a_pack(scope="search", first_day=DAY, last_day="2026-03-03")
    run = verified(unpacked(pack, tmp_path / "out") / "verify.py")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Every sealed day is here with all its entries." in run.stdout
    assert "nothing else happened" not in run.stdout
    assert "entries follow one that is not in this pack" not in run.stdout


def test_any_changed_byte_of_any_member_shows(account: Account, tmp_path: Path) -> None:
    place = unpacked(a_pack(scope="account", about=account.id), tmp_path / "out")
    members = sorted(place.iterdir())
    assert {each.name for each in members} == {
        "entries.csv", "entries.jsonl", "manifest.json", "proofs.jsonl", "seals.jsonl", "verify.py",
    }  # fmt: skip
    program = tmp_path / "trusted.py"
    program.write_bytes((place / "verify.py").read_bytes())
    for member in members:
        whole = member.read_bytes()
        for place_in_file in {len(whole) * part // 5 for part in range(5)} | {len(whole) - 1}:
            changed = bytearray(whole)
            changed[place_in_file] ^= 1
            member.write_bytes(changed)
            run = verified(program, place)
            assert run.returncode == 1, (member.name, place_in_file)
            assert run.stdout.startswith("FAILED"), (member.name, run.stderr)
        member.write_bytes(whole)
    assert verified(program, place).returncode == 0


def test_any_changed_byte_of_the_zip_shows(account: Account, tmp_path: Path) -> None:
    """Also where it changes no member: times, names of systems, padding."""
    whole = a_pack(scope="account", about=account.id).read_bytes()
    program = unpacked(pack_path_of(whole, tmp_path), tmp_path / "out") / "verify.py"
    assert verified(program, tmp_path / "pack.zip").returncode == 0
    unseen = []
    for place in [*range(0, len(whole), 9), *range(len(whole) - 90, len(whole))]:
        changed = bytearray(whole)
        changed[place] ^= 1
        with suppress(ValueError):
            verify_pack.Pack(pack_path_of(changed, tmp_path))
            unseen.append(place)
    assert unseen == []
    for other in (b"", whole[:60], whole[:-1], whole + b"\n", bytes(changed)):
        run = verified(program, pack_path_of(other, tmp_path))
        assert (run.returncode, run.stdout[:6]) == (1, "FAILED"), run.stderr


def pack_path_of(raw: bytes | bytearray, folder: Path) -> Path:
    (folder / "pack.zip").write_bytes(raw)
    return folder / "pack.zip"


def forged(place: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change entries and make the manifest anew, as somebody without the key could."""
    entries = [json.loads(line) for line in (place / "entries.jsonl").read_bytes().splitlines()]
    change(entries)
    (place / "entries.jsonl").write_bytes(
        b"".join(canonical_json(entry) + b"\n" for entry in entries)
    )
    manifest = json.loads((place / "manifest.json").read_bytes())
    for name in ("signature", "digest"):
        manifest.pop(name)
    raw = (place / "entries.jsonl").read_bytes()
    manifest["files"]["entries.jsonl"] = {
        "bytes": len(raw), "rows": len(entries), "sha256": hashlib.sha256(raw).hexdigest(),
    }  # fmt: skip
    manifest["digest"] = hashlib.sha256(canonical_json(manifest)).hexdigest()
    (place / "manifest.json").write_bytes(canonical_json(manifest))


def rehashed(entry: dict[str, Any]) -> None:
    told = {name: value for name, value in entry.items() if name != "hash"}
    for name in ("action_key", "user_key", "day_key"):
        told.pop(name, None)
    entry["hash"] = hashlib.sha256(canonical_json(told)).hexdigest()


def other_person(entries: list[dict[str, Any]]) -> None:
    entries[0]["user_id"] = "nobody"


def other_person_with_hash(entries: list[dict[str, Any]]) -> None:
    places = {(entry["entity_id"], entry["seq"]) for entry in entries}
    entry = next(each for each in entries if (each["entity_id"], each["seq"] + 1) in places)
    entry["user_id"] = "nobody"
    rehashed(entry)


def last_person_with_hash(entries: list[dict[str, Any]]) -> None:
    entries[-1]["user_id"] = "nobody"
    rehashed(entries[-1])


def one_less(entries: list[dict[str, Any]]) -> None:
    entries.pop()


def one_twice(entries: list[dict[str, Any]]) -> None:
    entries.append(entries[0])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (other_person, "was altered"),
        (other_person_with_hash, "does not follow"),
        (last_person_with_hash, "are not those that were sealed"),
        (one_less, "are not those that were sealed"),
        (one_twice, "is there twice"),
    ],
)
def test_a_forger_without_the_key_is_found_out(
    account: Account,
    tmp_path: Path,
    change: Callable[[list[dict[str, Any]]], None],
    sentence: str,
) -> None:
    place = unpacked(a_pack(scope="search", first_day=DAY, last_day="2026-03-03"), tmp_path / "out")
    forged(place, change)
    run = verified(place / "verify.py")
    assert run.returncode == 1
    assert sentence in run.stdout


def test_without_seals_the_pack_says_what_it_cannot_prove(moto_store: None, tmp_path: Path) -> None:
    for number in range(7):
        noted(number)
    pack = a_pack(scope="search", user_id="someone", action="x.y")
    run = verified(unpacked(pack, tmp_path / "out") / "verify.py")
    assert run.returncode == 0, run.stdout
    assert "it is not signed" in run.stdout
    assert "were not written later: no seal of 2026-03-02" in run.stdout


def test_an_export_covers_the_whole_search(moto_store: None) -> None:
    for number in range(130):
        noted(number, days=number % 4)
    pack = a_pack(scope="search", entity_id="person:p1")
    assert [entry["seq"] for entry in entries_of(pack)] == list(range(1, 44))
    days = (DAY, "2026-03-04")
    both = a_pack(scope="search", first_day=days[0], last_day=days[1], action="x.y")
    fitting = [entry for entry in AuditLog.scan() if days[0] <= (entry.day_key or "") <= days[1]]
    expected = {(each.entity_id, each.seq) for each in fitting if each.action == "x.y"}
    assert {(each["entity_id"], each["seq"]) for each in entries_of(both)} == expected
    assert 0 < len(entries_of(both)) == len(expected) < 130
    manifest = json.loads(read(both, "manifest.json"))
    assert manifest["files"]["entries.csv"]["rows"] == len(expected)
    assert manifest["completeness"] == f"Complete: {len(expected)} entries, all pages read."


def test_a_customer_and_a_case_bring_all_that_is_theirs(account: Account) -> None:
    other = opened("c", customer_id=account.customer_id)
    case = Case(id="case_1", customer_id=account.customer_id, alerts=["alert_1"])
    planted(case.with_changes({"status": CaseStatus.OPEN, "opened_by": "someone"}))
    for entity_id in ("case_1", "alert_1", f"views:customer:{account.customer_id}", "stranger"):
        event = Event(entity_id=entity_id, entity_type="x", action="x.y", actor=ANN)
        trail.note(event, at=NOON)
    customer = {
        entry["entity_id"]
        for entry in entries_of(a_pack(scope="customer", about=account.customer_id))
    }
    assert {account.id, other.id, f"views:customer:{account.customer_id}"} <= customer
    assert not customer & {"case_1", "alert_1", "stranger"}
    of_case = {entry["entity_id"] for entry in entries_of(a_pack(scope="case", about="case_1"))}
    assert of_case == customer | {"case_1", "alert_1"}


def test_csv_is_safe_to_open_and_keeps_numbers(moto_store: None) -> None:
    event = Event(entity_id="=cmd()", entity_type="@x", action="-x.y", actor=ANN)
    trail.note(event, at=NOON, values={"amount": -5, "note": "ärger\n=1+1"})
    rows = list(csv.DictReader(io.StringIO(read(
        a_pack(scope="search", entity_id="=cmd()"), "entries.csv"
    ).decode())))  # fmt: skip
    assert (rows[0]["entity_id"], rows[0]["entity_type"], rows[0]["action"]) == (
        "'=cmd()", "'@x", "'-x.y",
    )  # fmt: skip
    assert rows[0]["seq"] == "1"
    assert json.loads(rows[0]["new_values"]) == {"amount": -5, "note": "ärger\n=1+1"}


def test_an_interrupted_pack_comes_out_the_same_and_once(
    archive: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        noted(number, days=number % 3)
    sealed()
    monkeypatch.setattr("audit.export.FILTERED_ROWS", 7)
    search = {"scope": "search", "first_day": DAY, "last_day": "2026-03-04"}
    whole = a_pack(**search)
    saves = 0
    real = Work.save

    def dying(self: Work, *args: Any, **kwargs: Any) -> None:
        """Die at every third save, once before and once after what is saved counts."""
        nonlocal saves
        saves += 1
        if saves % 6 == 0:
            raise JobLost
        real(self, *args, **kwargs)
        if saves % 3 == 0:
            raise Interrupted

    monkeypatch.setattr(Work, "save", dying)
    job, at = ordered(**search), LATER
    while services.find_job(job.id).is_open:
        with time_machine.travel(at, tick=False):
            Worker(say=lambda _: None, chores=[]).run_once()
        at += LEASE
    assert saves > 6
    assert pack_path(job).read_bytes() == whole.read_bytes()
    exported = [entry for entry in chain("person:someone") if entry.reference == f"job:{job.id}"]
    assert [entry.action for entry in exported] == ["audit.exported"]
    assert exported[0].new_values is not None
    digest = hashlib.sha256(whole.read_bytes()).hexdigest()
    assert (exported[0].new_values["sha256"], exported[0].new_values["rows"]) == (digest, 60)
    assert [path.name for path in whole.parent.iterdir() if path.is_dir()] == []


@pytest.mark.integration
def test_a_killed_workers_pack_is_finished_by_another(
    local_store: None, tmp_path: Path, folder: Path
) -> None:
    puts = [
        {"PutRequest": {"Item": _an_item(number)}} for number in range(1, 3001)
    ]  # fmt: skip
    for start in range(0, len(puts), 25):
        some = {AuditLog.table_name(): puts[start : start + 25]}
        assert not store_client.call("BatchWriteItem", RequestItems=some)["UnprocessedItems"]
    job = ordered(scope="search", action="x.bulk")
    environment = os.environ | {
        "DYNAMODB_ENDPOINT_URL": store_client.settings().endpoint_url,
        "DYNAMODB_TABLE_PREFIX": store_client.settings().table_prefix,
        "EXPORT_DIR": str(folder),
    }
    command = [sys.executable, "manage.py", "run_worker"]
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not (stands := services.find_job(job.id)).done and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.kill()
    worker.wait()
    assert stands.state == JobState.RUNNING
    before = services.find_job(job.id)
    assert 0 < before.done < 3000
    with time_machine.travel(stands.updated_at + 2 * LEASE):
        Worker(say=lambda _: None, chores=[]).run_once()
    done = services.find_job(job.id)
    assert (done.state, done.done, done.claims) == (JobState.DONE, 3000, 2)
    seqs = [entry["seq"] for entry in entries_of(pack_path(job))]
    assert seqs == list(range(1, 3001))
    assert verified(unpacked(pack_path(job), tmp_path / "out") / "verify.py").returncode == 1


def _an_item(seq: int) -> dict[str, Any]:
    """An entry that nobody chained: enough to be read."""
    return AuditLog(
        entity_id="person:bulk",
        timestamp=f"2026-03-02T12:00:00.{seq:06d}Z#{seq:012d}",
        action="x.bulk",
        action_key="x.bulk",
        user_id="bulk",
        entity_type="person",
        outcome="success",
        seq=seq,
        prev_hash="0" * 64,
        hash="0" * 64,
    ).serialize()


def test_a_pack_is_made_with_flat_memory(tmp_path: Path) -> None:
    peaks = []
    for count in (2_500, 25_000):
        place = tmp_path / str(count)
        place.mkdir()
        with (place / "entries.jsonl").open("wb") as file:
            for number in range(count):
                entry = {
                    "timestamp": f"2026-03-{number % 28 + 1:02d}T#{number}",
                    "entity_id": "x" * 400,
                }
                file.write(canonical_json({**entry, "hash": "0" * 64}) + b"\n")
        (place / "entries.csv").write_bytes(b"")
        about = About(title="t", made_for="p", asked_at="", filter={}, rows=count, whole_days=True)
        tracemalloc.start()
        make_pack(place, place / "pack.zip", about, beat=lambda: None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 5_000_000 < 25_000 * 500


# Pages


def test_a_pack_is_asked_for_followed_and_taken_away(signed_in: SignIn, folder: Path) -> None:
    for number in range(9):
        noted(number)
    client = signed_in(Role.COMPLIANCE)
    search = client.get(f"/admin/audit/?user_id=someone&action=x.y&from={DAY}&to={DAY}")
    address = search.context["export_url"]
    assert "Export this search" in search.text
    form = client.get(address)
    for filled in ('value="someone"', 'value="x.y"', f'value="{DAY}"'):
        assert filled in form.text
    fields = {"scope": "search", "user_id": "someone", "action": "x.y", "from": DAY, "to": DAY}
    fields["request_id"] = fresh(client, "/admin/exports/new/", "request_id")
    answer = client.post("/admin/exports/new/", fields)
    again = client.post("/admin/exports/new/", fields)
    assert answer.status_code == 302
    assert again.headers["Location"] == answer.headers["Location"]
    assert "queued" in client.get(answer.headers["Location"]).text
    Worker(say=lambda _: None, chores=[]).run_once()
    page = client.get(answer.headers["Location"])
    link = f"{answer.headers['Location']}download/?token={page.context['token']}"
    taken = client.get(link)
    assert taken.status_code == 200
    body = b"".join(taken.streaming_content)  # type: ignore[attr-defined]
    assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None
    digest = hashlib.sha256(body).hexdigest()
    assert digest in page.text
    job = page.context["job"]
    told = {"job": job.id, "rows": 9, "bytes": len(body), "sha256": digest, "token": "***"}
    last = chain("person:someone")[0]
    assert (last.action, last.new_values) == ("pack.exported", told)
    assert {seen.action for seen in chain(f"views:job:{job.id}")} == {"export.viewed"}
    assert "9, complete" in page.text.replace("\n", " ").replace("  ", "")
    listed = client.get("/admin/exports/").text
    assert "Evidence pack: x.y, by someone, from 2026-03-02, to 2026-03-02" in listed


def test_a_link_is_one_persons_and_expires_and_needs_the_role(
    signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(1)
    ann = signed_in(Role.COMPLIANCE)
    pack = a_pack(scope="search", entity_id="person:p1")
    address = f"/admin/exports/{pack.stem}/"
    link = f"{address}download/?token={ann.get(address).context['token']}"
    for role, code in ((Role.COMPLIANCE, 404), (Role.TELLER, 403), (Role.ADMIN, 403)):
        assert signed_in(role, username=role).get(link).status_code == code
    assert ann.get(f"{address}download/?token=x").status_code == 404
    assert ann.get(f"{address}download/").status_code == 404
    with monkeypatch.context() as patched:
        patched.setattr("backoffice.views.exports.LINK_SECONDS", -1)
        expired = ann.get(link)
    assert expired.status_code == 404
    assert "has expired" in expired.text
    whole = pack.read_bytes()
    pack.write_bytes(whole[:-1] + b"x")
    changed = ann.get(link)
    assert changed.status_code == 404, "not what the trail would say was taken away"
    assert "does not have the hash on record" in changed.text
    assert "pack.exported" not in {entry.action for entry in chain("person:someone")}
    pack.write_bytes(whole)
    taken = ann.get(link)
    assert (taken.status_code, taken.getvalue()) == (200, whole)
    pack.unlink()
    assert "no longer kept" in ann.get(address).text


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"scope": "account"}, "about", "Say which account."),
        ({"scope": "account", "about": "acc_1"}, "about", "There is no such account."),
        ({"scope": "everything"}, "scope", "Choose one of the list."),
        ({"scope": "search", "from": "soon"}, "from", "Enter a day such as 2026-01-31."),
        ({"scope": "search", "from": "2020-01-01", "to": DAY}, "from", "At most 366 days"),
        ({"scope": "search", "from": DAY, "to": "2026-03-01"}, "to", "before the first one"),
        ({"scope": "customer", "about": "c", "from": DAY, "to": "2026-03-01"}, "to", "before"),
        ({"scope": "search", "outcome": "perhaps"}, "outcome", "Choose one of the list."),
    ],
)
def test_what_cannot_be_exported_is_said_next_to_its_field(
    signed_in: SignIn, fields: dict[str, str], field: str, sentence: str
) -> None:
    client = signed_in(Role.COMPLIANCE)
    request_id = fresh(client, "/admin/exports/new/", "request_id")
    answer = client.post("/admin/exports/new/", {**fields, "request_id": request_id})
    assert answer.status_code == 422
    assert sentence in errors(answer)[field][0]
    assert services.open_jobs() == []


def test_nothing_found_fails_with_a_sentence(moto_store: None) -> None:
    job = ordered(scope="customer", about="nobody")
    Worker(say=lambda _: None, chores=[]).run_once()
    failed = services.find_job(job.id)
    assert failed.error == "No account belongs to a customer nobody."


def test_an_archive_that_fails_is_a_sentence_and_can_be_tried_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> Any:
        raise bucket.ArchiveError("The archive did not answer.")

    job = ordered(scope="account", about=account.id)
    with monkeypatch.context() as patched:
        patched.setattr(bucket, "read_json", broken)
        Worker(say=lambda _: None, chores=[]).run_once()
    assert services.find_job(job.id).error == "The archive did not answer."
    services.retry_job(job.id, actor=ANN, at=LATER)
    Worker(say=lambda _: None, chores=[]).run_once()
    assert services.find_job(job.id).state == JobState.DONE


def test_old_packs_are_tidied_away(folder: Path) -> None:
    folder.mkdir()
    for name, days in (("old", 31), ("new", 29)):
        (folder / f"{name}.zip").touch()
        lain = (NOON - timedelta(days=days)).timestamp()
        os.utime(folder / f"{name}.zip", (lain, lain))
    assert tidy_packs(NOON) == "1 removed"
    assert [path.name for path in folder.iterdir()] == ["new.zip"]
    assert tidy_packs(NOON) == ""


def test_an_operator_makes_a_pack(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_member(username="compliance1", roles=[Role.COMPLIANCE])
    a_member(username="teller1", roles=[Role.TELLER])
    why = {"reason": "Asked for by a court.", "json": True}
    target = tmp_path / "pack.zip"
    call_command(
        "export_audit", account=account.account_number, output=str(target), operator="compliance1",
        **why,
    )  # fmt: skip
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert said["rows"] == len(entries_of(target))
    assert verified(unpacked(target, tmp_path / "out") / "verify.py").returncode == 0
    with pytest.raises(Failed, match="is made, and cannot be copied to"):
        call_command(
            "export_audit", account=account.account_number, operator="compliance1",
            output=str(tmp_path / "none" / "pack.zip"), **why,
        )  # fmt: skip
    for options in ({"operator": "teller1"}, {"operator": "compliance1", "from": "soon"}):
        with pytest.raises(Refused):
            call_command("export_audit", **why, **options)
    assert archive_settings.settings().off == ""
