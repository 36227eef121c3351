"""How a person reads and types numbers."""

import re
from contextvars import ContextVar

from payments.refusals import InvalidAmount

NUMBER_FORMATS = ("1,234.56", "1.234,56", "1 234,56", "1'234.56")
"""Each as it shows a number. The first is what files and programs read and write."""

_PLAIN = NUMBER_FORMATS[0]
_MARKS: dict[str, dict[str, str | int | None]] = {
    "1.234,56": {",": ".", ".": ","},
    "1 234,56": {",": "\N{NARROW NO-BREAK SPACE}", ".": ","},
    "1'234.56": {",": "'"},
}
_TYPED = {
    "1.234,56": re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]+))?", re.ASCII),
    "1 234,56": re.compile(
        "([1-9][0-9]{0,2}(?:[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}][0-9]{3})+|[0-9]+)"
        r"(?:,([0-9]+))?",
        re.ASCII,
    ),
    "1'234.56": re.compile(r"([1-9][0-9]{0,2}(?:['\u2019][0-9]{3})+)(?:\.([0-9]+))?", re.ASCII),
}
_READ_TWO_WAYS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}", re.ASCII)

_format: ContextVar[str] = ContextVar("number_format", default=_PLAIN)


def use(number_format: str | None) -> None:
    """Show and read numbers so from here on, as far as the request goes."""
    _format.set(number_format if number_format in _MARKS else _PLAIN)


def is_plain() -> bool:
    return _format.get() == _PLAIN


def shown(number: str) -> str:
    """A number that is written as ``1,234.56``, as the person reads it."""
    return number.translate(str.maketrans(_MARKS.get(_format.get(), {})))


def plain(text: str) -> str:
    """A typed number as ``payments.money.parse_amount`` reads it.

    ``1234.56`` and ``1,234.56`` are taken from everybody. Whoever marks decimals with a comma may
    do so, and is refused (``InvalidAmount``) what may be thousands or decimals: ``1.234``.
    """
    kind = _format.get()
    if kind == _PLAIN:
        return text
    if _MARKS[kind].get(".") and _READ_TWO_WAYS.fullmatch(text):
        whole, decimals = text[:-4], text[-3:]
        raise InvalidAmount(
            f"{text} can be read in two ways: enter {whole}{decimals} for thousands, "
            f"or 0{text} for decimals."
        )
    typed = _TYPED[kind].fullmatch(text)
    if typed is None:
        return text
    whole = re.sub("[^0-9]", "", typed[1])
    return f"{whole}.{typed[2]}" if typed[2] else whole


def fillable(number: str) -> str:
    """A number that is written as ``1,234.56``, as the person may type it: one reading only."""
    text = shown(number.replace(",", ""))
    is_unclear = "," in text and _READ_TWO_WAYS.fullmatch(text)
    return f"0{text}" if is_unclear else text
