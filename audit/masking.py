"""What must never reach the trail is masked before it is written."""

import re
from collections.abc import Mapping
from typing import Any

_SECRET_NAMES = re.compile(
    r"(?:(?:old|new|first)_)?password\d?|(?:\w+_)?(?:token|secret|seed)|session_key", re.IGNORECASE
)
_UUID = r"\d{8}-(?:\d{4}-){3}\d{12}"
_LONG_NUMBER = re.compile(rf"(?<![\w-])(?!{_UUID})\d(?:[ -]?\d){{12,}}(?![\w-])")
_CARD_LENGTHS = range(13, 20)
_CARD_WITHIN = re.compile(
    r"(?=(4\d{15}|5[1-5]\d{14}|2[2-7]\d{14}|35\d{14}|6\d{15}|3[47]\d{13}|3[068]\d{12}))"
)
"""A card number by how it begins, and as long as those are: what may stick in a longer number."""

MASK = "***"


def masked(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Hide secrets by their name, and card numbers down to the first 6 and last 4 digits."""
    return {
        name: MASK if _SECRET_NAMES.fullmatch(name) else _without_card_numbers(value)
        for name, value in values.items()
    }


def _without_card_numbers(value: Any) -> Any:
    return _LONG_NUMBER.sub(_mask_cards, value) if isinstance(value, str) else value


def _mask_cards(found: re.Match[str]) -> str:
    """Mask a number that is a card's, or all that stick in it, glued to other digits."""
    digits = re.sub(r"\D", "", found.group())
    if len(digits) in _CARD_LENGTHS and _passes_luhn(digits):
        cards = [(0, len(digits))]
    else:
        cards = [each.span(1) for each in _CARD_WITHIN.finditer(digits) if _passes_luhn(each[1])]
    if not cards:
        return found.group()
    hidden = {place for start, end in cards for place in range(start + 6, end - 4)}
    return "".join("*" if place in hidden else digit for place, digit in enumerate(digits))


def _passes_luhn(digits: str) -> bool:
    """Check digit of ISO/IEC 7812-1, which every card number ends with."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0  # noqa: PLR2004 - Luhn's own
