"""Months in the archive: whole, gone on with, against their seals, rehearsed without the tables."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from audit import archive, bucket, holds, seals, trail
from audit.archive import Manifest
from audit.context import Actor
from audit.models import Archive, AuditLog
from audit.replay import read_chain
from audit.trail import Event
from dynamodb import client, scans
from dynamodb.scans import plain_item
from payments.models import Account
from tests.builders import TELLER, opened, transferred
from tests.stores import BUCKET, damage, s3

pytestmark = pytest.mark.usefixtures("archive")

MONTH = "2026-03"
ARCHIVER = Actor(id="system:archive_audit")
AT = datetime(2026, 4, 2, tzinfo=UTC)
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
FIRST, LAST = NOON.date(), date(2026, 3, 31)
DAYS = 3
"""The store is young: three days to seal."""


@pytest.fixture(autouse=True)
def whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "SEGMENTS", 1)


def sealed() -> None:
    for day in seals.due_days(at=AT):
        seals.seal_day(day, actor=ARCHIVER, at=AT)


@pytest.fixture
def account() -> Account:
    """An account that moved on two days of a month that is sealed."""
    source, target = opened("a", balance=5000, at=NOON), opened("b", at=NOON)
    transferred(source, target, at=NOON)
    transferred(source, target, at=NOON + timedelta(days=2))
    sealed()
    return source


def archived(on_day: Callable[[Manifest], None] = lambda _: None) -> Archive:
    return archive.archive_month(MONTH, actor=ARCHIVER, at=AT, on_day=on_day)


def parts() -> list[dict[str, Any]]:
    days = archive.read_manifest(archive.month_key(MONTH))["days"]
    return [part for day in days for part in day["parts"]]


def faults() -> list[str]:
    return archive.rehearse(MONTH, actor=ARCHIVER, at=AT)[1]


def in_month() -> list[dict[str, Any]]:
    raw = (plain_item(item.serialize()) for item in AuditLog.scan())
    return [entry for entry in raw if entry["day_key"].startswith(MONTH)]


def late() -> None:
    trail.note(Event(entity_id="late", entity_type="x", action="a.b", actor=TELLER), at=NOON)


def test_a_month_holds_every_entry_and_says_what_it_is(account: Account) -> None:
    assert archive.due_months() == [MONTH]
    record = archived()
    kept = [entry for part in parts() for entry in archive.entries_of(part)]
    assert sorted(map(str, kept)) == sorted(map(str, in_month()))
    assert (record.entries, record.parts) == (len(kept), 2)
    assert record.manifest_sha256 == bucket.digest(archive.month_key(MONTH))
    assert archive.due_months() == []
    (entry,) = read_chain(f"archive:{MONTH}")
    assert entry["action"] == {"S": "archive.written"}


def test_objects_are_locked_until_the_months_last_entry_may_go(account: Account) -> None:
    archived()
    for key in bucket.keys("archive/"):
        head = s3().head_object(Bucket=BUCKET, Key=key)
        assert head["ObjectLockMode"] == "COMPLIANCE"
        assert head["ObjectLockRetainUntilDate"] == datetime(2026, 4, 1, tzinfo=UTC) + timedelta(
            days=2555
        )


def test_a_month_with_a_day_that_is_not_sealed_waits() -> None:
    opened("a", at=NOON)
    for day in seals.due_days(at=datetime(2026, 3, 31, 2, tzinfo=UTC)):
        seals.seal_day(day, actor=ARCHIVER, at=AT)
    assert archive.due_months() == []
    seals.seal_day(LAST, actor=ARCHIVER, at=AT)
    assert archive.due_months() == [MONTH]


def test_a_day_comes_in_parts_that_follow_each_other(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PART_ENTRIES", 2)
    record = archived()
    assert [part["entries"] for part in parts()] == [2, 2, 2, 2, 2, 1]
    assert record.entries == 11
    assert faults() == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_a_run_that_is_killed_goes_on_with_the_day_it_was_at(
    account: Account, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    put_once = bucket.put_once
    writes: list[str] = []

    def breaking(key: str, *arguments: Any, **options: Any) -> bool:
        if len(writes) == after:
            raise Killed
        writes.append(key)
        return put_once(key, *arguments, **options)

    monkeypatch.setattr(bucket, "put_once", breaking)
    with pytest.raises(Killed):
        archived()
    read: list[str] = []
    entries_in_store = seals.entries_in_store

    def reading(day: date) -> Any:
        read.append(str(day))
        return entries_in_store(day)

    monkeypatch.setattr(bucket, "put_once", put_once)
    monkeypatch.setattr(seals, "entries_in_store", reading)
    assert archived().entries == 11
    done = sum(key.endswith(".json") for key in writes)
    assert len(read) == DAYS - done
    assert faults() == []


def test_two_at_once_archive_one_month(account: Account) -> None:
    inner: list[Archive] = []

    def on_day(day: Manifest) -> None:
        if day["day"] == str(FIRST):
            inner.append(archived())

    outer = archived(on_day)
    assert outer.manifest_sha256 == inner[0].manifest_sha256
    assert faults() == []


def test_what_came_after_the_seal_is_archived_and_said_so(account: Account) -> None:
    late()
    archived()
    first = archive.read_manifest(archive.day_key(FIRST))
    assert first["late"] == [["late", 1]]
    assert faults() == []


def test_a_day_that_is_not_as_it_was_sealed_is_not_archived(account: Account) -> None:
    entry = next(read_chain(account.id))
    key = {name: entry[name] for name in AuditLog.key_names()}
    client.call("DeleteItem", TableName=AuditLog.table_name(), Key=key)
    with pytest.raises(bucket.ArchiveError, match="not as it was sealed"):
        archived()
    assert archive.find(MONTH) is None


def test_an_object_that_did_not_arrive_whole_is_not_taken_for_written(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_once = bucket.put_once

    def lossy(key: str, file: Any, **options: Any) -> bool:
        return put_once(key, io.BytesIO(b"x"), **options)

    monkeypatch.setattr(bucket, "put_once", lossy)
    with pytest.raises(bucket.ArchiveError, match="is not what was to be written"):
        archived()


def test_a_rehearsal_needs_no_table_and_leaves_its_outcome(account: Account) -> None:
    record = archived()
    for item in list(AuditLog.scan()):
        if item.entity_id != f"archive:{MONTH}":
            item.delete()
    assert list(archive.verify_month(record)) == []
    rehearsed, found = archive.rehearse(MONTH, actor=ARCHIVER, at=AT)
    assert (rehearsed.rehearsed_at, rehearsed.rehearsal_faults, found) == (AT, 0, [])
    *_, entry = read_chain(f"archive:{MONTH}")
    assert (entry["action"], entry["outcome"]) == ({"S": "archive.rehearsed"}, {"S": "success"})


def forged(monkeypatch: pytest.MonkeyPatch, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Let what is read of the archive be other than what was written to it."""
    entries_of = archive.entries_of

    def reading(part: dict[str, Any]) -> Any:
        entries = list(entries_of(part))
        change(entries)
        return iter(entries)

    monkeypatch.setattr(archive, "entries_of", reading)


