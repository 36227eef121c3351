"""Verification finds every way to tamper with the trail, names it, and finds nothing else."""

import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest

from audit import trail, walks
from audit.chain import FIRST_PREV_HASH, entry_hash
from audit.models import AuditHead, AuditLog
from audit.replay import read_chain
from audit.trail import Event
from audit.verification import Period, Verification, verify_entity, verify_trail
from audit.verify import Breach
from audit.walks import Fingerprints
from dynamodb import client, scans
from dynamodb.models import Item, Record
from dynamodb.scans import Place
from payments.models import Account
from tests.builders import NOON, TELLER, opened, transferred
from tests.payments.banks import stored

LENGTH = 5
DAYS = [(NOON + timedelta(days=number)).date() for number in range(LENGTH)]
ALL = Period(first=DAYS[0], last=DAYS[-1])

Raw = dict[str, Any]
Found = set[tuple[int, str]]


@pytest.fixture(autouse=True)
def whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walk each table in one part: parts are tested on their own, and cost a request each."""
    monkeypatch.setattr(scans, "SEGMENTS", 1)


@pytest.fixture
def account(moto_store: None) -> Account:
    """An account with one entry a day, the first of them its opening."""
    source, target = opened("a", balance=0), opened("b", balance=5000)
    for number in range(1, LENGTH):
        transferred(target, source, at=NOON + timedelta(days=number))
    return stored(source)


def chain(record: Account) -> list[Raw]:
    return [dict(item) for item in read_chain(record.id)]


def put(item: Raw, model: type[Record] = AuditLog) -> None:
    client.call("PutItem", TableName=model.table_name(), Item=item)


def delete(item: Item) -> None:
    key = {name: item[name] for name in AuditLog.key_names()}
    client.call("DeleteItem", TableName=AuditLog.table_name(), Key=key)


def sealed(item: Raw, **changes: Any) -> Raw:
    changed = {**item, **changes}
    return {**changed, "hash": {"S": entry_hash(changed)}}


def reports() -> list[dict[str, Any]]:
    """Everything, and the period that holds everything."""
    return [verify_trail(Verification(period=period)).report for period in (Period(), ALL)]


def found(account: Account) -> Found:
    """What all three kinds of run find, in this chain alone: they agree."""
    by_name = verify_entity(account.id).report
    every = [by_name, *reports()]
    assert {fault["entity_id"] for report in every for fault in report["faults"]} <= {account.id}
    kinds = [{(each["seq"], each["reason"]) for each in report["faults"]} for report in every]
    assert kinds[0] == kinds[1] == kinds[2], kinds
    for report in every:
        reasons = {each["reason"] for each in report["faults"]}
        assert report["unaltered"] is not bool(reasons & UNALTERED)
        assert report["no_gaps"] is not bool(reasons & GAPS)
        assert report["tail_complete"] is not bool(reasons & TAIL)
    return kinds[0]


UNALTERED = {
    "entry_altered", "entry_unlinked", "entry_hidden", "head_differs", "sealed_entry_differs",
    "seal_altered",
}  # fmt: skip
GAPS = {"entry_missing", "entry_repeated"}
TAIL = {
    "tail_missing", "entry_past_head", "head_missing", "chain_missing", "entry_after_seal",
    "sealed_entry_missing", "seal_missing",
}  # fmt: skip


def test_a_trail_in_order_has_no_faults(account: Account) -> None:
    assert found(account) == set()
    everything, period = reports()
    assert everything == period
    assert verify_entity(account.id).report == {
        "unaltered": True,
        "no_gaps": True,
        "tail_complete": True,
        "entries": LENGTH,
        "faults": [],
    }
    assert everything["entries"] == sum(1 for _ in AuditLog.scan())


ATTRIBUTES = sorted(AuditLog.get_attributes().keys() - {"entity_id", "timestamp"})
KINDS = {
    "old_values": {"M": {"balance": {"N": "7"}}},
    "new_values": {"M": {"balance": {"N": "7"}}},
    "changes": {"L": [{"S": "balancf"}]},
    "seq": {"N": "13"},
}


def tampered(value: Any) -> Raw:
    """A text with its last byte changed."""
    text = value["S"]
    return {"S": text[:-1] + chr(ord(text[-1]) ^ 1)}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_one_byte_of_any_attribute_is_found(account: Account, name: str) -> None:
    entry = chain(account)[2]
    value = entry.get(name, {"S": "info"})
    put({**entry, name: KINDS.get(name) or tampered(value)})
    reason = "entry_hidden" if name.endswith("_key") else "entry_altered"
    assert (3, reason) in found(account)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_taken_away_or_given_is_found(account: Account, name: str) -> None:
    entry = chain(account)[2]
    if entry.pop(name, None) is None:
        entry[name] = {"S": "elsewhere"} if name.endswith("_key") else {"NULL": True}
    put(entry)
    reason = "entry_hidden" if name.endswith("_key") else "entry_altered"
    assert (3, reason) in found(account)


def test_another_type_with_the_same_letters_is_found(account: Account) -> None:
    entry = chain(account)[2]
    texts = [each["S"] for each in entry["changes"]["L"]]
    for name, typed in [("changes", {"SS": texts}), ("seq", {"S": "3"}), ("note", {"BOOL": True})]:
        put({**entry, name: typed})
        assert (3, "entry_altered") in found(account)


@pytest.mark.parametrize("name", ["entity_id", "timestamp"])
def test_another_key_is_an_entry_too_few_and_one_too_many(account: Account, name: str) -> None:
    entry = chain(account)[2]
    delete(entry)
    put({**entry, name: tampered(entry[name])})
    rows = verify_trail(Verification()).report["faults"]
    assert (account.id, 3) in [(row["entity_id"], row["seq"]) for row in rows]
    assert "entry_altered" in {row["reason"] for row in rows}


def without_middle(account: Account, entries: list[Raw]) -> None:
    delete(entries[2])


def without_first(account: Account, entries: list[Raw]) -> None:
    delete(entries[0])


def without_tail(account: Account, entries: list[Raw]) -> None:
    delete(entries[-1])


def without_any(account: Account, entries: list[Raw]) -> None:
    for entry in entries:
        delete(entry)


def two_swapped(account: Account, entries: list[Raw]) -> None:
    keys = (*AuditLog.key_names(), "day_key")
    for one, other in ((entries[1], entries[2]), (entries[2], entries[1])):
        put({**other, **{name: one[name] for name in keys}})


def two_swapped_and_numbered(account: Account, entries: list[Raw]) -> None:
    kept = ("entity_id", "timestamp", "day_key", "seq", "prev_hash")
    for one, other in ((entries[1], entries[2]), (entries[2], entries[1])):
        put(sealed(other, **{name: one[name] for name in kept}))


def an_older_copy_over_a_newer(account: Account, entries: list[Raw]) -> None:
    put({**entries[1], **{name: entries[3][name] for name in ("timestamp", "day_key")}})


def old_head(account: Account, entries: list[Raw]) -> None:
    last = entries[-3]
    head = {"audit_seq": {"N": "3"}, "audit_hash": last["hash"], "version": {"N": "3"}}
    head["audit_at"] = {"S": last["timestamp"]["S"][:27]}
    put({**account.serialize(), **head}, Account)


def rewritten(account: Account, entries: list[Raw]) -> None:
    put(sealed(entries[2], user_id={"S": "other"}, user_key={"S": "other"}))


def rewritten_to_the_end(account: Account, entries: list[Raw]) -> None:
    before = entries[1]["hash"]
    for entry in entries[2:]:
        forged = sealed(entry, request_id={"S": "forged"}, prev_hash=before)
        put(forged)
        before = forged["hash"]


def forked(account: Account, entries: list[Raw]) -> None:
    time = entries[2]["timestamp"]["S"].replace("000000Z", "000001Z")
    put(sealed(entries[2], timestamp={"S": time}))


def no_head(account: Account, entries: list[Raw]) -> None:
    client.call("DeleteItem", TableName=Account.table_name(), Key=account.key_item())


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (without_middle, {(3, "entry_missing")}),
        (without_first, {(1, "entry_missing")}),
        (without_tail, {(5, "tail_missing")}),
        (without_any, {(1, "tail_missing")}),
        (two_swapped, {(2, "entry_missing"), (2, "entry_repeated"), (2, "entry_altered"),
                       (3, "entry_altered"), (3, "entry_missing")}),
        (two_swapped_and_numbered, {(3, "entry_unlinked"), (4, "entry_unlinked")}),
        (an_older_copy_over_a_newer, {(2, "entry_repeated"), (2, "entry_altered"),
                                      (4, "entry_altered"), (3, "entry_missing")}),
        (old_head, {(5, "entry_past_head")}),
        (rewritten, {(4, "entry_unlinked")}),
        (rewritten_to_the_end, {(5, "head_differs")}),
        (forked, {(3, "entry_repeated"), (4, "entry_unlinked")}),
        (no_head, {(5, "head_missing")}),
    ],
)  # fmt: skip
def test_every_way_to_tamper_is_found_and_named(
    account: Account, tamper: Callable[[Account, list[Raw]], None], expected: Found
) -> None:
    tamper(account, chain(account))
    assert found(account) == expected


def test_a_head_put_back_in_a_table_of_its_own_is_found(moto_store: None) -> None:
    event = Event(entity_id="person:a", entity_type="person", action="a.b", actor=TELLER)
    trail.note(event, at=NOON)
    before = AuditHead.get("person:a").serialize()
    trail.note(event, at=NOON)
    put(before, AuditHead)
    rows = [{"entity_id": "person:a", "seq": 2, "reason": "entry_past_head"}]
    assert [report["faults"] for report in reports()] == [rows, rows]
    assert verify_entity("person:a").report["faults"] == rows


def test_a_name_that_no_chain_has_is_a_fault(moto_store: None) -> None:
    (row,) = verify_entity("acc_typo").report["faults"]
    assert row == {"entity_id": "acc_typo", "seq": 1, "reason": "chain_missing"}


@pytest.mark.parametrize("number", range(LENGTH))
def test_a_day_is_judged_with_its_neighbours_and_without_the_rest(
    account: Account, number: int
) -> None:
    day = Period(first=DAYS[number], last=DAYS[number])
    entries = chain(account)
    others = [item for place, item in enumerate(entries) if abs(place - number) > 1]
    for item in others:
        put({**item, "user_agent": {"S": "forged"}})
    clean = verify_trail(Verification(period=day))
    assert clean.faults == set()
    assert clean.entries == (5 if number == 0 else 3)
    delete(entries[number])
    reason = "entry_missing" if number < LENGTH - 1 else "tail_missing"
    rows = [{"entity_id": account.id, "seq": number + 1, "reason": reason}]
    assert verify_trail(Verification(period=day)).report["faults"] == rows
    assert verify_entity(account.id, period=day).report["faults"] == rows


def test_entries_that_land_meanwhile_are_no_faults(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every page that is read, something moves."""
    other = opened("c", balance=50_000)

    def busy(*arguments: Any, **options: Any) -> Any:
        page = scans.scan_page(*arguments, **options)
        transferred(other, account, amount_minor=1)
        return page

    monkeypatch.setattr(walks, "scan_page", busy)
    for period in (Period(), Period(first=DAYS[0])):
        run = verify_trail(Verification(period=period))
        assert run.faults == set()
    assert stored(account).audit_seq > LENGTH + 10


