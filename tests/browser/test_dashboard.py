"""The dashboard in a real browser: a bar leads to what it stands for, without a mouse too."""

import re

import pytest
from playwright.sync_api import Browser, expect

from dynamodb.pages import PAGE_ROWS
from tests.browser.conftest import opened_page, sign_in

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_lead_to_the_payments_behind_them(browser: Browser, site: str, scheme: str) -> None:
    with opened_page(browser, site, scheme=scheme) as page:
        sign_in(page, "supervisor1")
        page.click("nav.chips >> text=EUR")
        expect(page.locator(".chip[aria-current]")).to_have_text("EUR")
        failed = (
            page.locator(".chart svg a", has_text="failed").locator("text").first.text_content()
        )
        page.locator(".chart svg a", has_text="failed").click()
        page.wait_for_url(re.compile("status=failed"))
        # Counted every two minutes, listed as it is now: what failed since is in the list alone.
        rows = page.locator(".results tbody tr")
        assert rows.count() >= min(int(failed or 0), PAGE_ROWS)
        assert rows.count() == rows.filter(has_text="failed").count() > 0

        page.goto("/admin/")
        page.locator(".chart summary").first.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/admin/payments/.*from=.*to="))

        page.goto("/admin/")
        page.click(".need a")
        page.wait_for_url(re.compile("/admin/(approvals|payments)/"))
