"""Blue invoices for tests of red ones: a fixed one with every kind of line, and any one by hypothesis."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

from ledger.domain.document import parse_issuable
from ledger.domain.invoice import InvoiceDocument

BLUE_NUMBER = 94403260911000000001
RED_NUMBER = 94403260911000000002
DAY = date(2026, 11, 5)
SELLER = {"name": "深圳示例软件有限公司", "tax_id": "91310117759596321B"}
BUYER = {"name": "上海示例科技有限公司", "tax_id": "91310112703255042R"}

MIXED: list[dict[str, Any]] = [
    {"name": "维护", "unit": "月", "quantity": "3", "price": "100.3333333333333", "net_fen": 30100, "rate_bp": 600,
     "tax_fen": 1806},
    {"name": "键盘", "quantity": "4", "price": "50", "net_fen": 20000, "rate_bp": 1300, "tax_fen": 2600, "nature": 2},
    {"name": "键盘", "net_fen": -5000, "rate_bp": 1300, "tax_fen": -650, "nature": 1},
    {"name": "图书", "net_fen": 4500, "rate_bp": 0, "tax_fen": 0, "rate_mark": "exempt"},
    {"name": "押金", "net_fen": 700, "rate_bp": 0, "tax_fen": 0, "rate_mark": "not_taxable"},
    {"name": "出口", "net_fen": 900, "rate_bp": 0, "tax_fen": 0, "rate_mark": "zero"},
    {"name": "劳务派遣", "net_fen": 10000, "rate_bp": 500, "tax_fen": 57, "rate_mark": "difference"},
]  # fmt: skip


def draft(lines: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Plain JSON of a draft of these lines with their totals."""
    net, tax = (sum(line[key] for line in lines) for key in ("net_fen", "tax_fen"))
    value = {"kind": "special", "seller": dict(SELLER), "buyer": dict(BUYER), "lines": [dict(line) for line in lines]}
    return value | {"net_fen": net, "tax_fen": tax, "gross_fen": net + tax} | fields


def blue_of(lines: list[dict[str, Any]], number: int = BLUE_NUMBER, day: date = DAY) -> InvoiceDocument:
    """A numbered blue invoice of these lines."""
    return parse_issuable(draft(lines)).with_number(number, day)


@st.composite
def blue_invoices(draw: st.DrawFn, tax_off_max_fen: int = 1) -> InvoiceDocument:
    """A blue invoice of 1 to 6 lines: rated and not, discounted, with and without quantity, taxes a little off."""
    lines = []
    for index in range(draw(st.integers(1, 6))):
        net = draw(st.integers(1, 10**9))
        rate = draw(st.sampled_from([1300, 900, 600, 300, 150, 100, 50, 0]))
        line: dict[str, Any] = {"name": f"第{index}项", "net_fen": net, "rate_bp": rate, "tax_fen": 0}
        if rate == 0:
            line["rate_mark"] = draw(st.sampled_from(["exempt", "not_taxable", "zero"]))
        elif draw(st.integers(0, 4)) == 0:
            line |= {"rate_mark": "difference", "tax_fen": draw(st.integers(0, net * rate // 10_000))}
        else:
            off = draw(st.integers(-tax_off_max_fen, tax_off_max_fen))
            line["tax_fen"] = max(0, (net * rate + 5000) // 10_000 + off)
        if draw(st.booleans()):
            line["quantity"] = draw(st.sampled_from(["1", "3", "7", "0.5", "12.25"]))
        lines.append(line)
        if net > 1 and line.get("rate_mark") != "difference" and draw(st.integers(0, 3)) == 0:
            taken = draw(st.integers(1, net - 1))
            tax = min((taken * rate + 5000) // 10_000, line["tax_fen"])
            discount = {key: value for key, value in line.items() if key != "quantity"}
            lines.append(discount | {"net_fen": -taken, "tax_fen": -tax, "nature": 1})
            line["nature"] = 2
    return blue_of(lines)
