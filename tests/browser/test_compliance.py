"""What compliance does in a day, in a real browser: an alert, a case, the daily review, a phone."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from dynamodb.times import utc_now
from tests.browser.conftest import opened_page, sign_in

pytestmark = pytest.mark.browser


def act(page: Page, link: str, reason: str) -> None:
    """Follow a link of an alert or a case to its form, give the reason, and send it."""
    page.get_by_role("link", name=link, exact=True).click()
    page.fill("[name=reason]", reason)


def send(page: Page) -> None:
    page.click(".submit-row button.default")


def test_an_alert_becomes_a_case_and_is_decided(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "compliance1")
        page.goto("/admin/alerts/")
        page.locator("[data-label=Alert] a").first.click()
        content = page.locator("#content")
        act(page, "Assign", "I look into it.")
        expect(page.locator("[name=assignee]")).to_have_value("compliance1")
        send(page)
        expect(content).to_contain_text("I look into it.")
        act(page, "Open a case", "They belong together.")
        send(page)
        page.wait_for_url(re.compile(r"/admin/cases/case_[0-9a-f-]+/$"))
        act(page, "Decide", "It is a house purchase.")
        page.get_by_label("Not reported: looked into, and no report is due").check()
        send(page)
        expect(content).to_contain_text("This cannot be taken back.")
        send(page)
        expect(content).to_contain_text("It is a house purchase.")
        expect(content).to_contain_text("Not reported")
        expect(page.get_by_role("link", name="Decide", exact=True)).to_have_count(0)


def test_yesterday_is_looked_through_line_by_line_and_signed(browser: Browser, site: str) -> None:
    yesterday = utc_now().date() - timedelta(days=1)
    with opened_page(browser, site) as page:
        sign_in(page, "compliance1")
        page.goto(f"/admin/reviews/{yesterday}/")
        gather = page.get_by_role("button", name="Gather the lines")
        if gather.count():
            gather.click()
        while page.get_by_text("to be decided before it can be signed").count():
            for box in page.locator("[name=items]").all():
                box.check()
            page.get_by_role("button", name="Decide those chosen").click()
            if page.get_by_role("link", name="More lines").count():
                page.get_by_role("link", name="More lines").click()
        page.get_by_role("button", name="Sign this day").click()
        expect(page.locator("#content")).to_contain_text("Your signature says")
        send(page)
        expect(page.locator("#content")).to_contain_text("by compliance1")
        expect(page.locator("[name=items]")).to_have_count(0)
