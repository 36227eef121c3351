"""Changes of payments arrive at webhooks: signed, every one, and each payment's in order."""

import json
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import jsonschema_rs
import openapi_spec_validator
import pytest
import yaml
from botocore.session import get_session

from audit.context import Actor
from dynamodb import store
from dynamodb.streams import Change
from payments import approvals, directory, policy
from payments.events import deliveries, receivers, relay
from payments.events.deliveries import NothingDeadError, of_record, send_again
from payments.events.outgoing import event_of
from payments.events.receivers import Receivers, Webhook
from payments.events.records import Delivery, DeliveryState
from payments.events.relay import deliver_due
from payments.models import Account, Payment
from payments.wire import payment_json
from tests.backoffice.people import chain
from tests.builders import NOON, opened, transferred
from tests.engines import ROOT
from tests.payments.alarms import an_alert
from tests.payments.hooks import SECRET, Hook, consumer, hook
from tests.payments.test_deliveries import received, sns, tell
from tests.stores import NO_FOUR_EYES

__all__ = ["sns"]

pytestmark = pytest.mark.integration

CHECKER = Actor(id="supervisor1")
KILLS = 10
DOCS, OPENAPI = ROOT / "docs/operations.md", ROOT / "deploy/openapi.yaml"


@pytest.fixture
def shop(local_store: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A receiver; the engine, which deletes what has expired by its own clock, keeps deliveries."""
    monkeypatch.setattr(relay, "SENT_KEPT", timedelta(days=36_500))
    with hook() as taken:
        tell(**taken.environment)
        yield taken
    receivers.configure(Receivers())


@pytest.fixture
def ends(shop: Hook) -> tuple[Account, Account]:
    made = opened("a", balance=10**9), opened("b")
    deliver_due(at=NOON)
    shop.posts.clear()
    return made


def requested(ends: tuple[Account, Account]) -> Payment:
    policy.configure(policy.Policy(approval_threshold=1))
    payment = transferred(*ends, amount_minor=20_000).payment
    policy.configure(NO_FOUR_EYES)
    return payment


def decided(payment: Payment, how: str) -> None:
    by: dict[str, Any] = {"payment_id": payment.id, "actor": CHECKER, "at": NOON}
    match how:
        case "approved":
            approvals.approve_payment(shown=approvals.digest(payment), **by)
        case "rejected":
            approvals.reject_payment(reason="No", **by)
        case "canceled":
            approvals.cancel_payment(reason="No", **by)
        case "expired":
            approvals.expire_payment(payment_id=payment.id, at=NOON + timedelta(days=2))


ENDINGS = {
    "approved": "processed",
    "rejected": "rejected",
    "canceled": "canceled",
    "expired": "expired",
}


def lived(ends: tuple[Account, Account], number: int) -> dict[str, list[str]]:
    """Let payments have a life; gives what becomes of each."""
    source, target = ends
    how = [*ENDINGS][number % len(ENDINGS)]
    payment = requested(ends)
    decided(payment, how)
    small = transferred(source, target, amount_minor=100 + number).payment
    story = {payment.id: ["requested", ENDINGS[how]], small.id: ["processed"]}
    if number % 3 == 0:
        back = transferred(target, source, amount_minor=50, reverses=small.id).payment
        story |= {small.id: ["processed", "reversed"], back.id: ["processed"]}
    if number % 5 == 0:
        day = (NOON + timedelta(days=1)).date().isoformat()
        later = transferred(source, target, amount_minor=10, scheduled_for=day).payment
        odd = transferred(source, target, currency="EUR").payment
        story |= {later.id: ["scheduled"], odd.id: ["failed"]}
    return story


def test_killed_ten_times_while_payments_run_it_loses_none_and_keeps_their_order(
    shop: Hook, ends: tuple[Account, Account]
) -> None:
    chance = random.Random(7)
    shop.answer = lambda: 503 if chance.random() < 0.1 else 204
    wanted: dict[str, list[str]] = {}
    running = [consumer(shop.environment) for _ in range(2)]
    try:
        for number in range(KILLS):
            before = len(shop.posts)
            for part in range(2):
                wanted |= lived(ends, 2 * number + part)
            wait_for(lambda: len(shop.posts) > before)  # noqa: B023 - at once
            time.sleep(chance.uniform(0, 0.05))
            running[number % 2].kill()
            running[number % 2].communicate()
            running[number % 2] = consumer(shop.environment)
        wait_for(lambda: shop.stories().keys() >= wanted.keys() and shop.stories() == wanted)
    finally:
        for process in running:
            process.kill()
            process.communicate()
    assert shop.stories() == wanted
    assert all(is_ours(headers, body) for headers, body in shop.posts)
    assert len({headers["webhook-id"] for headers, _ in shop.posts}) == len(shop.events())


def wait_for(is_so: Any, seconds: float = 90.0) -> None:
    ends = time.monotonic() + seconds
    while not is_so() and time.monotonic() < ends:
        time.sleep(0.02)


def verifier() -> Any:
    """The function that the documentation shows to receivers."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own
    return names["is_ours"]


def is_ours(headers: dict[str, str], body: bytes, secret: str = SECRET, late: float = 0) -> bool:
    return bool(verifier()(headers, body, secret, int(headers["webhook-timestamp"]) + late))


def a_delivery(**values: Any) -> Delivery:
    return Delivery(**({"event_id": "p_1", "entity_id": "p", "body": "{}"} | values))


def test_an_event_is_signed_as_the_standard_says(shop: Hook) -> None:
    [receiver] = receivers.receivers().everybody
    receiver.send(a_delivery(), at=NOON)
    [(headers, body)] = shop.posts
    assert (headers["webhook-id"], int(headers["webhook-timestamp"])) == ("p_1", NOON.timestamp())
    assert is_ours(headers, body)
    assert is_ours(headers, body, late=299)
    assert not is_ours(headers, body, late=301)
    assert not is_ours(headers, body, late=-301)
    assert not is_ours(headers, body + b" ")
    assert not is_ours(headers | {"webhook-id": "p_2"}, body)
    assert not is_ours(headers, body, secret="whsec_" + "A" * 32)
    known = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    (key,) = receiver.keys  # type: ignore[attr-defined]  # a webhook
    assert receivers._signature(key, known) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_replaced_both_sign(shop: Hook) -> None:
    new = "whsec_" + "B" * 32
    tell(EVENT_WEBHOOKS=f"shop={shop.url}", EVENT_WEBHOOK_SECRETS=f"shop={new} {SECRET}")
    receivers.receivers().everybody[0].send(a_delivery(), at=NOON)
    [(headers, body)] = shop.posts
    assert is_ours(headers, body, secret=new)
    assert is_ours(headers, body, secret=SECRET)


def test_an_event_tells_the_payment_as_the_service_does(
    shop: Hook, ends: tuple[Account, Account]
) -> None:
    payment = transferred(*ends).payment
    assert deliver_due(at=NOON) == {"sent": 1}
    [event] = shop.events()
    kept = store.get(directory.payment_key(payment.id))
    assert kept is not None
    assert event == {
        "id": f"{payment.id}_1",
        "type": "payment.processed",
        "timestamp": payment_json(kept)["updated_at"],
        "data": payment_json(kept),
    }


def described(name: str) -> Any:
    """The validator of a schema of the description, on which no attribute may be missing."""
    description = yaml.safe_load(OPENAPI.read_text())
    openapi_spec_validator.validate(description)
    description["components"]["schemas"]["Payment"]["additionalProperties"] = False
    return jsonschema_rs.Draft202012Validator({**description, "$ref": f"#/{name}"})


def test_what_is_sent_is_as_described(shop: Hook, ends: tuple[Account, Account]) -> None:
    for number in (0, 1, 2, 3, 5):
        lived(ends, number)
    at = NOON
    while deliver_due(at=at)["sent"]:  # a busy machine needs several rounds
        at += timedelta(hours=1)
    assert {event["type"].removeprefix("payment.") for event in shop.events()} == {
        *ENDINGS.values(), "requested", "reversed", "scheduled", "failed",
    }  # fmt: skip
    body = described("components/schemas/PaymentEvent")
    post = yaml.safe_load(OPENAPI.read_text())["webhooks"]["payment"]["post"]
    wanted = {each["name"]: each["schema"] for each in post["parameters"]}
    for headers, sent in shop.posts:
        body.validate(json.loads(sent))
        for name, schema in wanted.items():
            jsonschema_rs.validate(schema, headers[name])
    assert {name for name in headers if name.startswith("webhook-")} == wanted.keys()


def test_an_alert_is_as_described(sns: Any) -> None:
    arn = sns.create_topic(Name="a")["TopicArn"]
    tell(ALERT_SNS_TOPIC_ARN=arn)
    an_alert("1")
    deliver_due(at=NOON)
    [told] = received(arn)
    described("components/schemas/AlertEvent").validate(told)


def test_who_is_down_gets_everything_later_in_order_and_nobody_waits_for_it(
    shop: Hook, ends: tuple[Account, Account]
) -> None:
    shop.answer = lambda: 500
    wanted = lived(ends, 0) | lived(ends, 1)
    with hook() as other:
        both = {name: f"{text},other={other.url}" for name, text in shop.environment.items()}
        both["EVENT_WEBHOOK_SECRETS"] = f"shop={SECRET},other={SECRET}"
        tell(**both)
        counts = deliver_due(at=NOON)
        assert other.stories().items() > wanted.items()  # and all that the stream remembers
        assert (counts["failed"], counts["sent"]) == (1, len(other.posts))
    tell(**shop.environment)
    assert deliver_due(at=NOON + timedelta(hours=1)) == {"failed": 1}
    shop.answer = lambda: 204
    at = NOON + timedelta(hours=2)
    assert deliver_due(at=at)["sent"] > 0
    assert shop.stories() == wanted


def test_an_event_that_is_refused_holds_up_its_own_payment_alone_and_can_be_sent_again(
    shop: Hook, ends: tuple[Account, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MOST_TRIES", 2)
    bad = requested(ends)
    shop.answer = lambda: 400
    assert deliver_due(at=NOON) == {"failed": 1}
    shop.answer = lambda: 204
    decided(bad, "approved")
    good = transferred(*ends).payment
    assert deliver_due(at=NOON) == {"sent": 1}
    assert shop.stories() == {good.id: ["processed"]}
    shop.answer = lambda: 400
    assert deliver_due(at=NOON + timedelta(hours=1)) == {"dead": 1}
    shop.answer = lambda: 204
    assert deliver_due(at=NOON + timedelta(hours=2)) == {}
    kept = of_record("shop", bad.id)
    assert [each.state for each in kept] == [DeliveryState.DEAD] * 2
    again: dict[str, Any] = {"receiver": "shop", "entity_id": bad.id, "actor": CHECKER}
    send_again(at=NOON, **again)
    assert deliver_due(at=NOON + timedelta(hours=3)) == {"sent": 2}
    assert shop.stories()[bad.id] == ["requested", "processed"]
    with pytest.raises(NothingDeadError):
        send_again(at=NOON, **again)
    [entry] = chain(f"events:{bad.id}")
    assert (entry.action, entry.user_id) == ("event.sent_again", CHECKER.id)
    assert {each.body for each in of_record("shop", bad.id)} == {None}


@pytest.fixture
def stubborn() -> Iterator[int]:
    """The port of one who accepts, and sends a byte now and then: no handshake ever ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def trickle() -> None:
            with suppress(OSError), server.accept()[0] as line:
                for byte in b"\x16\x03\x03\x40\x00" + bytes(200):
                    line.send(bytes([byte]))
                    time.sleep(0.05)

        thread = threading.Thread(target=trickle)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def threads() -> int:
    return sum(each.daemon for each in threading.enumerate())


def test_a_handshake_that_trickles_is_cut_off_and_leaves_nothing_behind(
    stubborn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "ANSWER_SECONDS", 0.3)
    before, begun = threads(), time.monotonic()
    with pytest.raises(TimeoutError):
        receivers._post(f"https://127.0.0.1:{stubborn}/", b"", {})
    assert time.monotonic() - begun < 2
    wait_for(lambda: threads() == before, seconds=3)
    assert threads() == before


def test_a_name_that_is_long_looked_up_is_waited_for_no_longer(
    shop: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "ANSWER_SECONDS", 0.2)
    connect = socket.create_connection

    def slowly(*given: Any, **named: Any) -> Any:
        time.sleep(0.6)
        return connect(*given, **named)

    monkeypatch.setattr("socket.create_connection", slowly)
    before, begun = threads(), time.monotonic()
    with pytest.raises(TimeoutError):
        receivers._post(shop.url, b"{}", {})
    assert time.monotonic() - begun < 0.5
    wait_for(lambda: threads() == before, seconds=3)
    assert shop.posts == [], "given up is given up: nothing arrives out of turn"


@pytest.mark.parametrize("how", ["redirects", "trickles", "is gone"])
def test_an_answer_that_is_none_is_a_failure_in_time(
    shop: Hook, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(receivers, "ANSWER_SECONDS", 0.3)
    shop.answer = lambda: 302
    shop.trickles = how == "trickles"
    if how == "is gone":
        tell(EVENT_WEBHOOKS="shop=http://127.0.0.1:9", EVENT_WEBHOOK_SECRETS=f"shop={SECRET}")
    begun = time.monotonic()
    with pytest.raises(receivers.ReceiverError):
        receivers.receivers().everybody[0].send(a_delivery(), at=NOON)
    assert time.monotonic() - begun < 2
    assert shop.posts == []


def test_a_fifo_topic_is_told_payment_by_payment(sns: Any, ends_for_topic: Any) -> None:
    wanted, queue, sqs = ends_for_topic
    counts = deliver_due(at=NOON)
    assert counts == {"sent": sum(map(len, wanted.values()))}
    asked = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "AttributeNames": ["All"]}
    got = sqs.receive_message(**asked).get("Messages", [])
    groups = {each["Attributes"]["MessageGroupId"] for each in got}
    assert groups
    assert groups <= wanted.keys()


@pytest.fixture
def ends_for_topic(sns: Any) -> tuple[dict[str, list[str]], str, Any]:
    fifo = {"FifoTopic": "true"}
    arn = sns.create_topic(Name="e.fifo", Attributes=fifo)["TopicArn"]
    sqs: Any = get_session().create_client("sqs", region_name="us-east-1")
    url = sqs.create_queue(QueueName="e.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    queue = "arn:aws:sqs:us-east-1:123456789012:e.fifo"
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    ends = opened("a", balance=10**9), opened("b")
    tell(EVENT_TOPIC_ARN=arn)
    deliver_due(at=NOON)
    sqs.purge_queue(QueueUrl=url)
    return lived(ends, 0), url, sqs


def test_bookkeeping_is_no_event_and_damage_stops_nothing() -> None:
    item = {"id": {"S": "p"}, "status": {"S": "odd"}, "version": {"S": "x"}, "new": {"S": "y"}}
    damaged = event_of(Payment, Change(sequence="1", is_new=True, item=item))
    assert damaged is not None
    assert (damaged.type, damaged.id) == ("payment.odd", "p_0")
    assert '"new"' not in damaged.body
    assert event_of(Payment, Change(sequence="1", is_new=False, item=item, before=item)) is None
    assert event_of(Payment, Change(sequence="1", is_new=False, item={}, before=item)) is None


WHERE = "EVENT_WEBHOOKS"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EVENT_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:not-fifo"),
        (WHERE, "shop=http://shop.example/"),
        (WHERE, "shop=http://127.0.0.1/"),
        (WHERE, "shop=https://user:word@shop.example/"),
        (WHERE, "shop=ftp://shop.example/"),
        (WHERE, "alerts=https://shop.example/"),
        (WHERE, "https://shop.example/"),
        (WHERE, "shop=https://shop.example/,shop=https://two.example/"),
        ("EVENT_WEBHOOK_SECRETS", "shop=short"),
        ("EVENT_WEBHOOK_SECRETS", "shop=whsec_c2hvcnQ="),
        ("EVENT_WEBHOOK_SECRETS", "other=" + SECRET),
    ],
)
def test_what_is_unsafe_or_unclear_is_refused_at_start(variable: str, value: str) -> None:
    good = {WHERE: "shop=https://shop.example/", "EVENT_WEBHOOK_SECRETS": f"shop={SECRET}"}
    [receiver] = Receivers.from_environment(good).everybody
    assert isinstance(receiver, Webhook)
    with pytest.raises(ValueError, match="EVENT_") as refused:
        Receivers.from_environment(good | {variable: value})
    assert "whsec_c" not in str(refused.value)
