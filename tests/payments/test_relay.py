"""Rounds of delivering: nobody waits for who is slow, and no receiver for another's trouble."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.context import Actor
from dynamodb import client, store
from dynamodb.errors import ConditionFailedError
from dynamodb.models import Record
from dynamodb.streams import Change
from payments.alerts.records import Alert
from payments.events import deliveries, receivers, relay
from payments.events.deliveries import NothingDeadError, of_record, send_again, states
from payments.events.outgoing import OutgoingEvent, event_of
from payments.events.receivers import Receiver, ReceiverError, Receivers, Webhook
from payments.events.records import Delivery, DeliveryState, Feed
from payments.events.relay import Round, deliver_due
from tests.backoffice.deliveries import plant_delivery
from tests.builders import NOON
from tests.dynamodb.fake_streams import FakeShard, follow
from tests.payments.hooks import SECRET

pytestmark = pytest.mark.usefixtures("moto_store")

SOMEBODY = Actor(id="supervisor1")
LATER = NOON + timedelta(hours=1)


@dataclass
class Memory:
    """A receiver that remembers what it took, and when; slow or not taking things if told so."""

    name: str = "memory"
    follows: type[Record] = Alert
    place: str = "here"
    seconds: float = 0.0
    fails: bool = False
    taken: list[str] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def send(self, delivery: Delivery, *, at: datetime) -> None:
        time.sleep(self.seconds)
        if self.fails:
            raise ReceiverError("not now", is_down=False)
        self.taken.append(delivery.entity_id)
        self.times.append(at)


@pytest.fixture
def memory(moto_store: None) -> Memory:
    made = Memory()
    tell(made)
    return made


@pytest.fixture(autouse=True)
def no_stream(moto_store: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stream without shards, unless a test says otherwise; and no receivers afterwards."""
    follow(monkeypatch)
    yield
    receivers.configure(Receivers())


def tell(*everybody: Memory) -> None:
    receivers.configure(Receivers(everybody=everybody))


def waits(entity_id: str, number: int = 1, name: str = "memory") -> Delivery:
    """An event that has been waiting since noon."""
    state = DeliveryState.WAITING
    return plant_delivery(entity_id, receiver=name, state=state, at=NOON, number=number)


def damaged(entity_id: str) -> None:
    """A delivery that cannot be read, of a record of this id."""
    item = {**waits(entity_id).serialize(), "tries": {"S": "many"}}
    client.call("PutItem", TableName=Delivery.table_name(), Item=item)


def an_event(entity_id: str, number: int = 1) -> OutgoingEvent:
    return OutgoingEvent(entity_id=entity_id, number=number, type="t", body="{}")


def a_round(receiver: Memory, at: datetime) -> Round:
    return Round(receiver=receiver, now=lambda: at, send_seconds=1)


def test_who_is_slow_keeps_nobody_from_the_stream(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "RETRY_SECONDS", 1.0)
    monkeypatch.setattr(relay, "SEND_SECONDS", 1.0)
    monkeypatch.setattr(relay, "STREAM_SECONDS", 30.0)
    for number in range(20):
        waits(f"old{number:02d}")
    new = [f"new{number:02d}" for number in range(20)]
    follow(monkeypatch, FakeShard(id="s", pages=[new]))
    memory.seconds = 0.2
    assert deliver_due(at=LATER)["sent"] == len(memory.taken) < 12
    assert memory.taken[0] == "old00", "what has waited longest goes first"
    kept = [of_record("memory", each)[0].state for each in new]
    assert kept.count(DeliveryState.WAITING) > 8
    assert store.get(Feed(name="memory s")).ended_at, "all that the stream told is kept"  # type: ignore[union-attr]
    memory.seconds = 0
    monkeypatch.setattr(relay, "RETRY_SECONDS", 30.0)
    deliver_due(at=LATER + timedelta(minutes=1))
    assert len(memory.taken) == len(set(memory.taken)) == 40


