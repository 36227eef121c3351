"""Pages in another language, and numbers as a person reads and types them."""

import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from backoffice import numbers
from backoffice.management.commands.makemessages import gathered
from backoffice.numbers import NUMBER_FORMATS
from backoffice.wording import FILE, SENTENCES, said
from payments.money import parse_amount
from payments.refusals import InvalidAmount

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES" / "django.po"


@pytest.fixture(autouse=True)
def plain_again() -> Iterator[None]:
    yield
    numbers.use(None)
    translation.activate("en")


def test_what_the_rooms_below_say_is_gathered() -> None:
    assert gathered() == FILE.read_text(encoding="utf-8"), "Run `make messages`."


def test_the_catalogue_is_complete_and_compiled() -> None:
    text = CATALOGUE.read_text(encoding="utf-8")
    assert "fuzzy" not in text
    assert re.findall(r'msgid "(.+)"\nmsgstr(?:\[\d\])? ""\n(?!")', text) == []
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        german = GNUTranslations(file)
    known = re.findall(r'(?<!"\n)^msgid "(.+)"\nmsgstr "(.+)"$', text, re.MULTILINE)
    plain = [(name, told) for name, told in known if "\\" not in name + told]
    assert [name for name, told in plain if german.gettext(name) != told] == []
    assert {name for name, _ in plain} >= {each for each in SENTENCES if '"' not in each}


def test_a_person_chooses_language_and_numbers(signed_in: object) -> None:
    browser: Client = signed_in()  # type: ignore[operator]
    chosen = {"time_zone": "UTC", "language": "de", "number_format": "1.234,56"}
    page = browser.post("/admin/preferences/", chosen, follow=True).text
    assert '<html lang="de"' in page
    assert "Ihre Einstellungen sind gespeichert." in page
    assert '<html lang="en' in Client().get("/admin/login/").text


def test_strangers_are_spoken_to_as_their_browser_asks(moto_store: None) -> None:
    page = Client(headers={"accept-language": "de"}).get("/admin/login/").text
    assert '<html lang="de"' in page
    assert "Benutzername:" in page
    assert "Jede Anmeldung, auch jede abgelehnte, wird aufgezeichnet." in page


def test_sentences_from_below_keep_their_values() -> None:
    numbers.use("1.234,56")
    with translation.override("de"):
        told = said("The source account has 1,234.50 USD available.")
        assert told == "Auf dem Quellkonto sind 1.234,50 USD verf\u00fcgbar."
        assert said("The source account is frozen.") == "Das Quellkonto ist gesperrt."
        assert said("what a customer wrote") == "what a customer wrote"


@pytest.mark.parametrize(
    ("number_format", "typed", "minor"),
    [
        *((each, "1234.56", 123456) for each in NUMBER_FORMATS),
        *((each, "1,234.56", 123456) for each in NUMBER_FORMATS),
        *((each, "1234", 123400) for each in NUMBER_FORMATS),
        ("1,234.56", "1,234", 123400),
        ("1.234,56", "1.234,56", 123456),
        ("1.234,56", "1234,56", 123456),
        ("1.234,56", "1.234.567", 123456700),
        ("1 234,56", "1 234,56", 123456),
        ("1 234,56", "1\u202f234,5", 123450),
        ("1'234.56", "1'234.56", 123456),
        ("1'234.56", "1\u2019234", 123400),
    ],
)
def test_an_amount_is_read_as_it_is_meant(number_format: str, typed: str, minor: int) -> None:
    numbers.use(number_format)
    assert parse_amount(numbers.plain(typed), "USD") == minor


@pytest.mark.parametrize("number_format", ["1.234,56", "1 234,56"])
@pytest.mark.parametrize("typed", ["1.234", "1,234", "999.000", "12,345"])
def test_an_amount_that_may_mean_two_things_is_refused(number_format: str, typed: str) -> None:
    numbers.use(number_format)
    with pytest.raises(InvalidAmount, match="can be read in two ways"):
        numbers.plain(typed)
    assert parse_amount(numbers.plain("0" + typed), "KWD") == int(re.sub(r"\D", "", typed))


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
@pytest.mark.parametrize("typed", ["1.23,4", "1.2.3", "1,23,456.00", "1''2", " 1", "1 2", "-1"])
def test_what_has_no_shape_stays_refused(number_format: str, typed: str) -> None:
    numbers.use(number_format)
    with pytest.raises(InvalidAmount):
        parse_amount(numbers.plain(typed), "USD")


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
@pytest.mark.parametrize(("number", "minor"), [("1,234.567", 1234567), ("234.567", 234567)])
def test_what_is_filled_in_can_be_sent_back(number_format: str, number: str, minor: int) -> None:
    numbers.use(number_format)
    assert parse_amount(numbers.plain(numbers.fillable(number)), "KWD") == minor
