"""Named actions in, one commit, a named outcome out: never half of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dynamodb.client import count_requests
from dynamodb.errors import StoreRefusedError
from dynamodb.store import get, put
from dynamodb.transactions import Attempt, Committed, Rejected, Transaction, commit
from tests.dynamodb.faults import (
    faults,
)
from tests.dynamodb.things import (
    NOON,
    Line,
    Thing,
    Visit,
    a_stored_thing,
    a_thing,
    a_transaction,
    fresh,
    moving,
    putting,
    raw_item,
)

pytestmark = pytest.mark.usefixtures("store")


def a_line(place: str = "0001", **attributes: Any) -> Line:
    return Line(**{"story": "tale", "place": place, **attributes})


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
    transaction = a_transaction()
    transaction.update("thing", a_thing(version=1), {"colou": "red"})
    with pytest.raises(KeyError):
        transaction.freeze()


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
    with pytest.raises(StoreRefusedError, match="ValidationException"):
        commit(transaction.freeze())
    assert get(Visit(id="thing")) is None


def test_a_record_without_a_version_is_changed_only_where_it_is_and_deleted_with_the_rest() -> None:
    line, other = a_line(score=1, words="some"), a_line("0002")
    put(line)
    put(other)
    transaction = a_transaction()
    transaction.update_existing("line", line, {"score": 2})
    transaction.delete("other", other)
    assert commit(transaction.freeze()) == Committed()
    stands = get(a_line())
    assert stands is not None
    assert (stands.score, stands.words) == (2, "some")
    assert get(other) is None

    transaction = a_transaction()
    transaction.update_existing("other", other, {"score": 2})
    transaction.delete("line", line)
    outcome = commit(transaction.freeze())
    assert outcome == Rejected({"other": None})
    assert transaction.as_they_stood(outcome) == {"other": None}
    assert get(other) is None
    assert get(line) is not None


@pytest.mark.parametrize("act", [Transaction.delete, Transaction.update_existing])
def test_a_record_with_a_version_moves_by_it_only(act: Callable[..., None]) -> None:
    with pytest.raises(TypeError, match="has a version"):
        act(a_transaction(), "thing", a_thing(), *([{}] * (act is Transaction.update_existing)))
