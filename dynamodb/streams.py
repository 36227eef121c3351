"""What happened to a table's records of late, in order, as its stream tells it.

A stream is in shards, and forgets after a day. Whoever reads keeps for each shard how far they
are, and goes on from there.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from dynamodb import client
from dynamodb.errors import StoreUnavailableError
from dynamodb.models import Item, Record
from dynamodb.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A record written, changed or deleted; ``item`` is what it is now, empty if deleted.

    ``before`` is what it was, where the stream tells it.
    """

    sequence: str
    is_new: bool
    item: Item
    before: Item = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Some changes of a shard. One that ``is_ended`` tells of nothing more."""

    changes: list[Change] = field(default_factory=list)
    is_ended: bool = False


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A part of a stream. What its ``parent`` tells of a record comes before what it tells.

    To one that ``is_closed`` nothing is added.
    """

    id: str
    parent: str = ""
    is_closed: bool = False


def shards(model: type[Record]) -> list[Shard]:
    """The shards of a table's stream, older before newer; none where it has no stream."""
    arn = _arn(model)
    found: list[Shard] = []
    more: dict[str, str] = {}
    while arn:
        stream = _call("describe_stream", StreamArn=arn, **more)["StreamDescription"]
        found += [
            Shard(
                id=shard["ShardId"],
                parent=shard.get("ParentShardId", ""),
                is_closed="EndingSequenceNumber" in shard.get("SequenceNumberRange", {}),
            )
            for shard in stream["Shards"]
        ]
        if not stream.get("LastEvaluatedShardId"):
            break
        more = {"ExclusiveStartShardId": stream["LastEvaluatedShardId"]}
    return found


EMPTY_PAGES = 5
"""After so many in a row an open shard has nothing more to tell now. A few say nothing: pages may
be empty in the middle of a shard, too. A closed one is read to its end."""


def read(model: type[Record], shard: Shard, *, after: str = "") -> Iterator[Changes]:
    """What a shard tells after a sequence number, from its beginning without one, up to now.

    What is older than a day may be forgotten: then it begins with what is left, and logs it. Pages
    may be empty.
    """
    arn, empty = _arn(model), 0
    iterator: str | None = _iterator(arn, shard.id, after)
    while iterator and (shard.is_closed or empty < EMPTY_PAGES):
        try:
            answer = _call("get_records", ShardIterator=iterator)
        except StreamTrimmedError:
            _log.warning("the stream has forgotten a part of %s", shard.id)
            iterator, empty = _iterator(arn, shard.id), empty + 1
            yield Changes()
            continue
        iterator = answer.get("NextShardIterator")
        found = [change_of(record) for record in answer["Records"]]
        empty = 0 if found else empty + 1
        yield Changes(changes=found, is_ended=not iterator)


def _iterator(arn: str, shard: str, after: str = "") -> str:
    place = {"StreamArn": arn, "ShardId": shard}
    if after:
        try:
            start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
            return str(_call("get_shard_iterator", **place, **start)["ShardIterator"])
        except StreamTrimmedError:
            _log.warning("the stream has forgotten what came after %s of %s", after, shard)
    start = {"ShardIteratorType": "TRIM_HORIZON"}
    return str(_call("get_shard_iterator", **place, **start)["ShardIterator"])


class StreamTrimmedError(StoreUnavailableError):
    """The place to go on from is older than what the stream remembers."""


def change_of(record: dict[str, Any]) -> Change:
    """A change as a stream tells it, also where it is handed to a function."""
    told = record["dynamodb"]
    return Change(
        sequence=told["SequenceNumber"],
        is_new=record["eventName"] == "INSERT",
        item=told.get("NewImage", {}),
        before=told.get("OldImage", {}),
    )


def _arn(model: type[Record]) -> str:
    table = client.call("DescribeTable", TableName=model.table_name())["Table"]
    return str(table.get("LatestStreamArn", ""))


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    store = client.settings()
    try:
        answer: dict[str, Any] = getattr(_client(store), operation)(**arguments)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "TrimmedDataAccessException":
            raise StreamTrimmedError(str(error)) from error
        raise StoreUnavailableError(f"The stream refused {operation}: {code}.") from error
    except BotoCoreError as error:
        raise StoreUnavailableError(f"The stream did not answer: {error}") from error
    return answer


@lru_cache(maxsize=1)
def _client(store: Settings) -> Any:
    """The one client, to where the store is."""
    session = get_session()
    if store.is_on_this_machine and "AWS_ACCESS_KEY_ID" not in os.environ:
        session.set_credentials("local", "local")
    return session.create_client(
        "dynamodbstreams",
        region_name=store.region,
        endpoint_url=store.endpoint_url or None,
        config=Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 3}),
    )
