"""Notices go out at least once, whatever fails or is killed, and never in a payment's way."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.session import get_session
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from dynamodb import client, store, streams
from payments import notices, topic
from payments.alert_records import Alert, AlertStatus, Outcome
from payments.alerts import WATCH, note_alert, resolve_alert
from payments.notices import deliver_due
from payments.topic import Topic, TopicError
from tests.builders import NOON, opened, transferred
from tests.payments.alarms import an_alert
from tests.stores import set_credentials

pytestmark = pytest.mark.integration


@pytest.fixture
def arn(local_store: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A topic on moto; the tables and their stream stay on DynamoDB Local."""
    set_credentials(monkeypatch)
    topic._client.cache_clear()
    streams._client.cache_clear()
    with mock_aws():
        sns: Any = get_session().create_client("sns", region_name="us-east-1")
        made = sns.create_topic(Name="a")
        topic.configure(Topic(arn=made["TopicArn"]))
        yield made["TopicArn"]
    topic.configure(Topic())
    topic._client.cache_clear()
    streams._client.cache_clear()


def received(arn: str) -> list[dict[str, Any]]:
    """What the topic was sent, in order."""
    sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[arn].sent_notifications
    return [json.loads(each[1]) for each in sent]


def told(arn: str) -> Counter[str]:
    """How often each alert was told."""
    return Counter(each["alert_id"] for each in received(arn))


def test_each_new_alert_is_told_once_and_betrays_nobody(arn: str) -> None:
    ids = {an_alert(str(number), "customer-secret").id for number in range(3)}
    by: dict[str, Any] = {"alert_id": min(ids), "reason": "x", "actor": WATCH, "at": NOON}
    note_alert(**by)
    resolve_alert(outcome=Outcome.FALSE_ALARM, **by)
    assert deliver_due(at=NOON) == {"sent": 3}
    assert deliver_due(at=NOON) == {}
    assert told(arn) == dict.fromkeys(ids, 1)
    later = an_alert("later").id
    assert deliver_due(at=NOON) == {"sent": 1}
    assert told(arn)[later] == 1
    assert "customer-secret" not in json.dumps(received(arn))
    assert received(arn)[0].keys() == {"event", "alert_id", "rule", "raised_at"}


def test_a_topic_that_fails_stops_no_payment_and_loses_nothing(
    arn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notices, "RETRY_SECONDS", 0.05)
    topic.configure(Topic(arn=arn + "-gone"))
    source, target = opened("a", balance=9_000_000), opened("b")
    payment = transferred(source, target, amount_minor=2_000_000).payment
    assert payment.is_processed()
    with caplog.at_level(logging.ERROR):
        assert deliver_due(at=NOON) == {"failed": 1}
    assert "notices of alerts do not go out" in caplog.text
    assert deliver_due(at=NOON + timedelta(hours=1)) == {"failed": 1}
    kept = notices.state()
    assert (kept.failing_since, kept.seen_at) == (NOON, NOON + timedelta(hours=1))
    assert "NotFound" in (kept.error or "")
    topic.configure(Topic(arn=arn))
    assert deliver_due(at=NOON + timedelta(hours=2)) == {"sent": 2}
    assert told(arn) == dict.fromkeys((alert.id for alert in Alert.scan()), 1)
    assert notices.state().failing_since is None


def test_a_notice_is_tried_again_with_pauses(arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    an_alert("1")
    tries: list[str] = []
    publish = Topic.publish

    def fails_twice(self: Topic, subject: str, message: str) -> None:
        tries.append(message)
        if len(tries) <= 2:
            raise TopicError("not now")
        publish(self, subject, message)

    monkeypatch.setattr(Topic, "publish", fails_twice)
    assert deliver_due(at=NOON) == {"sent": 1}
    assert len(tries) == 3
    assert sum(told(arn).values()) == 1


class KilledError(BaseException):
    """The end of the process: nothing catches it."""


def test_killed_at_any_point_it_repeats_one_at_most_and_loses_none(
    arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [
        (store, "get"), (store, "put"), (streams, "shards"), (streams, "_call"), (Topic, "publish"),
    ]  # fmt: skip
    left = 0

    def die_at(place: Any, name: str, *, before: bool) -> None:
        real = getattr(place, name)

        def step(*given: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if before and left == 0:
                raise KilledError
            answer = real(*given, **named)
            if not before and left == 0:
                raise KilledError
            return answer

        monkeypatch.setattr(place, name, step)

    kills = 0
    for before in (True, False):
        for place, name in steps:
            die_at(place, name, before=before)
        number = 0
        while True:
            number += 1
            ids = {an_alert(f"{before} {number} {each}").id for each in range(3)}
            seen, left = told(arn), number
            try:
                deliver_due(at=NOON)
            except KilledError:
                kills += 1
                left = 10**6
                deliver_due(at=NOON)
                now = told(arn) - seen
                assert now.keys() >= ids
                assert sum(now.values()) <= len(ids) + 1
            else:
                break
        monkeypatch.undo()
        set_credentials(monkeypatch)
    assert kills > 12
    assert {alert.status for alert in Alert.scan()} == {AlertStatus.OPEN}


def test_without_a_topic_nothing_is_asked_of_the_store(local_store: None) -> None:
    an_alert("1")
    with client.count_requests() as seen:
        assert deliver_due(at=NOON) == {}
    assert seen.operations == []


@pytest.mark.parametrize("arn", ["x", "arn:aws:sqs:us-east-1:123456789012:a", "arn:aws:sns:::a"])
def test_what_is_no_topic_is_refused_at_start(arn: str) -> None:
    with pytest.raises(ValueError, match="ALERT_SNS_TOPIC_ARN"):
        Topic.from_environment({"ALERT_SNS_TOPIC_ARN": arn})
