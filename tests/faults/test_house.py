"""The whole house at work, and nothing wrong: staff on their pages while programs move money.

Both servers run as processes of their own and are asked over HTTP.
"""

import time
from pathlib import Path
from statistics import quantiles

import pytest

from backoffice.permissions import Role
from tests.backoffice.browsing import Browser
from tests.backoffice.people import PASSWORD, a_member
from tests.backoffice.runs import on_these_tables, served
from tests.faults.asks import Ask, Notebook, run, settle
from tests.faults.traffic import MAKERS, Traffic, eight_accounts
from tests.faults.verdict import judge
from tests.faults.ways import Order, Pages, Way, by_program, stored
from tests.tried import missed, share, tell

NAME, SECONDS = "pages and service together", share(150)
TELLERS, REVIEWER = MAKERS[:8], "reviewer"
STAFF = dict.fromkeys(TELLERS, Role.TELLER) | {REVIEWER: Role.COMPLIANCE}
SEEN = {
    "/admin/": TELLERS[0],
    "/admin/accounts/": TELLERS[1],
    "/admin/payments/": TELLERS[2],
    "/admin/audit/": REVIEWER,
}


def signed_in(port: str, username: str) -> Browser:
    browser = Browser(port)
    assert browser.sign_in(username, PASSWORD).status_code == 302
    return browser


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
def test_pages_and_service_together_lose_nothing(tmp_path: Path) -> None:
    for username, role in STAFF.items():
        a_member(username=username, roles=[role])
    accounts, environment, notebook = eight_accounts(), on_these_tables(), Notebook()
    at_pages, at_service = environment["PORT"], environment["SERVICE_PORT"]
    times: dict[str, list[float]] = {
        "the service": [],
        "a form, opened and sent, and two pages": [],
    }
    with (
        served(environment, tmp_path / "pages", at_pages, "manage.py", "run_backoffice"),
        served(environment, tmp_path / "service", at_service, "manage.py", "run_payment_service"),
    ):
        browsers = {username: signed_in(at_pages, username) for username in STAFF}
        seen = [(address, browsers[username]) for address, username in SEEN.items()]
        pages = Pages(lambda order: browsers[order.maker], seen=seen)
        service, form = map(timed, (by_program(at_service), pages.transfer), times.values())
        traffic = Traffic(accounts, ways=(service, service, form), makers=TELLERS)
        ends = time.monotonic() + SECONDS
        run(traffic.until(lambda: time.monotonic() > ends), notebook)
        settled = settle(traffic.asked, notebook)
    faults = judge(NAME, notebook, stored(), settled)
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
