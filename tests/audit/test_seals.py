"""Seals: what they hold, that they follow each other, and what they find in the tables."""

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from audit import bucket, seals, signing, trail
from audit import settings as archive_settings
from audit.chain import FIRST_PREV_HASH, canonical_json, entry_hash
from audit.context import Actor
from audit.models import AuditHead, AuditLog, Seal
from audit.pack import VERIFIER
from audit.replay import read_chain
from audit.seals import Leaf
from audit.trail import Event
from audit.verification import Period, Verification, verify_trail
from audit.verify_pack import check_one, proof_faults
from dynamodb import client, scans
from payments.models import Account
from tests.builders import NOON, TELLER, opened, planted, transferred
from tests.payments.banks import stored
from tests.stores import BUCKET, SEAL_KEY, damage, s3

pytestmark = pytest.mark.usefixtures("archive")

FIRST = NOON.date()
SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
SEALER = Actor(id="system:seal_audit")
LATER = NOON + timedelta(days=3)
PUBLIC = signing.public_key(SEAL_KEY)

Raw = dict[str, Any]


@pytest.fixture(autouse=True)
def whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "SEGMENTS", 1)


@pytest.fixture
def account() -> Account:
    """An account that moved on the first and on the third day, with three days sealed."""
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    transferred(source, target, at=NOON + timedelta(days=2))
    sealed()
    return stored(source)


def sealed(at: datetime = LATER) -> list[Seal]:
    return [seals.seal_day(day, actor=SEALER, at=at) for day in seals.due_days(at=at)]


def rows(period: Period | None = None) -> set[tuple[str, int, str]]:
    """All faults: chain, number and reason."""
    run = verify_trail(Verification(period=period or Period()))
    return {tuple(row.values()) for row in run.report["faults"]}


def leaves_key(day: date) -> str:
    return f"seals/{day}.{seals.read_object(day)['root']}.leaves.gz"


def raw_chain(account: Account) -> list[Raw]:
    return [dict(item) for item in read_chain(account.id)]


def delete(item: Raw) -> None:
    key = {name: item[name] for name in AuditLog.key_names()}
    client.call("DeleteItem", TableName=AuditLog.table_name(), Key=key)


def test_a_seal_is_the_signed_root_of_its_days_hashes(account: Account) -> None:
    told = seals.read_object(FIRST)
    leaves = list(seals.leaves_in_archive(told))
    entries = [item for item in AuditLog.scan() if item.day_key == FIRST.isoformat()]
    stored_hashes = {(each.timestamp, each.entity_id): each.hash for each in entries}
    assert {leaf[:2]: leaf.hash for leaf in leaves} == stored_hashes
    assert leaves == sorted(leaves)
    assert (told["day"], told["entries"], told["previous"]) == (
        FIRST.isoformat(),
        len(entries),
        FIRST_PREV_HASH,
    )
    assert seals.is_signed(told)
    assert not seals.is_signed({**told, "entries": 1})
    kept = seals.find(FIRST)
    assert kept is not None
    assert (kept.root, kept.signature, kept.public_key) == (
        told["root"], told["signature"], PUBLIC,
    )  # fmt: skip


def test_each_seal_names_the_one_before_and_empty_days_have_theirs(account: Account) -> None:
    first, second, third = (seals.read_object(day) for day in (FIRST, SECOND, THIRD))
    assert second["previous"] == seals.object_hash(FIRST)
    assert third["previous"] == seals.object_hash(SECOND)
    assert (second["entries"], third["entries"] < first["entries"]) == (0, True)
    assert sealed() == []


def test_a_day_is_due_an_hour_after_its_end() -> None:
    midnight = datetime.combine(SECOND, datetime.min.time(), NOON.tzinfo)
    opened("a")
    assert seals.due_days(at=midnight + timedelta(minutes=59)) == []
    assert seals.due_days(at=midnight + timedelta(hours=1)) == [FIRST]


def test_no_day_is_sealed_before_the_one_before_it(account: Account) -> None:
    with pytest.raises(seals.SealError, match="the day before has no seal"):
        seals.seal_day(THIRD + timedelta(days=2), actor=SEALER, at=LATER + timedelta(days=9))


def test_a_seal_is_locked_and_never_written_twice(account: Account) -> None:
    key = seals.object_key(FIRST)
    head = s3().head_object(Bucket=BUCKET, Key=key)
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ObjectLockRetainUntilDate"] == LATER + timedelta(days=2555)
    assert not bucket.put_once(key, io.BytesIO(b"other"), retain_until=LATER)
    with pytest.raises(ClientError):
        s3().delete_object(Bucket=BUCKET, Key=key, VersionId=bucket.versions(key)[0])


