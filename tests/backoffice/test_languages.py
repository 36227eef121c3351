"""Who reads German is told nothing in English: texts are gathered, and pages leave none out."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils.translation import override, trans_real
from django.utils.translation.template import templatize

from backoffice import site
from backoffice.forms.audit import TrailFilterForm
from backoffice.forms.payments import PaymentFilter
from backoffice.permissions import Role
from backoffice.presenters.audit import label
from backoffice.wording import SENTENCES
from tests.backoffice.test_words import CATALOGUE
from tests.backoffice.world import Place, a_world
from tests.stores import unchanged

MARKED = re.compile("¡[^¡¿]*¿")
PLACE = re.compile(r"(%\(\w+\)[sd]|%[sd]|\{\w*\})")
DATA = re.compile(
    r"\b[A-Z][A-Za-z]+/[\w/+ -]+|\S*[\d_]\S*|\S+:\S+|\b[a-z]+\.[a-z]+\b|\b[A-Z]{3,4}\b"
    r"|\b(?:someone|another|nobody|nothing|no-account|no-payment|customer|merchant|clearing|shop|Example"
    r"|[A-Z]{32}|Court|Looks odd|Count to five|Opening balance|Deutsch|English|Someone|Another)\b"
)
WORD = re.compile(r"[^\W\d_]{2,}")
IN_TEMPLATE = re.compile(r"""\b(?:n?gettext|_)\(u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
MARKING = re.compile(r"_|p?n?gettext(_lazy|_noop)?")
COMMAS = re.compile(r' (?:x|y|width|height|viewBox)="[0-9]+,[^"]*"')
"""Of a drawing, whose numbers no language may change."""
READ_ATTRIBUTES = frozenset({"title", "aria-label", "alt", "placeholder", "label"})
UNREAD = frozenset({"script", "style", "code", "kbd", "time"})
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "rect", "line"})


class Marks(trans_real.DjangoTranslation):
    """German in which every text that has a translation stands between marks."""

    def gettext(self, message: str) -> str:
        is_known = self._catalog.get(message)  # type: ignore[attr-defined]  # its only list
        return marked(message) if is_known else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return marked(super().ngettext(msgid1, msgid2, n))


def marked(message: str) -> str:
    """A message's words in marks; what is filled into it stands outside of them."""
    words = PLACE.split(message.rpartition("\x04")[2])
    return "".join(part if number % 2 else f"¡{part}¿" for number, part in enumerate(words))


class Texts(HTMLParser):
    """What a page says: its texts, and the attributes that are read or shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = {"value"} if tag == "input" and ("type", "submit") in attrs else set()
        self.said += [value for name, value in attrs if name in READ_ATTRIBUTES | shown and value]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not UNREAD.intersection(self._open):
            self.said.append(" ".join(data.split()))


def unmarked(page: str) -> Iterator[str]:
    """What a page says outside of marks, less what was typed, coded or counted."""
    text = "\x00".join(Texts(page).said)
    while MARKED.search(text):
        text = MARKED.sub(" ", text)
    yield from (said.strip() for said in text.split("\x00") if WORD.search(DATA.sub("", said)))


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.SUPERVISOR, Role.ADMIN])
def test_no_page_says_a_word_that_is_not_translated(
    moto_store: None, without_contexts: None, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    """Each page of a role, and what each form answers to nothing at all."""
    monkeypatch.setattr(trans_real, "_translations", {"de": Marks("de")})
    for name in ("_navigation", "_sidebar"):  # remembered in German without marks by other tests
        monkeypatch.setattr(site, name, getattr(site, name).__wrapped__)
    world, client = a_world(role), Client(headers={"accept-language": "de"})
    world.sign_in(client)
    chosen = {"time_zone": "UTC", "language": "de", "number_format": "1,234.56"}
    client.post("/admin/preferences/", chosen)
    found: dict[str, str] = {}
    for place in world.places():
        if place.name != "logout":
            for answer in asked(client, place):
                page = answer.getvalue().decode()
                told = [*unmarked(page), *COMMAS.findall(page)]
                found |= dict.fromkeys(told, f"{place.row}, {answer.status_code}")
    assert found == {}


def asked(client: Client, place: Place) -> Iterator[HttpResponseBase]:
    """The page of an address, and where it holds a form, the answer to an empty one."""
    answer = client.get(place.url)
    if answer.headers["Content-Type"].startswith(("text/html", "text/plain")):
        yield answer
        if b'method="post"' in answer.getvalue() and place.name != "login":
            with unchanged():
                yield client.post(place.url)


def test_what_addresses_ask_for_is_told_in_the_trail_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trans_real, "_translations", {"de": Marks("de")})
    asked = {"from", "to", "days", "zone", "hide", "cursor", "scope", "about"}
    with override("de"):
        for name in asked.union(TrailFilterForm.base_fields, PaymentFilter.base_fields):
            assert not list(unmarked(label(name))), name
        assert label("to") == str(PaymentFilter.ends[1])


def test_every_text_of_the_sources_has_its_german() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        known = GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # its only list
    names = {name[0] if isinstance(name, tuple) else name for name in known}
    gathered = {*_of_templates(), *_of_modules(), *SENTENCES}
    assert gathered == {name.rpartition("\x04")[2] for name in names} - {""}, "`make messages`"


def _of_templates() -> Iterator[str]:
    for path in settings.BASE_DIR.glob("templates/**/*.html"):
        code = templatize(path.read_text(encoding="utf-8"))
        yield from (ast.literal_eval(text) for text in IN_TEMPLATE.findall(code))


def _of_modules() -> Iterator[str]:
    for path in settings.BASE_DIR.glob("backoffice/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and MARKING.fullmatch(name):
                message = node.args[name.startswith("p")]
                if isinstance(message, ast.Constant) and isinstance(message.value, str):
                    yield message.value
