"""What must never reach the trail is masked before it is written."""

import re
from collections.abc import Mapping
from typing import Any

_SECRET_NAMES = re.compile(
    r"(?:(?:old|new|first)_)?password\d?|(?:\w+_)?(?:token|secret|seed)|session_key", re.IGNORECASE
)
_CARD_NUMBER = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
MASK = "***"


def masked(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Hide secrets by their name, and card numbers down to the first 6 and last 4 digits."""
    return {
        name: MASK if _SECRET_NAMES.fullmatch(name) else _without_card_numbers(value)
        for name, value in values.items()
    }


def _without_card_numbers(value: Any) -> Any:
    return _CARD_NUMBER.sub(_mask_card, value) if isinstance(value, str) else value


def _mask_card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found.group())
    if not _passes_luhn(digits):
        return found.group()
    return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}"


def _passes_luhn(digits: str) -> bool:
    """Check digit of ISO/IEC 7812-1, which every card number ends with."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0  # noqa: PLR2004 - Luhn's own
