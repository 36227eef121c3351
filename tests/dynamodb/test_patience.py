"""Trying again, with a scripted store and a clock that only moves when somebody waits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from dynamodb import client, measures
from dynamodb.client import TimeLimit
from dynamodb.errors import (
    OutcomeUnknownError,
    StoreBusyError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
)
from dynamodb.retries import Patience, commit_within, read_within, settle
from dynamodb.transactions import (
    Attempt,
    Committed,
    Contended,
    Outcome,
    Rejected,
    Transaction,
    Unknown,
)
from tests.dynamodb.things import NOON, Colour, Thing, some_settings

BUSY = "The store is busy. Please try again in a moment."
ATTEMPT = Attempt(names=("a",), actions=({},), token="t" * 36)
LOST = Unknown(StoreUnavailableError("lost on the way"))


@dataclass
class Store:
    """Answers as scripted; the last answer for ever. Notes what was sent, drawn and slept."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    drawn: list[tuple[float, float]] = field(default_factory=list)
    sent: list[Attempt] = field(default_factory=list)
    limits: list[TimeLimit | None] = field(default_factory=list)
    outcomes: Iterator[Outcome | StoreRefusedError] = field(default_factory=lambda: iter(()))
    _last: Outcome | StoreRefusedError = field(default_factory=Committed)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def draw(self, low: float, high: float) -> float:
        self.drawn.append((low, high))
        return high

    def commit(self, attempt: Attempt) -> Outcome:
        self.sent.append(attempt)
        self.limits.append(client.limit_in_force())
        self._last = next(self.outcomes, self._last)
        if isinstance(self._last, StoreRefusedError):
            raise self._last
        return self._last


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    clock = SimpleNamespace(monotonic=lambda: store.now, sleep=store.sleep)
    monkeypatch.setattr(client, "_settings", some_settings())
    monkeypatch.setattr("dynamodb.client.time", clock)
    monkeypatch.setattr("dynamodb.retries.time", clock)
    monkeypatch.setattr("dynamodb.retries.random", SimpleNamespace(uniform=store.draw))
    monkeypatch.setattr("dynamodb.retries.commit", store.commit)
    return store


def patient(seconds: float = 10.0, **values: Any) -> Patience:
    return Patience(limit_seconds=seconds, _started=0.0, **values)


def test_pauses_double_up_to_the_longest_with_jitter_of_a_half(store: Store) -> None:
    patience = patient(1000)
    assert all(patience.pause() for _ in range(30))
    assert [high for _, high in store.drawn][:7] == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.5]
    assert [high for _, high in store.drawn][7:] == [0.5] * 23
    assert all(low == high / 2 for low, high in store.drawn)
    assert store.slept == [high for _, high in store.drawn]


def test_pauses_never_double_beyond_counting(store: Store) -> None:
    patience = patient(10**9, first_pause_seconds=1.0, longest_pause_seconds=10**6)
    assert all(patience.pause() for _ in range(19))
    assert store.slept[-3:] == [2**16] * 3


@pytest.mark.parametrize(("limit_seconds", "waits"), [(0.02, True), (0.01, False), (0.0, False)])
def test_no_pause_reaches_the_end(store: Store, limit_seconds: float, waits: bool) -> None:
    assert patient(limit_seconds).pause() is waits
    assert store.slept == [0.01] * waits


@pytest.mark.parametrize(("limit_seconds", "told"), [(0.02, ["retry"]), (0.01, [])])
def test_each_time_that_is_tried_again_is_told(
    store: Store, limit_seconds: float, told: list[str]
) -> None:
    heard: list[str] = []
    listener: measures.Listener = lambda name, *_: heard.append(name)  # noqa: E731 - its own name
    measures.listen(listener)
    try:
        patient(limit_seconds).pause()
    finally:
        measures.stop_listening(listener)
    assert heard == told


def test_nothing_is_asked_again_that_would_end_too_late(store: Store) -> None:
    patience = patient(10)
    patience._limit.took_seconds = 10
    assert not patience.pause()
    patience._limit.took_seconds = 9.9
    assert patience.pause()


