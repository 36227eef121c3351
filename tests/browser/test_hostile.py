"""Script in everything that is stored, shown by a real browser that would run it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

from backoffice.permissions import Role
from backoffice.staff.records import SessionRecord
from backoffice.wsgi import application
from dynamodb import client as store
from dynamodb.attributes import EnumAttribute, TextAttribute, TextListAttribute, ValuesAttribute
from dynamodb.models import Record
from dynamodb.tables import all_records
from tests.backoffice.world import World, a_world
from tests.builders import planted
from tests.stores import rows_of, unchanged
from tests.tried import share

pytestmark = [pytest.mark.browser, pytest.mark.load]

ROUNDS = share(30)
RUN = "window.hit=1"
PAYLOADS = (
    f"<script>{RUN}</script>", f"<ScRiPt>{RUN}</sCrIpT>", f"</script><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>", f'"><img src=x onerror="{RUN}">', f"'><svg onload='{RUN}'>",
    f"<svg/onload={RUN}>", f"<body onload={RUN}>", f"<iframe srcdoc='<script>{RUN}</script>'>",
    f'<a href="javascript:{RUN}" autofocus onfocus={RUN}>x</a>', f"javascript:{RUN}//<",
    f"data:text/html,<script>{RUN}</script>", f'" autofocus onfocus="{RUN}" x="<',
    f"' autofocus onfocus='{RUN}' x='<", f"</title><script>{RUN}</script>",
    f"</textarea><script>{RUN}</script>", f"</style><script>{RUN}</script>",
    f"--><script>{RUN}</script><!--", f"]]><script>{RUN}</script>", "{{constructor<x>}}",
    "{% debug %}<", f"<math><mtext></form><form><mglyph><style></math><img src onerror={RUN}>",
    f"<details open ontoggle={RUN}>", f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>", f"<object data='javascript:{RUN}'></object>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>", "<base href=//evil.invalid/>",
    f"\u2028<script>{RUN}</script>\u2029", f"<form action=javascript:{RUN}><button autofocus>x",
)  # fmt: skip
PAGES = {Role.SUPERVISOR: 12, Role.COMPLIANCE: 25, Role.ADMIN: 8}
"""On how many pages at least a payload must be seen as text."""

KEPT = frozenset({
    "action_key", "body", "created_by", "credential_id", "data", "day", "day_key", "file_hash",
    "kind", "listed_as", "open_key", "password", "prev_hash", "public_key", "roles", "sealed_seed",
    "state", "status", "status_key", "user_key",
})  # fmt: skip
"""What pages find records by, and what lets the person in: with those planted, nothing shows."""

TWINS = {"audit_log": "entity_id", "holds": "subject", "review_items": "item_id"}
"""Keys that take what somebody typed: a second record of each has a payload there, for a round."""

BEFORE = {"saved_views": "/admin/accounts/\t"}
"""What stands before the text in each of a list."""


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128  # a browser asks for a page's parts at once; of more it waits seconds


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served() -> Iterator[str]:
    """The pages served by this process, out of its own store."""
    server = make_server("127.0.0.1", 0, application, Threaded, Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def plant(first: int) -> None:
    """Put another payload into each text of each record, past all rules."""
    for model in all_records():
        table = str(model.Meta.table_name)
        for item in rows_of(table):
            if table in TWINS and any(text in item[TWINS[table]]["S"] for text in PAYLOADS):
                key = {name: item[name] for name in model.key_names()}
                store.call("DeleteItem", TableName=model.table_name(), Key=key)
                continue
            record = hostile(model, item, first)
            planted(record)
            if table in TWINS:
                before = str(item[TWINS[table]]["S"]).partition("customer:")
                setattr(record, TWINS[table], "".join(before[:2]) + PAYLOADS[first % len(PAYLOADS)])
                planted(record)


def plant_damage(first: int) -> None:
    """Put a payload where nothing but one of some words may stand, so that nothing can be read."""
    for model in all_records():
        named = [
            name
            for name, attribute in model.get_attributes().items()
            if isinstance(attribute, EnumAttribute) and name not in model.key_names()
        ]
        for number, item in enumerate(rows_of(str(model.Meta.table_name)) if named else []):
            payload = {"S": PAYLOADS[(first + number) % len(PAYLOADS)]}
            raw = {**item, **dict.fromkeys(named, payload)}
            store.call("PutItem", TableName=model.table_name(), Item=raw)


def hostile(model: type[Record], item: dict[str, Any], first: int) -> Record:
    record = model.from_item(item)
    safe = {*KEPT, *model.key_names(), *(["username"] if model is SessionRecord else [])}
    for number, (name, attribute) in enumerate(sorted(model.get_attributes().items())):
        payload, before = PAYLOADS[(first + number) % len(PAYLOADS)], getattr(record, name)
        if name in safe:
            continue
        if type(attribute) is TextAttribute and before is not None:
            setattr(record, name, payload)
        elif isinstance(attribute, TextListAttribute) and model.Meta.table_name != "cases":
            setattr(record, name, [BEFORE.get(name, "") + payload])
        elif isinstance(attribute, ValuesAttribute):
            given = before or {}
            texts = {key for key in given.keys() - KEPT if isinstance(given[key], str)}
            more = dict.fromkeys([*texts, payload, "reason", "amount"], payload)
            setattr(record, name, {**given, **more})
    return record


def pages_of(world: World, client: Client, role: Role) -> list[str]:
    """All pages that this person can open, those of customers and merchants named by payloads."""
    behind = dict(world.objects)
    for kind in ("customer", "merchant"):
        rows = [row[f"{kind}_id"]["S"] for row in rows_of("payments") if f"{kind}_id" in row]
        behind[f"{kind}_id"] = {value: value for value in rows}
    places = replace(world, objects=behind).places()
    seen = (place.url for place in places if place.is_for(role) and place.name != "logout")
    return [url for url in seen if opens(client, url)]


def opens(client: Client, url: str) -> bool:
    with unchanged():
        answer = client.get(url)
    assert answer.status_code < 500, url
    return answer.status_code == 200 and "html" in answer.headers["Content-Type"]


def watch(page: Page) -> list[str]:
    """What a page says that ran a script, or tried to."""
    said: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if "Policy" in message.text:
            said.append(message.text)

    def asked(dialog: Dialog) -> None:
        said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", asked)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", heard)
    return said


@contextmanager
def opened(browser: Browser, site: str, client: Client) -> Iterator[Page]:
    """A page of a browser that is signed in as the client is."""
    context = browser.new_context(base_url=site)
    key = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": key, "url": site}])
    yield context.new_page()
    context.close()


def faults(page: Page, url: str) -> list[str]:
    """What came through on a page; what is shown escaped is counted by ``SHOWN``."""
    said = watch(page)
    answer = page.goto(url)
    assert answer is not None
    body = answer.text()
    SHOWN.update((url, payload) for payload in PAYLOADS if escape(payload) in body)
    raw = [f"unescaped: {payload}" for payload in PAYLOADS if payload in body]
    ran = ["it ran"] if page.evaluate("window.hit") else []
    return [f"{url}: {why}" for why in (*said, *raw, *ran)]


SHOWN: set[tuple[str, str]] = set()


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.COMPLIANCE, Role.ADMIN])
@pytest.mark.usefixtures("without_contexts")
def test_no_stored_text_runs(moto_store: None, browser: Browser, role: Role) -> None:
    world, client = a_world(role), Client(raise_request_exception=False)
    world.sign_in(Client(headers={"user-agent": "curl"}))
    SHOWN.clear()
    wrong = []
    with served() as site:
        for first in range(ROUNDS):
            plant(first * 7)
            world.sign_in(client)
            with opened(browser, site, client) as page:
                for url in pages_of(world, client, role):
                    with unchanged():
                        wrong += faults(page, url)
    plant_damage(0)
    world.sign_in(client)
    for place in filter(lambda place: place.is_for(role), world.places()):
        with unchanged():
            answer = client.get(place.url)
        is_page = "html" in answer.headers["Content-Type"]
        body = answer.getvalue().decode() if is_page else ""
        wrong += [f"{place.url}: {payload}" for payload in PAYLOADS if payload in body]
    assert wrong == []
    assert len({url for url, _ in SHOWN}) >= PAGES[role]
