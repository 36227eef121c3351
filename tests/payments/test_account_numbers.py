from hypothesis import given
from hypothesis import strategies as st

from payments import identifiers as numbers

bodies = st.integers(0, 10**10 - 1)


@given(bodies)
def test_a_number_with_its_check_digits_is_valid(body: int) -> None:
    number = numbers.with_check_digits(body)
    assert len(number) == 12
    assert numbers.is_account_number(number)


@given(bodies, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_shows(body: int, place: int, shift: int) -> None:
    number = numbers.with_check_digits(body)
    digit = (int(number[place]) + shift) % 10
    assert not numbers.is_account_number(f"{number[:place]}{digit}{number[place + 1 :]}")


@given(bodies, st.integers(0, 10))
def test_two_swapped_neighbours_show(body: int, place: int) -> None:
    number = numbers.with_check_digits(body)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or not numbers.is_account_number(swapped)


def test_other_texts_are_no_numbers() -> None:
    good = numbers.with_check_digits(1234567890)
    for text in ("", good + " ", good[:-1], "１" + good[1:], "acc_" + good):  # noqa: RUF001 - full-width on purpose
        assert not numbers.is_account_number(text)


def test_an_id_is_made_from_its_number_alone() -> None:
    number = numbers.with_check_digits(1234567890)
    assert numbers.account_id(number) == numbers.account_id(number)
    assert numbers.account_id(number).startswith("acc_")
    assert numbers.is_account_id(numbers.account_id(number))
    assert numbers.account_id(number) != numbers.account_id(numbers.with_check_digits(1))


@given(st.text(max_size=60), st.integers(0, 3))
def test_drawn_numbers_are_valid_and_never_a_system_accounts(seed: str, attempt: int) -> None:
    number = numbers.draw(seed, attempt)
    assert numbers.is_account_number(number)
    assert not number.startswith("0")
    assert numbers.draw(seed, attempt) == number
    assert numbers.draw(seed, attempt + 1) != number


def test_clearing_numbers_are_system_numbers() -> None:
    assert numbers.clearing_number(840).startswith("0000000840")
    assert numbers.is_account_number(numbers.clearing_number(840))
