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
from tests.faults.ways import Pages, by_service, stored
from tests.tried import missed, share, tell

NAME, SECONDS = "pages and service together", share(150)


@pytest.mark.load
@pytest.mark.timeout(600)
@pytest.mark.integration
@pytest.mark.usefixtures("local_store")
def test_pages_and_service_together_lose_nothing() -> None:
    browser = Client()
    browser.force_login(a_member(username=TELLER.id, roles=[Role.TELLER]))
    pages, notebook, times = Pages(browser), Notebook(), list[float]()
    traffic = Traffic(eight_accounts(), ways=(by_service, by_service, pages.transfer))

    def timed(ask: Ask) -> Ask:
        def act() -> str:
            began = time.monotonic()
            try:
                return ask.act()
            finally:
                times.append((time.monotonic() - began) * 1000)

        return Ask(ask.name, act)

    ends = time.monotonic() + SECONDS
    run(map(timed, traffic.until(lambda: time.monotonic() > ends)), notebook)
    faults = judge(NAME, notebook, stored(), settle(traffic.asked, notebook))
    cuts = quantiles(times, n=100)
    tell(NAME, "asked a second", len(times) / SECONDS)
    for percent in (50, 95, 99):
        tell(NAME, f"milliseconds, {percent} %", cuts[percent - 1])
    tell(NAME, "pages shown", sum(pages.answers.values()), at_least=1)
    tell(NAME, "pages failed", pages.failed, at_most=0)
    assert faults + missed(NAME) == []
