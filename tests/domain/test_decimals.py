from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.decimals import SCALE, canonical_decimal, format_yuan, parse_yuan, scaled, unscaled

PLAIN = st.decimals(min_value=-(10**15) + 1, max_value=10**15 - 1, places=13).map(lambda number: f"{number:f}")


@given(PLAIN)
def test_canonical_form_keeps_the_value_and_is_stable(text: str) -> None:
    canonical = canonical_decimal(text)
    assert canonical is not None
    assert Fraction(canonical) == Fraction(text)
    assert canonical_decimal(canonical) == canonical
    assert Fraction(scaled(canonical), SCALE) == Fraction(text)
    assert unscaled(scaled(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("007.50", "7.5"), ("0.00", "0"), ("-0", "0"), ("-0.10", "-0.1"), ("1", "1"), ("500.000", "500")],
)
def test_zeros_are_dropped(text: str, canonical: str) -> None:
    assert canonical_decimal(text) == canonical


@pytest.mark.parametrize(
    "text",
    ["", "-", ".5", "5.", "1e3", "+1", " 1", "1,000", "NaN", "١", "1.12345678901234", "1" * 16, "--1", "0x1", "1_0"],
)
def test_other_texts_have_no_canonical_form(text: str) -> None:
    assert canonical_decimal(text) is None


@given(st.integers(-(10**14), 10**14))
def test_yuan_and_fen_are_inverse(fen: int) -> None:
    assert parse_yuan(format_yuan(fen)) == fen
    assert Decimal(format_yuan(fen)) * 100 == fen


def test_amounts_finer_than_a_fen_are_refused() -> None:
    assert parse_yuan("0.120000") == 12
    assert parse_yuan("-0.12") == -12
    assert parse_yuan("0.121") is None
    assert parse_yuan("-0.001") is None
