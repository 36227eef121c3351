"""What each movement of money writes, by table and index, as DynamoDB Local counts it.

It counts what an index takes inside a transaction twice; AWS is taken to count it once. Of several
items of one table it tells the last one's units only: here each action is sent by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client

from audit import context
from audit import queries as trail
from audit.context import Actor, Context
from dynamodb import client
from dynamodb.client import call, count_requests
from payments import approvals, lifecycle, policy, queries
from payments.models import Account, FrozenDirection, Payment
from payments.policy import Policy
from payments.requests import DESCRIPTION_LENGTH, TransferRequest
from payments.settling import settle_due
from payments.transfers import transfer_funds, transfer_many
from tests.backoffice.people import PASSWORD, a_member
from tests.builders import NOON, PROGRAM, TELLER, a_request, opened, transferred

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("local_store")]

CHECKER = Actor(id="supervisor1")
BROWSER = Context(
    request_id="0197a1b2-7c3d-7000-8000-0123456789ab", ip_address="203.0.113.17",
    user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
)  # fmt: skip
MOST_UNITS, MOST_UNITS_LOCALLY = 24, 34
"""What a transfer by a person to a merchant may write."""

ACCOUNT = {"accounts": 2}
ACTIVITY = {"activity": 2}
PAYMENT = {"payments": 2, "payments customer-index": 2, "payments status-index": 2}
TO_MERCHANT = {"payments merchant-index": 2}
POSTING = {"audit_log": 2, "audit_log day-index": 2}
ENTRY = POSTING | {"audit_log action-index": 2, "audit_log user-index": 2}
KEY = {"idempotency": 2}
REVERSED = {"payments": 2}
MOVED = {"payments status-index": 2}
"""The old place in an index is taken away, and a new one written."""

Units = Counter[str]
Count = Callable[[Callable[[], Any]], Units]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Units that are written by table, and by table and index."""

    def one_by_one(operation: str, **arguments: Any) -> Any:
        if operation != "TransactWriteItems":
            return call(operation, **arguments)
        for item in arguments["TransactItems"]:
            call(operation, TransactItems=[item])
        return {}

    def count(act: Callable[[], Any]) -> Units:
        with count_requests(by_index=True) as log, monkeypatch.context() as patch:
            patch.setattr(client, "call", one_by_one)
            act()
        writes = [each for each in log.requests if each.operation == "TransactWriteItems"]
        units: Units = Counter()
        for part in (part for each in writes for part in each.capacity):
            units.update(dict(_parts(part)))
        return units

    return count


def _parts(told: dict[str, Any]) -> Iterator[tuple[str, int]]:
    table = told["TableName"].removeprefix(client.settings().table_prefix)
    yield table, int(told["Table"]["CapacityUnits"])
    for index, used in told.get("GlobalSecondaryIndexes", {}).items():
        yield f"{table} {index}", int(used["CapacityUnits"])


def total(*parts: dict[str, int]) -> Units:
    return sum(map(Counter, parts), Counter())


def on_aws(units: Units) -> int:
    return sum(used // (2 if " " in name else 1) for name, used in units.items())


def run(request: TransferRequest) -> Payment:
    return transfer_funds(request, actor=TELLER, at=NOON).payment


@pytest.mark.parametrize("text", ["", "x" * DESCRIPTION_LENGTH])
def test_a_transfer_to_a_merchant_writes_24_units(written: Count, text: str) -> None:
    """Also from a browser, whose name is long, and with the longest text."""
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    with context.use(BROWSER):
        units = written(lambda: transferred(source, target, merchant_id="shop", description=text))
    assert units == total(
        ACCOUNT, ACCOUNT, PAYMENT, TO_MERCHANT, ENTRY, POSTING, POSTING, ACTIVITY, ACTIVITY
    )
    assert on_aws(units) <= MOST_UNITS
    assert units.total() <= MOST_UNITS_LOCALLY


def test_a_reversal_writes_28_units_and_a_scheduled_transfer_9_before_its_own(
    written: Count,
) -> None:
    source, target = opened("a", balance=5000), opened("b")
    paid = transferred(source, target).payment
    units = written(lambda: transferred(target, source, reverses=paid.id))
    assert units == total(
        ACCOUNT, ACCOUNT, PAYMENT, REVERSED, ENTRY, ENTRY, POSTING, POSTING, ACTIVITY
    )
    assert on_aws(units) == 28
    units = written(lambda: transferred(source, target, scheduled_for="2026-03-03"))
    assert units == total(PAYMENT, ENTRY)
    units = written(lambda: settle_due(at=NOON + timedelta(days=1)))
    assert units == total(
        ACCOUNT, ACCOUNT, PAYMENT, MOVED, ENTRY, POSTING, POSTING, ACTIVITY, ACTIVITY
    )


def test_a_program_has_no_total_and_19_together_write_one_source(written: Count) -> None:
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target, actor=PROGRAM)
    units = written(lambda: transferred(source, target, actor=PROGRAM, idempotency_key="k"))
    alone = total(ACCOUNT, ACCOUNT, PAYMENT, ENTRY, POSTING, POSTING, ACTIVITY)
    assert units == alone + total(KEY)
    policy.configure(replace(policy.policy(), suspicious_velocity_threshold=100))
    ends = [opened(f"to-{number}") for number in range(19)]
    requests = [a_request(source, end, amount_minor=1) for end in ends]
    units = written(lambda: transfer_many(requests, actor=PROGRAM, at=NOON))
    # The customer's record, which keeps the last 19 payments, is over 1 KB.
    each = total(ACCOUNT, PAYMENT, ENTRY, POSTING, POSTING)
    assert units == total(ACCOUNT, ACTIVITY, ACTIVITY, *[each] * 19)
    assert (round(on_aws(units) / 19, 1), on_aws(alone)) == (17.3, 21)


