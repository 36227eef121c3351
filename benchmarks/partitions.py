"""Where DynamoDB would throttle: its limits by partition, held against what our code really sends.

DynamoDB Local has no such limits, so they are reckoned. A few payments are made and recorded; every
action is sent by itself, and the engine tells what it takes of its table and of each index. What
stays the same from one recorded payment to the next, such as the day, stays so in as many as are
wanted; all else, such as ids and the shards of an index, is drawn anew.

A partition takes 1,000 write and 3,000 read units a second. One that stays hot splits, half of its
load on either side, down to a single key: of ours none splits further, for it is one item, or its
rows come in the order of time, all at the same end. What one partition refuses, of a table or of
an index, fails the whole transaction.
"""

import random
import zlib
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate, chain, compress
from typing import Any
from unittest.mock import patch

from rich.console import Console

from audit import context
from audit.context import Context
from benchmarks.frame import Row, engine, show
from benchmarks.transfers import SHOP, open_accounts, requests_to
from dynamodb import client
from dynamodb.models import Record
from dynamodb.tables import all_records
from dynamodb.times import utc_now
from payments import policy
from payments.models import Account
from payments.transfers import Transfer, transfer_many

WRITE_UNITS, READ_UNITS = 1_000, 3_000
KEPT_WITH_EACH = 100
"""What AWS adds to the bytes of each item and each row of an index."""

NEW_TABLE = 4
"""A table that has just been made on demand takes 4,000 write units a second."""
SPLIT_MINUTES = 5
"""What a split takes: AWS names no time."""

PAYMENTS, HOT_PAYMENTS = 20_000, 1_000
READ = ", read"
SHARDS, GROUP, SHOWN = (1, 16, 32, 64, 99), 19, 4
CALLER = Context(
    request_id="JKJaXmPLvHcESHA=", ip_address="203.0.113.17", user_agent="python-requests/2.32.3"
)
"""As the service notes it in each entry."""

Load = list[tuple[float, float]]
"""Keys by the place of their hash, from 0 to 1, each with the share it takes of a partition."""


