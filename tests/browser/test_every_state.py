"""Axe on what no address shows by itself: before one is in, refused forms, dialogs."""

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from backoffice.permissions import Role
from backoffice.staff import services
from backoffice.staff.models import Staff
from dynamodb.times import utc_now
from tests.backoffice.factors import with_app
from tests.backoffice.people import PASSWORD, a_member
from tests.backoffice.world import ME, World, a_world
from tests.browser.test_every_page import AXE, LOOKS, ROLES, TAGS, is_seen_by, overflow, show
from tests.browser.test_hostile import opened, served
from tests.stores import unchanged
from tests.tried import FULL

pytestmark = [pytest.mark.browser, pytest.mark.load, pytest.mark.timeout(3600 if FULL else 600)]

SCRIPT = str(files("axe_playwright_python") / "axe.min.js")
SLOW_MILLISECONDS = 120_000
FORM = re.compile(rb'<main.*<form[^>]*method="post"', re.DOTALL)
SEND = "document.querySelector('main form[method=post]').submit()"


def faults(page: Page, number: int, part: str = "html") -> Iterator[str]:
    """What axe finds on the page as it stands, and whether it is too wide for a phone."""
    for width, scheme in LOOKS if FULL else [LOOKS[number % len(LOOKS)]]:
        show(page, width, scheme)
        found = page.evaluate(AXE, [part, TAGS])
        yield from (f"{page.url} {width} {scheme} {fault}" for fault in found)
    yield from (f"{page.url} {fault}" for fault in overflow(page, 320))


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_load_state()


def test_pages_before_one_is_in(moto_store: None, browser: Browser) -> None:
    a_member(username=ME)
    with_app(ME)
    a_member(username="newcomer", first_password_stays=False)
    wrong: list[str] = []
    with served() as site:
        page = browser.new_context(base_url=site).new_page()
        page.add_init_script(path=SCRIPT)
        page.goto("/admin/login/")
        wrong += faults(page, 0)
        sign_in(page, ME, "wrong")
        assert page.locator(".errornote").count() == 1
        wrong += faults(page, 1)
        sign_in(page, ME)
        assert page.url.endswith("second-step/")
        wrong += faults(page, 2)
        page.evaluate("document.querySelector('#login-form').submit()")
        page.wait_for_selector(".errorlist, .errornote")
        wrong += faults(page, 3)
        sign_in(page, "newcomer")
        assert page.url.endswith("password_change/")
        wrong += faults(page, 0)
        page.context.close()
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_refused_forms(moto_store: None, browser: Browser, role: Role) -> None:
    """Each form's answer to nothing at all, with what it says beside its fields."""
    world, client = a_world(role), Client(raise_request_exception=False)
    world.sign_in(client, proved_at=utc_now() + timedelta(hours=1))
    refusing = places_that_refuse(world, client, role)
    wrong: list[str] = []
    with served() as site, opened(browser, site, client) as page:
        page.set_default_timeout(SLOW_MILLISECONDS)
        page.add_init_script(path=SCRIPT)
        for number, url in enumerate(refusing):
            page.goto(url)
            with page.expect_navigation():
                page.evaluate(SEND)
            wrong += faults(page, number, "main")
    assert wrong == []
    assert len(refusing) >= 5


def places_that_refuse(world: World, client: Client, role: Role) -> list[str]:
    """Pages whose form is refused with nothing in it, one of each kind.

    Found before anybody browses: what a page asks for late must not meet the store while it is
    being taken back.
    """
    found: dict[str, str] = {}
    for place in world.places():
        if place.name in found or not is_seen_by(role, place):
            continue
        with unchanged():
            is_refused = client.post(place.url).status_code == 422
            if is_refused and FORM.search(client.get(place.url).content):
                found[place.name] = place.url
    return list(found.values())


def test_dialogs(moto_store: None, browser: Browser) -> None:
    a_member(username=ME, roles=(Role.SUPERVISOR,))
    client = Client()
    client.force_login(Staff.of(services.find_staff(ME)))
    wrong: list[str] = []
    with served() as site, opened(browser, site, client) as page:
        page.add_init_script(path=SCRIPT)
        for number in range(len(LOOKS)):
            show(page, *LOOKS[number])
            page.goto("/admin/")
            page.keyboard.press("?")
            page.wait_for_selector("#shortcuts[open]")
            wrong += faults(page, number, "#shortcuts")
            page.keyboard.press("Escape")
            page.keyboard.press("Control+k")
            page.fill("#palette input", "acc")
            page.wait_for_selector("#palette-found a")
            wrong += faults(page, number, "#palette")
    assert wrong == []