def many_chains(count: int) -> Callable[..., Any]:
    """A trail of so many chains of two entries, made while it is read."""

    def entries() -> Iterator[Raw]:
        for number in range(count):
            before = FIRST_PREV_HASH
            for seq in (1, 2):
                time = f"2026-03-02T12:00:00.000000Z#{seq:012}"
                entry = {
                    "entity_id": {"S": f"thing-{number}"}, "timestamp": {"S": time},
                    "action": {"S": "a.b"}, "user_id": {"S": "c"}, "action_key": {"S": "a.b"},
                    "user_key": {"S": "c"}, "day_key": {"S": time[:10]},
                    "seq": {"N": str(seq)}, "prev_hash": {"S": before},
                }  # fmt: skip
                before = entry_hash(entry)
                yield {**entry, "hash": {"S": before}}

    def heads() -> Iterator[Raw]:
        for entry in entries():
            if entry["seq"] == {"N": "2"}:
                head = {"audit_seq": entry["seq"], "audit_hash": entry["hash"]}
                yield {"entity_id": entry["entity_id"], **head}

    rows: dict[type[Record], Iterator[Raw]] = {AuditLog: entries(), AuditHead: heads()}

    def page(model: type[Record], place: Place, **_: Any) -> tuple[list[Raw], Place | None]:
        item = next(rows.get(model, iter(())), None)
        return ([item], place) if item else ([], None)

    return page


