"""Numbers as programs and people print them, brought to the plain decimals of the domain.

Only what can mean one number is taken: `1,234.50` is grouped, `12,50` is not (a comma for the point? a digit
lost?), and stays a text that no amount is read of.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from ledger.domain.decimals import DECIMAL_PLACES_MAX, canonical_decimal

NUMERAL_LENGTH_MAX = 60  # characters; longer is no number anybody prints

_MINUS = str.maketrans("−﹣", "--")
_CURRENCY = re.compile(r"(-?) ?(?:¥|CNY|RMB)? ?(-?)(.*?) ?元?", re.ASCII | re.DOTALL)
_GROUPED = re.compile(r"[0-9]{1,3}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]+)?", re.ASCII)
_SHORT = re.compile(r"[0-9]+\.|\.[0-9]+", re.ASCII)
_EXPONENT = re.compile(r"-?[0-9]{1,16}(?:\.[0-9]{1,30})?[Ee][+-]?[0-9]{1,2}", re.ASCII)
_FINE = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,40}", re.ASCII)


def plain_number(text: str) -> str:
    """`1234.50` of `¥1,234.50`, `１２３４.50`, `1 234.50元` or `-¥1,234.50`; another text without blanks around it.

    Full-width figures, the currency's sign, groups of three and a point without a figure before or after it are what
    varies. Not taken: brackets for a minus, groups of any other length, an exponent.
    """
    if len(text) > NUMERAL_LENGTH_MAX:
        return text
    normal = unicodedata.normalize("NFKC", text).translate(_MINUS).strip()
    match = _CURRENCY.fullmatch(normal)
    assert match is not None  # every part may be empty
    minus, inner_minus, number = match.groups()
    if _GROUPED.fullmatch(number):
        number = number.replace(",", "").replace(" ", "")
    elif _SHORT.fullmatch(number):
        number = f"0{number}" if number.startswith(".") else number.removesuffix(".")
    return minus + inner_minus + number


def printed_number(text: str) -> str:
    """`plain_number` of a number that a program wrote: `1.6E+4` is 16000, exactly.

    Not for what passed through a spreadsheet, which prints an exponent where it has dropped figures.
    """
    plain = plain_number(text)
    return format(Decimal(plain), "f") if _EXPONENT.fullmatch(plain) else plain


def rounded_decimal(text: str) -> str | None:
    """Canonical decimal of a number with more decimals than are kept, rounded half away from zero; None for others."""
    if canonical_decimal(text) is not None or not _FINE.fullmatch(text):
        return None
    whole, _, places = text.lstrip("-").partition(".")
    kept = int(whole + places[:DECIMAL_PLACES_MAX]) + (places[DECIMAL_PLACES_MAX] >= "5")
    digits = f"{kept:0{DECIMAL_PLACES_MAX + 1}d}"
    sign = "-" if text.startswith("-") else ""
    return canonical_decimal(f"{sign}{digits[:-DECIMAL_PLACES_MAX]}.{digits[-DECIMAL_PLACES_MAX:]}")
