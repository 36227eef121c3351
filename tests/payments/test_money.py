from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import money
from payments.refusals import InvalidAmount, UnknownCurrency

currencies = st.sampled_from(money.currency_codes())
amounts = st.integers(0, money.MAX_AMOUNT_MINOR)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1,234.50", "USD", 123450),
        ("1234.5", "USD", 123450),
        ("0.01", "USD", 1),
        ("0", "USD", 0),
        ("500", "JPY", 500),
        ("0.005", "KWD", 5),
        ("1,000,000", "JPY", 1_000_000),
        ("0.0001", "CLF", 1),
    ],
)
def test_typed_amounts_become_minor_units(text: str, currency: str, minor: int) -> None:
    assert money.parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "says"),
    [
        ("", "USD", "Enter an amount"),
        ("1.005", "USD", "2 decimals"),
        ("0.5", "JPY", "no decimals"),
        ("0.0005", "KWD", "3 decimals"),
        ("１２", "USD", "digits 0 to 9"),  # noqa: RUF001 - full-width on purpose
        ("٣", "USD", "digits 0 to 9"),
        ("1e3", "USD", "such as"),
        ("NaN", "USD", "such as"),
        ("Infinity", "USD", "such as"),
        ("0x10", "USD", "such as"),
        ("1_000", "USD", "such as"),
        (".5", "USD", "such as"),
        ("5.", "USD", "such as"),
        ("-0", "USD", "sign"),
        ("-5", "USD", "sign"),
        ("+5", "USD", "sign"),
        (" 5", "USD", "spaces"),
        ("5 ", "USD", "spaces"),
        ("1 000", "USD", "spaces"),
        ("5\n", "USD", "spaces"),
        ("1.234,50", "USD", "Commas group"),
        ("12,34", "USD", "Commas group"),
        (",5", "USD", "Commas group"),
        ("9" * 30, "USD", "At most"),
        ("9" * 5000, "USD", "At most"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_sentence(text: str, currency: str, says: str) -> None:
    with pytest.raises(InvalidAmount, match=says):
        money.parse_amount(text, currency)


@pytest.mark.parametrize("currency", ["XXX", "XAU", "usd", "", "ABC"])
def test_unknown_currencies_are_refused(currency: str) -> None:
    with pytest.raises(UnknownCurrency):
        money.parse_amount("1", currency)


@pytest.mark.parametrize(("currency", "digits"), [("JPY", 0), ("USD", 2), ("KWD", 3), ("CLF", 4)])
def test_exponents_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert money.exponent(currency) == digits


@given(amounts, currencies)
def test_every_amount_reads_back_as_it_was_written(amount: int, currency: str) -> None:
    assert money.parse_amount(money.format_number(amount, currency), currency) == amount


@given(st.integers(-money.MAX_BALANCE_MINOR, money.MAX_BALANCE_MINOR), currencies)
def test_written_amounts_are_exact(amount: int, currency: str) -> None:
    written = Decimal(money.format_number(amount, currency).replace(",", ""))
    assert written * 10 ** money.exponent(currency) == amount


def test_amounts_are_grouped_and_carry_their_currency() -> None:
    assert money.format_amount(500_000, "USD") == "5,000.00 USD"
    assert money.format_amount(-5, "KWD") == "-0.005 KWD"
    assert money.format_amount(1_234_567, "JPY") == "1,234,567 JPY"