@pytest.mark.parametrize("passes", [1, 4])
def test_a_rehearsal_finds_what_is_wrong(
    account: Account, monkeypatch: pytest.MonkeyPatch, passes: int
) -> None:
    monkeypatch.setattr(archive, "CHAINS_AT_A_TIME", 10 // passes)
    archived()

    def reworded(entries: list[dict[str, Any]]) -> None:
        entries[0]["user_id"] = "other"

    with monkeypatch.context() as patch:
        forged(patch, reworded)
        assert any("is not as it was hashed" in fault for fault in faults())

    def unlinked(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            if entry["entity_id"] == account.id and entry["seq"] == 3:
                entry["seq"] = 4

    with monkeypatch.context() as patch:
        forged(patch, unlinked)
        assert f"{account.id}: entry 4 does not follow the one before." in faults()

    with monkeypatch.context() as patch:
        forged(patch, list.clear)
        assert f"The entries of {FIRST} are not those that were sealed." in faults()

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "digest", lambda _: "0" * 64)
        found = faults()
        assert any("is not the manifest" in fault for fault in found)
        assert any("is not what was written" in fault for fault in found)
    assert faults() == []


@pytest.mark.parametrize("make", [lambda raw: raw[:-9], lambda raw: b"x" + raw[1:]])
def test_a_rehearsal_of_a_damaged_month_names_what_is_and_leaves_its_outcome(
    account: Account, make: Callable[[bytes], bytes]
) -> None:
    archived()
    for key in (holds.part_keys()[0], archive.month_key(MONTH)):
        damage(key, make)
        assert f"{key} in the archive is damaged." in faults()
    *_, entry = read_chain(f"archive:{MONTH}")
    assert (entry["action"], entry["outcome"]) == ({"S": "archive.rehearsed"}, {"S": "failure"})


def test_archived_objects_cannot_be_deleted(account: Account) -> None:
    archived()
    for key in holds.part_keys():
        with pytest.raises(ClientError):
            s3().delete_object(Bucket=BUCKET, Key=key, VersionId=bucket.versions(key)[0])
