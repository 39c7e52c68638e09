"""One row of a sheet as the line of a draft: words, rates and amounts, the missing amounts computed.

Amounts are integer fen. Computed ones are rounded half away from zero, as on paper: net of the amount with tax or of
quantity x price, tax of net x rate. What the row states is never changed, only checked.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from ledger.domain.checks import LINE_PRODUCT_TOLERANCE_FEN, RATES_IN_FORCE_BP
from ledger.domain.decimals import FEN_PER_YUAN, SCALE, canonical_decimal, format_yuan, parse_yuan, scaled
from ledger.domain.errors import FieldProblem
from ledger.domain.invoice import AMOUNT_FEN_MAX, RATE_BP_MAX, LineNature, RateMark
from ledger.domain.problems import problem
from ledger.formats.errors import format_problem
from ledger.formats.numerals import plain_number
from ledger.formats.sheets_columns import MARK_WORDS, NATURE_WORDS, plain_name
from ledger.formats.xml_fields import STARS
from verifier.canonical import Json

_UNTAXED = (RateMark.EXEMPT, RateMark.NOT_TAXABLE, RateMark.ZERO)
_TEXTS = ("name", "tax_code", "specification", "unit")

Note = Callable[[str, FieldProblem], None]
"""Called with the key of a column and what is wrong there."""


def read_line(cells: dict[str, str], note: Note) -> dict[str, Json]:
    """Plain values of a line from the texts of a row by column; `nature` only where the row states it.

    After a problem is noted the line has neutral values, which are not to be checked further.
    """
    line: dict[str, Json] = {key: cells[key] for key in _TEXTS if cells.get(key)}
    gross_price = ""
    for key in ("quantity", "price", "gross_price"):
        text = plain_number(cells.get(key, ""))
        if text:
            decimal = canonical_decimal(text)
            if key == "gross_price":
                gross_price = decimal or ""
            else:
                line[key] = decimal or ""
            if decimal is None:
                note(key, format_problem("", "cell_decimal"))
    rate_bp, mark = _rate(cells, note)
    line["rate_bp"] = rate_bp
    if mark is not RateMark.RATE:
        line["rate_mark"] = mark.value
    net_fen, tax_fen = _amounts(cells, line, gross_price, rate_bp, mark, note)
    line["net_fen"], line["tax_fen"] = net_fen, tax_fen
    word = cells.get("nature", "")
    if word:
        nature = NATURE_WORDS.get(plain_name(word))
        if nature is None:
            note("nature", format_problem("", "cell_choice", choices="正常 normal, 被折扣 discounted, 折扣 discount"))
        line["nature"] = (nature or LineNature.NORMAL).value
    return line


def read_share(text: str) -> int | None:
    """Basis points of 13%, 0.13 or 13; None for another text.

    A bare number is a share or a percentage: the rates in force as shares (0.13) and as percentages (13, 0.5) have no
    number in common, so the one that is in force is meant. A bare number that is neither is refused.
    """
    if text.endswith("%"):
        canonical = canonical_decimal(text[:-1].strip())
        return None if canonical is None else _basis_points(canonical, FEN_PER_YUAN)
    canonical = canonical_decimal(text)
    if canonical is None:
        return None
    for factor in (RATE_BP_MAX, FEN_PER_YUAN):
        rate_bp = _basis_points(canonical, factor)
        if rate_bp == 0 or rate_bp in RATES_IN_FORCE_BP:
            return rate_bp
    return None


def divided(amount: int, divisor: int) -> int:
    """amount / divisor, rounded half away from zero; the divisor is positive."""
    rounded = (2 * abs(amount) + divisor) // (2 * divisor)
    return -rounded if amount < 0 else rounded


def _basis_points(canonical: str, factor: int) -> int | None:
    rate_bp, finer = divmod(scaled(canonical) * factor, SCALE)
    return None if finer or not 0 <= rate_bp <= RATE_BP_MAX else rate_bp


def _rate(cells: dict[str, str], note: Note) -> tuple[int, RateMark]:
    """Rate and mark of the two columns, either of which may name the mark."""
    text, word = unicodedata.normalize("NFKC", cells.get("rate", "")), cells.get("rate_mark", "")
    stated = MARK_WORDS.get(plain_name(word)) if word else None
    if word and stated is None:
        note(
            "rate_mark",
            format_problem("", "cell_choice", choices="免税 exempt, 不征税 not_taxable, 零税率 zero, 差额 difference"),
        )
    in_rate = MARK_WORDS.get(plain_name(text)) if text else None
    if in_rate is not None:
        if stated is not None and stated is not in_rate:
            note("rate_mark", format_problem("", "row_rate_differs"))
        return 0, in_rate
    mark = stated or RateMark.RATE
    if text in ("", STARS):
        if mark is RateMark.RATE and not word:
            note("rate", problem("", "text_empty") if not text else format_problem("", "cell_rate"))
        return 0, mark
    rate_bp = read_share(text)
    if rate_bp is None:
        note("rate", format_problem("", "cell_rate"))
        return 0, mark
    if rate_bp and mark in _UNTAXED:
        note("rate_mark", format_problem("", "row_rate_differs"))
    return rate_bp, mark


def _amounts(
    cells: dict[str, str], line: dict[str, Json], gross_price: str, rate_bp: int, mark: RateMark, note: Note
) -> tuple[int, int]:
    """Net and tax in fen. `gross_price` is the price with tax or ""; times the quantity it is the gross."""
    unreadable = False
    stated: dict[str, int | None] = {}
    for key in ("net", "tax", "gross"):
        text = plain_number(cells.get(key, ""))
        if key == "tax" and text == STARS:
            text = ""  # how a tax of nothing is printed
        fen = parse_yuan(text) if text else None
        if text and fen is None:
            note(key, format_problem("", "cell_amount"))
            unreadable = True
        stated[key] = fen
    if unreadable:
        return 0, 0
    net_fen, tax_fen, gross_fen = stated["net"], stated["tax"], stated["gross"]
    at_gross_price = _product(line.get("quantity"), gross_price)
    if gross_fen is None and net_fen is None:
        gross_fen = at_gross_price
    if mark is RateMark.DIFFERENCE and tax_fen is None:
        note("tax", problem("", "text_empty"))
        return 0, 0
    if mark in _UNTAXED and tax_fen is None:
        tax_fen = 0
    if net_fen is None:
        net_fen = _net(line, rate_bp, tax_fen, gross_fen)
    if net_fen is None or abs(net_fen) > AMOUNT_FEN_MAX:
        note("net", format_problem("", "row_amount_missing" if net_fen is None else "cell_amount"))
        return 0, 0
    if tax_fen is None:
        tax_fen = divided(net_fen * rate_bp, RATE_BP_MAX) if gross_fen is None else gross_fen - net_fen
    if gross_fen is not None and gross_fen != net_fen + tax_fen:
        given, expected = format_yuan(gross_fen), format_yuan(net_fen + tax_fen)
        note("gross", format_problem("", "row_gross_differs", given=given, expected=expected))
    elif at_gross_price is not None and abs(at_gross_price - net_fen - tax_fen) > LINE_PRODUCT_TOLERANCE_FEN:
        given, expected = format_yuan(at_gross_price), format_yuan(net_fen + tax_fen)
        note("gross_price", format_problem("", "row_gross_differs", given=given, expected=expected))
    return net_fen, tax_fen


def _net(line: dict[str, Json], rate_bp: int, tax_fen: int | None, gross_fen: int | None) -> int | None:
    """Net that is not stated: of the amount with tax, else of quantity x price; None when neither is there."""
    if gross_fen is not None:
        return divided(gross_fen * RATE_BP_MAX, RATE_BP_MAX + rate_bp) if tax_fen is None else gross_fen - tax_fen
    return _product(line.get("quantity"), line.get("price"))


def _product(quantity: Json, price: Json) -> int | None:
    """Fen of quantity x price; None where one of them is not stated."""
    if not (isinstance(quantity, str) and isinstance(price, str) and quantity and price):
        return None
    return divided(scaled(quantity) * scaled(price) * FEN_PER_YUAN, SCALE * SCALE)
