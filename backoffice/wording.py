"""What the rooms below say, in the language of whoever reads it.

Payments and the trail speak and keep English, and know nothing of languages. Here their sentences
are recognised by what stands around their values, and said anew.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext

from backoffice import numbers

FILE = settings.LOCALE_PATHS[0] / "sentences.txt"
"""One a line, gathered by `make messages`; ``{0}`` stands for what is filled in."""
SENTENCES = frozenset(FILE.read_text(encoding="utf-8").splitlines())

OTHERS = frozenset(FILE.with_name("others.txt").read_text(encoding="utf-8").splitlines())
"""What is neither a sentence nor a state nor an action, and is told all the same."""

_PLACE = re.compile(r"\{(\w+)\}")
_AMOUNT = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?( [A-Z]{3})?")


def table(name: str) -> dict[str, Any]:
    """What one of the files beside this one holds: words of pages, and where they lead."""
    path = settings.BASE_DIR / "backoffice" / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def said(told: object) -> str:
    """A sentence, state, role or kind from below; several are put in a row with commas.

    Amounts in it follow the person's number format. What nobody knows is left as it is.
    """
    if not isinstance(told, str) and isinstance(told, Iterable):
        return ", ".join(map(said, told))
    text = "" if told is None else str(told)
    if not text or (get_language() in {"en", None} and numbers.is_plain()):
        return text
    for name, begun in ((text, str), (text[0].lower() + text[1:], capfirst)):
        if name in SENTENCES:
            return begun(gettext(name))
    if _AMOUNT.fullmatch(text):
        return numbers.shown(text)
    for pattern, sentence in _patterns():
        if found := pattern.fullmatch(text):
            values = dict(zip(_PLACE.findall(sentence), map(said, found.groups()), strict=True))
            return _filled(gettext(sentence), values)
    return text


def counted(counts: Mapping[str, int]) -> str:
    """How often each outcome came, for a log or a terminal: *2 sent, 1 already settled*."""
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def _filled(sentence: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], sentence)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Sentences with values in them, those that say most themselves first."""
    with_places = [each for each in SENTENCES if _PLACE.search(each)]
    with_places.sort(key=lambda each: len(_PLACE.sub("", each)), reverse=True)
    return [(_pattern(each), each) for each in with_places]


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = _PLACE.split(sentence)[::2]
    return re.compile("(.+?)".join(map(re.escape, parts)), re.DOTALL)
