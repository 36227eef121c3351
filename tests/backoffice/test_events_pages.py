"""The page of events: what was not taken, sent again; nothing of alerts but to compliance."""

import pytest
from django.test import Client

from backoffice.permissions import Role
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments.events import receivers
from payments.events.deliveries import of_record
from payments.events.receivers import Receivers
from payments.events.records import DeliveryState, Feed
from tests.backoffice.conftest import SignIn
from tests.backoffice.deliveries import plant_delivery
from tests.backoffice.pages import text
from tests.backoffice.people import chain
from tests.payments.hooks import SECRET

EVERYBODY = {
    "ALERT_SNS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:alerts",
    "EVENT_WEBHOOKS": "shop=https://shop.example/hook",
    "EVENT_WEBHOOK_SECRETS": f"shop={SECRET}",
}
PAYMENT = "019cae6b-6600-7106-ac4e-346ea99a8734"
LINE = f"/admin/events/shop:{PAYMENT}/"


@pytest.fixture
def supervisor(signed_in: SignIn) -> Client:
    client = signed_in(Role.SUPERVISOR)
    receivers.configure(Receivers.from_environment(EVERYBODY))
    plant_delivery(PAYMENT, receiver="shop", state=DeliveryState.DEAD, at=utc_now())
    return client


def test_a_dead_event_is_listed_and_sent_again_once_it_is_confirmed(supervisor: Client) -> None:
    with count_requests() as seen:
        shown = text(supervisor.get("/admin/events/"))
    assert len(seen) <= 3
    assert "payment.processed" in shown
    assert "It answered 400." in shown
    assert "is the worker running?" in shown
    assert "Send these events again?" in text(supervisor.post(LINE))
    assert of_record("shop", PAYMENT)[0].state == DeliveryState.DEAD
    assert supervisor.post(LINE, {"confirm": "yes"}).status_code == 302
    [kept] = of_record("shop", PAYMENT)
    assert (kept.state, kept.tries) == (DeliveryState.WAITING, 0)
    assert [entry.action for entry in chain(f"events:{PAYMENT}")] == ["event.sent_again"]
    again = supervisor.post(LINE, {"confirm": "yes"})
    assert again.status_code == 422
    assert "have been sent again already" in text(again)
    assert len(chain(f"events:{PAYMENT}")) == 1
    assert PAYMENT in text(supervisor.get("/admin/events/?state=waiting"))
    assert PAYMENT not in text(supervisor.get("/admin/events/"))


def test_a_receiver_that_takes_nothing_is_said_to(supervisor: Client) -> None:
    now = utc_now()
    store.put(Feed(name="shop", seen_at=now, failing_since=now, error="It answered 503."))
    shown = text(supervisor.get("/admin/events/"))
    assert "Takes nothing since" in shown
    assert "It answered 503." in shown
    store.put(Feed(name="shop", seen_at=now))
    assert "takes what it is sent." in text(supervisor.get("/admin/events/"))


def test_where_alerts_go_is_compliance_own(supervisor: Client, signed_in: SignIn) -> None:
    plant_delivery("alert_1", receiver="alerts", state=DeliveryState.DEAD, at=utc_now())
    for address in ("/admin/events/alerts:alert_1/", "/admin/events/alerts:alert_2/"):
        assert supervisor.get(address).status_code == 404
        assert supervisor.post(address, {"confirm": "yes"}).status_code == 404
    assert "alerts" not in text(supervisor.get("/admin/events/")).lower()
    asked = supervisor.get("/admin/events/?receiver=alerts")
    assert asked.status_code == 422
    assert "alert_1" not in text(asked)
    reviewer = signed_in(Role.COMPLIANCE, username="compliance1")
    assert "alert_1" in text(reviewer.get("/admin/events/?receiver=alerts"))
    assert reviewer.get("/admin/events/alerts:alert_1/").status_code == 200


def test_without_a_receiver_the_page_says_so(signed_in: SignIn) -> None:
    shown = text(signed_in(Role.SUPERVISOR).get("/admin/events/"))
    assert "No other system is told of payments." in shown
