"""A bulk file from its upload to a second person's approval: in a real browser."""

import re

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from payments.bulk.rows import COLUMNS
from tests.browser.conftest import opened_page, sign_in
from tests.browser.test_main_job import open_account

pytestmark = pytest.mark.browser


def hand_in(page: Page, *rows: str) -> None:
    page.goto("/admin/bulk/")
    body = "\n".join([",".join(COLUMNS), *rows]).encode()
    file = FilePayload(name="salaries.csv", mimeType="text/csv", buffer=body)
    page.set_input_files("[name=file]", file)
    page.click(".submit-row button.default")


def is_done(page: Page) -> None:
    expect(page.locator("[data-progress]")).to_contain_text("done", timeout=60_000)


def rich_account(page: Page) -> str:
    """One of the demo accounts with enough for a batch that needs a second person."""
    page.goto("/admin/accounts/?account_type=checking")
    texts = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    rows = page.locator(".results tbody tr").evaluate_all(texts)
    balances: dict[str, float] = {
        number[:12]: float(balance.removesuffix(" USD").replace(",", ""))
        for number, _, _, _, balance, *_ in rows
        if balance.endswith(" USD")
    }
    richest = max(balances, key=balances.__getitem__)
    assert balances[richest] > 11_000
    return richest


def test_a_file_is_checked_applied_and_approved_whole(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "teller2")
        source = open_account(page, "bulk-payer", "100.00")
        targets = [open_account(page, f"bulk-{number}") for number in range(2)]
        rows = [f'{source},{target},"12.50",USD,Salary,,' for target in targets]
        hand_in(page, *rows, f"{source},{targets[0]},1.234,USD,Too fine,,")
        content = page.locator("#content")
        for told in ("25.00 USD", "75.00 USD", "invalid_amount", "1.234"):
            expect(content).to_contain_text(told)
        page.click(".submit-row button.default")
        page.wait_for_url(re.compile(r"/admin/bulk/[0-9a-f-]{36}/$"))
        is_done(page)
        with page.expect_download() as download:
            page.click("text=Download the result")
        assert download.value.path().read_text().count("processed") == 2

        rich = rich_account(page)
        hand_in(page, *(f"{rich},{target},5100,USD,Bonus,,B-{target}" for target in targets))
        expect(page.locator("#content")).to_contain_text("every row will wait")
        page.click(".submit-row button.default")
        page.wait_for_url(re.compile(r"/admin/bulk/[0-9a-f-]{36}/$"))
        is_done(page)
        batch = page.url

    with opened_page(browser, site) as page:
        sign_in(page, "supervisor2")
        page.goto(batch)
        page.click("button:text('Approve')")
        page.click("button:text('Approve and move 10,200.00 USD')")
        is_done(page)
        page.click("text=See what it made")
        expect(page.locator("#content")).not_to_contain_text("Waits for approval")
        page.goto(f"/admin/accounts/?account_number={targets[0]}")
        expect(page.locator("#content")).to_contain_text("5,112.50 USD")
