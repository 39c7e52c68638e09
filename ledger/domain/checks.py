"""Checks of a document whose shape is right: identifiers, arithmetic, what issuing asks for besides.

All arithmetic is on integers: amounts in fen, rates in basis points (1/10,000), so net x rate is exact in
1/10,000 fen; quantity x price is exact in 10^-26. Source of the tolerances: docs/FORMATS.md, "Arithmetic".
"""

from __future__ import annotations

from ledger.domain.capitals import read_capitals, write_capitals
from ledger.domain.decimals import FEN_PER_YUAN, SCALE, format_yuan, scaled
from ledger.domain.errors import CapitalsError
from ledger.domain.fields import Problems
from ledger.domain.identifiers import tax_code_problem, tax_id_problem
from ledger.domain.invoice import InvoiceColour, InvoiceDocument, InvoiceKind, Line, LineNature, RateMark
from ledger.domain.numbers import is_ledger_number

LINE_TAX_TOLERANCE_FEN = 6  # |net x rate - tax| of a line; largest on real lines 0.52 fen
LINE_PRODUCT_TOLERANCE_FEN = 1  # |quantity x price - net|; largest on real lines 0.495 fen
DOCUMENT_TAX_TOLERANCE_FEN = 127  # the lines' tax errors added up
RATES_IN_FORCE_BP = (1300, 900, 600, 500, 300, 150, 100, 50)
"""Rates a line can be issued with, besides 0 with its mark; older invoices carry others and are read all the same."""

_BP = 10_000
_LINE_ARITHMETIC = ("net_fen", "rate_bp", "tax_fen", "quantity", "price", "rate_mark", "nature")
UNTAXED = frozenset({RateMark.EXEMPT, RateMark.NOT_TAXABLE, RateMark.ZERO})


def identifier_problems(document: InvoiceDocument, problems: Problems) -> None:
    """Note wrong tax ids and tax classification codes."""
    if not document.seller.tax_id and problems.paths().isdisjoint({"seller", "seller.tax_id"}):
        problems.add("seller.tax_id", "tax_id_missing")
    for path, tax_id in (("seller.tax_id", document.seller.tax_id), ("buyer.tax_id", document.buyer.tax_id)):
        code = tax_id_problem(tax_id) if tax_id else None
        if code is not None:
            problems.add(path, code, count=len(tax_id))
    for index, line in enumerate(document.lines):
        code = tax_code_problem(line.tax_code) if line.tax_code else None
        if code is not None:
            problems.add(f"lines.{index}.tax_code", code)


def arithmetic_problems(document: InvoiceDocument, problems: Problems) -> None:
    """Note lines, totals, words and signs that do not agree.

    What depends on a field already noted is left out: a wrong type is not also a wrong sum.
    """
    noted = problems.paths()
    if noted.isdisjoint({"colour", "gross_fen", "original", "original.code", "original.number"}):
        _check_colour(document, problems)
    lines_sound = "lines" not in noted
    for index, line in enumerate(document.lines):
        path = f"lines.{index}"
        if noted and not _is_sound(path, noted):
            lines_sound = False
            continue
        if "colour" not in noted:
            _check_line_signs(line, path, problems, red=document.colour is InvoiceColour.RED)
        _check_line_tax(line, path, problems)
        _check_line_product(line, path, problems)
    if lines_sound:
        _check_discounts(document.lines, problems)
        if document.lines and noted.isdisjoint({"net_fen", "tax_fen"}):
            _check_totals(document, problems)
    if noted.isdisjoint({"net_fen", "tax_fen", "gross_fen"}):
        gross_fen = document.net_fen + document.tax_fen
        if document.gross_fen != gross_fen:
            _note_difference("gross_fen", "total_gross", document.gross_fen, gross_fen, problems)
    if document.gross_in_words and "gross_fen" not in noted:
        _check_words(document, problems)