def test_a_refusal_and_a_count_of_it(written: Count) -> None:
    source, target = opened("a"), opened("b")
    unknown = written(lambda: transferred(source, target.id[:-1] + "x"))
    assert unknown == total(PAYMENT, ENTRY)
    assert written(lambda: transferred(source, target)) == total(PAYMENT, ENTRY, ACCOUNT, ENTRY)


def test_a_request_its_approval_and_its_rejection(written: Count) -> None:
    source, target = opened("a", balance=5000), opened("b")
    transferred(source, target)
    policy.configure(Policy(approval_threshold=0))
    one, *others = (a_request(source, target) for _ in range(4))
    for request in (one, *others):
        asked = written(partial(run, request))
        assert asked == total(PAYMENT, ENTRY, ACCOUNT, ENTRY, ACTIVITY)
    decision: dict[str, Any] = {"actor": CHECKER, "at": NOON}
    shown = approvals.digest(run(one))
    approved = written(
        lambda: approvals.approve_payment(payment_id=one.payment_id, shown=shown, **decision)
    )
    assert approved == total(
        PAYMENT, MOVED, ENTRY, ACCOUNT, ACCOUNT, POSTING, POSTING, ACTIVITY
    )  # fmt: skip
    reason: dict[str, Any] = {"reason": "no", **decision}
    ends = (
        partial(approvals.reject_payment, **reason),
        partial(approvals.cancel_payment, **reason),
        partial(approvals.expire_payment, at=NOON),
    )
    for end, request in zip(ends, others, strict=True):
        ended = written(partial(end, payment_id=request.payment_id))
        assert ended == total(PAYMENT, MOVED, ENTRY, ACCOUNT, ENTRY), end


def test_an_account_that_opens_freezes_is_read_and_closes_and_a_person_who_signs_in(
    written: Count,
) -> None:
    accounts: list[Account] = []
    assert written(lambda: accounts.append(opened("a"))) == total(
        ACCOUNT, ENTRY, {"accounts customer-index": 2, "accounts status-index": 2}
    )
    freeze = partial(
        lifecycle.freeze_account,
        account_id=accounts[0].id, direction=FrozenDirection.BOTH, until=None,
        reason="asked", actor=CHECKER, at=NOON,
    )  # fmt: skip
    assert written(freeze) == total(ACCOUNT, ENTRY, {"accounts status-index": 4})
    unfreeze = partial(lifecycle.unfreeze_account, reason="over", actor=CHECKER, at=NOON)
    unfreeze(account_id=accounts[0].id)
    with count_requests() as read:
        queries.get_account(accounts[0].account_number)
        queries.get_account(accounts[0].id)
        trail.chain_page(accounts[0].id, person="")
    assert [each.capacity[0]["CapacityUnits"] for each in read.requests] == [1, 1, 1]
    a_member()
    with count_requests() as signed_in:
        Client().post("/admin/login/", {"username": "someone", "password": PASSWORD})
    assert (len(signed_in), signed_in.capacity_units) == (4, 18)
    close = partial(lifecycle.close_account, reason="moves", actor=CHECKER, at=NOON)
    closed = written(partial(close, account_id=accounts[0].id))
    assert closed == total(ACCOUNT, ENTRY, {"accounts status-index": 4})
