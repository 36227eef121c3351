"""Transfers through a proxy that loses, delays and refuses: none lost, doubled or untold."""

import pytest
from django.test import Client

from backoffice.permissions import Role
from dynamodb import client
from tests.backoffice.people import a_member
from tests.builders import TELLER
from tests.crowd import colliding
from tests.faults.asks import WRITERS, Notebook, run, settle
from tests.faults.proxy import Proxy
from tests.faults.traffic import ACCOUNTS, Traffic, eight_accounts
from tests.faults.trouble import FAULTS
from tests.faults.verdict import judge, tell_fired
from tests.faults.ways import Order, Pages, by_command, by_service, stored
from tests.stores import served_at
from tests.tried import FULL, missed, tell

__all__ = ["colliding"]

pytestmark = [
    pytest.mark.integration,
    pytest.mark.load,
    pytest.mark.timeout(7200 if FULL else 600),
]

ACKNOWLEDGED = (
    {"through the proxy": 5_000, "through the proxy, together": 45_000}
    if FULL
    else {"through the proxy": 500}
)
"""Threads that go together are faster than those that collide."""

DOOMED = 60 if FULL else 12
"""How many cannot be settled before all heals. Each keeps its company waiting for ten seconds."""


@pytest.fixture
def pages() -> Pages:
    """The pages in this process, as one teller uses them; no two requests share a ``Client``."""
    signed_in = Client()
    signed_in.force_login(a_member(username=TELLER.id, roles=[Role.TELLER]))

    def browser(_: Order) -> Client:
        client = Client(raise_request_exception=False)
        client.cookies = signed_in.cookies
        return client

    return Pages(browser)


@pytest.mark.parametrize("name", ACKNOWLEDGED)
def test_whatever_the_proxy_does_every_transfer_happens_once(
    request: pytest.FixtureRequest, proxy: Proxy, pages: Pages, name: str
) -> None:
    """Each thread as if it were a process of its own, and all as one that lets them go together."""
    wanted = ACKNOWLEDGED[name]
    if "together" not in name:
        request.getfixturevalue("colliding")
    notebook, engine = Notebook(), client.settings().endpoint_url
    ways = (by_service,) * 8 + (by_command, pages.transfer)
    traffic = Traffic(eight_accounts(), ways=ways, doomed=DOOMED / wanted, openings=0.02)

    def enough() -> bool:
        return notebook.acknowledged >= wanted and not proxy.unspent()

    served_at(proxy.url)
    proxy.spoil(FAULTS)
    run(traffic.until(enough), notebook)
    fired = proxy.fired(FAULTS)
    proxy.heal()
    settled = settle(traffic.asked, notebook)
    proxy.drain()
    served_at(engine)

    tell_fired(name, FAULTS, fired)
    tell(name, "writers", WRITERS, at_least=16)
    tell(name, "accounts", ACCOUNTS, at_most=8)
    tell(name, "asked", len(notebook.answers))
    tell(name, "acknowledged", notebook.acknowledged, at_least=wanted)
    tell(name, "sent twice at once", traffic.sent_twice, at_least=1)
    tell(name, "steps of the clock by an hour", traffic.clock_steps, at_least=1)
    tell(name, "looked at and found", traffic.looks.found)
    tell(name, "looked at, told of trouble", traffic.looks.in_trouble)
    for status, number in sorted(pages.answers.items()):
        tell(name, f"pages answered {status}", number)
    tell(name, "pages answered 5xx, but 503 with Retry-After", pages.failed, at_most=0)
    tell(name, "unknown when healed", settled[0], at_least=1)
    assert judge(name, notebook, stored(), settled) == []
    assert missed(name) == []
