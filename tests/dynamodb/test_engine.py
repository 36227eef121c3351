"""What moto cannot play: tokens, real concurrency, a real engine's tables and pages."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pytest

from dynamodb import client, tables
from dynamodb.client import call, count_requests
from dynamodb.errors import ConditionFailedError, StoreUnavailableError
from dynamodb.pages import Query, read_page
from dynamodb.retries import Patience, commit_within, read_within
from dynamodb.scans import query_items
from dynamodb.store import condition_arguments, get, get_many, put
from dynamodb.tables import TableReport, declaration, ensure_table
from dynamodb.transactions import Attempt, Committed, Contended, Rejected, Unknown, commit
from tests.dynamodb.faults import (
    connection_closed_after,
    faults,
    passing,
    read_timeout_after,
    server_error_after,
)
from tests.dynamodb.things import (
    MODELS,
    Line,
    Thing,
    Visit,
    a_thing,
    a_transaction,
    drop_tables,
    fresh,
    plant,
    putting,
    raw_item,
    some_settings,
)

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("local_store")]

LOSING_THE_ANSWER = [read_timeout_after, connection_closed_after, server_error_after]

Result = TypeVar("Result")


def in_parallel(number: int, act: Callable[[int], Result]) -> list[Result]:
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(act, range(number)))


def adding_without_condition(amount: int) -> Attempt:
    """An attempt whose effect shows how often it happened: it adds, whatever the version."""
    update = {
        "TableName": Thing.table_name(),
        "Key": Thing(id="thing").key_item(),
        "UpdateExpression": "ADD amount_minor :amount",
        "ExpressionAttributeValues": {":amount": {"N": str(amount)}},
    }
    return Attempt(names=("add",), actions=({"Update": update},), token=str(uuid.uuid4()))


def one_attempt_a_call() -> None:
    store = client.settings()
    client.configure(
        some_settings(
            endpoint_url=store.endpoint_url, table_prefix=store.table_prefix, max_attempts=1
        )
    )


def test_of_twenty_who_want_a_key_one_gets_it() -> None:
    outcomes = in_parallel(20, lambda number: commit(putting(a_thing(note=f"{number}"))))
    winners = [number for number, outcome in enumerate(outcomes) if outcome == Committed()]
    assert len(winners) == 1
    assert fresh().note == f"{winners[0]}"
    for outcome in outcomes[: winners[0]] + outcomes[winners[0] + 1 :]:
        assert outcome in (Contended(), Rejected({"thing": raw_item(fresh())}))


def test_of_twenty_changes_of_one_version_one_happens() -> None:
    commit(putting(a_thing(amount_minor=0)))
    thing = fresh()

    def change(number: int) -> bool:
        transaction = a_transaction()
        transaction.update("thing", thing, {"amount_minor": number})
        return commit(transaction.freeze()) == Committed()

    assert sum(in_parallel(20, change)) == 1
    assert fresh().version == 2


def test_writers_who_read_again_lose_no_update() -> None:
    commit(putting(a_thing(amount_minor=0)))

    def add_one(_: int) -> None:
        for _ in range(5):
            while True:
                thing = fresh()
                transaction = a_transaction()
                transaction.update("thing", thing, {"amount_minor": thing.amount_minor + 1})
                patience = Patience(limit_seconds=60)
                if commit_within(transaction.freeze(), patience) == Committed():
                    break

    in_parallel(8, add_one)
    assert (fresh().amount_minor, fresh().version) == (40, 41)


def test_an_attempt_sent_again_has_one_effect() -> None:
    commit(putting(a_thing(amount_minor=0)))
    attempt = adding_without_condition(5)
    assert [commit(attempt) for _ in range(3)] == [Committed()] * 3
    with count_requests():
        assert commit(attempt) == Committed()
    assert fresh().amount_minor == 5


@pytest.mark.parametrize(
    "losing", [read_timeout_after, connection_closed_after, server_error_after]
)
def test_a_lost_answer_is_found_out_by_sending_again(losing: Any) -> None:
    commit(putting(a_thing(amount_minor=0)))
    one_attempt_a_call()
    attempt = adding_without_condition(5)
    with faults(losing):
        assert isinstance(commit(attempt), Unknown)
    assert commit(attempt) == Committed()
    assert fresh().amount_minor == 5


@pytest.mark.parametrize(
    "losing", [read_timeout_after, connection_closed_after, server_error_after]
)
def test_the_client_finds_out_by_itself(losing: Any) -> None:
    commit(putting(a_thing(amount_minor=0)))
    attempt = adding_without_condition(5)
    with faults(losing, losing, passing):
        assert commit(attempt) == Committed()
    assert fresh().amount_minor == 5


def test_a_conditional_attempt_sent_again_is_committed_not_rejected() -> None:
    attempt = putting(a_thing())
    with faults(read_timeout_after):
        assert commit(attempt) == Committed()
    assert fresh().version == 1


def test_a_refusal_brings_the_records_as_they_stood() -> None:
    commit(putting(a_thing("poor", amount_minor=4), a_thing("taken")))
    transaction = a_transaction()
    transaction.put_new("other", a_thing("other"))
    transaction.check("enough", fresh("poor"), Thing.amount_minor >= 5)
    transaction.put_new("open", a_thing("taken"))
    transaction.update("stale", a_thing("gone", version=3), {"note": "x"})
    assert commit(transaction.freeze()) == Rejected(
        {"enough": raw_item(Thing(id="poor")), "open": raw_item(Thing(id="taken")), "stale": None}
    )
    assert get(Thing(id="other")) is None


def test_a_hundred_actions_fit() -> None:
    assert commit(putting(*(a_thing(f"{number}") for number in range(100)))) == Committed()
    rows = get_many([Thing(id=f"{number}") for number in range(100)])
    assert [row.id for row in rows] == [f"{number}" for number in range(100)]


def test_an_attribute_of_a_newer_writer_survives_an_update() -> None:
    plant(a_thing(version=1), limit_of_tomorrow={"N": "5"})
    transaction = a_transaction()
    transaction.update("thing", fresh(), {"note": "ours"})
    assert commit(transaction.freeze()) == Committed()
    assert (raw_item(Thing(id="thing")) or {})["limit_of_tomorrow"] == {"N": "5"}


def test_tables_made_by_the_engine_are_as_declared() -> None:
    reports = [ensure_table(model) for model in MODELS]
    assert [report.created for report in reports] == [False] * 3
    assert [report.differences for report in reports[:2]] == [(), ()]
    assert reports[2].differences[0].endswith("declared is expires_at")
    call("DeleteTable", TableName=Visit.table_name())
    assert ensure_table(Visit).created
    assert ensure_table(Visit).differences == ()


def test_tables_asked_for_by_several_at_once_are_made_once() -> None:
    call("DeleteTable", TableName=Line.table_name())
    reports = in_parallel(6, lambda _: ensure_table(Line))
    assert sum(report.created for report in reports) == 1
    assert not any(report.differences for report in reports)


@pytest.mark.parametrize("hydrate", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 24, 25])
def test_rows_that_sort_alike_are_neither_skipped_nor_repeated(rows: int, hydrate: bool) -> None:
    for number in range(24):
        put(Line(story=f"{number:02}", place=f"{number % 2}", owner="ada", score=number))
    query = Query(model=Line, partition="ada", index="owner-index", hydrate=hydrate)
    seen: list[int] = []
    cursor = ""
    while True:
        page = read_page([query], person="bob", cursor=cursor, rows=rows)
        seen += [line.score for line in page.rows]
        cursor = page.next_cursor
        if not cursor:
            break
    assert sorted(seen) == list(range(24))


def test_a_list_longer_than_a_megabyte_does_not_stop_there() -> None:
    words = "x" * 30_000
    for number in range(90):
        put(Line(story="long", place=f"{number:04}", score=number, words=words))
    query = Query(model=Line, partition="long", newest_first=False)
    seen: list[int] = []
    cursor, pages = "", 0
    while cursor or not pages:
        page = read_page([query], person="bob", cursor=cursor, rows=80)
        seen += [line.score for line in page.rows]
        cursor, pages = page.next_cursor, pages + 1
    assert seen == list(range(90))
    assert pages > 2


def test_what_no_key_can_be_is_what_the_engine_refuses() -> None:
    """The borders that reads keep to are the engine's own."""
    for size, fits in ((2048, True), (2049, False)):
        item = {"id": {"S": "x" * size}, "expires_at": {"N": "1"}}
        assert Visit.can_have_key(item) is fits
        if fits:
            call("PutItem", TableName=Visit.table_name(), Item=item)
        else:
            with pytest.raises(Exception, match="ValidationException"):
                call("PutItem", TableName=Visit.table_name(), Item=item)


