"""Making the red document of a blue invoice: all of it, all that is left, or chosen lines, quantities, amounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ledger.domain.capitals import write_capitals
from ledger.domain.checks import LINE_PRODUCT_TOLERANCE_FEN
from ledger.domain.credits import LineLeft, lines_left
from ledger.domain.decimals import FEN_PER_YUAN, SCALE, canonical_decimal, scaled, unscaled
from ledger.domain.errors import DocumentError
from ledger.domain.fields import Problems
from ledger.domain.invoice import (
    AMOUNT_FEN_MAX,
    LINES_MAX,
    InvoiceColour,
    InvoiceDocument,
    Line,
    LineNature,
    OriginalInvoice,
)
from ledger.domain.problems import problem
from ledger.domain.red_checks import check_red
from ledger.domain.slips import RedReason

NOTE_PREFIX = "被红冲蓝字数电发票号码："  # as national red invoices print it; files of them are read by it


@dataclass(frozen=True, slots=True)
class Credit:
    """Part of one blue line to be credited, in positive figures.

    `line` counts from 1. `quantity` is a decimal text, "" for money alone. Without `net_fen` the quantity's share of
    what is left is credited, without both all that is left; without `tax_fen` the tax that goes with the net.
    """

    line: int
    quantity: str = ""
    net_fen: int | None = None
    tax_fen: int | None = None


def red_of(
    blue: InvoiceDocument,
    *,
    reason: RedReason,
    parts: Sequence[Credit] | None = None,
    earlier_reds: Sequence[InvoiceDocument] = (),
    issued_on: date | None = None,
    slip: str = "",
) -> InvoiceDocument:
    """Draft of the red document that credits `parts` of `blue`; None credits all that `earlier_reds` left.

    The whole of an untouched invoice is credited as its mirror, line by line. `with_number` makes the document to be
    signed of the draft. Paths of problems are those of the red document: credit i is `lines.i`.

    Raises: DocumentError with every problem found.
    """
    if blue.colour is InvoiceColour.RED:
        raise DocumentError([problem("original", "red_of_red")])
    if blue.is_draft:
        raise DocumentError([problem("original", "missing")])
    if parts is None and not earlier_reds:
        lines = tuple(_negated(line) for line in blue.lines)
    else:
        left = lines_left(blue, earlier_reds)
        lines = _credited_lines(blue, left, parts, with_goods=reason is not RedReason.ALLOWANCE)
    net_fen, tax_fen = sum(line.net_fen for line in lines), sum(line.tax_fen for line in lines)
    gross_fen = net_fen + tax_fen
    red = replace(
        blue,
        lines=lines,
        net_fen=net_fen,
        tax_fen=tax_fen,
        gross_fen=gross_fen,
        number="",
        issued_on=issued_on,
        gross_in_words=write_capitals(gross_fen) if abs(gross_fen) <= AMOUNT_FEN_MAX else "",
        note=f"{NOTE_PREFIX}{blue.number}",
        colour=InvoiceColour.RED,
        original=OriginalInvoice("", blue.number),
        red_reason=reason,
        red_slip=slip,
    )
    found = check_red(red, blue, earlier_reds)
    if found:
        raise DocumentError(found)
    return red


def _negated(line: Line) -> Line:
    return replace(line, net_fen=-line.net_fen, tax_fen=-line.tax_fen, quantity=_negative(line.quantity), blue_line=0)


def _negative(quantity: str) -> str:
    return unscaled(-scaled(quantity)) if quantity else ""


def _credited_lines(
    blue: InvoiceDocument, left: dict[int, LineLeft], parts: Sequence[Credit] | None, *, with_goods: bool
) -> tuple[Line, ...]:
    """Red lines of the credits, or of all that is left.

    Raises: DocumentError for what cannot become a line; amounts are left to the checks.
    """
    if parts is None:
        rest = [_rest(line, with_goods=with_goods) for line in left.values() if not line.is_used_up]
        if not rest:
            raise DocumentError([problem("lines", "red_nothing")])
        return tuple(_red_line(credit, left[credit.line], index) for index, credit in enumerate(rest))
    problems = Problems()
    if len(parts) > LINES_MAX:
        problems.add("lines", "too_many_lines", count=len(parts), limit=LINES_MAX)
    lines = []
    for index, credit in enumerate(parts[:LINES_MAX]):
        path = f"lines.{index}"
        if not 1 <= credit.line <= len(blue.lines):
            values = {"given": credit.line, "expected": len(blue.lines)}
            problems.add(f"{path}.blue_line", "red_line_unknown", **values)
        elif credit.line not in left:
            problems.add(f"{path}.blue_line", "red_line_discount", given=credit.line, expected=credit.line - 1)
        elif credit.quantity and canonical_decimal(credit.quantity) is None:
            problems.add(f"{path}.quantity", "decimal_form")
        else:
            lines.append(_red_line(credit, left[credit.line], index))
    if not lines and not problems:
        problems.add("lines", "lines_missing")
    if problems:
        raise DocumentError(problems.all())
    return tuple(lines)


def _rest(left: LineLeft, *, with_goods: bool) -> Credit:
    goods = with_goods and left.quantity is not None and left.quantity > 0
    return Credit(left.number, quantity=unscaled(left.quantity or 0) if goods else "")


def _red_line(credit: Credit, left: LineLeft, index: int) -> Line:
    quantity = scaled(canonical_decimal(credit.quantity) or "0")
    net_fen = credit.net_fen if credit.net_fen is not None else _net_share_fen(left, quantity)
    tax_fen = credit.tax_fen if credit.tax_fen is not None else left.tax_share_fen(net_fen)
    return replace(
        left.line,
        net_fen=-net_fen,
        tax_fen=-tax_fen,
        quantity=unscaled(-quantity) if quantity else "",
        price=_price(left.line.price, quantity, net_fen),
        nature=LineNature.NORMAL,
        blue_line=0 if credit.line == index + 1 else credit.line,
    )


def _net_share_fen(left: LineLeft, quantity: int) -> int:
    """Net that goes with a quantity of what is left, rounded half up; all of it with all of the goods or none named."""
    if not quantity or not left.quantity or quantity == left.quantity:
        return left.net_fen
    return (2 * left.net_fen * quantity + left.quantity) // (2 * left.quantity)


def _price(blue_price: str, quantity: int, net_fen: int) -> str:
    """The blue line's price where quantity x price still is the net, else the price that the credit comes to.

    After a discount or an allowance the goods cost less than printed. "" for money alone.
    """
    if quantity <= 0 or not blue_price:
        return ""
    if _is_product(quantity, scaled(blue_price), net_fen):
        return blue_price
    price = (2 * net_fen * SCALE * SCALE + FEN_PER_YUAN * quantity) // (2 * FEN_PER_YUAN * quantity)
    text = canonical_decimal(unscaled(price))
    return text if text is not None and _is_product(quantity, price, net_fen) else ""


def _is_product(quantity: int, price: int, net_fen: int) -> bool:
    off = abs(quantity * price * FEN_PER_YUAN - net_fen * SCALE * SCALE)
    return off <= LINE_PRODUCT_TOLERANCE_FEN * SCALE * SCALE
