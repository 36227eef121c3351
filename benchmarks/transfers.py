"""Moving money on DynamoDB Local: one by one, together, and by many writers on one account.

Everything is measured in one run, side by side. The engine takes one to two milliseconds for each
action, on the same processors, which in bulk is most of the time. So the rows "as far as AWS" take
what was measured there: a read 8 ms, a commit 25 ms and 0.35 ms for each action past the fifth. In
bulk, where requests follow each other, that stands in place of the engine's time; many writers wait
for it besides.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from rich.console import Console

from audit.context import Actor
from benchmarks.frame import Row, engine, measured, median_of, show, timed
from dynamodb.client import call
from dynamodb.times import utc_now
from payments import groups, policy, turns
from payments.accounts import open_account
from payments.deciding import Deciding
from payments.identifiers import new_payment_id
from payments.models import Account
from payments.requests import OpeningRequest, TransferRequest
from payments.transfers import Transfer, transfer_funds, transfer_many

SHOP = Actor(id="api:benchmark")
ROUNDS, BULK, ACCOUNTS = 3, 96, 20
"""Of bulk so many rounds count; one before them warms up."""

WRITERS, HOT_SECONDS = 16, 5.0
MOST_PROCESSOR_TIME, LEAST_GAIN = 0.25, 5
MOST_P99_MS, LEAST_FAIRNESS = 2_000, 0.5
"""Of writers on one account together; the least by any of them for each of the most."""

READ_MS, COMMIT_MS, ACTION_MS = 8.0, 25.0, 0.35


def main() -> int:
    """Print the tables; the exit code is 1 where going together gains less than it promises."""
    policy.configure(replace(policy.policy(), approval_threshold=10**15))
    with engine() as turn_to, Console(stderr=True).status("bulk, one by one and together") as said:
        turn_to("bench-")
        accounts = open_accounts()
        bulk = _bulk(accounts)
        said.update("bulk, as far as AWS")
        far = _bulk_pair(accounts, far=True)
        said.update("a hot account")
        hot = _hot(accounts)
        said.update("a hot account, as far as AWS")
        with as_far_as_aws():
            hot_far = _hot(accounts)
    titles = {
        "Bulk": bulk, "Bulk, as far as AWS": far,
        "16 writers on one account": hot, "16 writers on one account, as far as AWS": hot_far,
    }  # fmt: skip
    show("transfers", titles)
    return int(not _is_worth_it(bulk, far, hot_far))


def _is_worth_it(bulk: list[Row], far: list[Row], hot: list[Row]) -> bool:
    """Five times the transfers a second, a quarter of the processor time, nobody left behind."""
    times = bulk[1].processor_ms / bulk[0].processor_ms
    gains = [far[-1].per_second / far[0].per_second, hot[-1].per_second / hot[0].per_second]
    told = f"processor time {times:.2f} of one by one; {gains[0]:.1f} and {gains[1]:.1f} times"
    fairness = hot[-1].more["least by a writer"] / hot[-1].more["most"]
    Console().print(
        f"{told} the transfers a second, as far as AWS; there 99 % within "
        f"{hot[-1].at(0.99):.0f} ms, and {fairness:.2f} by the last writer for 1 by the first."
    )
    is_fair = fairness >= LEAST_FAIRNESS and not hot[-1].more["given up"]
    is_bound = hot[-1].at(0.99) <= MOST_P99_MS
    return times <= MOST_PROCESSOR_TIME and min(gains) >= LEAST_GAIN and is_fair and is_bound


@contextmanager
def as_far_as_aws() -> Iterator[None]:
    """Let each request wait half of AWS's time before it is sent and half before it is answered."""

    def far(operation: str, **arguments: Any) -> dict[str, Any]:
        half = _seconds_at_aws(arguments) / 2
        time.sleep(half)
        try:
            return call(operation, **arguments)
        finally:
            time.sleep(half)

    with _instead_of_call(far):
        yield


def _at_aws(work: Callable[[], Row]) -> Row:
    """Measure what asks for one thing after the other, with AWS's time in place of the engine's."""
    differences = list[float]()

    def counted(operation: str, **arguments: Any) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            return call(operation, **arguments)
        finally:
            took = time.perf_counter() - began
            differences.append(_seconds_at_aws(arguments) - took)

    with _instead_of_call(counted):
        row = work()
    return replace(row, seconds=row.seconds + sum(differences), times_ms=())


