"""The whole house at work, and nothing wrong: staff on their pages while programs move money."""

import time
from statistics import quantiles

import pytest
from django.test import Client

from backoffice.permissions import Role
from tests.backoffice.people import a_member
from tests.builders import TELLER
from tests.faults.asks import Ask, Notebook, run, settle
from tests.faults.traffic import Traffic, eight_accounts
from tests.faults.verdict import judge
from tests.faults.ways import Order, Pages, Way, by_handler, stored
from tests.tried import missed, share, tell

NAME, SECONDS = "pages and service together", share(150)
SEEN = {
    "/admin/": Role.TELLER,
    "/admin/accounts/": Role.TELLER,
    "/admin/payments/": Role.TELLER,
    "/admin/audit/": Role.COMPLIANCE,
}


def timed(way: Way, times: list[float]) -> Way:
    """The same way, which notes how many milliseconds each ask took."""

    def ask(order: Order) -> Ask:
        one = way(order)

        def act() -> str:
            began = time.monotonic()
            try:
                return one.act()
            finally:
                times.append((time.monotonic() - began) * 1000)

        return Ask(one.name, act)

    return ask


@pytest.mark.load
@pytest.mark.timeout(600)
@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_pages_and_service_together_lose_nothing() -> None:
    browsers = {Role.TELLER: Client(), Role.COMPLIANCE: Client()}
    for role, username in ((Role.TELLER, TELLER.id), (Role.COMPLIANCE, "compliance1")):
        browsers[role].force_login(a_member(username=username, roles=[role]))
    seen = [(address, browsers[role]) for address, role in SEEN.items()]
    pages, notebook = Pages(browsers[Role.TELLER], seen=seen), Notebook()
    times: dict[str, list[float]] = {"the service": [], "a form and two pages": []}
    service, form = map(timed, (by_handler, pages.transfer), times.values())
    traffic = Traffic(eight_accounts(), ways=(service, service, form))
    ends = time.monotonic() + SECONDS
    run(traffic.until(lambda: time.monotonic() > ends), notebook)
    faults = judge(NAME, notebook, stored(), settle(traffic.asked, notebook))
    for asked, took in times.items():
        tell(NAME, f"{asked}: asked a second", len(took) / SECONDS)
        cuts = quantiles(took, n=100)
        for percent in (50, 95, 99):
            tell(NAME, f"       - milliseconds, {percent} %", cuts[percent - 1])
    tell(NAME, "acknowledged", notebook.acknowledged, at_least=share(200))
    processed = sum(each.startswith("processed") for told in stored().values() for each in told)
    tell(NAME, "processed, as the store has it", processed, at_least=share(150))
    tell(NAME, "pages shown", pages.shown.total(), at_least=share(100))
    for address in SEEN:
        tell(NAME, f"       - {address}", pages.shown[address], at_least=1)
    tell(NAME, "pages failed", pages.failed, at_most=0)
    assert faults + missed(NAME) == []
