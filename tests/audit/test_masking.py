"""Card numbers never reach the trail, whatever stands around them; other numbers do."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from audit.masking import _passes_luhn, masked

around = st.text("0123456789", max_size=12)
SHAPES = [("4", 16), ("51", 16), ("2720", 16), ("34", 15), ("37", 15), ("36", 14), ("6011", 16)]


@st.composite
def cards(draw: st.DrawFn) -> str:
    begins, length = draw(st.sampled_from(SHAPES))
    rest = length - len(begins) - 1
    body = begins + draw(st.text("0123456789", min_size=rest, max_size=rest))
    return next(body + digit for digit in "0123456789" if _passes_luhn(body + digit))


def shown(text: str) -> str:
    return str(masked({"description": text})["description"])


@given(before=around, card=cards(), after=around, separator=st.sampled_from(["", " ", "-"]))
@example(before="00", card="4111111111111111", after="123", separator="")
def test_no_card_number_is_left_whatever_digits_it_sticks_to(
    before: str, card: str, after: str, separator: str
) -> None:
    typed = separator.join(re.findall(".{1,4}", before + card + after))
    told = shown(f"paid with {typed} today")
    assert card not in re.sub(r"[ -]", "", told)
    middle = len(before) + 6, len(before) + len(card) - 4
    digits = told.removeprefix("paid with ").removesuffix(" today")
    hidden = {place for place, letter in enumerate(digits) if letter == "*"}
    is_one_number = len(before + card + after) in range(13, 20) and _passes_luhn(
        before + card + after
    )
    assert is_one_number or hidden >= set(range(*middle))


@given(text=st.text("0123456789", max_size=12))
def test_shorter_numbers_stay(text: str) -> None:
    assert shown(text) == text


def test_other_long_numbers_and_ids_stay() -> None:
    for text in (
        "4111111111111112",
        "10000000000000000000000000",
        "019cae6b-6600-7072-b05f-1786e473e5d2",
        "e4111111111111111",
        "41111111-1111-1111-1111-111111111111",
    ):
        assert shown(text) == text