def _instead_of_call(other: Callable[..., dict[str, Any]]) -> AbstractContextManager[Any]:
    both = ExitStack()
    for module in ("dynamodb.client.call", "dynamodb.store.call"):
        both.enter_context(patch(module, other))
    return both


def _seconds_at_aws(arguments: Mapping[str, Any]) -> float:
    actions = len(arguments.get("TransactItems", ()))
    return (COMMIT_MS + ACTION_MS * max(0, actions - 5) if actions else READ_MS) / 1000


def open_accounts(count: int = ACCOUNTS) -> list[Account]:
    requests = [
        OpeningRequest(
            request_id=f"account-{number}", customer_id=f"customer-{number}",
            account_type="checking", currency="USD", opening_balance_minor=10**9,
        )
        for number in range(count)
    ]  # fmt: skip
    return [open_account(request, actor=SHOP, at=utc_now()).account for request in requests]


def requests_to(source: Account, targets: Sequence[Account], count: int) -> list[TransferRequest]:
    return [
        TransferRequest(
            payment_id=new_payment_id(utc_now()), from_account_id=source.id,
            to_account_id=targets[number % len(targets)].id, amount_minor=1, currency="USD",
        )
        for number in range(count)
    ]  # fmt: skip


def _bulk(accounts: list[Account]) -> list[Row]:
    one, together = _bulk_pair(accounts)
    payroll = [
        _together("to 19 accounts, together", accounts[2], accounts[:2] + accounts[3:])
        for _ in range(ROUNDS)
    ]
    return [one, together, median_of(payroll)]


def _bulk_pair(accounts: list[Account], *, far: bool = False) -> list[Row]:
    ways = (
        partial(_one_by_one, "one by one", accounts[0], accounts[1:2]),
        partial(_together, "between two accounts, together", accounts[0], accounts[1:2]),
    )
    ones, togethers = [], []
    for _ in range(ROUNDS + 1):
        one, together = ((_at_aws(way) if far else way()) for way in ways)
        ones.append(one)
        togethers.append(together)
    return [median_of(ones[1:]), median_of(togethers[1:])]


def _one_by_one(name: str, source: Account, targets: Sequence[Account]) -> Row:
    requests = requests_to(source, targets, BULK)
    return measured(name, BULK, lambda: [timed(partial(_pay, each)) for each in requests])


def _together(name: str, source: Account, targets: Sequence[Account]) -> Row:
    requests = requests_to(source, targets, BULK)

    def work() -> None:
        done = transfer_many(requests, actor=SHOP, at=utc_now())
        assert all(isinstance(each, Transfer) for each in done)

    return measured(name, BULK, work)


def _pay(request: TransferRequest) -> None:
    assert transfer_funds(request, actor=SHOP, at=utc_now()).payment.is_processed()


def _hot(accounts: list[Account]) -> list[Row]:
    alone = patch.object(groups, "settle_in_turn", Deciding.settle)
    with alone, patch.object(turns, "turn", lambda *_: nullcontext()):
        plain = _crowd("plain optimistic retry", accounts[0], accounts[1:])
    with alone:
        queued = _crowd("one at a time, in turn", accounts[0], accounts[1:])
    return [plain, queued, _crowd("together", accounts[0], accounts[1:])]


def _crowd(name: str, source: Account, targets: Sequence[Account]) -> Row:
    """Writers that all pay from one account for some seconds, each one transfer after another."""
    times: list[list[float]] = [[] for _ in range(WRITERS)]
    missed = [0] * WRITERS
    gate, ends = threading.Barrier(WRITERS), time.monotonic() + HOT_SECONDS

    def write(number: int) -> None:
        gate.wait()
        while time.monotonic() < ends:
            (request,) = requests_to(source, targets[number : number + 1], 1)
            try:
                times[number].append(timed(partial(_pay, request)))
            except Exception:  # noqa: BLE001 - counted, and shown
                missed[number] += 1

    def crowd() -> None:
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(write, range(WRITERS)))

    row = measured(name, 1, crowd)
    each = [len(some) for some in times]
    more = {"least by a writer": min(each), "most": max(each), "given up": sum(missed)}
    return replace(
        row, count=sum(each), times_ms=[one for some in times for one in some], more=more
    )


if __name__ == "__main__":
    sys.exit(main())
