"""From a search of the trail to a pack on one's own disk, watched in a real browser."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import opened_page, sign_in

pytestmark = pytest.mark.browser


def test_a_search_is_exported_followed_and_downloaded(
    browser: Browser, site: str, tmp_path: Path
) -> None:
    with opened_page(browser, site) as page:
        sign_in(page, "compliance1")
        page.goto("/admin/audit/?user_id=teller1")
        page.click("text=Export this search")
        page.click("text=Make the pack")
        expect(page.locator("[data-progress]")).to_contain_text("done", timeout=60_000)
        with page.expect_download() as download:
            page.click("#content a:has-text('Download')")
        download.value.save_as(tmp_path / "pack.zip")
    unpack = [sys.executable, "-m", "zipfile", "-e", "pack.zip", "."]
    subprocess.run(unpack, cwd=tmp_path, check=True)
    bare = [sys.executable, "-I", "-S", str(tmp_path / "verify.py")]
    assert subprocess.run(bare, check=False).returncode == 0
