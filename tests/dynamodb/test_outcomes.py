"""What is known after a commit in trouble: refused, contended, or not known at all."""

from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from dynamodb import client
from dynamodb.client import count_requests
from dynamodb.errors import OutcomeUnknownError, StoreBusyError, StoreRefusedError
from dynamodb.retries import Patience, commit_within, read_within
from dynamodb.store import get
from dynamodb.transactions import Committed, Contended, Rejected, Unknown, commit
from tests.dynamodb.faults import (
    STRANGE,
    Fault,
    Send,
    cancellation,
    connect_timeout,
    connection_closed_after,
    faults,
    garbled_after,
    passing,
    read_timeout_after,
    read_timeout_before,
    refusal,
    server_error_after,
    unreachable,
)
from tests.dynamodb.things import (
    Thing,
    a_stored_thing,
    a_thing,
    fresh,
    moving,
    putting,
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


def one_attempt_a_call() -> None:
    client.configure(some_settings(max_attempts=1))


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
    with (
        faults(cancellation(*codes)),
        pytest.raises(StoreRefusedError, match="Canceled"),
    ):
        commit(attempt)


def test_a_conflict_is_not_repeated_by_the_client() -> None:
    with faults(CONFLICTED), count_requests() as requests:
        assert commit(putting(a_thing())) == Contended()
    assert len(requests) == 1


@pytest.mark.parametrize("losing", [*LOSING_THE_ANSWER, *STRANGE])
def test_a_lost_answer_is_unknown_and_sending_again_finds_out(losing: Fault) -> None:
    one_attempt_a_call()
    thing = a_stored_thing(amount_minor=10)
    attempt = moving(thing, 11)
    with faults(losing):
        assert isinstance(commit(attempt), Unknown)
    commit(attempt)
    assert (fresh().amount_minor, fresh().version) == (11, 2)


@pytest.mark.parametrize(
    "code", ["ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException"]
)
def test_who_is_not_let_in_has_done_nothing_unless_an_answer_was_lost_before(code: str) -> None:
    with faults(refusal(code)):
        assert commit(putting(a_thing())) == Contended()
    with faults(read_timeout_after, refusal(code)):
        assert isinstance(commit(putting(a_thing())), Unknown)
    assert fresh().version == 1


@pytest.mark.parametrize("fault", [unreachable, connect_timeout])
def test_what_was_never_sent_has_not_happened(fault: Fault) -> None:
    client.configure(some_settings(max_attempts=3))
    with faults(fault, fault, fault):
        assert commit(putting(a_thing())) == Contended()
    with faults(read_timeout_after, fault, fault):
        assert isinstance(commit(putting(a_thing())), Unknown)
    assert fresh().version == 1


@pytest.mark.parametrize("fault", [read_timeout_before, refusal("TransactionInProgressException")])
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


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that somebody slept or waited for an answer. Nothing else takes time."""
    client.configure(some_settings())
    passed: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(passed), sleep=passed.append)
    monkeypatch.setattr("dynamodb.client.time", clock)
    monkeypatch.setattr("dynamodb.retries.time", clock)
    return passed


def after_seconds(passed: list[float], fault: Fault, seconds: float = 3.0) -> Fault:
    def slow(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        passed.append(seconds)
        return fault(request, send)

    return slow


@pytest.mark.parametrize("fault", [read_timeout_after, read_timeout_before])
def test_ten_seconds_end_also_when_every_answer_times_out(
    passed: list[float], fault: Fault
) -> None:
    patience = Patience(limit_seconds=10)
    with faults(then=after_seconds(passed, fault)), pytest.raises(OutcomeUnknownError):
        commit_within(putting(a_thing()), patience)
    assert 6 < sum(passed) <= 10


def test_a_read_and_a_commit_share_their_ten_seconds(passed: list[float]) -> None:
    thing, patience = a_stored_thing(), Patience(limit_seconds=10)
    slow = after_seconds(passed, read_timeout_before)
    with faults(slow, slow, passing, then=slow):
        assert read_within(lambda: get(thing), patience) is not None
        with pytest.raises(OutcomeUnknownError):
            commit_within(moving(thing, 11), patience)
    assert 6 < sum(passed) <= 10


def test_a_read_is_tried_again_and_then_busy(passed: list[float]) -> None:
    thing = a_stored_thing()
    client.configure(some_settings(max_attempts=1))
    with faults(connection_closed_after, THROTTLED):
        assert read_within(lambda: get(thing), Patience(limit_seconds=10)) is not None
    slow = after_seconds(passed, read_timeout_before)
    with faults(then=slow), pytest.raises(StoreBusyError):
        read_within(lambda: get(thing), Patience(limit_seconds=10))
    assert 6 < sum(passed) <= 10


def test_a_throttle_that_is_not_repeated_for_want_of_time_is_busy(passed: list[float]) -> None:
    slow = after_seconds(passed, THROTTLED)
    with faults(then=slow), pytest.raises(StoreBusyError):
        commit_within(putting(a_thing()), Patience(limit_seconds=2))
    assert sum(passed) == 3


def test_patience_that_ends_after_a_lost_answer_is_unknown() -> None:
    one_attempt_a_call()
    with (
        faults(read_timeout_after),
        pytest.raises(OutcomeUnknownError),
    ):
        commit_within(putting(a_thing()), Patience(limit_seconds=0))
    assert fresh().version == 1
