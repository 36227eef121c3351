"""An event that nobody took: seen by whom it needs, and sent again."""

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, expect

from backoffice.permissions import Role
from dynamodb.times import utc_now
from payments.events import receivers, relay
from payments.events.receivers import Receivers
from payments.events.records import DeliveryState
from payments.identifiers import new_payment_id
from tests.backoffice.deliveries import plant_delivery
from tests.backoffice.people import PASSWORD, a_member
from tests.browser.conftest import opened_page
from tests.browser.test_hostile import served
from tests.payments.hooks import hook

pytestmark = [pytest.mark.browser, pytest.mark.integration]


@pytest.mark.usefixtures("local_store")
def test_a_dead_letter_is_seen_and_sent_again(browser: Browser, settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    a_member(username="supervisor1", roles=[Role.SUPERVISOR])
    dead = new_payment_id(utc_now())
    with hook() as shop, served() as site, opened_page(browser, site) as page:
        receivers.configure(Receivers.from_environment(shop.environment, is_development=True))
        plant_delivery(dead, receiver="shop", state=DeliveryState.DEAD, at=utc_now())
        page.goto("/admin/events/")
        page.fill("[name=username]", "supervisor1")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        row = page.locator("#content tbody tr", has_text="It answered 400.")
        expect(row).to_contain_text("dead")
        row.get_by_text("Send again").click()
        expect(page.locator("#content")).to_contain_text("Send these events again?")
        relay.deliver_due(at=utc_now())
        assert shop.posts == []
        page.click("#content button:has-text('Send again')")
        page.wait_for_url("**/admin/events/**")
        expect(page.locator("#content")).not_to_contain_text("It answered 400.")
        relay.deliver_due(at=utc_now())
        assert len(shop.posts) == 1
        page.goto("/admin/events/?receiver=shop&state=sent")
        expect(page.locator("#content tbody tr")).to_have_count(1)
    receivers.configure(Receivers())
