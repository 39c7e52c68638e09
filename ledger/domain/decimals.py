"""Decimal texts: price and quantity with up to 13 decimals, kept as text and computed as integers.

No float and no rounding: a decimal is scaled by 10^13 into an integer, and products are compared there.
"""

from __future__ import annotations

import re

DECIMAL_PLACES_MAX = 13  # real price columns carry up to 13 decimals
INTEGER_DIGITS_MAX = 15  # more than a quadrillion of anything is a misread column
SCALE: int = 10**DECIMAL_PLACES_MAX
FEN_PER_YUAN = 100

_PLAIN = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,20}))?", re.ASCII)


def canonical_decimal(text: str) -> str | None:
    """The one text of a plain decimal: no leading or trailing zeros, no `-0`; None for any other text.

    Plain means ASCII digits with an optional minus and point: no exponent, separators, plus or blanks. At most
    15 digits before the point and, trailing zeros aside, 13 after it. `canonical_decimal` of its result is the same.
    """
    match = _PLAIN.fullmatch(text)
    if match is None:
        return None
    sign, whole, places = match.group(1), match.group(2).lstrip("0") or "0", (match.group(3) or "").rstrip("0")
    if len(places) > DECIMAL_PLACES_MAX:
        return None
    number = f"{whole}.{places}" if places else whole
    return number if number == "0" else sign + number


def scaled(text: str) -> int:
    """A canonical decimal times 10^13, exactly."""
    negative = text.startswith("-")
    whole, _, places = text.lstrip("-").partition(".")
    magnitude: int = int(whole) * SCALE + int(places.ljust(DECIMAL_PLACES_MAX, "0"))
    return -magnitude if negative else magnitude


def unscaled(value: int) -> str:
    """The canonical decimal of a number times 10^13: the inverse of `scaled`."""
    whole, places = divmod(abs(value), SCALE)
    text = f"{whole}.{places:0{DECIMAL_PLACES_MAX}d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 else text


def format_yuan(fen: int) -> str:
    """Yuan with two decimals of integer fen: -265000 is `-2650.00`."""
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{yuan}.{rest:02d}"


def parse_yuan(text: str) -> int | None:
    """Fen of a plain decimal in yuan, exactly; None for other texts and for amounts finer than a fen."""
    canonical = canonical_decimal(text)
    if canonical is None:
        return None
    fen, finer = divmod(scaled(canonical) * FEN_PER_YUAN, SCALE)
    return None if finer else fen