def test_what_remains_is_the_limit_less_what_has_passed(store: Store) -> None:
    store.now = 4.0
    assert patient(10).remaining_seconds == 6.0
    assert Patience(limit_seconds=10, _started=3.0).remaining_seconds == 9.0


def test_a_limit_in_force_ends_it_too_if_it_ends_earlier(store: Store) -> None:
    with client.within(TimeLimit(7.0)):
        assert Patience(limit_seconds=10, _started=2.0).limit_seconds == 5.0
        assert Patience(limit_seconds=4, _started=2.0).limit_seconds == 4
    assert Patience(limit_seconds=10, _started=2.0)._limit.ends_seconds == 12.0


@pytest.mark.parametrize("trouble", [[], [Contended()], [LOST], [Contended(), LOST, Contended()]])
@pytest.mark.parametrize("end", [Committed(), Rejected({"a": None})])
def test_one_attempt_is_sent_until_there_is_an_end(
    store: Store, trouble: list[Outcome], end: Outcome
) -> None:
    store.outcomes = iter([*trouble, end])
    patience = patient()
    assert commit_within(ATTEMPT, patience) == end
    assert store.sent == [ATTEMPT] * (len(trouble) + 1)
    assert store.limits == [patience._limit] * len(store.sent)
    assert client.limit_in_force() is None
    assert len(store.slept) == len(trouble)


def test_without_an_end_it_is_busy_if_nothing_can_have_happened(store: Store) -> None:
    store.outcomes = iter([Contended()])
    with pytest.raises(StoreBusyError) as busy:
        commit_within(ATTEMPT, patient())
    assert str(busy.value) == BUSY
    assert len(store.sent) > 10
    assert store.now < 10


@pytest.mark.parametrize("outcomes", [[LOST], [LOST, Contended()], [Contended(), LOST]])
def test_without_an_end_it_is_unknown_if_an_answer_was_lost(
    store: Store, outcomes: list[Outcome]
) -> None:
    store.outcomes = iter(outcomes)
    with pytest.raises(OutcomeUnknownError) as unknown:
        commit_within(ATTEMPT, patient())
    assert str(unknown.value) == "lost on the way"
    assert unknown.value.__cause__ is LOST.cause


@pytest.mark.parametrize(
    ("before", "error", "sentence"),
    [
        ([], StoreRefusedError, "The store refused a request: Forbidden."),
        ([Contended()], StoreRefusedError, "The store refused a request: Forbidden."),
        ([LOST], OutcomeUnknownError, "lost on the way"),
    ],
)
def test_a_refusal_of_the_store_ends_it_and_leaves_open_what_was_lost_before(
    store: Store, before: list[Outcome], error: type[StoreError], sentence: str
) -> None:
    store.outcomes = iter([*before, StoreRefusedError({"Error": {"Code": "Forbidden"}})])
    with pytest.raises(error) as trouble:
        commit_within(ATTEMPT, patient())
    assert (type(trouble.value), str(trouble.value)) == (error, sentence)


def a_thing(version: int = 1, name: str = "thing", **values: Any) -> Thing:
    return Thing(id=name, version=version, colour=Colour.RED, **values)


def moving(known: dict[str, Thing | None]) -> Callable[[Transaction], int | None]:
    """Raise the amount of the thing by one, or make it with 1; gives the amount it then has."""

    def build(tx: Transaction) -> int | None:
        assert tx.at == NOON
        thing = known["thing"]
        if thing is None:
            return tx.put_new("thing", a_thing(amount_minor=1)).amount_minor
        return tx.update(
            "thing", thing, {"amount_minor": (thing.amount_minor or 0) + 1}
        ).amount_minor

    return build


def settled(known: dict[str, Thing | None], patience: Patience | None = None) -> int | None:
    return settle(moving(known), known, at=NOON, patience=patience or patient())


def test_what_adds_nothing_sends_nothing(store: Store) -> None:
    assert settle(lambda _: "nothing to do", {}, at=NOON, patience=patient()) == "nothing to do"
    assert store.sent == []


