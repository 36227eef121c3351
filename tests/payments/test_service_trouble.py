"""The service under trouble: in words, in time, and never a guess."""

import itertools
from time import monotonic
from typing import Any

import pytest

from dynamodb import client
from payments import queries
from payments.http import routes
from payments.lambda_handler import start
from payments.models import Account, IdempotencyKey
from tests.bank import check_bank
from tests.builders import opened
from tests.dynamodb.faults import (
    Fault,
    cancellation,
    faults,
    garbled_after,
    passing,
    read_timeout_after,
    read_timeout_before,
    refusal,
    unreachable,
)
from tests.payments.gateway import Function, ask, ask_transfer, v2

pytestmark = pytest.mark.usefixtures("moto_store")

WORDS_OF_LIBRARIES = ("Traceback", "botocore", "http://", "Exception", "Error", "line ", "make ")


@pytest.fixture
def body() -> dict[str, Any]:
    ends = {"from_account_id": opened("a", balance=5000).id, "to_account_id": opened("b").id}
    return {**ends, "amount": 1000, "currency": "USD"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A monotonic clock that goes on a quarter of a second whenever it is looked at."""
    passed = itertools.count(step=0.25)
    monkeypatch.setattr("time.monotonic", lambda: next(passed))


def balance(body: dict[str, Any]) -> int:
    account = queries.get_account(body["from_account_id"])
    assert isinstance(account, Account)
    return account.balance


@pytest.mark.parametrize("lost", [read_timeout_after, read_timeout_before, garbled_after])
@pytest.mark.usefixtures("clock")
def test_an_outcome_that_stays_unknown(lost: Fault, body: dict[str, Any]) -> None:
    with faults(passing, then=lost):
        unknown = ask_transfer(body)
    assert (unknown.status, unknown.code) == (202, "outcome_unknown")
    assert "Idempotency-Key" in unknown.body["error"]
    looked_for = ask(v2("GET", f"/payments/{unknown.body['id']}"))
    has_moved = lost is not read_timeout_before
    assert looked_for.status == (200 if has_moved else 404)
    if not has_moved:
        assert "that proves nothing" in looked_for.body["error"]
    again = ask_transfer(body)
    assert again.status == (200 if has_moved else 201)
    assert (again.body["id"] == unknown.body["id"]) is has_moved
    assert balance(body) == 4000
    assert check_bank().faults == []


@pytest.mark.usefixtures("clock")
def test_a_payment_that_is_known_and_cannot_be_read(body: dict[str, Any]) -> None:
    made = ask_transfer(body)
    with faults(passing, then=read_timeout_before):
        unknown = ask_transfer(body)
    assert (unknown.status, unknown.body["id"]) == (202, made.body["id"])


@pytest.mark.usefixtures("clock")
def test_a_refusal_whose_entry_is_in_doubt_is_no_transfer_in_doubt(body: dict[str, Any]) -> None:
    ask_transfer(body)
    with faults(passing, passing, passing, then=read_timeout_after):
        answered = ask_transfer(body | {"amount": 999})
    assert answered.status == 503
    assert balance(body) == 4000


@pytest.mark.parametrize("trouble", [refusal("ThrottlingException"), unreachable])
@pytest.mark.usefixtures("clock")
def test_what_is_busy_uses_no_key_up(trouble: Fault, body: dict[str, Any]) -> None:
    with faults(then=trouble):
        busy = ask_transfer(body)
    assert (busy.status, busy.code) == (503, "busy")
    with faults(passing, then=cancellation("TransactionConflict")):
        assert ask_transfer(body).code == "busy"
    assert not list(IdempotencyKey.scan())
    assert ask_transfer(body).status == 201


@pytest.mark.usefixtures("clock")
def test_a_refusal_that_nobody_knows_is_no_outcome_after_a_lost_answer(
    body: dict[str, Any],
) -> None:
    """Whether the client itself asks again, or the commit does so with the same token."""
    foreign = refusal("AccessDeniedException")
    with faults(passing, then=foreign):
        alone = ask_transfer(body)
    assert (alone.status, alone.headers["Retry-After"], balance(body)) == (503, "5", 5000)
    for lost in ([read_timeout_after], [read_timeout_after] * 3):
        with faults(passing, *lost, then=foreign):
            unknown = ask_transfer(body, key=str(len(lost)))
        assert (unknown.status, unknown.headers["Retry-After"]) == (202, "5")
        again = ask_transfer(body, key=str(len(lost)))
        assert (again.status, again.body["id"]) == (200, unknown.body["id"])


TROUBLE = [
    unreachable,
    read_timeout_before,
    garbled_after,
    refusal("ThrottlingException"),
    refusal("ResourceNotFoundException"),
    refusal("AccessDeniedException"),
    refusal("InternalServerError", status=500),
]


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/payments/0190b5f0-0000-7000-8000-000000000000"),
        ("GET", "/customers/c/payments"),
        ("GET", "/accounts/acc_841c1e7a-fac2-5d1e-9fd7-313ef05a2dff"),
        ("POST", "/transfers"),
    ],
)
@pytest.mark.usefixtures("clock")
def test_trouble_with_the_store_in_words(trouble: Fault, method: str, path: str) -> None:
    with faults(then=trouble):
        answered = ask(v2(method, path, body={}, headers={"Idempotency-Key": "k"}))
    assert answered.status == 503
    assert not any(word in answered.body["error"] for word in WORDS_OF_LIBRARIES)


def test_what_nobody_thought_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(routes, "page_size", fail)
    answered = ask(v2("GET", "/customers/c/payments"))
    assert answered.status == 503
    assert answered.body["error"].startswith("Something went wrong on our side.")


@pytest.mark.usefixtures("clock")
def test_a_stranger_is_told_so_even_when_that_cannot_be_recorded() -> None:
    with faults(then=unreachable):
        assert ask(v2("GET", "/accounts/x", claims=None)).status == 401


@pytest.mark.parametrize("left_seconds", [20.0, 8.0, 5.0])
@pytest.mark.parametrize("lost", [read_timeout_before, refusal("ThrottlingException")])
def test_an_answer_before_the_platform_cuts_it_off(
    left_seconds: float, lost: Fault, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request takes as long as it may: four seconds until the client gives it up."""
    passed = [monotonic()]

    def slow(request: Any, send: Any) -> Any:
        passed[0] += 4.0
        return lost(request, send)

    monkeypatch.setattr("time.monotonic", lambda: passed[0])
    began = passed[0]
    with faults(passing, then=slow):
        answered = ask_transfer(body, context=Function(int(left_seconds * 1000)))
    assert answered.status == (202 if lost is read_timeout_before else 503)
    assert passed[0] - began < left_seconds


def test_no_time_to_begin(body: dict[str, Any]) -> None:
    with client.count_requests() as sent:
        answered = ask_transfer(body, context=Function(3000))
    assert (answered.status, answered.code, len(sent)) == (503, "busy", 0)


def test_a_service_that_is_not_set_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client, "_settings", None)
    start({"DYNAMODB_TABLE_PREFIX": "x-"})
    assert "CURSOR_SIGNING_KEY is not set" in caplog.text
    for path in ("/health", "/accounts/x"):
        answered = ask(v2("GET", path))
        assert (answered.status, answered.code) == (503, "unavailable")
