"""Entries, their chains and what they never hold."""

import itertools
import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from audit import context, queries, trail
from audit.chain import FIRST_PREV_HASH, entry_hash
from audit.context import Actor, Context
from audit.models import AuditHead, AuditLog
from audit.trail import Event
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.errors import StoreBusyError, StoreError
from dynamodb.retries import Patience
from dynamodb.transactions import Transaction
from tests.builders import NOON, TELLER, an_account, opened, planted, transferred
from tests.dynamodb.faults import cancellation, faults, passing

pytestmark = pytest.mark.usefixtures("moto_store")


def noted(action: str = "page.viewed", **values: object) -> None:
    event = Event(entity_id="person:teller1", entity_type="person", action=action, actor=TELLER)
    trail.note(event, at=NOON, values=values)


def chain(entity_id: str) -> list[AuditLog]:
    return queries.chain_page(entity_id, person="").rows[::-1]


def test_entries_are_numbered_without_gaps_and_tied_to_the_one_before() -> None:
    source, target = opened("a", balance=5000), opened("b")
    for _ in range(3):
        transferred(source, target)
    entries = chain(source.id)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert [entry.timestamp.partition("#")[2] for entry in entries][-1] == "000000000004"
    assert entries[0].prev_hash == FIRST_PREV_HASH
    for before, after in itertools.pairwise(entries):
        assert after.prev_hash == before.hash
    for entry in entries:
        assert entry.hash == entry_hash(entry.serialize())


def test_the_head_stands_on_the_record_that_the_entries_tell_of() -> None:
    source, target = opened("a", balance=5000), opened("b")
    payment = transferred(source, target).payment
    account = store.get(source)
    assert account is not None
    assert (account.audit_seq, account.audit_hash) == (2, chain(source.id)[-1].hash)
    assert payment.audit_hash == chain(payment.id)[-1].hash


def test_a_clock_that_steps_back_puts_no_entry_before_its_predecessor() -> None:
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target, at=NOON + timedelta(hours=2))
    transferred(source, target, at=NOON)
    transferred(source, target, at=NOON + timedelta(hours=1))
    entries = chain(source.id)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert entries[2].created_at == NOON
    assert entries[2].at == entries[1].at


def test_entries_without_a_record_chain_on_a_head_of_their_own() -> None:
    noted()
    noted("page.left", path="/")
    first, second = chain("person:teller1")
    assert second.prev_hash == first.hash
    assert second.new_values == {"path": "/"}
    head = store.get(AuditHead(entity_id="person:teller1"))
    assert head is not None
    assert (head.audit_seq, head.audit_hash) == (2, second.hash)


def test_a_note_costs_a_read_and_a_commit_or_the_commit_alone_where_its_head_is_known() -> None:
    with count_requests() as requests:
        noted()
        noted()
    assert requests.operations == ["GetItem", "TransactWriteItems"] * 2
    event = Event(entity_id="person:teller1", entity_type="person", action="x.y", actor=TELLER)
    known = {"head": store.get(AuditHead(entity_id="person:teller1"))}
    with count_requests() as requests:
        trail.note(event, at=NOON, known=known)
    assert requests.operations == ["TransactWriteItems"]
    assert [entry.seq for entry in chain("person:teller1")] == [1, 2, 3]


def test_a_note_whose_head_was_moved_by_others_is_chained_to_what_they_wrote() -> None:
    event = Event(entity_id="person:teller1", entity_type="person", action="x.y", actor=TELLER)
    key = AuditHead(entity_id="person:teller1")
    noted()
    stale = store.get(key)
    noted()
    for known in ({"head": None}, {"head": stale}):
        with count_requests() as requests:
            trail.note(event, at=NOON, known=known)
        assert requests.operations == ["TransactWriteItems"] * 2
    assert [entry.seq for entry in chain("person:teller1")] == [1, 2, 3, 4]


def test_a_note_waits_its_seconds_in_short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append)
    monkeypatch.setattr("dynamodb.client.time", clock)
    monkeypatch.setattr("dynamodb.retries.time", clock)
    monkeypatch.setattr(trail, "NOTE_SECONDS", 1.0)
    with faults(passing, then=cancellation("TransactionConflict")), pytest.raises(StoreBusyError):
        noted()
    assert max(slept) <= 0.06
    assert 0.9 < sum(slept) < 1.1


def test_what_is_created_once_is_what_was_there_first() -> None:
    event = Event(entity_id=an_account().id, action="account.opened", actor=TELLER)
    first = trail.create_once("account", an_account(balance=5), event, at=NOON)
    again = trail.create_once("account", an_account(balance=9), event, at=NOON)
    assert (first.balance, again.balance) == (5, 5)
    assert getattr(store.get(an_account()), "balance", None) == 5
    (entry,) = chain(first.id)
    assert (entry.action, entry.created_at) == ("account.opened", NOON)
    assert (entry.new_values or {})["balance"] == 5


