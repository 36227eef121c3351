"""One record, or many by key: what is read is whole, and what is refused is said."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.errors import ConditionFailedError, StoreBusyError
from dynamodb.store import delete, get, get_many, get_together, put, put_existing, put_new, update
from tests.dynamodb.faults import answer, changed_answer, faults, passing, refusal
from tests.dynamodb.things import Line, Thing, Visit, plant, raw_item, some_settings

pytestmark = pytest.mark.usefixtures("store")


def a_visit(name: str = "visit", expires_at: int = 1) -> Visit:
    return Visit(id=name, expires_at=expires_at)


def a_line(place: str, **attributes: Any) -> Line:
    return Line(**{"story": "tale", "place": place, **attributes})


def test_a_record_comes_back_as_it_was() -> None:
    put_new(a_line("0001", score=7, words="once"))
    line = get(Line(story="tale", place="0001"))
    assert line is not None
    assert line.attribute_values == a_line("0001", score=7, words="once").attribute_values


def test_an_absent_record_is_none() -> None:
    assert get(Visit(id="nobody")) is None


def test_reads_are_consistent() -> None:
    bodies: list[str] = []

    def keep(request: Any, send: Any) -> Any:
        bodies.append(request.body.decode())
        return send()

    with faults(keep, keep):
        get(Visit(id="a"))
        get_many([Visit(id="a"), Line(story="tale", place="1")])
    assert [body.count('"ConsistentRead":true') for body in bodies] == [1, 2]


def test_records_of_one_moment_come_in_the_order_asked() -> None:
    put_new(a_visit("here"))
    with count_requests() as requests:
        found = get_together([Visit(id="gone"), Visit(id="here"), Line(story="s", place="1")])
    assert [getattr(row, "id", None) for row in found] == [None, "here", None]
    assert requests.operations == ["TransactGetItems"]


@pytest.mark.parametrize("name", ["", "x" * 2049, "é" * 1025])
def test_a_key_nobody_can_have_is_absent(name: str) -> None:
    put_new(a_visit("here"))
    with count_requests() as requests:
        assert get(Visit(id=name)) is None
        assert [bool(row) for row in get_many([Visit(id=name), Visit(id="here")])] == [False, True]
        assert get(Line(story="tale", place="x" * 1025)) is None
    assert requests.operations == ["BatchGetItem"]


def test_the_longest_key_can_be_had() -> None:
    put_new(a_visit("x" * 2048))
    assert get(Visit(id="x" * 2048)) is not None


def test_put_new_does_not_replace() -> None:
    put_new(a_visit(expires_at=1))
    with pytest.raises(ConditionFailedError) as refused:
        put_new(a_visit(expires_at=2))
    assert refused.value.item == a_visit(expires_at=1).serialize()
    assert raw_item(a_visit()) == a_visit(expires_at=1).serialize()


def test_put_existing_does_not_create() -> None:
    with pytest.raises(ConditionFailedError) as refused:
        put_existing(a_visit())
    assert refused.value.item is None
    assert get(a_visit()) is None
    put_new(a_visit(expires_at=1))
    put_existing(a_visit(expires_at=2))
    assert raw_item(a_visit()) == a_visit(expires_at=2).serialize()


def test_put_replaces_where_its_condition_holds() -> None:
    put(a_visit(expires_at=1))
    put(a_visit(expires_at=2), Visit.expires_at < 2)
    with pytest.raises(ConditionFailedError):
        put(a_visit(expires_at=3), Visit.expires_at < 2)
    assert raw_item(a_visit()) == a_visit(expires_at=2).serialize()


def test_an_update_counts_on_from_what_stands_or_says_what_that_is() -> None:
    put(a_line("1", score=4, words="some"))
    after = update(a_line("1"), Line.score.add(3), condition=Line.score < 5)
    assert (after.score, after.words) == (7, "some")
    with pytest.raises(ConditionFailedError) as refused:
        update(a_line("1"), Line.score.add(3), condition=Line.score < 5)
    assert refused.value.item is not None
    assert refused.value.item["score"] == {"N": "7"}
    with pytest.raises(TypeError, match="has a version"):
        update(Thing(id="thing"), Thing.amount_minor.add(1), condition=Thing.id.exists())


def test_what_is_deleted_is_gone_and_may_be_deleted_again() -> None:
    put_new(a_visit())
    delete(a_visit())
    delete(a_visit())
    assert get(a_visit()) is None


def test_many_come_in_the_order_asked_from_several_tables() -> None:
    put_new(a_visit("a"))
    put_new(a_line("0001"))
    wanted = [Line(story="tale", place="0001"), Visit(id="nobody"), Visit(id="a"), Visit(id="a")]
    with count_requests() as requests:
        line, nobody, visit, again = get_many(wanted)
    assert len(requests) == 1
    assert isinstance(line, Line)
    assert nobody is None
    assert visit.id == again.id == "a"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.integers(0, 9), max_size=100))
def test_many_are_exactly_those_asked_for(numbers: list[int]) -> None:
    for number in range(0, 10, 2):
        put(a_visit(f"{number}", expires_at=number))
    rows = get_many([Visit(id=f"{number}") for number in numbers])
    assert [row and row.expires_at for row in rows] == [
        number if number % 2 == 0 else None for number in numbers
    ]


def test_none_asked_is_none_read() -> None:
    with count_requests() as requests:
        assert get_many([]) == []
    assert len(requests) == 0


def test_more_than_a_hundred_are_refused_before_sending() -> None:
    with count_requests() as requests, pytest.raises(ValueError, match="At most 100"):
        get_many([Visit(id=f"{number}") for number in range(101)])
    assert len(requests) == 0


def leaving_one_out(body: dict[str, Any]) -> None:
    """DynamoDB answers a part, and says what it left."""
    table = Visit.table_name()
    left = body["Responses"][table].pop()
    keys = [{"id": left["id"]}]
    body["UnprocessedKeys"] = {table: {"Keys": keys, "ConsistentRead": True}}


def test_unprocessed_keys_are_read_again() -> None:
    names = ["a", "b", "c"]
    for name in names:
        put_new(a_visit(name))
    partial = changed_answer(leaving_one_out)
    with faults(partial, partial), count_requests() as requests:
        rows = get_many([Visit(id=name) for name in names])
    assert [row.id for row in rows] == names
    assert requests.operations == ["BatchGetItem"] * 3


def test_keys_that_stay_unprocessed_are_never_passed_off_as_absent() -> None:
    put_new(a_visit("a"))
    all_left = {Visit.table_name(): {"Keys": [{"id": {"S": "a"}}], "ConsistentRead": True}}
    nothing = answer(Responses={}, UnprocessedKeys=all_left)
    with faults(*[nothing] * 6), pytest.raises(StoreBusyError):
        get_many([Visit(id="a")])


def test_a_throttled_batch_is_busy() -> None:
    client.configure(some_settings(max_attempts=1))
    with (
        faults(refusal("ProvisionedThroughputExceededException")),
        pytest.raises(StoreBusyError),
    ):
        get_many([Visit(id="a")])


def test_a_batch_between_faults_is_whole() -> None:
    put_new(a_visit("a"))
    with faults(passing):
        assert get_many([Visit(id="a")])[0] is not None


def test_one_odd_record_does_not_hide_the_others() -> None:
    plant(Thing(id="odd", version=1), colour={"S": "green"}, made_at={"S": "yesterday"})
    plant(Thing(id="even", version=1), colour={"S": "red"})
    assert [row.id for row in get_many([Thing(id="odd"), Thing(id="even")])] == ["odd", "even"]
