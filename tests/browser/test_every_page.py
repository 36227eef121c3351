"""Every page by axe, in both themes and two widths; at 320 pixels, right to left, still, light."""

from collections.abc import Iterator, Sequence
from importlib.resources import files

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from backoffice.permissions import Role
from tests.backoffice.world import Place, World, a_world
from tests.browser.test_hostile import opened, served
from tests.tried import FULL

pytestmark = [pytest.mark.browser, pytest.mark.load, pytest.mark.timeout(3600 if FULL else 600)]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = """async ([part, rules]) => {
    const options = {runOnly: rules, resultTypes: ["violations"], preload: false, iframes: false};
    const {violations} = await axe.run(part, options);
    return violations.flatMap(({id, nodes}) => nodes.map(
        node => `${id}: ${node.html} ${node.failureSummary}`));
}"""
TURN = """() => new Promise(done => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = "/static/admin/css/rtl.css";
    sheet.onload = done;
    document.head.prepend(sheet);
    document.documentElement.dir = "rtl";
})"""
ASSETS = """() => performance.getEntriesByType("resource").map(
    ({name, encodedBodySize}) => [name, encodedBodySize])"""
MOTIONS = "document.getAnimations().length"
NARROW = """[...document.querySelectorAll("#content-main > .results")].filter(
    on => on.offsetWidth < on.parentElement.clientWidth).length"""
CUT = """[...document.querySelectorAll(".results")].filter(
    on => on.checkVisibility() && on.scrollWidth > on.clientWidth + 1).length"""
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"

ROLES = [Role.COMPLIANCE, Role.SUPERVISOR, Role.ADMIN]
SEEN_BY_ALL = frozenset({"index", "account", "payment", "approval", "staff_person"})
"""Pages that look different to each role; the others are seen by the first who may."""

WITHOUT_ROWS = {
    Role.COMPLIANCE: ["/admin/audit/?from=nonsense", "/admin/audit/?user_id=nobody"],
    Role.SUPERVISOR: ["/admin/payments/?from=nonsense", "/admin/accounts/?status=closed"],
    Role.ADMIN: ["/admin/nowhere/", "/admin/accounts/"],
}
"""What is refused, and what is empty."""

LOOKS = ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark"))
"""`make test-load` looks at each page in all of them, `make test` in one after the other."""

MOST_BYTES = 200_000
"""Of one page and everything it loads, as served without compression."""


def is_seen_by(role: Role, place: Place) -> bool:
    """Whether this role is whom the page is looked at as."""
    seeing = [each for each in ROLES if place.is_for(each)]
    return role in (seeing if place.name in SEEN_BY_ALL else seeing[:1]) and place.name != "logout"


def addresses_of(world: World, client: Client, role: Role) -> Iterator[str]:
    """The pages that somebody of this role opens: whole ones, and one of each kind."""
    names = set()
    for place in world.places():
        if place.name in names or not is_seen_by(role, place):
            continue
        answer = client.get(place.url)
        if answer.status_code == 200 and answer.getvalue()[:20].lower().startswith(b"<!doctype"):
            names.add(place.name)
            yield place.url
    yield from WITHOUT_ROWS[role]


def faults(page: Page, url: str, looks: Sequence[tuple[int, str]]) -> Iterator[str]:
    """What is wrong with a page, in words; of header and menu, the dashboard's speak for all."""
    show(page, 1280, "light")
    answer = page.goto(url)
    assert answer is not None
    loaded = page.evaluate(ASSETS)
    weight = len(answer.body()) + sum(size for _, size in loaded)
    if weight > MOST_BYTES:
        yield f"weighs {weight} bytes"
    yield from (f"fetches {name}" for name, _ in loaded if not name.startswith(page.url[:20]))
    part = "html" if FULL or url == "/admin/" else "main"
    for width, scheme in LOOKS if url == "/admin/" else looks:
        show(page, width, scheme)
        if page.evaluate(MOTIONS):
            yield "moves"
        yield from (f"{width} {scheme} {fault}" for fault in page.evaluate(AXE, [part, TAGS]))
    show(page, 1280, "light")
    if page.evaluate(CUT):
        yield "cuts a table at 1280 pixels"
    show(page, 640, "light")
    if page.evaluate(NARROW):
        yield "leaves a part of 640 pixels empty beside its table"
    yield from overflow(page, 320)
    page.evaluate(TURN)
    for width in (320, 1280):
        yield from (f"right to left {fault}" for fault in overflow(page, width))


def show(page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
    )


def overflow(page: Page, width: int) -> Iterator[str]:
    page.set_viewport_size({"width": width, "height": 900})
    if (pixels := page.evaluate(OVERFLOW)) > 0:
        yield f"{pixels} pixels wider than {width}"


@pytest.mark.parametrize("role", ROLES)
def test_every_page_can_be_used_by_everybody(
    moto_store: None, browser: Browser, role: Role
) -> None:
    world, client = a_world(role), Client(raise_request_exception=False)
    world.sign_in(client)
    with served() as site, opened(browser, site, client) as page:
        page.add_init_script(path=str(files("axe_playwright_python") / "axe.min.js"))
        wrong = [
            f"{url}: {fault}"
            for number, url in enumerate(addresses_of(world, client, role))
            for fault in faults(page, url, LOOKS if FULL else [LOOKS[number % len(LOOKS)]])
        ]
    assert wrong == []
