"""A second factor in a real browser: app, recovery code, passkey, and a proof before an act."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

import pytest
from playwright.sync_api import Browser, Page, expect

from dynamodb.times import utc_now
from tests.backoffice.factors import code_for
from tests.browser.conftest import opened_page, sign_in

pytestmark = pytest.mark.browser

OWN_PASSWORD = "a-long-enough-2026!"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@contextmanager
def page_with_key(browser: Browser, site: str) -> Iterator[Page]:
    """A page by a name, as passkeys need one, of a browser with an authenticator of its own."""
    with opened_page(browser, site.replace("127.0.0.1", "localhost")) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        yield page


def give_password(page: Page, username: str, password: str = OWN_PASSWORD) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")


def first_password(page: Page, username: str) -> str:
    """Have an administrator add somebody; gives the password that is shown once."""
    sign_in(page, "admin1")
    page.goto("/admin/staff/new/")
    page.fill("[name=username]", username)
    page.fill("[name=full_name]", "Robin Walker")
    page.check("[name=roles][value=teller]")
    page.press("[name=full_name]", "Enter")
    return page.locator(".secret code").inner_text()


def choose_password(page: Page, first: str) -> None:
    page.wait_for_url("**/password_change/")
    page.fill("[name=old_password]", first)
    page.fill("[name=new_password1]", OWN_PASSWORD)
    page.fill("[name=new_password2]", OWN_PASSWORD)
    page.press("[name=new_password2]", "Enter")
    page.wait_for_url("**/password_change/done/")


def sign_out(page: Page) -> None:
    page.click("#logout-form button")
    expect(page.locator("h1")).to_have_text("You are signed out")


def add_app(page: Page) -> tuple[str, list[str]]:
    """Its seed, and the recovery codes that come with it."""
    page.goto("/admin/second-factor/app/")
    expect(page.locator(".qr-code svg")).to_be_visible()
    seed = page.locator(".ident code").first.inner_text()
    page.fill("[name=code]", code_for(seed, utc_now()))
    page.press("[name=code]", "Enter")
    expect(page.locator("h1")).to_have_text("Recovery codes")
    return seed, page.locator(".recovery-codes code").all_inner_texts()


def test_a_second_factor_from_adding_it_to_signing_in(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        walker = f"walker-{token_hex(3)}"  # another one each time: a try may be repeated
        first = first_password(page, walker)
    with page_with_key(browser, site) as page:
        give_password(page, walker, first)
        choose_password(page, first)
        seed, recovery = add_app(page)

        page.goto("/admin/second-factor/passkey/")
        page.fill("[name=name]", "Laptop")
        page.press("[name=name]", "Enter")
        page.wait_for_url("**/second-factor/")
        expect(page.locator("#content")).to_contain_text("Passkey Laptop")
        sign_out(page)

        give_password(page, walker)
        page.fill("[name=proof_code]", "000000")
        page.press("[name=proof_code]", "Enter")
        expect(page.locator("#content")).to_contain_text("was not accepted")
        page.fill("[name=proof_code]", code_for(seed, utc_now(), 1))  # the one now was used
        page.press("[name=proof_code]", "Enter")
        page.wait_for_url("**/admin/")
        sign_out(page)

        give_password(page, walker)
        page.fill("[name=proof_code]", recovery[0])
        page.press("[name=proof_code]", "Enter")
        page.wait_for_url("**/admin/")
        sign_out(page)

        give_password(page, walker)
        page.click("text=Use a passkey")
        page.wait_for_url("**/admin/")

        page.goto("/admin/second-factor/")
        page.click("tr:has-text('Passkey Laptop') >> text=Remove")
        page.click("text=Remove it")
        page.wait_for_url("**/second-factor/")
        expect(page.locator("#content")).not_to_contain_text("Laptop")
        expect(page.locator("#content")).to_contain_text("9 recovery codes left")


def test_where_pages_have_no_name_passkeys_say_so(browser: Browser, site: str) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "compliance1")
        page.goto("/admin/second-factor/")
        expect(page.locator("#content")).to_contain_text("open these pages as localhost")
