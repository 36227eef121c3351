"""What supervisors and administrators do now and then, and what they take away on paper."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import LazySettings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from backoffice.permissions import Role
from tests.backoffice.people import PASSWORD
from tests.backoffice.world import OTHER, World, a_world
from tests.browser.conftest import opened_page
from tests.browser.test_hostile import served

pytestmark = pytest.mark.browser

PRIMARY = "#content .submit-row button.default"
ON_PAPER = """() => {
    const seen = query => [...document.querySelectorAll(query)].filter(on => on.checkVisibility());
    const text = seen("#content :is(td, th, dd, dt, p, h1, h2, code)");
    const style = on => getComputedStyle(on);
    return {
        ofAScreen: seen("button, .button, nav, #header, #footer, input, .copy").length,
        coloured: text.filter(on => style(on).color !== "rgb(0, 0, 0)").length,
        shaded: text.filter(on => ![ "rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"]
            .includes(style(on).backgroundColor)).length,
        cut: seen("#content, .results").filter(on => on.scrollWidth > on.clientWidth + 1).length,
    };
}"""
A4_WIDTH = 718
"""Of a page of paper in CSS pixels, within its margins."""


@dataclass(frozen=True, kw_only=True)
class House:
    world: World
    page: Page


@pytest.fixture
def house(
    request: pytest.FixtureRequest, moto_store: None, browser: Browser, settings: LazySettings
) -> Iterator[House]:
    """A small house, and a page of somebody with the test's role who has signed in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    world, client = a_world(request.param), Client()
    world.sign_in(client)
    key = client.cookies["sessionid"].value
    with served() as site, opened_page(browser, site) as page:
        page.context.add_cookies([{"name": "sessionid", "value": key, "url": site}])
        yield House(world=world, page=page)


def as_a(role: Role) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("house", [role], indirect=True)


def act(page: Page, link: str, fields: dict[str, str]) -> None:
    """Follow a link to its form, fill it in, and send it."""
    page.get_by_role("link", name=link, exact=True).click()
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)
    page.click(PRIMARY)


@as_a(Role.SUPERVISOR)
def test_an_account_is_frozen_and_another_closed_with_its_rest_moved(house: House) -> None:
    page, content = house.page, house.page.locator("#content")
    account = house.world.source
    page.goto(f"/admin/accounts/{account.id}/")
    act(page, "Freeze", {"reason": "A letter of the police"})
    expect(content).to_contain_text("Nothing that is frozen moves")
    page.click(PRIMARY)
    expect(page.locator("h1")).to_contain_text("frozen")
    act(page, "Unfreeze", {"reason": "It was withdrawn"})
    page.click(PRIMARY)
    expect(content).to_contain_text("A letter of the police")
    expect(page.locator("h1")).to_contain_text("active")

    page.goto(f"/admin/accounts/{house.world.payment.to_account_id}/")
    act(page, "Close", {"reason": "Moves away", "rest_to": account.account_number})
    expect(content).to_contain_text("stays closed")
    page.click(PRIMARY)
    expect(page.locator("h1")).to_contain_text("closed")
    expect(content.get_by_role("link", name="Freeze", exact=True)).to_have_count(0)


@as_a(Role.SUPERVISOR)
def test_a_payment_is_reversed_and_its_papers_taken_away(house: House) -> None:
    page, content = house.page, house.page.locator("#content")
    page.goto(f"/admin/payments/{house.world.payment.id}/")
    act(page, "Reverse", {"reason": "Paid twice"})
    expect(content).to_contain_text("Afterwards")
    page.click(PRIMARY)
    expect(content).to_contain_text("processed")
    expect(content).to_contain_text("Reverses")

    page.goto(f"/admin/payments/{house.world.payment.id}/receipt/")
    check_paper(page)
    take_away(page, "PDF", ".pdf")
    page.goto(f"/admin/accounts/{house.world.source.id}/statement/")
    check_paper(page)
    for link, ending in (("PDF", ".pdf"), ("CSV", ".csv"), ("camt.053 (XML)", ".xml")):
        take_away(page, link, ending)
    page.goto(f"/admin/audit/{house.world.source.id}/")
    check_paper(page)


def take_away(page: Page, link: str, ending: str) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name=link, exact=True).click()
    assert download.value.suggested_filename.endswith(ending)


def check_paper(page: Page) -> None:
    """Black on white, nothing of a screen, no table cut off; the theme makes no difference."""
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": A4_WIDTH, "height": 1000})
    assert page.evaluate(ON_PAPER) == {"ofAScreen": 0, "coloured": 0, "shaded": 0, "cut": 0}
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(media="screen", color_scheme="light")


@as_a(Role.ADMIN)
def test_a_member_of_staff_is_disabled_and_cannot_sign_in(house: House) -> None:
    page = house.page
    page.goto(f"/admin/staff/{OTHER}/")
    act(page, "Disable", {"reason": "Has left"})
    page.click(PRIMARY)
    expect(page.locator("#content").get_by_role("link", name="Enable")).to_be_visible()
    page.click("#logout-form button")
    page.goto("/admin/login/")
    page.fill("[name=username]", OTHER)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.locator(".errornote")).to_be_visible()