def issue_problems(document: InvoiceDocument, problems: Problems) -> None:
    """Note what keeps a parsed document from being issued here."""
    noted = problems.paths()
    if document.colour is InvoiceColour.RED:
        problems.add("colour", "red_not_issued")
    elif document.gross_fen == 0 and "gross_fen" not in noted:
        problems.add("gross_fen", "gross_zero")
    elif document.net_fen <= 0 < document.gross_fen and noted.isdisjoint({"net_fen", "gross_fen"}):
        problems.add("net_fen", "net_zero")  # the contract takes a tax only below the gross
    if not document.lines and "lines" not in noted:
        problems.add("lines", "lines_missing")
    if document.number and "number" not in noted and not is_ledger_number(int(document.number)):
        problems.add("number", "number_not_ours")
    buyer_sound = noted.isdisjoint({"buyer", "buyer.tax_id"})
    if document.kind is InvoiceKind.SPECIAL and not document.buyer.tax_id and buyer_sound:
        problems.add("buyer.tax_id", "buyer_tax_id_missing")
    if document.buyer.tax_id and document.buyer.tax_id == document.seller.tax_id and buyer_sound:
        problems.add("buyer.tax_id", "buyer_is_seller")  # no sale, and nothing to deduct
    for index, line in enumerate(document.lines):
        if line.rate_bp and line.rate_bp not in RATES_IN_FORCE_BP:
            choices = ", ".join(f"{format_yuan(rate)} %" for rate in RATES_IN_FORCE_BP)
            problems.add(f"lines.{index}.rate_bp", "rate_unknown", given=format_yuan(line.rate_bp), choices=choices)


def _is_sound(path: str, noted: frozenset[str]) -> bool:
    return path not in noted and all(f"{path}.{key}" not in noted for key in _LINE_ARITHMETIC)


def _check_colour(document: InvoiceDocument, problems: Problems) -> None:
    red = document.colour is InvoiceColour.RED
    if (document.gross_fen >= 0) if red else (document.gross_fen < 0):
        problems.add("gross_fen", "colour_sign", colour=document.colour.value, colour_zh="红字" if red else "蓝字")
    if red and document.original is None:
        problems.add("original", "original_missing")
    if red:
        return
    if document.original is not None:
        problems.add("original", "original_unexpected")
    for key in ("red_reason", "red_slip"):
        if getattr(document, key):
            problems.add(key, "red_only")
    for index, line in enumerate(document.lines):
        if line.blue_line:
            problems.add(f"lines.{index}.blue_line", "red_only")


def _check_line_signs(line: Line, path: str, problems: Problems, *, red: bool) -> None:
    """Blue lines are positive and discounts negative; in a red document the other way round. Prices never are."""
    negative = red != (line.nature is LineNature.DISCOUNT)
    words = {"sign": "negative", "sign_zh": "负数"} if negative else {"sign": "positive", "sign_zh": "正数"}
    amounts = {"net_fen": line.net_fen, "tax_fen": line.tax_fen}
    if line.quantity:
        amounts["quantity"] = scaled(line.quantity)
    for key, amount in amounts.items():
        if (amount > 0) if negative else (amount < 0):
            problems.add(f"{path}.{key}", "line_sign", **words)
    if line.price.startswith("-"):
        problems.add(f"{path}.price", "price_sign")


