"""What is left to credit of a blue invoice, line by line, after the reds it had.

A discounted line and its discount count as one: what can be credited is what was charged. Left amounts are positive.
A red line's share of the tax is reckoned on what is left, so that after any number of partial reds the last one takes
exactly the rest, to the fen, whatever the blue line's rounding was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ledger.domain.checks import LINE_TAX_TOLERANCE_FEN, UNTAXED
from ledger.domain.decimals import scaled
from ledger.domain.errors import DocumentError
from ledger.domain.invoice import InvoiceDocument, Line, LineNature, RateMark
from ledger.domain.problems import problem

_BP = 10_000


@dataclass(frozen=True, slots=True)
class LineLeft:
    """What is left to credit of one blue line, its discount taken off.

    `number` counts from 1; `line` is the blue line as printed; amounts in fen; `quantity` times 10^13, None where the
    blue line prints none.
    """

    number: int
    line: Line
    net_fen: int
    tax_fen: int
    quantity: int | None

    @property
    def is_used_up(self) -> bool:
        """Whether no money is left."""
        return self.net_fen <= 0 and self.tax_fen <= 0

    def less(self, net_fen: int, tax_fen: int, quantity: int) -> LineLeft:
        """What is left after a credit of these positive figures; negative where that was too much."""
        left = None if self.quantity is None else self.quantity - quantity
        return replace(self, net_fen=self.net_fen - net_fen, tax_fen=self.tax_fen - tax_fen, quantity=left)

    def tax_share_fen(self, net_fen: int) -> int:
        """Tax that goes with crediting `net_fen` of what is left: its proportion, and all of it with all of the net.

        Bent where a blue line lies at the edge of the tolerance, so that the red line and the rest stay inside it.
        """
        if net_fen == self.net_fen:
            return self.tax_fen
        if self.line.rate_mark in UNTAXED or net_fen <= 0 or self.net_fen <= 0:
            return 0
        share = (2 * self.tax_fen * net_fen + self.net_fen) // (2 * self.net_fen)
        if net_fen > self.net_fen:
            return share
        most = min(_tax_most(self.line, net_fen), self.tax_fen - _tax_least(self.line, self.net_fen - net_fen))
        least = max(_tax_least(self.line, net_fen), self.tax_fen - _tax_most(self.line, self.net_fen - net_fen))
        return min(max(share, least, 0), most, self.tax_fen)

    def is_creditable(self) -> bool:
        """Whether a later red can take the rest exactly: no tax without net, and tax within the tolerance."""
        if self.net_fen == 0:
            return self.tax_fen == 0
        return _tax_least(self.line, self.net_fen) <= self.tax_fen <= _tax_most(self.line, self.net_fen)


def lines_left(blue: InvoiceDocument, earlier_reds: Iterable[InvoiceDocument] = ()) -> dict[int, LineLeft]:
    """What is left of each line by its number from 1; a discount line has no entry of its own.

    Raises: DocumentError when an earlier red credits another invoice or a line that is not there.
    """
    left: dict[int, LineLeft] = {}
    for index, line in enumerate(blue.lines):
        if line.nature is LineNature.DISCOUNT:
            left[index] = left[index].less(-line.net_fen, -line.tax_fen, 0)
        else:
            quantity = scaled(line.quantity) if line.quantity else None
            left[index + 1] = LineLeft(index + 1, line, line.net_fen, line.tax_fen, quantity)
    for red in earlier_reds:
        if red.original is None or red.original.key != blue.number_key:
            given = red.original.number if red.original is not None else ""
            raise DocumentError([problem("original", "red_other_blue", given=given, expected=blue.number)])
        _take(left, red, blue)
    return left


def blue_line_number(index: int, line: Line) -> int:
    """Number, from 1, of the blue line that a red line at `index` credits."""
    return line.blue_line or index + 1


def credited_line(blue: InvoiceDocument, number: int) -> int:
    """Number of the line that a credit of blue line `number` counts against: for a discount, the line it discounts."""
    return number - 1 if blue.lines[number - 1].nature is LineNature.DISCOUNT else number


def goods_quantity(line: Line) -> int:
    """Quantity a red line credits, times 10^13 and positive; a discount takes off money, never goods."""
    return -scaled(line.quantity) if line.quantity and line.nature is not LineNature.DISCOUNT else 0


def _take(left: dict[int, LineLeft], red: InvoiceDocument, blue: InvoiceDocument) -> None:
    for index, line in enumerate(red.lines):
        number = blue_line_number(index, line)
        if number > len(blue.lines):
            path = f"lines.{index}.blue_line"
            raise DocumentError([problem(path, "red_line_unknown", given=number, expected=len(blue.lines))])
        number = credited_line(blue, number)
        left[number] = left[number].less(-line.net_fen, -line.tax_fen, goods_quantity(line))


def _tax_most(line: Line, net_fen: int) -> int:
    """Largest tax a line of this rate and net can have, fen."""
    if line.rate_mark in UNTAXED:
        return 0
    if line.rate_mark is RateMark.DIFFERENCE and not line.rate_bp:
        return net_fen + LINE_TAX_TOLERANCE_FEN
    return (net_fen * line.rate_bp + LINE_TAX_TOLERANCE_FEN * _BP) // _BP


def _tax_least(line: Line, net_fen: int) -> int:
    """Smallest tax a line of this rate and net can have, fen."""
    if line.rate_mark is not RateMark.RATE:
        return 0
    return max(0, -((LINE_TAX_TOLERANCE_FEN * _BP - net_fen * line.rate_bp) // _BP))
