from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.formats.sheets_cells import is_formula, plain_cell, safe_cell

SIGNS = "=+-@\t\r\n＝＋－＠"


@pytest.mark.parametrize("sign", list(SIGNS))
def test_cell_that_would_be_computed_becomes_text(sign: str) -> None:
    for text in (
        f'{sign}HYPERLINK("http://example.com")',
        f" {sign}1+1",
        f"\u3000{sign}cmd|' /C calc'!A0",
        f"\u200b\ufeff{sign}1",
        f"\x0b\u2003{sign}1",
    ):
        assert safe_cell(text) == "'" + text
        assert plain_cell(safe_cell(text)) == text


@pytest.mark.parametrize("text", ["", "*信息技术服务*软件维护", "1-2", "a=b", "'quoted'", "12.50", "-12.50", "-1", "'"])
def test_harmless_cell_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == plain_cell(text) == text


@pytest.mark.parametrize("text", ["-1+1", "-1.5e3", "--1", "-", "+1", "-1.", "-１"])
def test_only_a_plain_negative_number_keeps_its_sign(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize(("text", "expected"), [("=1+1", True), (" =A1", True), ("@SUM(1)", True), ("-1", False)])
def test_formula_is_told_from_a_signed_number(text: str, expected: bool) -> None:
    assert is_formula(text) is expected
    assert not is_formula(safe_cell("'=1"))


@given(st.text() | st.text(alphabet=SIGNS + "' 1.a"))
def test_any_text_comes_back_and_no_written_cell_is_computed(text: str) -> None:
    cell = safe_cell(text)
    assert plain_cell(cell) == text
    assert not is_formula(cell)
    assert cell.startswith("'") or not cell.strip(" \u00a0\u3000").startswith(("=", "+", "@", "\t", "\r", "\n", "＝"))
    file = io.StringIO(newline="")
    csv.writer(file).writerow([cell, "end"])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline="")))[0] == cell