@dataclass(frozen=True, kw_only=True)
class Touch:
    """A key of a table or index that a request reads or writes, at a share of a partition.

    ``kept_bytes`` are what is charged for keeping a row that it adds.
    """

    where: str
    key: str
    share: float
    is_spread: bool = False
    kept_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What comes of payments at some rate, once everything has split that can.

    ``limits`` are the rates at which the hottest key of each table and index begins to throttle,
    the lowest first, ``new_limit`` that of tables which have just been made.
    """

    carried: float
    limits: dict[str, float]
    new_limit: float
    partitions: int
    rounds: int


def main() -> None:
    """Print where it begins for everybody with some numbers of shards, and for one hot account."""
    policy.configure(replace(policy.policy(), approval_threshold=10**15))
    everybody, one_account = [], []
    status = Console(stderr=True).status("")
    with engine() as turn_to, context.use(CALLER), status as said:
        for shards in SHARDS:
            said.update(f"index shards: {shards}")
            turn_to(f"shards{shards}-")
            client.configure(replace(client.settings(), index_shards=shards))
            first, *others = open_accounts(2 * GROUP + 1)
            pairs = others[:2], others[2:4]
            for pair in pairs:
                _recorded(*pair)  # a customer's totals are made only once
            runs = [_recorded(*pair) for pair in pairs]
            everybody.append(_row(f"index shards: {shards}", runs, PAYMENTS, shards))
        _recorded(first, *others[:GROUP])  # a payer in the midst of it, whose first alert is made
        for name, size in (("one by one", 1), (f"{GROUP} in a commit", GROUP)):
            said.update(f"one account, {name}")
            runs = [_recorded(first, *others[:size]), _recorded(first, *others[-size:])]
            one_account.append(_row(name, runs, HOT_PAYMENTS, shards, size))
    show("partitions", {
        f"{PAYMENTS:,} payments a second between ever different accounts": everybody,
        f"{HOT_PAYMENTS:,} payments a second from one account": one_account,
    })  # fmt: skip


def _row(name: str, runs: Sequence[list[Touch]], a_second: int, shards: int, size: int = 1) -> Row:
    told = reckoned(replayed(runs, a_second // size, shards), size)
    first = [f"{limit:,.0f} a second ({where})" for where, limit in told.limits.items()]
    more = {
        **_costs(list(chain.from_iterable(runs)), len(runs) * size),
        "once all has split": f"from {', '.join(first[:SHOWN])}",
        "on new tables": f"from {told.new_limit:,.0f}",
        "partitions": told.partitions,
        f"minutes of splits, at {SPLIT_MINUTES} each": told.rounds * SPLIT_MINUTES,
    }
    return Row(name=name, count=round(told.carried), seconds=1, more=more)


def _costs(touches: list[Touch], payments: int) -> dict[str, Any]:
    """What one of so many payments takes of units, and the bytes that it leaves, and where."""
    kept: Counter[str] = Counter()
    for each in touches:
        kept[each.where] += each.kept_bytes
    most = (f"{where} {kept[where] / payments:,.0f}" for where, _ in kept.most_common(SHOWN))
    is_read = [each.where.endswith(READ) for each in touches]
    shares = [each.share for each in touches]
    reads = sum(compress(shares, is_read)) * READ_UNITS
    writes = (sum(shares) - reads / READ_UNITS) * WRITE_UNITS
    return {
        "read units": round(reads / payments, 1),
        "write units": round(writes / payments, 1),
        f"bytes kept each ({', '.join(most)})": f"{kept.total() / payments:,.0f}",
    }


def _recorded(source: Account, *targets: Account) -> list[Touch]:
    """What a transfer to each of these, all in one commit, reads and writes."""
    touches: list[Touch] = []
    with recording(touches):
        answers = transfer_many(
            requests_to(source, targets, len(targets)), actor=SHOP, at=utc_now()
        )
    assert all(isinstance(each, Transfer) for each in answers)
    assert sum(each.where == "payments" for each in touches) == len(targets)
    return touches


@contextmanager
def recording(touches: list[Touch]) -> Iterator[None]:
    """Note what is touched; each action of a transaction is sent by itself."""
    call = client.call

    def note(operation: str, **arguments: Any) -> dict[str, Any]:
        if operation == "BatchGetItem":
            touches.extend(_reads(arguments["RequestItems"]))
        if operation != "TransactWriteItems":
            return call(operation, **arguments)
        for action in arguments["TransactItems"]:
            told = call(operation, TransactItems=[action], ReturnConsumedCapacity="INDEXES")
            touches.extend(_writes(action, told["ConsumedCapacity"][0]))
        return {}

    with patch.object(client, "call", note), patch("dynamodb.store.call", note):
        yield


def _reads(asked: dict[str, Any]) -> Iterator[Touch]:
    """Of each item a unit: it is under 4 KB, and read consistently."""
    for model in all_records():
        for key in asked.get(model.table_name(), {}).get("Keys", ()):
            where, name = f"{model.Meta.table_name}{READ}", model.key_names()[0]
            yield Touch(where=where, key=key[name]["S"], share=1 / READ_UNITS)


def _writes(action: dict[str, Any], told: dict[str, Any]) -> Iterator[Touch]:
    """Units of a table and its indexes; of an index the engine counts twice what AWS does once."""
    (body,) = action.values()
    item = body.get("Item") or body["Key"]
    model = next(each for each in all_records() if each.table_name() == told["TableName"])
    used = {"": told["Table"]["CapacityUnits"]}
    for index, part in told.get("GlobalSecondaryIndexes", {}).items():
        used[index] = part["CapacityUnits"] / 2
    for index, units in used.items():
        is_spread = index in model.spread_indexes
        key = item[model.key_names(index)[0]]["S"]
        carried = {*model.key_names(), *model.key_names(index), *_carries(model, index)}
        row = item if not index else {name: item[name] for name in carried & item.keys()}
        yield Touch(
            where=f"{model.Meta.table_name} {index}".strip(),
            key=key.partition("#")[0] if is_spread else key,
            share=units / WRITE_UNITS,
            is_spread=is_spread,
            kept_bytes=KEPT_WITH_EACH + _bytes(row) if "Put" in action else 0,
        )


def _carries(model: type[Record], index: str) -> Sequence[str]:
    return next((each.carries for each in model.indexes if each.name == index), ())


def _bytes(row: dict[str, Any]) -> int:
    """The size of names and values as AWS reckons it: of a number half its digits and one."""
    return sum(len(name) + _value_bytes(value) for name, value in row.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, what),) = value.items()
    match kind:
        case "S":
            return len(what.encode())
        case "N":
            return (len(what) + 1) // 2 + 1
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in what)
        case "M":
            return 3 + sum(len(name) + 1 + _value_bytes(each) for name, each in what.items())
    return 1


def replayed(
    runs: Sequence[Sequence[Touch]], commits: int, shards: int
) -> Iterator[list[tuple[str, float, float]]]:
    """As many commits as recorded ones, each of touches: where, the place of the key, the share."""
    shared = set.intersection(*({(each.where, each.key) for each in run} for run in runs))
    chance = random.Random(0)  # noqa: S311 - no secret

    def place(touch: Touch) -> float:
        if (touch.where, touch.key) not in shared:
            return chance.random()
        shard = chance.randrange(shards) if touch.is_spread else 0
        return zlib.crc32(f"{touch.key}#{shard:02d}".encode()) / 2**32

    for number in range(commits):
        yield [(each.where, place(each), each.share) for each in runs[number % len(runs)]]


def reckoned(commits: Iterable[list[tuple[str, float, float]]], size: int) -> Outcome:
    """What becomes of a second's commits, of so many payments each."""
    sent = list(commits)
    loads: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for where, place, share in chain.from_iterable(sent):
        loads[where][place] += share
    new = [
        sorted((place, heat) for place, heat in load.items() if int(place * NEW_TABLE) == quarter)
        for load in loads.values()
        for quarter in range(NEW_TABLE)
    ]
    settled = [split(part) for part in new]
    payments = len(sent) * size
    limits = {where: payments / max(load.values()) for where, load in loads.items()}
    passed = (min(1 / max(1, loads[where][place]) for where, place, _ in each) for each in sent)
    return Outcome(
        carried=size * sum(passed),
        limits=dict(sorted(limits.items(), key=lambda each: each[1])),
        new_limit=payments / max(map(heat_of, new)),
        partitions=sum(len(parts) for parts, _ in settled),
        rounds=max(rounds for _, rounds in settled),
    )


def split(part: Load) -> tuple[list[Load], int]:
    """A partition after all splits, and how many followed one another."""
    if heat_of(part) <= 1 or len(part) == 1:
        return [part], 0
    so_far = list(accumulate(heat for _, heat in part))
    middle = min(max(bisect(so_far, so_far[-1] / 2), 1), len(part) - 1)
    (left, ours), (right, theirs) = split(part[:middle]), split(part[middle:])
    return left + right, 1 + max(ours, theirs)


def heat_of(part: Load) -> float:
    """How much of what a partition takes is asked of it; above 1 it throttles."""
    return round(sum(heat for _, heat in part), 6)


if __name__ == "__main__":
    main()
