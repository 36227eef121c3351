"""Currencies and minor units: typed text in, exact text out, never a float."""

import re
from decimal import Decimal

from iso4217 import Currency

from payments.refusals import InvalidAmount, UnknownCurrency

MAX_AMOUNT_MINOR = 10**15 - 1
"""No single amount is larger; sums of them stay far inside what JSON numbers hold exactly."""

MAX_BALANCE_MINOR = 2**53 - 1
"""The largest whole number every JSON reader keeps exactly (RFC 8259, section 6)."""

LONGEST_TYPED = 40
"""Longer than any amount that is accepted, however it is grouped."""

_EXPONENTS: dict[str, int] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}
"""ISO 4217's minor units by code. Metals, funds and test codes have none and are left out."""

_NUMERIC: dict[str, int] = {currency.code: currency.number for currency in Currency}

_TYPED = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<fraction>[0-9]+))?", re.ASCII
)


def currency_codes() -> list[str]:
    """Every currency with minor units, in order of its code."""
    return sorted(_EXPONENTS)


def exponent(currency: str) -> int:
    """Digits after the decimal point: JPY 0, USD 2, KWD 3. Raises ``UnknownCurrency``."""
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


def in_currency(threshold: int, currency: str) -> int:
    """A threshold given in hundredths of a unit, in the currency's own minor units."""
    return threshold * int(10 ** exponent(currency)) // 100


def numeric_code(currency: str) -> int:
    """ISO 4217's three-digit number, 840 for USD. Raises ``UnknownCurrency``."""
    exponent(currency)
    return _NUMERIC[currency]


def parse_amount(text: str, currency: str) -> int:
    """Read a typed amount in major units, ``1,234.50``, as whole minor units, zero included.

    ``.`` marks decimals and ``,`` groups thousands, in every language. Raises ``InvalidAmount``
    with a sentence for anything else, ``UnknownCurrency`` for a currency we do not know.
    """
    digits = exponent(currency)
    if len(text) > LONGEST_TYPED:
        raise InvalidAmount(f"At most {LONGEST_TYPED} characters.")
    typed = _TYPED.fullmatch(text)
    if typed is None:
        raise InvalidAmount(_what_is_wrong(text))
    fraction = typed["fraction"] or ""
    if len(fraction) > digits:
        raise InvalidAmount(_too_many_decimals(currency, digits))
    minor = int(typed["whole"].replace(",", "") + fraction.ljust(digits, "0"))
    if minor > MAX_AMOUNT_MINOR:
        raise InvalidAmount(f"At most {format_amount(MAX_AMOUNT_MINOR, currency)} at a time.")
    return minor


def format_amount(amount_minor: int, currency: str) -> str:
    """Write minor units with grouping, decimals and currency: ``5,000.00 USD``."""
    return f"{format_number(amount_minor, currency)} {currency}"


def format_number(amount_minor: int, currency: str) -> str:
    """Write minor units with grouping and decimals: ``-5,000.00``."""
    return f"{major(amount_minor, currency):,f}"


def major(amount_minor: int, currency: str) -> Decimal:
    """Minor units in the currency's own unit, exact, with all its decimals."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def _too_many_decimals(currency: str, digits: int) -> str:
    if digits == 0:
        return f"{currency} has no decimals: enter a whole number."
    return f"{currency} has {digits} decimals: enter at most that many after the point."


def _what_is_wrong(text: str) -> str:
    if not text:
        return "Enter an amount."
    if text != text.strip() or " " in text:
        return "Enter the amount without spaces."
    if text.startswith(("-", "+")):
        return "Enter the amount without a sign: it must be positive."
    if re.search(r"[^\x00-\x7F]", text):
        return "Enter the amount with the digits 0 to 9."
    if "," in text:
        return "Commas group thousands and a point marks decimals, as in 1,234.50."
    return "Enter a number such as 1234.50."