def test_what_is_behind_another_is_not_asked_for_before_it(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MOST_TRIES", 100)
    for number in (1, 2, 3):
        waits("p", number)
    memory.fails = True
    assert deliver_due(at=LATER) == {"failed": 1}
    first, *rest = of_record("memory", "p")
    assert first.listed_at > LATER
    assert {each.listed_at for each in rest} == {first.listed_at}
    with client.count_requests() as seen:
        assert deliver_due(at=LATER) == {}
    assert seen.operations == ["UpdateItem", "Query", "Query", "PutItem"], "what is due, and dead"
    memory.fails = False
    assert deliver_due(at=first.listed_at) == {"sent": 3}


def test_a_round_stops_between_the_events_of_one_record(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "RETRY_SECONDS", 0.1)
    for number in range(1, 20):
        waits("p", number)
    memory.seconds = 0.06
    assert deliver_due(at=LATER)["sent"] <= 3


def test_times_are_those_of_the_sending(memory: Memory) -> None:
    for number in range(3):
        waits(f"p{number}")
    memory.seconds = 0.05
    deliver_due(at=LATER)
    gaps = [after - before for before, after in zip(memory.times, memory.times[1:], strict=False)]
    assert min(gaps) >= timedelta(seconds=0.05)


def test_a_lease_begins_when_a_receiver_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, other = Memory(name="slow", seconds=0.3), Memory(name="other")
    tell(slow, other)
    waits("p", name="slow")
    given: list[datetime] = []
    lease = relay._lease

    def watched(receiver: Receiver, at: datetime) -> Feed | None:
        given.append(at)
        return lease(receiver, at)

    monkeypatch.setattr(relay, "_lease", watched)
    deliver_due(at=LATER)
    assert given[1] - given[0] >= timedelta(seconds=0.3)


def test_children_are_read_after_their_parents_have_ended(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = FakeShard(id="parent", pages=[["1"], *[[]] * 20, ["2"], []], is_closed=False)
    left, right = (
        FakeShard(id=name, parent="parent", pages=[[number]], is_closed=False)
        for name, number in (("a-left", "3"), ("right", "4"))
    )
    fake = follow(monkeypatch, left, parent, right)
    assert deliver_due(at=NOON) == {"sent": 1}
    assert memory.taken == ["1"], "its parent may still tell of something"
    parent.is_closed = True
    deliver_due(at=NOON)
    deliver_due(at=NOON)
    assert memory.taken[:2] == ["1", "2"]
    assert sorted(memory.taken[2:]) == ["3", "4"]
    fake.asked.clear()
    assert deliver_due(at=NOON) == {}
    assert not any(each.startswith("parent") for each in fake.asked), "it has ended"


@pytest.mark.parametrize("forgotten", ["2", "s 2"])
def test_what_the_stream_has_forgotten_stops_nothing(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    shard = FakeShard(id="s", pages=[["1"], ["2"], ["3"]], is_closed=False)
    fake = follow(monkeypatch, shard)
    assert deliver_due(at=NOON) == {"sent": 3}
    shard.pages = [["2"], ["3"], ["4"]]
    fake.is_forgotten = {"3" if forgotten == "2" else forgotten}
    assert deliver_due(at=NOON) == {"sent": 1}
    assert memory.taken == ["1", "2", "3", "4"]


def test_trouble_of_one_receiver_is_no_other_s(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = Memory(name="bad"), Memory(name="good")
    tell(bad, good)
    place = {"name": {"S": "bad s"}, "expires_at": {"S": "some day"}}
    client.call("PutItem", TableName=Feed.table_name(), Item=place)
    follow(monkeypatch, FakeShard(id="s", pages=[["1"]]))
    assert deliver_due(at=NOON) == {"stopped": 1, "sent": 1}
    assert (bad.taken, good.taken) == ([], ["1"])
    stands, _ = states([bad, good])
    assert stands.failing_since
    client.call("PutItem", TableName=Feed.table_name(), Item={**place, "name": {"S": "bad"}})
    assert deliver_due(at=NOON)["stopped"] == 1


def test_a_damaged_event_stops_no_other(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged("1")
    waits("later")
    follow(monkeypatch, FakeShard(id="s", pages=[["2"]]))
    assert deliver_due(at=LATER) == {"sent": 2}
    assert memory.taken == ["later", "2"]


def test_what_follows_a_damaged_event_is_kept(memory: Memory) -> None:
    damaged("1")
    a_round(memory, NOON).deliver(an_event("1", 2))
    assert memory.taken == []
    kept = Delivery(entity_id="1", place="memory#000000000002")
    assert store.get(kept).state == DeliveryState.WAITING  # type: ignore[union-attr]


def test_who_was_faster_is_not_overwritten(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another consumer has sent the events in between: none waits again, its body gone."""
    for number in (1, 2):
        waits("p", number)
    stale = of_record("memory", "p")
    deliver_due(at=LATER)
    monkeypatch.setattr(deliveries, "of_record", lambda *_: stale)
    memory.fails = True
    again = a_round(memory, LATER)
    with pytest.raises(ConditionFailedError):
        again._take_up("p")
    monkeypatch.setattr(deliveries, "of_record", lambda *_: [])
    again.send_seconds = 0
    again.deliver(an_event("p", 2))
    monkeypatch.undo()
    assert {each.state for each in of_record("memory", "p")} == {DeliveryState.SENT}


@pytest.mark.usefixtures("memory")
def test_only_what_is_still_dead_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_delivery("p", receiver="memory", state=DeliveryState.DEAD, at=NOON)
    again: dict[str, Any] = {"receiver": "memory", "entity_id": "p", "actor": SOMEBODY}
    stale = of_record("memory", "p")
    send_again(**again, at=NOON)
    assert deliver_due(at=LATER) == {"sent": 1}
    monkeypatch.setattr(deliveries, "of_record", lambda *_: stale)
    with pytest.raises(NothingDeadError):
        send_again(**again, at=LATER)
    monkeypatch.undo()
    assert of_record("memory", "p")[0].state == DeliveryState.SENT


def test_an_alert_of_odd_values_is_told_all_the_same() -> None:
    item = {"id": {"S": "a"}, "rule": {"N": "1.5"}, "created_at": {"B": b"x"}}
    told = event_of(Alert, Change(sequence="1", is_new=True, item=item))
    assert told is not None
    assert json.loads(told.body)["alert_id"] == "a"


def test_who_only_shows_receivers_has_no_secret_and_sends_nothing() -> None:
    known = {"EVENT_WEBHOOKS": "shop=https://shop.example/", "EVENT_WEBHOOK_SECRETS": "elsewhere"}
    [receiver] = Receivers.from_environment(known).everybody
    with pytest.raises(ReceiverError, match="secret is not known"):
        receiver.send(Delivery(event_id="e", body="{}"), at=NOON)
    with pytest.raises(ValueError, match="EVENT_WEBHOOK_SECRETS"):
        Receivers.from_environment(known | {"EVENT_WEBHOOK_SECRETS": ""})


def test_a_secret_does_not_show() -> None:
    known = {"EVENT_WEBHOOKS": "shop=https://s.example/", "EVENT_WEBHOOK_SECRETS": f"shop={SECRET}"}
    [receiver] = Receivers.from_environment(known).everybody
    assert isinstance(receiver, Webhook)
    assert repr(receiver.keys[0]) not in f"{receiver!r} {Receivers.from_environment(known)!r}"
