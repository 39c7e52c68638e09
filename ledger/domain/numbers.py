"""Invoice numbers: 20 decimal digits as text, an integer on the chain.

Three families share the 20 digits and cannot meet, because their first digits differ:

    9...                 this ledger's own: code 9 + area (4) + year (2) + 09110, then 8 digits
    0..., 1...           12-digit invoice code + 8-digit number (an older 10-digit code is written 00 + code)
    2... to 8...         national 20-digit number, which starts with its year
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NewType

from ledger.domain.errors import NumberError
from verifier.words import NUMBER_SPACE_FIRST, NUMBER_SPACE_LAST, SEGMENT_BLOCK_SIZE

InvoiceNumber = NewType("InvoiceNumber", int)
"""Key of an invoice, 0..10^20 - 1; fits the 80 bits it has on the chain."""

NUMBER_DIGITS = 20
CODE_DIGITS = 12
SHORT_CODE_DIGITS = 10
PRINTED_DIGITS = 8
LEDGER_CLASS = "09110"  # general industry, class of blockchain invoices, batch 1, 1 copy, no amount limit

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_SEPARATORS = re.compile(r"[\s,\-/]+")


class NumberFamily(StrEnum):
    """Who gave a number out."""

    LEDGER = "ledger"
    CODED = "coded"
    NATIONAL = "national"


def format_number(number: int) -> str:
    """20 digits of a number.

    Raises: NumberError outside 0..10^20 - 1.
    """
    if not 0 <= number <= NUMBER_SPACE_LAST:
        raise NumberError("an invoice number has at most 20 digits", number)
    return f"{number:020d}"


def parse_number(text: str) -> InvoiceNumber:
    """Number of exactly 20 ASCII digits.

    Raises: NumberError for any other text.
    """
    if len(text) != NUMBER_DIGITS or not _DIGITS.fullmatch(text):
        raise NumberError("an invoice number is 20 digits (12-digit code + 8-digit number, or a 20-digit number)", text)
    return InvoiceNumber(int(text))


def read_number(text: str) -> InvoiceNumber:
    """Number as people write it: 20 digits, 12 + 8 or 10 + 8, split by blanks, comma, dash or slash.

    Raises: NumberError for any other text.
    """
    parts = [part for part in _SEPARATORS.split(text.strip()) if part]
    if len(parts) == 2 and len(parts[1]) == PRINTED_DIGITS:
        return join_number(parts[0], parts[1])
    whole = "".join(parts)
    if len(whole) == SHORT_CODE_DIGITS + PRINTED_DIGITS:
        return join_number(whole[:SHORT_CODE_DIGITS], whole[SHORT_CODE_DIGITS:])
    return parse_number(whole)


def join_number(code: str, printed: str) -> InvoiceNumber:
    """Number of a 12- or 10-digit code and its 8-digit number; with an empty code, of 20 digits.

    A 10-digit code gets 00 before it: no 12-digit code starts so, because no area does.

    Raises: NumberError for any other form.
    """
    if not code:
        return parse_number(printed)
    if len(code) not in (CODE_DIGITS, SHORT_CODE_DIGITS) or not _DIGITS.fullmatch(code):
        raise NumberError("an invoice code is 12 digits, or 10 on older ones", code)
    if len(printed) != PRINTED_DIGITS or not _DIGITS.fullmatch(printed):
        raise NumberError("the number beside an invoice code is 8 digits", printed)
    return parse_number(code.rjust(CODE_DIGITS, "0") + printed)


def split_number(number: int) -> tuple[str, str]:
    """(code, number) as printed: 12 or 10 and 8 digits; a national number is ("", 20 digits)."""
    text = format_number(number)
    if family_of(number) is NumberFamily.NATIONAL:
        return "", text
    code, printed = text[:CODE_DIGITS], text[CODE_DIGITS:]
    return code.removeprefix("00"), printed


def family_of(number: int) -> NumberFamily:
    """Who gave the number out, told from its first digit."""
    first = format_number(number)[0]
    if first == "9":
        return NumberFamily.LEDGER
    return NumberFamily.CODED if first in "01" else NumberFamily.NATIONAL


def is_ledger_number(number: int) -> bool:
    """Whether the number lies in this ledger's own space, 9 * 10^19 .. 10^20 - 1."""
    return NUMBER_SPACE_FIRST <= number <= NUMBER_SPACE_LAST


def ledger_code(area: str, year: int) -> str:
    """12-digit code of this ledger for a 4-digit area (4403 is Shenzhen) and a calendar year.

    Raises: NumberError when the area is not 4 digits or the year lies outside 2000..2099.
    """
    if len(area) != 4 or not _DIGITS.fullmatch(area):
        raise NumberError("an area is 4 digits, for example 4403", area)
    if not 2000 <= year <= 2099:
        raise NumberError("the code holds two digits of a year in 2000..2099", year)
    return f"9{area}{year % 100:02d}{LEDGER_CLASS}"


def block_of(number: int) -> int:
    """Block of 10,000 numbers that holds `number`: the key of the contract's segment table."""
    format_number(number)
    return number // SEGMENT_BLOCK_SIZE


def block_numbers(block: int) -> range:
    """The 10,000 numbers of a block.

    Raises: NumberError for a block outside 20-digit numbers.
    """
    first = block * SEGMENT_BLOCK_SIZE
    format_number(first)
    return range(first, first + SEGMENT_BLOCK_SIZE)
