"""The first page: what needs somebody now and figures, by role, in a bounded number of requests."""

import re
from html import unescape

import pytest

from audit.context import Actor
from backoffice.permissions import Role
from dynamodb import store
from dynamodb.client import count_requests
from dynamodb.times import utc_now
from payments import policy
from payments.events import receivers, relay
from payments.events.receivers import Receivers
from payments.events.records import DeliveryState, Feed
from payments.history.figures import roll_up
from payments.identifiers import new_payment_id
from payments.policy import Policy
from tests.backoffice.conftest import SignIn
from tests.backoffice.deliveries import plant_delivery
from tests.backoffice.pages import text
from tests.backoffice.test_events_pages import EVERYBODY
from tests.builders import opened, transferred
from tests.payments.alarms import an_alert

NO_ID = "019cae6b-6600-7106-ac4e-346ea99a8734"
BY_ROLE = {
    Role.TELLER: {"1 transfer failed since yesterday"},
    Role.SUPERVISOR: {"1 transfer failed since yesterday", "2 payments wait for approval"},
    Role.COMPLIANCE: {
        "1 transfer failed since yesterday", "2 payments wait for approval", "3 alerts are open",
    },
    Role.ADMIN: set(),
}  # fmt: skip


@pytest.fixture
def busy(moto_store: None) -> None:
    """Two payments done, two that wait, one that failed; three alerts, and all is counted."""
    at = utc_now()
    source, target = opened("a", balance=500_000, at=at), opened("b", at=at)
    policy.configure(Policy(approval_threshold=10_000))
    for amount in (1_234, 2_345, 20_000, 30_000, 999):
        transferred(
            source, target, at, Actor(id=f"maker{amount}"),
            payment_id=new_payment_id(at), amount_minor=amount,
        )  # fmt: skip
    transferred(target, source, at, payment_id=new_payment_id(at), amount_minor=9_998_00)
    for number in range(3):
        an_alert(str(number), at=at)
    roll_up(at=at, pages=1000)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("role", Role)
def test_each_role_is_told_what_needs_it_in_seven_requests(
    signed_in: SignIn, role: Role, archive: None
) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:alerts"
    receivers.configure(Receivers.from_environment({"ALERT_SNS_TOPIC_ARN": arn}))
    client = signed_in(role)
    with count_requests() as seen:
        page = unescape(text(client.get("/admin/")))
    assert len(seen.operations) <= 7, seen.operations
    assert "Scan" not in seen.operations
    needs = set(re.findall(r'<li class="need[^>]*>\s*<a [^>]*>(.*?)</a>', page))
    every = set().union(*BY_ROLE.values())
    assert needs & every == BY_ROLE[role]
    assert ("as_of" in page or "Counted in the background" in page) == (role != Role.ADMIN)
    if role == Role.ADMIN:
        assert "USD" not in page


@pytest.mark.parametrize("role", [Role.TELLER, Role.SUPERVISOR, Role.COMPLIANCE])
def test_what_receivers_do_not_take_needs_those_who_may_act(signed_in: SignIn, role: Role) -> None:
    now, client = utc_now(), signed_in(role)
    receivers.configure(Receivers.from_environment(EVERYBODY))
    dead = plant_delivery(NO_ID, receiver="shop", state=DeliveryState.DEAD, at=now)
    plant_delivery("alert_1", receiver="alerts", state=DeliveryState.DEAD, at=now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay.Round, "run", lambda *_, **__: None)
        relay.deliver_due(at=now)
    with count_requests() as seen:
        page = unescape(text(client.get("/admin/")))
    assert len(seen) <= 7
    assert ("shop: events are dead since" in page) is (role != Role.TELLER)
    assert ("alerts: events are dead since" in page) is (role == Role.COMPLIANCE)
    store.put(Feed(name="shop", seen_at=now, failing_since=now, error="It answered 503."))
    store.delete(dead)
    page = unescape(text(client.get("/admin/")))
    assert ("shop: Takes nothing since" in page) is (role != Role.TELLER)
    assert "shop: events are dead" not in page
    store.put(Feed(name="shop", seen_at=now))
    assert "shop:" not in text(client.get("/admin/"))


@pytest.mark.usefixtures("busy")
def test_what_is_drawn_is_listed_and_leads_to_the_payments_behind_it(signed_in: SignIn) -> None:
    client = signed_in()
    page = unescape(text(client.get("/admin/")))
    assert page.count('class="card chart"') == 3
    today = utc_now().date().isoformat()
    (volume,) = re.findall(
        rf'<a href="([^"]*)">{today}</a>\s*</th>\s*<td class="money">([\d.,]+ USD)', page
    )
    assert volume[1] == "5,045.78 USD"
    listed = unescape(text(client.get(volume[0])))
    assert {"12.34 USD", "23.45 USD", "9.99 USD"} <= set(re.findall(r"[\d.,]+ USD", listed))
    assert "300.00 USD" not in listed
    (failed,) = re.findall(r'<a href="([^"]*)">failed</a>', page)
    assert "9,998.00 USD" in text(client.get(failed))
    # Counted by UTC days, and so listed by them, whatever the person's zone.
    assert "zone=UTC" in volume[0]
    assert "zone=UTC" in failed
    assert page.index("5,000.00 USD") > page.index("Largest movers")


def test_a_fresh_system_says_when_there_will_be_figures(signed_in: SignIn) -> None:
    page = text(signed_in().get("/admin/"))
    assert "There are no figures yet" in page
    assert "Nothing needs you now." in page
