"""Forms as an attacker sends them: found on the pages, filled with what no browser sends.

No answer is an error of ours, and what is refused has changed nothing.
"""

import random
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote_plus, unquote, urljoin

import pytest
from django.test import Client

from backoffice.permissions import Permission, Role
from dynamodb.scans import plain_item
from dynamodb.tables import all_records
from tests.backoffice.pages import text
from tests.backoffice.people import chain
from tests.backoffice.test_addresses import guards
from tests.backoffice.world import ME, Place, World, a_world
from tests.stores import kept_in, rows_of, unchanged
from tests.tried import FULL

pytestmark = [pytest.mark.load, pytest.mark.usefixtures("without_contexts")]

POSTS = 500 if FULL else 20
Fields = dict[str, list[str]]

HOSTILE = (
    "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\ufffd", "\u202e1.00", "-1", "0", "1e9",
    "NaN", "Infinity", "0x10", "1,,0", "1.234567", "9" * 400, "\u0663", "\uff11", "<script>",
    "{{7*7}}", "' OR 1=1", "../../etc/passwd", "[]", "{}", "null", "true", "2026-13-45",
    "9999-99-99T99:99", "\r\nSet-Cookie: a=b", "USD", "yes", "acc_", "teller1", "x" * 3000,
)  # fmt: skip
ATTRIBUTES = ("balance", "version", "status", "held", "approved_by", "is_active")
EXTRA = (*ATTRIBUTES, "confirm", "edit", "__proto__", "id", "roles", "username", "x" * 500)
MEGABYTE = "9" * 2**20
ENCODED = "application/x-www-form-urlencoded"


class Forms(HTMLParser):
    """The forms of a page that post: address and fields with what they hold."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.select = url, ""
        self.found: dict[str, Fields] = {}
        self.fields: Fields | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "form":
            posts = of.get("method", "").lower() == "post"
            address = urljoin(self.url, of.get("action", ""))
            self.fields = self.found.setdefault(address, {}) if posts else None
        elif self.fields is not None and tag in ("input", "textarea", "button") and "name" in of:
            self.fields.setdefault(of["name"], []).append(of.get("value", ""))
        elif self.fields is not None and tag == "select":
            self.select = of.get("name", "")
        elif self.fields is not None and tag == "option" and self.select:
            self.fields.setdefault(self.select, []).append(of.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.fields = None
        elif tag == "select":
            self.select = ""


def forms_of(client: Client, world: World, role: Role) -> dict[str, tuple[str, Fields]]:
    """Every form that a person can reach, one for each address of the URL conf."""
    found: dict[str, tuple[str, Fields]] = {}
    by_url = {place.url: place.name for place in world.places()}
    for place in world.places():
        if not place.is_for(role) or (is_for_all(place) and role != Role.SUPERVISOR):
            continue
        with unchanged():
            answer = client.get(place.url)
        if answer.status_code == 200 and "html" in answer.headers.get("Content-Type", ""):
            parser = Forms(place.url)
            parser.feed(text(answer))
            for address, fields in parser.found.items():
                if address != "/admin/logout/":
                    found.setdefault(by_url.get(address, address), (address, fields))
    return found


def mutated(fields: Mapping[str, list[str]], chance: random.Random) -> list[tuple[str, str]]:
    """What a form would send, with some of it missing, wrong, doubled or added."""
    sent = {name: chance.choice(values) for name, values in fields.items()}
    for _ in range(chance.randint(1, 4)):
        name = chance.choice([*sent, *EXTRA])
        if chance.random() < 0.15:
            sent.pop(name, None)
        else:
            sent[name] = chance.choice(HOSTILE)
    if chance.random() < 0.02:
        sent[chance.choice(list(sent) or ["reason"])] = MEGABYTE
    doubled = [(name, chance.choice(HOSTILE)) for name in sent if chance.random() < 0.05]
    return [*sent.items(), *doubled]


def encoded(sent: list[tuple[str, str]]) -> bytes:
    """As a body, half characters as they are."""
    return b"&".join(
        b"=".join(quote_plus(part.encode("utf-8", "surrogatepass")).encode() for part in pair)
        for pair in sent
    )


PASSING = frozenset({"audit_heads", "audit_log", "sessions", "signin_attempts"})
"""Tables that a refusal writes to: it is recorded, and counted where it was a guess."""

OF_ACCOUNTS = ("balance", "held", "status", "customer_id", "transfer_limit", "day_limit",
               "frozen_until")  # fmt: skip
"""The rest of an account counts what was refused."""


def standing() -> dict[str, Any]:
    """All that a refusal leaves as it is: it may leave a failed payment besides."""
    tables = {str(model.Meta.table_name) for model in all_records() if model.managed} - PASSING
    payments = [row for row in map(plain_item, rows_of("payments")) if row["status"] != "failed"]
    accounts = [
        {"id": row["id"], **{name: row.get(name) for name in OF_ACCOUNTS}}
        for row in map(plain_item, rows_of("accounts"))
    ]
    whole = {table: kept_in(table) for table in tables - {"accounts", "payments"}}
    return {**whole, "accounts": accounts, "payments": payments}


def is_for_all(place: Place) -> bool:
    return bool(guards(place.pattern, "permission") == Permission.USE_DASHBOARD)


def posts(fields: Fields, seed: str) -> Iterator[bytes]:
    chance = random.Random(seed)
    for _ in range(POSTS):
        yield encoded(mutated(fields, chance))


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.COMPLIANCE, Role.ADMIN])
def test_no_form_breaks_and_no_refusal_changes_anything(moto_store: None, role: Role) -> None:
    """What everybody has, the supervisor tries. What no page sends is ignored, and recorded."""
    world, client = a_world(role), Client(raise_request_exception=False)
    world.sign_in(client)
    before, seen, wrong = standing(), set(), []
    for name, (address, fields) in forms_of(client, world, role).items():
        for body in posts(fields, name):
            with unchanged():
                answer = client.generic("POST", address, body, content_type=ENCODED)
                after = standing() if answer.status_code >= 400 else before
            seen.add(answer.status_code)
            if answer.status_code >= 500 or after != before:
                wrong.append((answer.status_code, address, body[:300]))
        with unchanged():
            client.post(address, dict.fromkeys(ATTRIBUTES, "1"))
            sent = ", ".join(sorted(ATTRIBUTES))
            assert told_of_tampering() == {"path": unquote(address), "fields": sent}
            assert standing()["accounts"] == before["accounts"], address
    assert wrong == []
    assert {422} <= seen


def told_of_tampering() -> Any:
    return next(e.new_values for e in chain(f"person:{ME}") if e.action == "request.tampered")


@pytest.mark.parametrize("address", ["/admin/login/", "/admin/login/second-step/"])
def test_signing_in_takes_anything(moto_store: None, address: str) -> None:
    a_world(Role.TELLER)
    fields = {name: ["someone"] for name in ("username", "password", "next", "proof_code")}
    client = Client(raise_request_exception=False)
    for body in posts(fields, address):
        with unchanged():
            answer = client.generic("POST", address, body, content_type=ENCODED)
        assert answer.status_code < 500, body[:300]
