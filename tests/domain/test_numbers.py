from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.errors import NumberError
from ledger.domain.numbers import (
    NumberFamily,
    block_numbers,
    block_of,
    family_of,
    format_number,
    is_ledger_number,
    join_number,
    ledger_code,
    parse_number,
    read_number,
    split_number,
)

NUMBERS = st.integers(0, 10**20 - 1)


@given(NUMBERS)
def test_number_and_text_are_inverse(number: int) -> None:
    assert parse_number(format_number(number)) == number


@given(NUMBERS)
def test_split_and_join_are_inverse(number: int) -> None:
    assert join_number(*split_number(number)) == number


@given(NUMBERS)
def test_number_lies_in_its_block(number: int) -> None:
    assert number in block_numbers(block_of(number))


@pytest.mark.parametrize("text", ["", "1" * 19, "1" * 21, "１" * 20, "+" + "1" * 19, "1" * 19 + " ", "1" * 19 + "x"])
def test_other_texts_are_no_number(text: str) -> None:
    with pytest.raises(NumberError):
        parse_number(text)


@pytest.mark.parametrize("number", [-1, 10**20])
def test_number_outside_twenty_digits_is_refused(number: int) -> None:
    with pytest.raises(NumberError):
        format_number(number)
    with pytest.raises(NumberError):
        block_of(number)


@pytest.mark.parametrize(
    "text", ["144031809110 12345678", "144031809110-12345678", "144031809110,12345678", "14403180911012345678"]
)
def test_code_and_number_are_read_however_they_are_written(text: str) -> None:
    assert read_number(text) == 14403180911012345678


def test_ten_digit_code_is_told_from_a_twelve_digit_one() -> None:
    assert read_number("3100153130 12345678") == read_number("310015313012345678") == 310015313012345678
    assert split_number(310015313012345678) == ("3100153130", "12345678")


@pytest.mark.parametrize(
    ("code", "printed"), [("1440318091", "1234567"), ("14403180911", "12345678"), ("", "12345678")]
)
def test_code_or_number_of_another_length_is_refused(code: str, printed: str) -> None:
    with pytest.raises(NumberError):
        join_number(code, printed)


def test_own_numbers_are_told_from_outside_ones() -> None:
    own = int(ledger_code("4403", 2026) + "00000001")
    assert format_number(own) == "94403260911000000001"
    assert is_ledger_number(own)
    assert family_of(own) is NumberFamily.LEDGER
    assert family_of(14403180911012345678) is NumberFamily.CODED
    assert family_of(26442000000000000001) is NumberFamily.NATIONAL
    assert not is_ledger_number(9 * 10**19 - 1)
    assert is_ledger_number(9 * 10**19)


@pytest.mark.parametrize(("area", "year"), [("440", 2026), ("44x3", 2026), ("4403", 1999), ("4403", 2100)])
def test_code_of_another_area_or_year_is_refused(area: str, year: int) -> None:
    with pytest.raises(NumberError):
        ledger_code(area, year)
