"""A book of pictures of the pages with demo data: light, dark and on a phone (`make screenshots`).

Follows links from each role's dashboard and shows every address once, as the first role that gets
there, into `.screenshots/index.html`; the pictures of `docs/` are made anew on the way.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.urls import resolve
from PIL import Image
from playwright.sync_api import Error, Page, sync_playwright

from tests.browser.conftest import FLAGS, demo_site, sign_in
from tests.chromium import find_chromium
from tests.engines import ROOT

BOOK = ROOT / ".screenshots"
PEOPLE = ("supervisor1", "compliance1", "admin1", "teller1")
LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "phone": ("light", 390)}
DOCS = {"index": "dashboard", "approvals": "approvals", "account": "account"}
LINKS = "all => all.map(link => link.getAttribute('href'))"


def main() -> None:
    django.setup()
    BOOK.mkdir(exist_ok=True)
    shown: dict[str, str] = {}
    with demo_site() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for person in PEOPLE:
            page = browser.new_context(base_url=site).new_page()
            sign_in(page, person)
            for name in walk(page, shown):
                shown[name] = person
                take(page, name, in_docs=person == "supervisor1")
            if person == "supervisor1":
                confirm_transfer(page)
            page.context.close()
    rows = "".join(row(name, person) for name, person in shown.items())
    BOOK.joinpath("index.html").write_text(f"<!doctype html><title>Pages</title>{rows}")
    print(f"{len(shown)} pages: {BOOK / 'index.html'}")  # noqa: T201 - what it is run for


def walk(page: Page, shown: dict[str, str]) -> Iterator[str]:
    """Open every page that links lead to and that is not shown yet; gives its address's name."""
    waiting, asked = ["/admin/"], set()
    while waiting:
        url = waiting.pop(0)
        name = str(resolve(urlsplit(url).path).url_name)
        if name in asked:
            continue
        with suppress(Error):  # a download, not a page
            page.goto(url)
            asked.add(name)
            waiting += page.eval_on_selector_all("a[href^='/admin/']", LINKS)
            if name not in shown:
                yield name


def take(page: Page, name: str, *, in_docs: bool) -> None:
    for look, (scheme, width) in LOOKS.items():
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        save(page.screenshot(full_page=True, animations="disabled"), BOOK / f"{name}-{look}.png")
        if in_docs and look == "light" and name in DOCS:
            save(page.screenshot(animations="disabled"), ROOT / "docs" / f"{DOCS[name]}.png")
    page.set_viewport_size({"width": 1280, "height": 900})


def confirm_transfer(page: Page) -> None:
    """The page that no link leads to: a transfer, before it is confirmed."""
    page.goto("/admin/accounts/")
    numbers = page.locator("tbody tr", has_text="USD").locator("td:first-child code")
    source, target = numbers.all_inner_texts()[:2]
    page.goto("/admin/transfers/new/")
    page.fill("[name=from_account_id]", source)
    page.fill("[name=to_account_id]", target)
    page.fill("[name=amount]", "1250.00")
    page.select_option("[name=currency]", "USD")
    page.fill("[name=description]", "Rent for May")
    page.press("[name=description]", "Enter")
    page.wait_for_selector(".money.large")
    save(page.screenshot(animations="disabled"), ROOT / "docs" / "transfer.png")


def save(picture: bytes, path: Path) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, kmeans=1).save(path, optimize=True)


def row(name: str, person: str) -> str:
    pictures = "".join(
        f'<img src="{name}-{look}.png" alt="{look}" loading="lazy" height="500">' for look in LOOKS
    )
    return f"<h2>{escape(name)}, {escape(person)}</h2>{pictures}"


if __name__ == "__main__":
    main()
