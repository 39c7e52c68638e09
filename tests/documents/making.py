"""Sound invoices of every kind for the tests of writing out, as documents and as strategies."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pypdfium2
from hypothesis import strategies as st

from ledger.domain.capitals import write_capitals
from ledger.domain.decimals import format_yuan
from ledger.domain.document import parse_document, parse_outside
from ledger.domain.invoice import InvoiceDocument
from ledger.formats.xml_fields import STARS

NUMBER = "94403260911000000001"
BLUE_NUMBER = "94403260911000000000"
CODED_NUMBER = "04403230011112345678"
COMMITMENT = bytes(range(32))
ADDRESS = "https://ledger.example.cn"

_REFUSED = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]")
_ALPHABET = st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp"))


def invoice(count: int = 1, *, red: bool = False, **changes: Any) -> InvoiceDocument:
    """A sound numbered invoice of `count` lines of 301.00 + 18.06."""
    sign = -1 if red else 1
    line = {
        "name": "*信息技术服务*软件维护",
        "tax_code": "3040203000000000000",
        "specification": "V1",
        "unit": "月",
        "quantity": "-3" if red else "3",
        "price": "100.3333333333333",
        "net_fen": 30100 * sign,
        "rate_bp": 600,
        "tax_fen": 1806 * sign,
    }
    value: dict[str, Any] = {
        "kind": "special",
        "seller": {
            "name": "深圳示例软件有限公司",
            "tax_id": "91310117759596321B",
            "address": "示例路 1 号",
            "phone": "0755-00000000",
            "bank": "示例银行",
            "account": "0000 1111",
        },
        "buyer": {"name": "上海示例科技有限公司", "tax_id": "91310112703255042R"},
        "lines": [line] * count,
        "net_fen": 30100 * count * sign,
        "tax_fen": 1806 * count * sign,
        "gross_fen": 31906 * count * sign,
        "note": "第一行\n第二行 <&>",
        "drawer": "张三",
        "number": NUMBER,
        "issued_on": "2026-11-05",
    }
    if red:
        value |= {"colour": "red", "original": {"number": BLUE_NUMBER}}
    return parse_document(value | changes)


def with_first_line(document: InvoiceDocument, **changes: Any) -> InvoiceDocument:
    """The document with fields of its first line changed, unchecked: for looks, not for sums."""
    return replace(document, lines=(replace(document.lines[0], **changes), *document.lines[1:]))


def texts(length_max: int, *, empty: bool = True) -> st.SearchStrategy[str]:
    """Texts a document takes, with single blanks, as the reader of XML gives them back."""
    made = st.text(_ALPHABET, max_size=length_max).map(lambda text: " ".join(_REFUSED.sub("", text).split()))
    return made if empty else made.filter(bool)


@st.composite
def documents(draw: st.DrawFn) -> InvoiceDocument:
    """Any document whose every value has a place in the XML."""
    lines = [line for group in draw(st.lists(_line_groups(), min_size=1, max_size=4)) for line in group]
    red = draw(st.booleans()) and sum(line["net_fen"] for line in lines) > 0
    if red:
        lines = [_reddened(line) for line in lines]
    net_fen, tax_fen = sum(line["net_fen"] for line in lines), sum(line["tax_fen"] for line in lines)
    value: dict[str, Any] = {
        "kind": draw(st.sampled_from(["ordinary", "special"])),
        "seller": draw(_parties()),
        "buyer": draw(_parties()),
        "lines": lines,
        "net_fen": net_fen,
        "tax_fen": tax_fen,
        "gross_fen": net_fen + tax_fen,
        "number": draw(st.sampled_from([NUMBER, "26442000000000000001", CODED_NUMBER])),
        "issued_on": draw(st.dates(min_value=date(2015, 1, 1), max_value=date(2035, 1, 1))).isoformat(),
        "gross_in_words": write_capitals(net_fen + tax_fen) if draw(st.booleans()) else "",
        "note": draw(st.lists(texts(20), max_size=4).map("\n".join).map(str.strip)),
        "payee": draw(texts(20)),
        "checker": draw(texts(20)),
        "drawer": draw(texts(20)),
    }
    if red:
        originals = [{"number": BLUE_NUMBER}, {"code": "044032300111", "number": "12345678"}]
        value |= {"colour": "red", "original": draw(st.sampled_from(originals))}
    return parse_outside(value).document


def pages(pdf: bytes) -> list[str]:
    """Text of every page without blanks, as the engine of a browser reads it."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return ["".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def _parties() -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(
        {
            "name": texts(30, empty=False),
            "tax_id": st.from_regex(r"[0-9A-Z]{0,20}", fullmatch=True),
            "address": texts(20),
            "phone": texts(10),
            "bank": texts(10),
            "account": texts(10),
        }
    )


@st.composite
def _line_groups(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A line, or a line and its discount."""
    mark = draw(st.sampled_from(["rate", "rate", "exempt", "not_taxable", "zero", "difference"]))
    net_fen = draw(st.integers(min_value=1, max_value=10**9))
    rate_bp = draw(st.sampled_from([1300, 900, 600, 300, 150, 100, 50])) if mark == "rate" else 0
    tax_fen = (net_fen * rate_bp + 5_000) // 10_000
    if mark == "difference":
        tax_fen = draw(st.integers(min_value=1, max_value=net_fen))
    line: dict[str, Any] = {
        "name": draw(texts(30, empty=False)),
        "net_fen": net_fen,
        "rate_bp": rate_bp,
        "tax_fen": tax_fen,
        "rate_mark": mark,
        "tax_code": draw(st.sampled_from(["", "3040203000000000000"])),
        "specification": draw(texts(10).filter(lambda text: text != STARS)),
        "unit": draw(texts(5)),
    }
    if draw(st.booleans()):
        line |= {"quantity": "1", "price": format_yuan(net_fen)}
    if mark == "rate" and draw(st.booleans()):
        off_fen = draw(st.integers(min_value=1, max_value=net_fen))
        off = {"name": line["name"], "net_fen": -off_fen, "rate_bp": rate_bp, "nature": 1}
        off["tax_fen"] = -min((off_fen * rate_bp + 5_000) // 10_000, tax_fen)
        return [line | {"nature": 2}, off]
    return [line]


def _reddened(line: dict[str, Any]) -> dict[str, Any]:
    red = line | {"net_fen": -line["net_fen"], "tax_fen": -line["tax_fen"]}
    return red | {"quantity": "-1"} if "quantity" in line else red
