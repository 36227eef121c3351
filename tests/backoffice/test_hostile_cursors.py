"""Page links that were changed, cut, or made for somebody or something else."""

import random
import re
from collections.abc import Container, Iterator
from html import unescape
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from backoffice.permissions import Role
from dynamodb import pages
from payments.history import timeline
from tests.backoffice.pages import text
from tests.backoffice.people import a_member, chain
from tests.backoffice.world import ME, World, a_world
from tests.stores import unchanged
from tests.tried import share

pytestmark = [pytest.mark.load, pytest.mark.usefixtures("without_contexts")]

CURSORS = share(10_000)
LISTS = {Role.SUPERVISOR: 5, Role.COMPLIANCE: 7, Role.ADMIN: 1}
"""Whose lists are tried, and how many of them go on at least."""

ROLES = tuple(LISTS)
Lists = dict[str, tuple[str, str]]
OTHER_FILTER = {
    "accounts": "status=closed",
    "alerts": "status=resolved",
    "audit": "action=nothing",
    "cases": "status=closed",
    "payments": "status=failed",
}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=%\0\u00e9"
_NEXT = re.compile(r'href="([^"]*[?&;]cursor=[^"]*)" rel="next"')


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every list go on after two rows."""
    reader = pages._Reader

    def short(*, rows: int, **values: Any) -> Any:
        return reader(rows=min(rows, 2), **values)

    monkeypatch.setattr(pages, "_Reader", short)
    monkeypatch.setattr(timeline, "ROWS", 2)


def cursors(client: Client, world: World, among: Container[str] | None = None) -> Lists:
    """Lists that go on: address and cursor by the name of the address."""
    found = {}
    for place in world.places():
        if among is not None and place.name not in among:
            continue
        with unchanged():
            answer = client.get(place.url)
        is_page = answer.status_code == 200 and "html" in answer.headers["Content-Type"]
        if link := _NEXT.search(text(answer) if is_page else ""):
            query = parse_qs(urlsplit(unescape(link[1])).query)
            (cursor,) = query.pop("cursor")
            kept = "&".join(f"{name}={value}" for name, (value,) in query.items())
            found[place.name] = (f"{place.url}?{kept}", cursor)
    return found


def mutations(cursor: str, chance: random.Random) -> Iterator[str]:
    """Endlessly many changes of a cursor; none is the cursor itself."""
    while True:
        place, other = chance.randrange(len(cursor)), chance.choice(ALPHABET)
        before, after = cursor[:place], cursor[place + 1 :]
        flipped = chr(ord(cursor[place]) ^ (1 << chance.randrange(7)))
        changed = chance.choice([
            before + other + after,
            before + flipped + after,
            before,
            after,
            before + after,
            cursor + other,
            cursor[::-1],
            cursor.swapcase(),
            cursor * 50,
        ])  # fmt: skip
        if changed and changed != cursor:
            yield changed


def is_same_chain(one: str, other: str) -> bool:
    """Whether two addresses are of one record, and may show the same chain."""
    named = {part for part in one.split("/") if len(part) > 12}
    return one == other or any(f"/{part}/" in other for part in named)


def is_not_refused(client: Client, address: str, cursor: str) -> str:
    """Empty where a cursor is refused in words, shows nothing and leaves an entry."""
    with unchanged():
        answer = client.get(f"{address}&cursor={_quoted(cursor)}")
        entry = chain(f"person:{ME}")[0]
    refused = (answer.status_code, entry.action, (entry.new_values or {}).get("permission"))
    if refused != (400, "access.refused", "cursor") or "This page link" not in text(answer):
        return f"{address} {cursor}: {refused}"
    return ""


def _quoted(cursor: str) -> str:
    return "".join(f"%{byte:02x}" for byte in cursor.encode())


@pytest.mark.parametrize("role", ROLES)
def test_a_cursor_holds_as_it_is_for_its_list_its_filter_and_its_person(
    moto_store: None, role: Role
) -> None:
    world, client, theirs = a_world(role), Client(), Client()
    theirs.force_login(a_member(username="third", roles=(role,)))
    for number in range(3):
        a_member(username=f"third{number}")
    world.sign_in(client)
    lists = cursors(client, world)
    assert len(lists) >= LISTS[role], lists.keys()
    for address, cursor in lists.values():
        with unchanged():
            assert client.get(f"{address}&cursor={cursor}").status_code == 200, address
    wrong = [
        why
        for address, cursor in (
            *changed(lists, role),
            *of_others(lists, cursors(theirs, world, lists)),
        )
        if (why := is_not_refused(client, address, cursor))
    ]
    assert wrong == []


Tries = Iterator[tuple[str, str]]
"""Addresses, each with a cursor that is not of it."""


def changed(lists: Lists, role: Role) -> Tries:
    tries = CURSORS // len(ROLES) // len(lists)
    for address, cursor in lists.values():
        for each in islice(mutations(cursor, random.Random(role)), tries):
            yield address, each


def of_others(lists: Lists, theirs: Lists) -> Tries:
    """Cursors of other lists, of the same list under another filter, and of another person."""
    for name, (address, cursor) in lists.items():
        for other, foreign in lists.values():
            if not is_same_chain(address, other):
                yield address, foreign
        if name in OTHER_FILTER:
            yield f"{address.partition('?')[0]}?{OTHER_FILTER[name]}", cursor
        if name in theirs:
            yield address, theirs[name][1]
