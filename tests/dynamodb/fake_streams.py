"""Streams that do what AWS's do and DynamoDB Local never does: split, close, pause and forget."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb import streams


@dataclass(kw_only=True)
class FakeShard:
    """``pages`` hold sequence numbers, and some hold none. A closed one ends after its pages."""

    id: str
    pages: list[list[str]]
    parent: str = ""
    is_closed: bool = True


@dataclass
class FakeStreams:
    """A client of one stream. What ``is_forgotten`` is an iterator or a sequence number."""

    shards: list[FakeShard]
    is_forgotten: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def describe_stream(self, **_: Any) -> Any:
        return {"StreamDescription": {"Shards": [self._described(each) for each in self.shards]}}

    def get_shard_iterator(self, **asked: Any) -> Any:
        shard = self._shard(asked["ShardId"])
        after = asked.get("SequenceNumber")
        if after in self.is_forgotten:
            raise _trimmed()
        page = next((n for n, page in enumerate(shard.pages) if after and after in page), -1)
        return {"ShardIterator": f"{shard.id} {page + 1}"}

    def get_records(self, **asked: Any) -> Any:
        iterator = asked["ShardIterator"]
        self.asked.append(iterator)
        if iterator in self.is_forgotten:
            self.is_forgotten.remove(iterator)
            raise _trimmed()
        name, _, number = iterator.partition(" ")
        shard, page = self._shard(name), int(number)
        found = shard.pages[page] if page < len(shard.pages) else []
        is_last = shard.is_closed and page >= len(shard.pages) - 1
        more = {} if is_last else {"NextShardIterator": f"{name} {page + 1}"}
        return {"Records": [_record(sequence) for sequence in found], **more}

    def _shard(self, name: str) -> FakeShard:
        return next(each for each in self.shards if each.id == name)

    def _described(self, shard: FakeShard) -> dict[str, Any]:
        ends = {"EndingSequenceNumber": "9"} if shard.is_closed else {}
        numbers = {"StartingSequenceNumber": "0", **ends}
        parent = {"ParentShardId": shard.parent} if shard.parent else {}
        return {"ShardId": shard.id, "SequenceNumberRange": numbers, **parent}


def _record(sequence: str) -> dict[str, Any]:
    """An alert raised, named by its sequence number."""
    image = {"id": {"S": sequence}, "rule": {"S": "r"}, "created_at": {"S": "t"}}
    return {
        "eventName": "INSERT",
        "dynamodb": {"SequenceNumber": sequence, "NewImage": image},
    }


def _trimmed() -> ClientError:
    return ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, "GetRecords")


def follow(monkeypatch: pytest.MonkeyPatch, *shards: FakeShard) -> FakeStreams:
    """Let every table have these shards."""
    made = FakeStreams(list(shards))
    monkeypatch.setattr(streams, "_arn", lambda _: "arn")
    monkeypatch.setattr(streams, "_client", lambda _: made)
    return made