def test_who_is_killed_between_archive_and_table_goes_on_with_the_same_seal(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = THIRD + timedelta(days=1)
    at = LATER + timedelta(days=1)
    with monkeypatch.context() as killed:
        killed.setattr(
            "audit.trail.create_once", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            seals.seal_day(day, actor=SEALER, at=at)
    told = seals.read_object(day)
    assert seals.find(day) is None
    late(account, at=LATER)
    assert seals.due_days(at=at) == [day]
    (seal,) = sealed(at + timedelta(hours=5))
    assert (seal.root, seal.signature) == (told["root"], told["signature"])


def test_a_seal_that_somebody_else_put_there_first_is_refused(account: Account) -> None:
    day = THIRD + timedelta(days=1)
    told = {**seals.read_object(THIRD), "day": day.isoformat(), "public_key": "x"}
    body = canonical_json({**told, "signature": "y"})
    s3().put_object(Bucket=BUCKET, Key=seals.object_key(day), Body=body)
    with pytest.raises(seals.SealError, match="not signed by our key"):
        seals.seal_day(day, actor=SEALER, at=LATER + timedelta(days=1))


def late(account: Account, *, at: datetime = NOON) -> Raw:
    """An entry of a sealed day, as a process with a slow clock would write it."""
    trail.note(Event(entity_id="late", entity_type="x", action="a.b", actor=TELLER), at=at)
    (entry,) = read_chain("late")
    return dict(entry)


def test_sealed_days_in_order_have_no_faults(account: Account) -> None:
    run = verify_trail(Verification())
    assert (run.faults, run.seals) == (set(), 3)
    day = verify_trail(Verification(period=Period(first=SECOND, last=SECOND)))
    assert (day.faults, day.seals) == (set(), 1)


def test_an_entry_that_lands_in_a_sealed_day_is_found(account: Account) -> None:
    late(account)
    assert rows() == {("late", 1, "entry_after_seal")}
    assert rows(Period(first=FIRST, last=FIRST)) == {("late", 1, "entry_after_seal")}
    assert rows(Period(first=SECOND)) == set()


def tail_and_head_put_back(account: Account) -> str:
    """Cut a chain and put its head back to match: nothing in the tables tells."""
    entries = raw_chain(account)
    delete(entries[-1])
    last = entries[-2]
    planted(account.with_changes({
        "audit_seq": 2, "audit_hash": last["hash"]["S"], "version": 2,
    }))  # fmt: skip
    return "sealed_entry_missing"


def all_forged(account: Account) -> str:
    """Write the last entry anew, with its hash and its head."""
    forged = raw_chain(account)[-1]
    forged |= {"request_id": {"S": "forged"}}
    forged["hash"] = {"S": entry_hash(forged)}
    client.call("PutItem", TableName=AuditLog.table_name(), Item=forged)
    planted(account.with_changes({"audit_hash": forged["hash"]["S"]}))
    return "sealed_entry_differs"


@pytest.mark.parametrize("tamper", [tail_and_head_put_back, all_forged])
def test_a_forgery_that_the_tables_cannot_tell_is_found_by_the_seal(
    account: Account, tamper: Callable[[Account], str]
) -> None:
    archive_settings.configure(archive_settings.Settings())
    reason = tamper(account)
    assert rows() == set()
    archive_settings.configure(archive_settings.Settings(bucket=BUCKET, seal_key=SEAL_KEY))
    assert rows() == {(account.id, 3, reason)}


def test_a_chain_that_is_gone_altogether_is_found_by_the_seal(account: Account) -> None:
    chain = late(account, at=NOON + timedelta(days=3))
    sealed(LATER + timedelta(days=1))
    delete(chain)
    client.call("DeleteItem", TableName=AuditHead.table_name(), Key={"entity_id": {"S": "late"}})
    assert rows() == {("late", 1, "sealed_entry_missing")}


def altered_in_the_table(day: date) -> None:
    kept = seals.find(day)
    assert kept is not None
    planted(kept.with_changes({"root": "0" * 64}))


def written_again(day: date) -> None:
    body = json.dumps({**seals.read_object(day), "root": "0" * 64}).encode()
    s3().put_object(Bucket=BUCKET, Key=seals.object_key(day), Body=body)


def marked_as_deleted(day: date) -> None:
    s3().delete_object(Bucket=BUCKET, Key=seals.object_key(day))


@pytest.mark.parametrize("tamper", [altered_in_the_table, written_again, marked_as_deleted])
def test_a_seal_that_was_tampered_with_is_found(
    account: Account, tamper: Callable[[date], None]
) -> None:
    tamper(SECOND)
    assert (f"seal:{SECOND}", 1, "seal_altered") in rows()


def flipped(raw: bytes) -> bytes:
    return raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :]


def cut(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


@pytest.mark.parametrize("make", [flipped, cut])
@pytest.mark.parametrize("of", [seals.object_key, leaves_key])
def test_damage_to_the_archive_is_named_and_stops_nothing(
    account: Account, of: Callable[[date], str], make: Callable[[bytes], bytes]
) -> None:
    damage(of(FIRST), make)
    altered = {f"seal:{FIRST}"} if of == leaves_key else {f"seal:{FIRST}", f"seal:{SECOND}"}
    assert rows() == {(name, 1, "seal_altered") for name in altered}
    with pytest.raises(bucket.DamagedError, match=f"seals/{FIRST}.* is damaged"):
        seals.prove(next(read_chain(account.id)))


@pytest.mark.parametrize("body", [b"x", b"{}", b"[1]"])
def test_what_is_no_seal_where_one_belongs_is_named(account: Account, body: bytes) -> None:
    day = THIRD + timedelta(days=1)
    for key in (seals.object_key(day), "seals/other.json", "seals/2026-03-99.json"):
        s3().put_object(Bucket=BUCKET, Key=key, Body=body)
    with pytest.raises(bucket.DamagedError, match=f"seals/{day}.json"):
        seals.seal_day(day, actor=SEALER, at=LATER + timedelta(days=1))
    assert rows() == {(f"seal:{day}", 1, "seal_altered")}


def test_a_seal_or_leaves_that_are_missing_are_found(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = bucket.versions

    def without(key: str) -> list[str]:
        return [] if key == seals.object_key(SECOND) else versions(key)

    monkeypatch.setattr(bucket, "versions", without)
    assert rows() == {
        (f"seal:{SECOND}", 1, "seal_missing"),
        (f"seal:{THIRD}", 1, "seal_altered"),
    }


def test_differences_are_named_in_order_whatever_lies_between() -> None:
    a, b, c = (Leaf(f"2026-03-02T12#{number}", "x", "h") for number in (1, 2, 3))
    other = Leaf(*b[:2], "other")
    found = list(seals_differences([a, b], [other, c]))
    assert found == [(1, "entry_after_seal"), (2, "sealed_entry_differs"),
                     (3, "sealed_entry_missing")]  # fmt: skip


def seals_differences(stored: list[Leaf], kept: list[Leaf]) -> list[tuple[int, str]]:
    from audit.seal_checks import differences

    return [(fault.seq, str(fault.breach)) for _, fault in differences(stored, kept)]


def test_a_proof_holds_without_any_store(account: Account) -> None:
    everything = list(read_chain(account.id))
    taken = [json.loads(json.dumps(seals.prove(item))) for item in everything]
    client.configure(client.settings())
    for proof in taken:
        assert proof_faults(proof, PUBLIC) == []
        other = signing.public_key(bytes(32))
        assert proof_faults(proof, other) == ["The seal is not signed by this key."]
        forged = {**proof, "entry": {**proof["entry"], "user_id": "other"}}
        assert proof_faults(forged, PUBLIC) == ["The entry is not what its hash was made of."]
        moved = {**proof, "index": proof["index"] + 1}
        assert len(proof_faults(moved, PUBLIC)) == 1
    mixed = {**taken[0], "seal": taken[2]["seal"]}
    assert len(proof_faults(mixed, PUBLIC)) == 2


def test_anybody_can_check_a_proof_with_the_program_of_a_pack(
    account: Account, tmp_path: Path
) -> None:
    """In a bare Python; any byte of the proof that is changed shows, and so does another key."""
    whole = json.dumps(seals.prove(next(read_chain(account.id)))).encode()
    program, file = tmp_path / "verify.py", tmp_path / "proof.json"
    program.write_bytes(VERIFIER.read_bytes())

    def run(proof: bytes, key: str = PUBLIC) -> tuple[int, str]:
        file.write_bytes(proof)
        bare = [sys.executable, "-I", "-S", str(program), str(file), key]
        done = subprocess.run(bare, cwd="/", env={}, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    told = f"OK: entry 1 of {account.id}, account.opened, was there when {FIRST} was sealed.\n"
    assert run(whole) == (0, told)
    assert run(whole, signing.public_key(bytes(32)))[0] == 1
    unseen = []
    for place in range(0, len(whole), 17):
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        if check_one(file, PUBLIC) == 0:
            unseen.append(whole[place - 20 : place + 20])
    assert unseen == []


def test_what_is_in_no_seal_is_not_proved(account: Account) -> None:
    with pytest.raises(seals.NotSealedError):
        seals.prove(late(account))


def test_leaves_can_be_read_by_anybody(account: Account) -> None:
    """Without this program: gunzip, and a JSON list a line."""
    told = seals.read_object(FIRST)
    body = s3().get_object(Bucket=BUCKET, Key=leaves_key(FIRST))["Body"].read()
    lines = gzip.decompress(body).splitlines()
    assert len(lines) == told["entries"]
    assert all(len(json.loads(line)) == 3 for line in lines)