def test_a_commit_at_once_needs_no_pause(store: Store) -> None:
    assert settled({"thing": None}) == 1
    assert len(store.sent) == 1
    assert store.slept == []


def test_a_commit_is_built_anew_on_what_has_come_between(store: Store) -> None:
    between = a_thing(4, amount_minor=40)
    known: dict[str, Any] = {"thing": a_thing(amount_minor=1), "other": "untouched"}
    store.outcomes = iter([Rejected({"thing": between.serialize()}), Committed()])
    assert settled(known) == 41
    first, second = store.sent
    assert first.token != second.token
    assert known["thing"].attribute_values == between.attribute_values
    assert known["other"] == "untouched"
    assert store.slept == [0.01]


def test_a_record_that_is_gone_is_made_and_one_that_is_new_is_changed(store: Store) -> None:
    store.outcomes = iter([Rejected({"thing": None}), Committed()])
    assert settled({"thing": a_thing(amount_minor=1)}) == 1
    store.outcomes = iter([Rejected({"thing": a_thing(amount_minor=7).serialize()}), Committed()])
    assert settled({"thing": None}) == 8


@pytest.mark.parametrize("thing", [None, a_thing(3, amount_minor=1)])
def test_a_refusal_of_what_stands_as_it_should_is_told_at_once(
    store: Store, thing: Thing | None
) -> None:
    store.outcomes = iter([Rejected({"thing": thing.serialize() if thing else None})])
    with pytest.raises(StoreError) as refused:
        settled({"thing": thing})
    assert str(refused.value) == "The store refuses what should be free: thing."
    assert len(store.sent) == 1


def test_a_refusal_of_what_nobody_reads_names_all_that_is_refused(store: Store) -> None:
    def build(tx: Transaction) -> None:
        for name in ("b", "a"):
            tx.put_new(name, a_thing(name=name))

    store.outcomes = iter([Rejected({"b": None, "a": None})])
    with pytest.raises(StoreError) as refused:
        settle(build, {}, at=NOON, patience=patient())
    assert str(refused.value) == "The store refuses what should be free: a, b."


def test_news_beside_what_stands_as_it_should_are_worth_another_try(store: Store) -> None:
    known: dict[str, Thing | None] = {"one": None, "two": None}

    def build(tx: Transaction) -> list[str]:
        missing = [name for name in known if known[name] is None]
        for name in missing:
            tx.put_new(name, a_thing(name=name))
        return missing

    news = {"one": None, "two": a_thing(name="two").serialize()}
    store.outcomes = iter([Rejected(news), Committed()])
    assert settle(build, known, at=NOON, patience=patient()) == ["one"]


def test_whoever_is_always_too_late_is_busy_in_the_end(store: Store) -> None:
    store.outcomes = (
        Rejected({"thing": a_thing(number, amount_minor=1).serialize()}) for number in range(2, 999)
    )
    with pytest.raises(StoreBusyError) as busy:
        settled({"thing": a_thing(amount_minor=1)})
    assert str(busy.value) == BUSY
    assert 9 < store.now < 10


def test_a_read_is_tried_again_after_trouble_with_the_limit_in_force(store: Store) -> None:
    answers: Iterator[Any] = iter([StoreBusyError("a"), StoreUnavailableError("b"), "read"])
    patience = patient()

    def read() -> str:
        assert client.limit_in_force() is patience._limit
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert read_within(read, patience) == "read"
    assert len(store.slept) == 2


@pytest.mark.parametrize("trouble", [StoreBusyError("a"), StoreUnavailableError("b")])
def test_a_read_in_trouble_for_too_long_is_busy(store: Store, trouble: StoreError) -> None:
    def read() -> str:
        raise trouble

    with pytest.raises(StoreBusyError) as busy:
        read_within(read, patient(1.0))
    assert str(busy.value) == BUSY
    assert busy.value.__cause__ is trouble


def test_a_read_that_is_refused_is_not_tried_again(store: Store) -> None:
    def read() -> str:
        raise StoreError("no such table")

    with pytest.raises(StoreError, match="no such table"):
        read_within(read, patient())
    assert store.slept == []
