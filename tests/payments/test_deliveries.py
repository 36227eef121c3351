"""Events go out at least once and in order, whatever fails or is killed, in no payment's way."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from botocore.session import get_session
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from dynamodb import client, store, streams
from payments.alerts.records import Alert, AlertStatus, Outcome
from payments.alerts.services import WATCH, note_alert, resolve_alert
from payments.events import deliveries, receivers
from payments.events.deliveries import of_record, states
from payments.events.receivers import ReceiverError, Receivers, Topic
from payments.events.records import DeliveryState
from payments.events.relay import deliver_due
from tests.builders import NOON, opened, transferred
from tests.payments.alarms import an_alert
from tests.stores import set_credentials

pytestmark = pytest.mark.integration


@pytest.fixture
def sns(local_store: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Topics on moto; the tables and their streams stay on DynamoDB Local."""
    set_credentials(monkeypatch)
    receivers._client.cache_clear()
    streams._client.cache_clear()
    with mock_aws():
        yield get_session().create_client("sns", region_name="us-east-1")
    receivers.configure(Receivers())
    receivers._client.cache_clear()
    streams._client.cache_clear()


@pytest.fixture
def arn(sns: Any) -> str:
    """The topic of alerts."""
    arn = str(sns.create_topic(Name="a")["TopicArn"])
    tell(ALERT_SNS_TOPIC_ARN=arn)
    return arn


def tell(**environment: str) -> None:
    receivers.configure(Receivers.from_environment(environment, is_development=True))


def received(arn: str) -> list[dict[str, Any]]:
    """What the topic was sent, in order."""
    sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[arn].sent_notifications
    return [json.loads(each[1]) for each in sent]


def told(arn: str) -> Counter[str]:
    """How often each alert was told."""
    return Counter(each["alert_id"] for each in received(arn))


def later(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def is_about(at: datetime | None, expected: datetime) -> bool:
    """Clocks go on while a test runs."""
    return at is not None and expected <= at < expected + timedelta(seconds=5)


def test_each_new_alert_is_told_once_and_betrays_nobody(arn: str) -> None:
    ids = {an_alert(str(number), "customer-secret").id for number in range(3)}
    by: dict[str, Any] = {"alert_id": min(ids), "reason": "x", "actor": WATCH, "at": NOON}
    note_alert(**by)
    resolve_alert(outcome=Outcome.FALSE_ALARM, **by)
    assert deliver_due(at=NOON) == {"sent": 3}
    assert deliver_due(at=NOON) == {}
    assert told(arn) == dict.fromkeys(ids, 1)
    alert = an_alert("later").id
    assert deliver_due(at=NOON) == {"sent": 1}
    assert told(arn)[alert] == 1
    assert "customer-secret" not in json.dumps(received(arn))
    assert received(arn)[0].keys() == {"event", "alert_id", "rule", "raised_at"}


def test_a_topic_that_fails_stops_no_payment_and_loses_nothing(
    arn: str, caplog: pytest.LogCaptureFixture
) -> None:
    tell(ALERT_SNS_TOPIC_ARN=arn + "-gone")
    source, target = opened("a", balance=9_000_000), opened("b")
    payment = transferred(source, target, amount_minor=2_000_000).payment
    assert payment.is_processed()
    with caplog.at_level(logging.ERROR):
        assert deliver_due(at=NOON) == {"failed": 1}
    assert "The topic refused it" in caplog.text
    assert deliver_due(at=later(1)) == {"failed": 1}
    [kept] = states(receivers.receivers().of(Alert))
    assert (is_about(kept.failing_since, NOON), is_about(kept.seen_at, later(1))) == (True, True)
    assert "NotFound" in (kept.error or "")
    tell(ALERT_SNS_TOPIC_ARN=arn)
    assert deliver_due(at=later(2)) == {"sent": 2}
    assert told(arn) == dict.fromkeys((alert.id for alert in Alert.scan()), 1)
    [kept] = states(receivers.receivers().of(Alert))
    assert kept.failing_since is None


def test_what_fails_is_tried_again_after_growing_pauses_until_it_is_dead(
    arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = an_alert("1")
    tries: list[datetime] = []

    def fails(_: Topic, delivery: Any, *, at: datetime) -> None:
        tries.append(at)
        raise ReceiverError("not now")

    monkeypatch.setattr(Topic, "send", fails)
    at, ended = NOON, Counter[str]()
    while not ended["dead"]:
        ended += deliver_due(at=at)
        [kept] = of_record("alerts", alert.id)
        assert deliver_due(at=kept.listed_at - timedelta(seconds=1)) == {}
        at = kept.listed_at
    assert ended == {"failed": deliveries.MOST_TRIES - 1, "dead": 1}
    pauses = [after - before for before, after in pairwise(tries)]
    assert timedelta(seconds=5) <= pauses[0] <= timedelta(seconds=11)
    assert timedelta(minutes=30) <= max(pauses) <= timedelta(hours=1, seconds=1)
    assert all(early < late for early, late in zip(pauses, pauses[2:7], strict=False))
    monkeypatch.undo()
    assert (kept.state, kept.error) == (DeliveryState.DEAD, "not now")


class KilledError(BaseException):
    """The end of the process: nothing catches it."""


def test_killed_at_any_point_it_repeats_one_at_most_and_loses_none(
    arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [
        (store, "get"), (store, "put"), (store, "update"), (deliveries, "of_record"),
        (streams, "shards"), (streams, "_call"), (Topic, "send"),
    ]  # fmt: skip
    left = 0
    monkeypatch.setattr(streams, "EMPTY_PAGES", 1)  # each would be a point of its own

    def die_at(place: Any, name: str, *, before: bool) -> None:
        real = getattr(place, name)

        def step(*given: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            dies = left == 0
            if dies and before:
                raise KilledError
            answer = real(*given, **named)
            if dies:
                raise KilledError
            return answer

        monkeypatch.setattr(place, name, step)

    kills = 0
    hours = count()
    for before in (True, False):
        for place, name in steps:
            die_at(place, name, before=before)
        number = 0
        while True:
            number += 1
            ids = {an_alert(f"{before} {number} {each}").id for each in range(3)}
            seen, left = told(arn), number
            try:
                deliver_due(at=later(next(hours)))
            except KilledError:
                kills += 1
                left = 10**6
                deliver_due(at=later(next(hours)))
                now = told(arn) - seen
                assert now.keys() >= ids
                assert sum(now.values()) <= len(ids) + 1
            else:
                break
        monkeypatch.undo()
        monkeypatch.setattr(streams, "EMPTY_PAGES", 1)
        set_credentials(monkeypatch)
    assert kills > 30
    assert {alert.status for alert in Alert.scan()} == {AlertStatus.OPEN}


def test_without_a_receiver_nothing_is_asked_of_the_store(local_store: None) -> None:
    an_alert("1")
    with client.count_requests() as seen:
        assert deliver_due(at=NOON) == {}
    assert seen.operations == []


@pytest.mark.parametrize("arn", ["x", "arn:aws:sqs:us-east-1:123456789012:a", "arn:aws:sns:::a"])
def test_what_is_no_topic_is_refused_at_start(arn: str) -> None:
    with pytest.raises(ValueError, match="ALERT_SNS_TOPIC_ARN"):
        Receivers.from_environment({"ALERT_SNS_TOPIC_ARN": arn})
