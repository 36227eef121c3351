"""What a reviewer does with the trail, in a real browser: verify, seals, holds, a pack."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, Page, expect

from audit import seals
from audit.context import Actor
from backoffice.jobs.worker import Worker
from backoffice.permissions import Role
from backoffice.staff.sessions import SessionStore
from dynamodb.times import utc_now
from payments.models import Account, Payment
from tests.backoffice.factors import code_for, with_app
from tests.backoffice.people import PASSWORD, a_member
from tests.browser.conftest import opened_page
from tests.browser.test_hostile import served
from tests.builders import opened, transferred

pytestmark = pytest.mark.browser

ONE, OTHER = "reviewer1", "reviewer2"


@dataclass(frozen=True, kw_only=True)
class House:
    site: str
    seeds: dict[str, str]
    account: Account
    payment: Payment


@pytest.fixture
def house(archive: None, settings: LazySettings, tmp_path: Path) -> Iterator[House]:
    """Two reviewers, and an account that moved three days ago; that day alone is sealed."""
    settings.EXPORT_DIR = tmp_path / "packs"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    now = utc_now()
    at = now - timedelta(days=3)
    account = opened("a", balance=500_00, at=at)
    payment = transferred(account, opened("b", at=at), at=at).payment
    seals.seal_day(at.date(), actor=Actor(id="system:x"), at=now)
    for name in (ONE, OTHER):
        a_member(username=name, roles=(Role.COMPLIANCE,))
    seeds = {name: with_app(name, at=now - timedelta(minutes=10))[0] for name in (ONE, OTHER)}
    with served() as site:
        yield House(site=site, seeds=seeds, account=account, payment=payment)


def signed_in(page: Page, house: House, name: str) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.fill("[name=proof_code]", code_for(house.seeds[name], utc_now()))
    page.press("[name=proof_code]", "Enter")
    page.wait_for_url("**/admin/")


def make_proof_old(page: Page) -> None:
    (key,) = (each["value"] for each in page.context.cookies() if each["name"] == "sessionid")
    session = SessionStore(key)
    session["proved_at"] = 0
    session.save()


def test_a_chain_is_verified_and_a_missing_seal_is_seen(browser: Browser, house: House) -> None:
    sealed = str(utc_now().date() - timedelta(days=3))
    with opened_page(browser, house.site) as page:
        signed_in(page, house, ONE)
        content = page.locator("#content")
        expect(content).to_contain_text(f"The seal of {seals.last_due_day(utc_now())} is missing.")
        page.goto(f"/admin/audit/{house.account.id}/")
        expect(content).to_contain_text("not verified yet")
        page.click("text=Verify this chain now")
        expect(content).to_contain_text(f"by {ONE}: 2 entries of this chain.")
        expect(content).to_contain_text("Tail complete")
        with page.expect_download() as proof:
            page.click("text=Prove entry 2")
        assert proof.value.suggested_filename.startswith("proof-")
        page.goto("/admin/seals/")
        days = page.locator("#content tbody tr").all_inner_texts()
        assert "missing" in days[0]
        assert (sealed in days[-1], "sealed" in days[-1]) == (True, True)


def test_a_hold_takes_one_reviewer_and_its_release_two(browser: Browser, house: House) -> None:
    with opened_page(browser, house.site) as page:
        signed_in(page, house, ONE)
        page.goto("/admin/holds/new/")
        page.fill("[name=held_id]", house.account.account_number)
        page.fill("[name=reason]", "Letter of a court")
        page.click("#content [type=submit]")
        page.click("text=Set the hold")
        expect(page.locator("#content tbody tr")).to_contain_text("account")
        expect(page.locator("#content tbody tr")).to_contain_text("in force")
        page.goto(f"/admin/payments/{house.payment.id}/")
        expect(page.locator("#content")).to_contain_text("held, on the account")
        page.goto(f"/admin/accounts/{house.account.id}/")
        page.click("text=Letter of a court")
        page.fill("[name=reason]", "The court has decided")
        page.click("#content [type=submit]")
        page.click("#content tbody tr a:text-is('Release')")
        page.click("#content [type=submit]")
        expect(page.locator("#content")).to_contain_text("a second person must")
    with opened_page(browser, house.site) as page:
        signed_in(page, house, OTHER)
        page.goto("/admin/holds/")
        page.click("#content tbody tr a:text-is('Release')")
        page.click("#content [type=submit]")
        expect(page.locator("#content")).to_contain_text("Nothing is held.")


def test_a_pack_is_taken_away_after_a_fresh_proof(browser: Browser, house: House) -> None:
    with opened_page(browser, house.site) as page:
        signed_in(page, house, ONE)
        page.goto(f"/admin/exports/new/?scope=account&about={house.account.account_number}")
        page.click("text=Make the pack")
        Worker(say=lambda _: None, chores=[]).run_once()
        page.reload()
        make_proof_old(page)
        page.click("#content a:has-text('Download')")
        expect(page.locator("h1")).to_have_text("Is it you?")
        page.fill("[name=proof_code]", code_for(house.seeds[ONE], utc_now(), 1))
        page.press("[name=proof_code]", "Enter")
        expect(page.locator("h1")).to_contain_text("Evidence pack: account")
        with page.expect_download() as download:
            page.click("#content a:has-text('Download')")
        assert download.value.suggested_filename.endswith(".zip")
        taken = page.request.get(download.value.url).body()
    with zipfile.ZipFile(io.BytesIO(taken)) as pack:
        assert pack.testzip() is None
