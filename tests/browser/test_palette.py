"""Finding anything by keyboard alone, and without JavaScript."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import opened_page, sign_in
from tests.browser.test_main_job import open_account

pytestmark = pytest.mark.browser


def test_keys_find_an_account_a_page_and_the_list_of_keys(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "teller1")
        number = open_account(page, "palette-owner", "12.34")
        page.goto("/admin/jobs/")

        page.keyboard.press("Control+k")
        expect(page.locator("#palette-found")).to_contain_text(number)
        page.keyboard.type(number)
        expect(page.locator("#palette-found")).to_contain_text("palette-owner")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/admin/accounts/acc_[0-9a-f-]+/$"))
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        for ident in (number, page.url.split("/")[-2]):
            page.get_by_role("button", name=f"Copy {ident}", exact=True).first.click()
            expect(page.locator(".copy >> text=Copied")).to_be_visible()
            assert page.evaluate("navigator.clipboard.readText()") == ident
            expect(page.locator(".copy >> text=Copied")).to_have_count(0)

        page.keyboard.press("/")
        page.keyboard.type("anything")
        page.keyboard.press("Escape")
        expect(page.locator("#palette")).to_be_hidden()
        page.keyboard.press("/")
        expect(page.locator("#palette-found")).to_contain_text("New transfer")
        page.keyboard.type("preferen")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/preferences/")

        page.keyboard.press("?")
        expect(page.locator("#shortcuts")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("p")
        page.wait_for_url("**/admin/payments/")


def test_keys_do_nothing_once_they_are_switched_off(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "teller2")
        page.goto("/admin/preferences/")
        page.check("[name=shortcuts_off]")
        page.click("#content button[type=submit], #content input[type=submit]")
        expect(page.locator("#content-start")).to_contain_text("saved")
        for key in ("/", "?", "Control+k", "g", "p"):
            page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_have_count(0)
        assert page.url.endswith("/admin/preferences/")
        page.click("text=Keyboard shortcuts >> visible=true")
        expect(page.locator("#shortcuts")).to_contain_text("none of these keys does anything")
        page.keyboard.press("Escape")
        page.locator("#finder-q").focus()
        page.keyboard.type("payments")
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/payments/")
