"""The function that is handed changes: everything is sent or kept, and nothing skipped."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dynamodb import client, store, streams
from dynamodb.errors import StoreUnavailableError
from payments import events_handler
from payments.alerts.records import Alert
from payments.events import receivers
from payments.events.deliveries import of_record
from payments.events.receivers import Receivers
from payments.events.records import DeliveryState
from payments.events.relay import deliver_due
from payments.events_handler import handler
from payments.models import Payment
from tests.builders import opened, transferred
from tests.payments.alarms import an_alert
from tests.payments.hooks import SECRET, Hook, hook
from tests.payments.test_deliveries import tell

pytestmark = pytest.mark.integration

HANDED = "arn:aws:dynamodb:us-east-1:123456789012:table/{}/stream/2026-03-02T12:00:00.000"


@dataclass
class Context:
    seconds: float = 120.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@pytest.fixture
def shop(local_store: None) -> Iterator[Hook]:
    with hook() as taken:
        tell(**taken.environment, EVENTS_BY_FUNCTION="true")
        yield taken
    receivers.configure(Receivers())


def batch(model: type[Any] = Payment) -> dict[str, Any]:
    """All that a table's stream tells, as Lambda is handed it."""
    records = []
    for shard in streams.shards(model):
        place = {"StreamArn": streams._arn(model), "ShardId": shard.id}
        start = {"ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams._call("get_shard_iterator", **place, **start)["ShardIterator"]
        records += streams._call("get_records", ShardIterator=iterator)["Records"]
    arn = HANDED.format(model.table_name())
    return {"Records": [{**record, "eventSourceARN": arn} for record in records]}


def paid(number: int) -> list[str]:
    source, target = opened("a", balance=10**6), opened("b")
    return [transferred(source, target).payment.id for _ in range(number)]


def test_a_batch_is_sent_and_the_same_batch_again_is_not(shop: Hook) -> None:
    ids = paid(3)
    assert handler(batch(), Context()) == {"batchItemFailures": []}
    assert [event["data"]["id"] for event in shop.events()][-3:] == ids
    assert len(shop.posts) == 4  # and the opening
    assert handler(batch(), Context()) == {"batchItemFailures": []}
    assert len(shop.posts) == 4
    assert handler({"Records": []}, Context()) == {"batchItemFailures": []}


def test_what_a_receiver_does_not_take_waits_for_the_worker(shop: Hook) -> None:
    ids = paid(2)
    shop.answer = lambda: 503
    assert handler(batch(), Context()) == {"batchItemFailures": []}
    shop.answer = lambda: 204
    assert of_record("shop", ids[-1])[0].tries == 0, "one failure is enough to know"
    at = max(of_record("shop", each)[0].listed_at for each in ids)
    with client.count_requests() as seen:
        assert deliver_due(at=at)["sent"] >= 2
    assert "DescribeTable" not in seen.operations, "the function reads the stream, not the worker"
    assert {event["data"]["id"] for event in shop.events()} >= set(ids)


def test_trouble_with_the_store_hands_back_from_the_first_that_was_not_kept(
    shop: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(3)
    told, put, puts = batch(), store.put, []

    def fails_third(*given: Any) -> None:
        puts.append(given)
        if len(puts) == 3:
            raise StoreUnavailableError("gone")
        put(*given)

    monkeypatch.setattr(store, "put", fails_third)
    sequences = [each["dynamodb"]["SequenceNumber"] for each in told["Records"]]
    answer = handler(told, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": sequences[2]}]}
    left = {"Records": told["Records"][2:]}
    assert handler(left, Context()) == {"batchItemFailures": []}
    assert len({headers["webhook-id"] for headers, _ in shop.posts}) == len(sequences) == 4


def test_without_time_nothing_is_begun(shop: Hook) -> None:
    paid(1)
    told = batch()
    first = told["Records"][0]["dynamodb"]["SequenceNumber"]
    assert handler(told, Context(seconds=5)) == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert shop.posts == []


def test_one_that_is_slow_holds_nobody_up(shop: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets what there is time for; the rest waits for the worker, and others get everything."""
    monkeypatch.setattr(events_handler, "SEND_SECONDS", 0.3)
    ids = paid(8)

    def slowly() -> int:
        time.sleep(0.2)
        return 204

    shop.answer = slowly
    with hook() as other:
        tell(
            EVENT_WEBHOOKS=f"shop={shop.url},other={other.url}",
            EVENT_WEBHOOK_SECRETS=f"shop={SECRET},other={SECRET}",
        )
        assert handler(batch(), Context()) == {"batchItemFailures": []}
        assert len(other.posts) == 9
    assert len(shop.posts) == 2
    assert of_record("shop", ids[-1])[0].state == DeliveryState.WAITING


def test_alerts_go_nowhere_but_to_their_own_topic(shop: Hook) -> None:
    an_alert("1")
    assert handler(batch(Alert), Context()) == {"batchItemFailures": []}
    assert shop.posts == []
