"""Sign in, open two accounts, transfer, see it in the trail: in a real browser."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import opened_page, sign_in

pytestmark = pytest.mark.browser


def open_account(page: Page, customer: str, balance: str = "") -> str:
    """Open an account through its form; gives its number."""
    page.goto("/admin/accounts/new/")
    page.fill("[name=customer_id]", customer)
    page.select_option("[name=account_type]", "checking")
    page.select_option("[name=currency]", "USD")
    page.fill("[name=opening_balance]", balance)
    page.press("[name=opening_balance]", "Enter")
    page.wait_for_url(re.compile(r"/admin/accounts/acc_[0-9a-f-]+/$"))
    found = re.search(r"\b\d{12}\b", page.inner_text("#content"))
    assert found is not None
    return found.group()


def fill_transfer(page: Page, source: str, target: str, amount: str) -> None:
    page.goto("/admin/transfers/new/")
    page.fill("[name=from_account_id]", source)
    page.fill("[name=to_account_id]", target)
    page.fill("[name=amount]", amount)
    page.select_option("[name=currency]", "USD")
    page.fill("[name=description]", "Rent for May")
    page.press("[name=amount]", "Enter")


def test_staff_open_accounts_run_a_transfer_and_see_it_in_the_trail(
    browser: Browser, site: str
) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "teller1")
        source = open_account(page, "browser-a", "1,000.00")
        target = open_account(page, "browser-b")

        fill_transfer(page, source, target, "250.50")
        expect(page.locator("#content")).to_contain_text("1,000.00")
        expect(page.locator("#content")).to_contain_text("749.50")
        page.click(".submit-row button.default")
        page.wait_for_url(re.compile(r"/admin/payments/[0-9a-f-]{36}/$"))
        payment_id = page.url.rstrip("/").rpartition("/")[2]
        content = page.locator("#content")
        expect(content).to_contain_text("250.50 USD")
        expect(content).to_contain_text("processed")
        expect(content).to_contain_text("payment.processed")

    with opened_page(browser, site) as page:
        sign_in(page, "compliance1")
        page.goto("/admin/audit/")
        expect(page.locator("#content")).to_contain_text("account.debited")
        page.goto(f"/admin/audit/{payment_id}/")
        expect(page.locator("#content")).to_contain_text("teller1")


def test_a_refused_transfer_keeps_what_was_typed(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "teller1")
        source = open_account(page, "browser-poor", "5.00")
        target = open_account(page, "browser-rich")
        before = page.goto("/admin/transfers/new/")
        assert before is not None
        fill_transfer(page, source, target, "250.50")
        expect(page.locator("#content")).to_contain_text("5.00 USD available")
        assert page.input_value("[name=from_account_id]") == source
        assert page.input_value("[name=amount]") == "250.50"
        assert page.input_value("[name=description]") == "Rent for May"


def test_an_account_is_found_as_one_types(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "teller1")
        number = open_account(page, "browser-found", "12.34")
        page.goto("/admin/transfers/new/")
        page.locator("[name=from_account_id]").press_sequentially(number)
        expect(page.locator("#content")).to_contain_text("browser-found")
        expect(page.locator("#content")).to_contain_text("12.34 USD")
