"""Transfers through a proxy that loses, delays and refuses: none lost, doubled or untold."""

from contextlib import nullcontext

import pytest
from django.test import Client

from backoffice.permissions import Role
from dynamodb import client
from payments import turns
from tests.backoffice.people import a_member
from tests.bank import check_bank
from tests.builders import TELLER
from tests.faults.asks import WRITERS, Notebook, run, settle
from tests.faults.proxy import Proxy
from tests.faults.table import tell
from tests.faults.traffic import ACCOUNTS, Traffic, eight_accounts
from tests.faults.trouble import FAULTS, FULL
from tests.faults.ways import by_command, by_page, by_service, stored
from tests.stores import served_at

pytestmark = [
    pytest.mark.integration,
    pytest.mark.load,
    pytest.mark.timeout(7200 if FULL else 600),
]

ACKNOWLEDGED = 50_000 if FULL else 1_500
NAME = "through the proxy"


@pytest.fixture
def teller() -> Client:
    browser = Client()
    browser.force_login(a_member(username=TELLER.id, roles=[Role.TELLER]))
    return browser


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every writer as if it were a process of its own: none waits for its turn."""
    monkeypatch.setattr(turns, "turn", lambda *_: nullcontext())


@pytest.mark.usefixtures("colliding")
def test_whatever_the_proxy_does_every_transfer_happens_once(proxy: Proxy, teller: Client) -> None:
    notebook, engine = Notebook(), client.settings().endpoint_url
    ways = (by_service,) * 8 + (by_command, by_page(teller))
    traffic = Traffic(eight_accounts(), ways=ways, doomed=0.012, openings=0.02)

    def enough() -> bool:
        return notebook.acknowledged >= ACKNOWLEDGED and not proxy.unspent()

    served_at(proxy.url)
    proxy.spoil(FAULTS)
    run(traffic.until(enough), notebook)
    fired = proxy.fired(FAULTS)
    proxy.heal()
    unknown, seconds = settle(traffic.asked, notebook)
    proxy.drain()
    served_at(engine)

    faults = notebook.faults(stored())
    report = check_bank()
    for fault in FAULTS:
        tell(NAME, f"{fault.kind} (at least {fault.at_least})", fired[fault.kind])
    tell(NAME, "writers", WRITERS)
    tell(NAME, "accounts", ACCOUNTS)
    tell(NAME, "asked", len(notebook.answers))
    tell(NAME, "sent twice at once", traffic.sent_twice)
    tell(NAME, "steps of the clock by an hour", traffic.clock_steps)
    for answer, number in notebook.count().most_common():
        tell(NAME, f"answered: {answer}", number)
    tell(NAME, f"acknowledged (at least {ACKNOWLEDGED:,})", notebook.acknowledged)
    tell(NAME, "unknown, settled by asking again", unknown)
    tell(NAME, "seconds to settle them", seconds)
    tell(NAME, "seconds, longest answer", notebook.longest_seconds)
    tell(NAME, "looked at and found", traffic.looks.found)
    tell(NAME, "looked at, told of trouble", traffic.looks.in_trouble)
    tell(NAME, "faults found in answers", len(faults))
    tell(NAME, "faults found in the bank", len(report.faults))
    assert faults == []
    assert report.faults == []
    assert {fault.kind for fault in FAULTS if fired[fault.kind] < fault.at_least} == set()
    assert notebook.acknowledged >= ACKNOWLEDGED
    assert unknown
