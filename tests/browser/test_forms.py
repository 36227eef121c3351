"""Forms as hands meet them: where errors are, what is unsaved, a double click, the same twice."""

import re

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.conftest import opened_page, sign_in
from tests.browser.test_main_job import fill_transfer, open_account

pytestmark = pytest.mark.browser

NEW = "/admin/transfers/new/"
TWO_CLICKS = "each => { each.click(); each.click(); return [each.textContent, each.disabled] }"


def left_with_a_warning(page: Page) -> bool:
    """Try to leave, and stay where the browser asks whether to."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.evaluate("location.href = '/admin/preferences/'")
    page.wait_for_timeout(500)
    return asked == ["beforeunload"]


def test_a_form_leads_to_its_errors_and_keeps_what_is_unsaved(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "teller1")
        page.goto(NEW)
        page.click("button.default")
        page.wait_for_selector(".errornote")
        expect(page.locator("[name=from_account_id]")).to_be_focused()
        page.click(".errornote a >> text=Amount")
        expect(page.locator("[name=amount]")).to_be_focused()
        page.select_option("[name=currency]", "JPY")
        expect(page.locator(".unit")).to_have_text("JPY")
        assert page.get_attribute("[name=amount]", "placeholder") == "0"
        page.select_option("[name=currency]", "KWD")
        assert page.get_attribute("[name=amount]", "placeholder") == "0.000"
        assert left_with_a_warning(page)
        expect(page).to_have_url(re.compile(NEW))
        page.goto("/admin/accounts/new/")
        assert not left_with_a_warning(page)


def test_a_double_click_sends_once_and_the_same_again_stops_first(
    browser: Browser, site: str
) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "teller1")
        source = open_account(page, "browser-twice", "100.00")
        target = open_account(page, "browser-twin")
        fill_transfer(page, source, target, "7.50")
        posts: list[str] = []
        page.on(
            "request", lambda asked: posts.append(asked.url) if asked.method == "POST" else None
        )
        button = page.locator(".submit-row button.default")
        expect(button).to_have_text("Move 7.50 USD")
        assert button.evaluate(TWO_CLICKS) == ["Sending…", True]
        page.wait_for_url(re.compile("/admin/payments/[0-9a-f-]{36}/$"))
        first = page.url
        assert len(posts) == 1

        fill_transfer(page, source, target, "7.50")
        expect(button).to_have_text("Send 7.50 USD all the same")
        notice = page.locator(".notice.warning")
        expect(notice).to_contain_text("less than a minute ago")
        assert first.endswith(notice.locator("a").get_attribute("href") or "nothing")
        expect(page.locator("#content")).to_contain_text("92.50")
        button.dblclick(no_wait_after=True)
        page.wait_for_url(re.compile("/admin/payments/[0-9a-f-]{36}/$"))
        assert page.url != first
        assert len(posts) == 3