def test_conditions_return_the_item_on_single_writes() -> None:
    put(Visit(id="v", expires_at=1))
    arguments = condition_arguments(Visit.expires_at > 5)
    assert arguments["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    with pytest.raises(ConditionFailedError) as refused:
        put(Visit(id="v", expires_at=9), Visit.expires_at > 5)
    assert refused.value.item == Visit(id="v", expires_at=1).serialize()


def test_a_live_table_is_given_an_index_that_finds_old_and_new_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop_tables()
    whole = declaration(Line)
    keys = {"story", "place"}
    older = {name: value for name, value in whole.items() if "Secondary" not in name}
    older["AttributeDefinitions"] = [
        part for part in whole["AttributeDefinitions"] if part["AttributeName"] in keys
    ]
    call("CreateTable", **older)
    monkeypatch.setattr(Line, "stream", "NEW_IMAGE")
    put(Line(story="s", place="1", owner="o"))
    stop = threading.Event()
    written: list[str] = []

    def write() -> None:
        while not stop.is_set():
            written.append(f"2-{len(written):06}")
            patience = Patience(limit_seconds=10)  # the engine fails some writes meanwhile
            read_within(partial(put, Line(story="s", place=written[-1], owner="o")), patience)

    with ThreadPoolExecutor(3) as pool:
        writing = pool.submit(write)
        try:
            reports = list(pool.map(ensure_table, [Line, Line]))
        finally:
            stop.set()
        writing.result()
    assert "owner-index" in {added for report in reports for added in report.added}
    assert ensure_table(Line) == TableReport(Line.table_name(), created=False)
    found = query_items(Query(model=Line, index="owner-index", partition="o", newest_first=False))
    assert [item["place"]["S"] for item in found] == ["1", *written]


def test_a_change_of_a_table_whose_answer_was_lost_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asked for again by the client, the engine refuses it: that stream is there."""
    monkeypatch.setattr(Line, "stream", "NEW_IMAGE")

    def losing(operation: str, **arguments: Any) -> dict[str, Any]:
        answer = call(operation, **arguments)
        if operation == "UpdateTable":
            raise StoreUnavailableError
        return answer

    monkeypatch.setattr(tables, "call", losing)
    assert ensure_table(Line).added == ("stream",)
    assert ensure_table(Line).added == ()