def _check_line_tax(line: Line, path: str, problems: Problems) -> None:
    if line.rate_mark in UNTAXED:
        if line.rate_bp or line.tax_fen:
            problems.add(path, "mark_forbids_rate", mark=line.rate_mark.value)
        return
    exact = line.net_fen * line.rate_bp
    if line.rate_mark is RateMark.DIFFERENCE:
        # The rate may be printed `***` and so be unknown; then the tax is at most the net itself.
        limit = abs(exact) if line.rate_bp else abs(line.net_fen) * _BP
        if abs(line.tax_fen) * _BP > limit + LINE_TAX_TOLERANCE_FEN * _BP:
            _note_difference(f"{path}.tax_fen", "difference_tax", line.tax_fen, limit // _BP, problems)
        return
    if line.rate_bp == 0:
        problems.add(f"{path}.rate_bp", "rate_needs_mark")
    if abs(exact - line.tax_fen * _BP) > LINE_TAX_TOLERANCE_FEN * _BP:
        _note_difference(f"{path}.tax_fen", "line_tax", line.tax_fen, _rounded_fen(exact), problems)


def _check_line_product(line: Line, path: str, problems: Problems) -> None:
    if not line.quantity or not line.price:
        return
    exact = scaled(line.quantity) * scaled(line.price) * FEN_PER_YUAN
    if abs(exact - line.net_fen * SCALE * SCALE) > LINE_PRODUCT_TOLERANCE_FEN * SCALE * SCALE:
        problems.add(f"{path}.net_fen", "line_product", given=format_yuan(line.net_fen))


def _check_discounts(lines: tuple[Line, ...], problems: Problems) -> None:
    """A discount line comes right after the line it discounts, has its rate, and takes away no more than it."""
    before: Line | None = None
    for index, line in enumerate(lines):
        if line.nature is LineNature.DISCOUNT:
            if before is None or before.nature is not LineNature.DISCOUNTED:
                problems.add(f"lines.{index}.nature", "discount_alone")
            else:
                _check_discount(line, before, f"lines.{index}", problems)
        elif before is not None and before.nature is LineNature.DISCOUNTED:
            problems.add(f"lines.{index - 1}.nature", "discount_missing")
        before = line
    if before is not None and before.nature is LineNature.DISCOUNTED:
        problems.add(f"lines.{len(lines) - 1}.nature", "discount_missing")


def _check_discount(line: Line, discounted: Line, path: str, problems: Problems) -> None:
    for key, amount, limit in (
        ("net_fen", line.net_fen, discounted.net_fen),
        ("tax_fen", line.tax_fen, discounted.tax_fen),
    ):
        if abs(amount) > abs(limit):
            _note_difference(f"{path}.{key}", "discount_too_large", abs(amount), abs(limit), problems)
    if (line.rate_bp, line.rate_mark) != (discounted.rate_bp, discounted.rate_mark):
        problems.add(f"{path}.rate_bp", "discount_rate")


def _check_totals(document: InvoiceDocument, problems: Problems) -> None:
    net_fen = sum(line.net_fen for line in document.lines)
    tax_fen = sum(line.tax_fen for line in document.lines)
    if document.net_fen != net_fen:
        _note_difference("net_fen", "total_net", document.net_fen, net_fen, problems)
    if document.tax_fen != tax_fen:
        _note_difference("tax_fen", "total_tax", document.tax_fen, tax_fen, problems)
    if document.colour is InvoiceColour.RED:
        # Returned may be just those lines of a long invoice that were all rounded up: held line by line alone.
        return
    # Errors are added with their signs: half a fen up and half a fen down is no error of the document. Added without
    # signs, an honestly rounded invoice of more than about 500 lines would be refused.
    error = sum(line.net_fen * line.rate_bp - line.tax_fen * _BP for line in document.lines if _is_rated(line))
    if abs(error) > DOCUMENT_TAX_TOLERANCE_FEN * _BP:
        problems.add("tax_fen", "tax_error_sum", given=format_yuan(_rounded_fen(abs(error))))


def _is_rated(line: Line) -> bool:
    return line.rate_mark is RateMark.RATE


def _check_words(document: InvoiceDocument, problems: Problems) -> None:
    expected = write_capitals(document.gross_fen)
    try:
        fen = read_capitals(document.gross_in_words)
    except CapitalsError:
        problems.add("gross_in_words", "words_unreadable", expected=expected)
        return
    if fen != document.gross_fen:
        _note_difference("gross_in_words", "words_differ", fen, document.gross_fen, problems)


def _rounded_fen(ten_thousandths: int) -> int:
    """Fen of 1/10,000 fen, half away from zero; for messages only."""
    rounded = (abs(ten_thousandths) + _BP // 2) // _BP
    return -rounded if ten_thousandths < 0 else rounded


def _note_difference(path: str, code: str, given_fen: int, expected_fen: int, problems: Problems) -> None:
    problems.add(path, code, given=format_yuan(given_fen), expected=format_yuan(expected_fen))
