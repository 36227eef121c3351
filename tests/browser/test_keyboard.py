"""Whole flows without a mouse: only keys are pressed, and where the focus is can be seen."""

import re
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, Page, expect

from backoffice.permissions import Role
from backoffice.staff.queries import find
from payments import policy
from payments.policy import Policy
from tests.backoffice.people import PASSWORD, a_member
from tests.browser.conftest import opened_page
from tests.browser.test_hostile import served
from tests.payments.alarms import an_alert

pytestmark = pytest.mark.browser

MOST_STEPS = 90
FOCUS = """() => {
    const on = document.activeElement, box = on.getBoundingClientRect();
    const {outlineStyle, outlineWidth} = getComputedStyle(on);
    const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const label = on.labels?.[0]?.innerText ?? "";
    return {
        href: on.getAttribute("href") ?? "",
        name: (on.getAttribute("aria-label") || label || on.innerText || on.value || "").trim(),
        outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
        covered: !(on.contains(seen) || seen?.contains(on) || on.labels?.[0]?.contains(seen)),
    };
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what is named so, or leads there; it is always in view."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["outlined"], focus
        assert not focus["covered"], focus
        is_there = name.startswith("/") and focus["href"].startswith(name)
        if is_there or focus["name"].rstrip(":*").strip() == name:
            return
    pytest.fail(f"Tab does not lead to {name!r}.")


def enter(page: Page, fields: dict[str, str], *, then: str, by: str = "Enter") -> None:
    """Type into fields in their order, and press a button, or choose what stands after them."""
    for name, text in fields.items():
        tab_to(page, name)
        page.keyboard.type(text)
    tab_to(page, then)
    page.keyboard.press(by)


def skip_to_content(page: Page) -> None:
    """The first stop of each page leads past its header and menu."""
    tab_to(page, "Skip to main content")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id || location.hash").endswith("content-start")


def sign_in_by_keys(page: Page, username: str) -> None:
    page.goto("/")
    expect(page.locator("[name=username]")).to_be_focused(timeout=30_000)
    page.keyboard.type(username)
    enter(page, {"Password": PASSWORD}, then="Sign in")


def go_to(page: Page, words: str) -> None:
    """Find a page by its name, once the script that listens is there."""
    expect(page.locator("#finder kbd")).to_be_visible(timeout=30_000)
    page.keyboard.press("/")
    expect(page.locator("#palette")).to_be_visible(timeout=30_000)
    expect(page.locator("#palette-found li:not([hidden]) a").first).to_be_visible(timeout=30_000)
    page.keyboard.type(words)
    expect(page.locator("#palette-found li:not([hidden]) a").first).to_contain_text(
        words, timeout=30_000
    )
    page.keyboard.press("Enter")


def account_by_keys(page: Page, customer: str, balance: str) -> str:
    """Open an account; gives its number."""
    go_to(page, "Open an account")
    page.wait_for_url("**/accounts/new/")
    skip_to_content(page)
    fields = {"Customer": customer, "Account type": "c", "Currency": "USD"}
    enter(page, {**fields, "Opening balance": balance}, then="Open the account")
    page.wait_for_url(re.compile(r"/admin/accounts/acc_[0-9a-f-]+/(#|$)"))
    found = re.search(r"\b\d{12}\b", page.inner_text("#content"))
    assert found is not None
    return found.group()


@pytest.fixture
def house(moto_store: None, settings: LazySettings) -> Iterator[str]:
    """The address of pages for one of each role, where a threshold needs two of them."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for role in Role:
        a_member(username=role, roles=(role,))
    policy.configure(Policy(approval_threshold=10_000_00))
    with served() as site:
        yield site


def test_a_transfer_is_asked_for_approved_and_remembered(browser: Browser, house: str) -> None:
    with opened_page(browser, house, scheme="dark") as page:
        sign_in_by_keys(page, "teller")
        source = account_by_keys(page, "keys-payer", "9000")
        target = account_by_keys(page, "keys-paid", "")
        go_to(page, "New transfer")
        page.wait_for_url("**/transfers/new/")
        skip_to_content(page)
        fields = {"From account": source, "To account": target, "Amount": "8,000.00"}
        enter(page, {**fields, "Currency": "USD"}, then="Review the transfer")
        expect(page.locator("#content")).to_contain_text("1,000.00")
        enter(page, {}, then="Ask for approval of 8,000.00 USD")
        page.wait_for_url(re.compile(r"/admin/payments/[0-9a-f-]{36}/(#|$)"))
        payment_id = page.url.partition("#")[0].rstrip("/").rpartition("/")[2]

    with opened_page(browser, house) as page:
        sign_in_by_keys(page, "supervisor")
        go_to(page, "Approvals")
        page.wait_for_url("**/approvals/")
        skip_to_content(page)
        enter(page, {}, then=f"/admin/approvals/{payment_id}/")
        page.wait_for_url(f"**/approvals/{payment_id}/*")
        enter(page, {}, then="Approve")
        expect(page.locator("h1")).to_have_text("Confirm the approval")
        enter(page, {}, then="Approve and move 8,000.00 USD")
        page.wait_for_url(f"**/payments/{payment_id}/*")
        expect(page.locator("#content")).to_contain_text("processed")
        enter(page, {}, then=f"/admin/audit/{payment_id}/")
        expect(page.locator("#content .chain")).to_contain_text("payment.approved")
        expect(page.locator("#content .chain")).to_contain_text("teller")


def test_an_alert_is_taken_up_and_resolved(browser: Browser, house: str) -> None:
    alert = an_alert("keys")
    with opened_page(browser, house) as page:
        sign_in_by_keys(page, "compliance")
        go_to(page, "Alerts")
        page.wait_for_url("**/alerts/")
        skip_to_content(page)
        enter(page, {}, then=f"/admin/alerts/{alert.id}/")
        page.wait_for_url(f"**/alerts/{alert.id}/")
        skip_to_content(page)
        enter(page, {}, then="Resolve")
        page.wait_for_url("**/resolve/")
        skip_to_content(page)
        enter(page, {}, then="Reported: a report is filed", by="ArrowDown")
        enter(page, {"Reason": "A house was bought."}, then="Resolve the alert")
        expect(page.locator("#content")).to_contain_text("This cannot be taken back.")
        enter(page, {}, then="Resolve the alert")
        expect(page.locator("#content")).to_contain_text("A house was bought.")
        expect(page.locator("#content")).to_contain_text("Not reported")


def test_a_member_of_staff_is_added(browser: Browser, house: str) -> None:
    with opened_page(browser, house, scheme="dark") as page:
        sign_in_by_keys(page, "admin")
        go_to(page, "Staff")
        page.wait_for_url("**/staff/")
        skip_to_content(page)
        enter(page, {}, then="/admin/staff/new/")
        page.wait_for_url("**/staff/new/")
        skip_to_content(page)
        enter(page, {"Username": "keys", "Full name": "Kay Eys"}, then="Teller", by="Space")
        enter(page, {}, then="Add")
        expect(page.locator("h1")).to_have_text("First password of keys")
    added = find("keys")
    assert added is not None
    assert added.roles == [Role.TELLER]