def test_memory_does_not_grow_with_the_trail(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = []
    for chains in (500, 4000):
        monkeypatch.setattr(walks, "scan_page", many_chains(chains))
        tracemalloc.start()
        run = verify_trail(Verification())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert run.report["entries"] == 2 * chains
        assert run.faults == set()
    assert peaks[1] < peaks[0] + 50_000


@pytest.mark.integration
def test_segments_side_by_side_find_the_same(
    local_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "SEGMENTS", 8)
    monkeypatch.setattr(scans, "PAGE_ITEMS", 3)
    for number in range(12):
        account = opened(f"a{number}", balance=5)
        (without_first, without_tail, without_any)[number % 3](account, chain(account))
    alone = verify_trail(Verification()).report
    assert len(alone["faults"]) >= 12
    sent, four = count(), threading.Barrier(4)

    def together(*arguments: Any, **options: Any) -> Any:
        if next(sent) < four.parties:
            four.wait(timeout=10)
        return scans.scan_page(*arguments, **options)

    monkeypatch.setattr(walks, "scan_page", together)
    assert verify_trail(Verification(), segments=4).report == alone


def test_threads_lose_no_claim() -> None:
    prints, before = Fingerprints(), sys.getswitchinterval()

    def claim(weight: int) -> None:
        for number in range(2_000):
            prints.add("one", (number,), weight)

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(claim, [1, -1, 1, -1]))
    finally:
        sys.setswitchinterval(before)
    assert not prints


def test_every_reason_breaks_one_verdict() -> None:
    assert {str(breach) for breach in Breach} == UNALTERED | GAPS | TAIL


def test_a_period_sorts_around_its_days() -> None:
    period = Period(first=date(2026, 3, 2), last=date(2026, 3, 3))
    assert "2026-03-01T23:59:59.999999Z#9" < period.low < "2026-03-02T00:00:00.000000Z#0"
    assert "2026-03-03T23:59:59.999999Z#9" < period.high < "2026-03-04T00:00:00.000000Z#0"