def test_who_creates_once_says_how_long_is_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append)
    monkeypatch.setattr("dynamodb.client.time", clock)
    monkeypatch.setattr("dynamodb.retries.time", clock)
    event = Event(entity_id=an_account().id, action="account.opened", actor=TELLER)
    patience = Patience(limit_seconds=1.0, longest_pause_seconds=0.05)
    conflict = cancellation("TransactionConflict")
    with faults(then=conflict), pytest.raises(StoreBusyError):
        trail.create_once("account", an_account(), event, at=NOON, patience=patience)
    assert 0.9 < sum(slept) < 1.1


def test_what_travels_with_a_note_happens_with_it_or_not_at_all() -> None:
    event = Event(entity_id="person:teller1", entity_type="person", action="x.y", actor=TELLER)
    other = AuditHead(entity_id="other")

    def add(tx: Transaction) -> None:
        tx.put_new("other", other)

    trail.note(event, at=NOON, add=add)
    assert store.get(other) is not None
    with pytest.raises(StoreError, match="other"):
        trail.note(event, at=NOON, add=add)
    assert len(chain("person:teller1")) == 1


def test_a_chain_that_somebody_wrote_past_us_takes_no_entry() -> None:
    noted()
    foreign = {"timestamp": f"{chain('person:teller1')[0].at}#{2:012d}"}
    planted(chain("person:teller1")[0].with_changes(foreign))
    with pytest.raises(StoreError, match="audit:head"):
        noted("page.left")
    head = store.get(AuditHead(entity_id="person:teller1"))
    assert head is not None
    assert head.audit_seq == 1


def test_secrets_and_card_numbers_never_reach_the_trail() -> None:
    noted(
        password="hunter2 hunter2",
        session_key="abc",
        reset_token="def",
        must_change_password=True,
        description="paid with 4111 1111 1111 1111 today",
        reference="4111111111111112",
    )
    (entry,) = chain("person:teller1")
    assert entry.new_values == {
        "password": "***",
        "session_key": "***",
        "reset_token": "***",
        "must_change_password": True,
        "description": "paid with 411111******1111 today",
        "reference": "4111111111111112",
    }


def test_the_context_goes_into_every_entry_and_is_cut_to_size() -> None:
    with context.use(Context(ip_address="192.0.2.1", user_agent="x" * 300, request_id="r" * 80)):
        noted()
    noted()
    inside, outside = chain("person:teller1")
    assert inside.ip_address == "192.0.2.1"
    assert (len(inside.user_agent or ""), len(inside.request_id or "")) == (256, 64)
    for origin in (outside.ip_address, outside.user_agent, outside.request_id):
        assert origin is None


def test_each_thread_has_its_own_context() -> None:
    gate = threading.Barrier(8)
    seen: dict[int, str] = {}

    def work(number: int) -> None:
        with context.use(Context(request_id=str(number))):
            gate.wait(5)
            seen[number] = context.current().request_id

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {number: str(number) for number in range(8)}
    assert context.current() == Context()


def test_an_entry_is_found_by_action_person_and_day() -> None:
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    today = queries.TrailFilter(first_day=NOON.date(), last_day=NOON.date())
    for action, wanted in (
        ("payment.processed", queries.TrailFilter(action="payment.processed")),
        ("payment.processed", queries.TrailFilter(user_id=TELLER.id)),
        ("payment.processed", today),
        ("account.debited", today),
        ("account.debited", replace(today, action="account.debited")),
        ("account.credited", replace(today, action="account.credited", user_id=TELLER.id)),
    ):
        actions = [entry.action for entry in queries.browse(wanted, person="p").rows]
        assert action in actions, wanted


def test_an_entry_stays_under_a_kilobyte_so_that_its_write_is_one_unit() -> None:
    source, target = opened("a", balance=5000), opened("b")
    origin = Context(ip_address="2001:db8::1", user_agent="Mozilla/5.0 " * 9, request_id="r" * 36)
    with context.use(origin):
        payment = transferred(source, target, description="an ordinary description").payment
    for entry in (*chain(source.id), *chain(payment.id)):
        size = sum(len(name) + len(str(value)) for name, value in entry.serialize().items())
        assert size < 1400, "with DynamoDB's own type marks, which do not count"


def test_actors_with_a_colon_are_the_system() -> None:
    assert Actor(id="system:ledger").is_system
    assert not TELLER.is_system
