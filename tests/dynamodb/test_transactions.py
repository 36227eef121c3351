"""Named actions in, one commit, a named outcome out: never half of it."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.errors import OutcomeUnknownError, StoreBusyError
from dynamodb.retries import Patience, commit_within
from dynamodb.store import get
from dynamodb.transactions import Attempt, Committed, Contended, Rejected, Unknown, commit
from tests.dynamodb.faults import (
    Fault,
    cancellation,
    connect_timeout,
    connection_closed_after,
    faults,
    garbled_after,
    read_timeout_after,
    read_timeout_before,
    refusal,
    server_error_after,
    unreachable,
)
from tests.dynamodb.things import (
    NOON,
    Line,
    Thing,
    Visit,
    a_thing,
    a_transaction,
    putting,
    raw_item,
    some_settings,
)

pytestmark = pytest.mark.usefixtures("store")

THROTTLED = refusal("ThrottlingException")
CONFLICTED = cancellation("TransactionConflict")
LOSING_THE_ANSWER = [
    read_timeout_after,
    connection_closed_after,
    server_error_after,
    garbled_after,
]


def fresh(name: str = "thing") -> Thing:
    thing = get(Thing(id=name))
    assert thing is not None
    return thing


def a_stored_thing(name: str = "thing", **attributes: Any) -> Thing:
    assert commit(putting(a_thing(name, **attributes))) == Committed()
    return fresh(name)


def a_line(place: str = "0001", **attributes: Any) -> Line:
    return Line(**{"story": "tale", "place": place, **attributes})


def moving(thing: Thing, amount_minor: int) -> Attempt:
    transaction = a_transaction()
    transaction.update("move", thing, {"amount_minor": amount_minor})
    return transaction.freeze()


def one_attempt_a_call() -> None:
    client.configure(some_settings(max_attempts=1))


def test_all_actions_happen_together() -> None:
    moved, checked = a_stored_thing("moved"), a_stored_thing("checked", amount_minor=5)
    transaction = a_transaction()
    transaction.put_new("new", a_thing("new"))
    transaction.check("enough", checked, Thing.amount_minor >= 5)
    transaction.put_once("line", a_line())
    transaction.update("move", moved, {"amount_minor": 1})
    with count_requests() as requests:
        assert commit(transaction.freeze()) == Committed()
    assert requests.operations == ["TransactWriteItems"]
    assert fresh("new").version == 1
    assert fresh("moved").version == 2
    assert fresh("checked").version == 1
    assert get(a_line()) is not None


def test_one_refusal_undoes_all_and_is_named() -> None:
    taken, poor = a_stored_thing("taken"), a_stored_thing("poor", amount_minor=4)
    transaction = a_transaction()
    transaction.put_once("line", a_line())
    transaction.check("enough money", poor, Thing.amount_minor >= 5)
    transaction.put_new("open", a_thing("taken"))
    transaction.put_new("other", a_thing("other"))
    outcome = commit(transaction.freeze())
    assert outcome == Rejected({"enough money": raw_item(poor), "open": raw_item(taken)})
    assert get(a_line()) is None
    assert get(Thing(id="other")) is None


def test_a_refusal_brings_the_record_as_it_stood() -> None:
    thing = a_stored_thing(amount_minor=10)
    assert commit(moving(thing, 11)) == Committed()
    outcome = commit(moving(thing, 12))
    assert isinstance(outcome, Rejected)
    item = outcome.items["move"]
    assert item is not None
    assert Thing.from_item(item).attribute_values == fresh().attribute_values


def test_a_refusal_for_want_of_a_record_brings_none() -> None:
    assert commit(moving(a_thing("gone", version=3), 1)) == Rejected({"move": None})


def test_an_update_may_ask_for_more_than_the_version() -> None:
    thing = a_stored_thing(amount_minor=10)
    transaction = a_transaction()
    transaction.update("move", thing, {"amount_minor": 0}, Thing.amount_minor >= 11)
    assert isinstance(commit(transaction.freeze()), Rejected)
    assert fresh().amount_minor == 10


def test_a_further_condition_does_not_replace_the_version() -> None:
    thing = a_stored_thing(amount_minor=10)
    assert commit(moving(thing, 20)) == Committed()
    transaction = a_transaction()
    transaction.update("move", thing, {"amount_minor": 0}, Thing.amount_minor >= 10)
    assert isinstance(commit(transaction.freeze()), Rejected)
    assert fresh().amount_minor == 20


def test_either_side_of_a_further_condition_leaves_the_version_in_force() -> None:
    thing = a_stored_thing(amount_minor=10)
    assert commit(moving(thing, 20)) == Committed()
    transaction = a_transaction()
    wide = (Thing.amount_minor >= 0) | (Thing.amount_minor < 0)
    transaction.update("move", thing, {"amount_minor": 0}, wide)
    assert isinstance(commit(transaction.freeze()), Rejected)


@pytest.mark.parametrize("put", ["put_new", "put_once"])
def test_a_key_is_taken_once(put: str) -> None:
    def attempt(note: str) -> Attempt:
        transaction = a_transaction()
        if put == "put_new":
            transaction.put_new("record", a_thing(note=note))
        else:
            transaction.put_once("record", a_line(words=note))
        return transaction.freeze()

    assert commit(attempt("first")) == Committed()
    assert isinstance(commit(attempt("second")), Rejected)
    assert "first" in str(raw_item(a_thing() if put == "put_new" else a_line()))


def test_put_once_looks_at_the_whole_key() -> None:
    for place in ("0001", "0002"):
        transaction = a_transaction()
        transaction.put_once("line", a_line(place))
        assert commit(transaction.freeze()) == Committed()


def test_what_put_new_returns_is_what_is_stored() -> None:
    transaction = a_transaction()
    returned = transaction.put_new("thing", a_thing(amount_minor=1))
    assert commit(transaction.freeze()) == Committed()
    assert fresh().attribute_values == returned.attribute_values


def test_an_early_return_sends_nothing() -> None:
    def leave_early() -> None:
        transaction = a_transaction()
        transaction.put_new("thing", a_thing())
        transaction.put_once("line", a_line())
        return  # noqa: PLR1711 - what this test is about

    with count_requests() as requests:
        leave_early()
    assert len(requests) == 0
    assert get(Thing(id="thing")) is None


@pytest.mark.parametrize("actions", [0, 101])
def test_none_or_too_many_actions_are_refused_before_sending(actions: int) -> None:
    transaction = a_transaction()
    for number in range(actions):
        transaction.put_new(f"{number}", a_thing(f"{number}"))
    with count_requests() as requests, pytest.raises(ValueError, match="1 to 100 actions"):
        commit(transaction.freeze())
    assert len(requests) == 0


def test_a_hundred_actions_are_sent() -> None:
    assert commit(putting(*(a_thing(f"{number}") for number in range(100)))) == Committed()


def test_a_name_is_used_once() -> None:
    transaction = a_transaction()
    transaction.put_new("thing", a_thing("one"))
    with pytest.raises(ValueError, match="'thing'"):
        transaction.put_new("thing", a_thing("two"))


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(KeyError):
        a_transaction().update("thing", a_thing(version=1), {"colou": "red"})


def test_a_frozen_attempt_does_not_change_any_more() -> None:
    values = {"before": 1}
    thing = a_thing(values=values)
    transaction = a_transaction()
    transaction.put_new("thing", thing)
    attempt = transaction.freeze()
    thing.note = "changed"
    values["after"] = 2
    transaction.put_new("other", a_thing("other"))
    assert commit(attempt) == Committed()
    assert fresh().attribute_values.get("note") is None
    assert fresh().values == {"before": 1}
    assert get(Thing(id="other")) is None


def test_each_attempt_has_its_own_token() -> None:
    transaction = a_transaction()
    transaction.put_new("thing", a_thing())
    assert transaction.freeze().token != transaction.freeze().token


def test_sending_again_sends_the_same_bytes_and_token() -> None:
    sent: list[bytes] = []

    def keep(request: Any, send: Any) -> Any:
        sent.append(request.body)
        return send()

    attempt = putting(a_thing())
    with faults(keep, keep):
        commit(attempt)
        commit(attempt)
    assert sent[0] == sent[1]
    assert attempt.token.encode() in sent[0]


@pytest.mark.parametrize(
    "fault",
    [
        cancellation("TransactionConflict"),
        cancellation("ThrottlingError"),
        cancellation("ProvisionedThroughputExceeded"),
        refusal("ThrottlingException"),
        refusal("ProvisionedThroughputExceededException"),
        refusal("RequestLimitExceeded"),
    ],
)
def test_conflicts_and_throttles_are_contention(fault: Fault) -> None:
    one_attempt_a_call()
    with faults(fault):
        assert commit(putting(a_thing())) == Contended()
    assert get(Thing(id="thing")) is None


def test_contention_beside_untouched_actions_is_contention() -> None:
    attempt = putting(a_thing("one"), a_thing("two"), a_thing("three"))
    with faults(cancellation("None", "TransactionConflict", "ThrottlingError")):
        assert commit(attempt) == Contended()


def test_a_refusal_beside_a_conflict_is_a_refusal() -> None:
    attempt = putting(a_thing("one"), a_thing("two"))
    with faults(cancellation("TransactionConflict", "ConditionalCheckFailed")):
        assert commit(attempt) == Rejected({"two": None})


@pytest.mark.parametrize("codes", [("ValidationError",), ("ValidationError", "ThrottlingError")])
def test_a_mistake_of_ours_is_not_an_outcome(codes: tuple[str, ...]) -> None:
    attempt = putting(*(a_thing(f"{number}") for number in range(len(codes))))
    with faults(cancellation(*codes)), pytest.raises(ClientError, match="TransactionCanceled"):
        commit(attempt)


def test_a_conflict_is_not_repeated_by_the_client() -> None:
    with faults(CONFLICTED), count_requests() as requests:
        assert commit(putting(a_thing())) == Contended()
    assert len(requests) == 1


@pytest.mark.parametrize("losing", LOSING_THE_ANSWER)
def test_a_lost_answer_is_unknown_and_sending_again_finds_out(losing: Fault) -> None:
    one_attempt_a_call()
    thing = a_stored_thing(amount_minor=10)
    attempt = moving(thing, 11)
    with faults(losing):
        assert isinstance(commit(attempt), Unknown)
    commit(attempt)
    assert (fresh().amount_minor, fresh().version) == (11, 2)


@pytest.mark.parametrize(
    "fault",
    [read_timeout_before, unreachable, connect_timeout, refusal("TransactionInProgressException")],
)
def test_no_answer_is_unknown_even_if_nothing_happened(fault: Fault) -> None:
    one_attempt_a_call()
    attempt = putting(a_thing())
    with faults(fault):
        assert isinstance(commit(attempt), Unknown)
    assert get(Thing(id="thing")) is None
    assert commit(attempt) == Committed()


@pytest.mark.parametrize("losing", LOSING_THE_ANSWER)
@pytest.mark.parametrize("refusing", [THROTTLED, CONFLICTED])
def test_contention_after_a_lost_answer_is_unknown(losing: Fault, refusing: Fault) -> None:
    client.configure(some_settings(max_attempts=2))
    with faults(losing, refusing):
        assert isinstance(commit(putting(a_thing())), Unknown)
    assert fresh().version == 1


def test_contention_is_tried_again_until_it_is_through() -> None:
    with faults(CONFLICTED, CONFLICTED), count_requests() as requests:
        assert commit_within(putting(a_thing()), Patience(limit_seconds=60)) == Committed()
    assert len(requests) == 3


def test_patience_that_ends_in_contention_is_busy() -> None:
    with faults(CONFLICTED), pytest.raises(StoreBusyError):
        commit_within(putting(a_thing()), Patience(limit_seconds=0))


def test_patience_that_ends_after_a_lost_answer_is_unknown() -> None:
    one_attempt_a_call()
    with (
        faults(read_timeout_after),
        pytest.raises(OutcomeUnknownError),
    ):
        commit_within(putting(a_thing()), Patience(limit_seconds=0))
    assert fresh().version == 1


def test_updates_carry_the_time_of_their_transaction() -> None:
    thing = a_stored_thing()
    transaction = a_transaction(at=NOON + timedelta(seconds=1))
    transaction.update("thing", thing, {"note": "x"})
    assert commit(transaction.freeze()) == Committed()
    assert fresh().updated_at - fresh().created_at == timedelta(seconds=1)


def test_one_item_twice_is_a_mistake_of_ours() -> None:
    transaction = a_transaction()
    transaction.put_new("one", a_thing())
    transaction.update("two", a_thing(version=1), {"note": "x"})
    with pytest.raises(ClientError, match="multiple operations on one item"):
        commit(transaction.freeze())
    assert get(Visit(id="thing")) is None
