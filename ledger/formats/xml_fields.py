"""Fields of an invoice XML: elements found by local name, each once; texts turned into the domain's plain values."""

from __future__ import annotations

import re

from lxml import etree

from ledger.domain.decimals import FEN_PER_YUAN, SCALE, canonical_decimal, parse_yuan, scaled
from ledger.domain.errors import FieldProblem, MonthError
from ledger.domain.invoice import RATE_BP_MAX, RateMark
from ledger.domain.months import parse_date
from ledger.formats.errors import format_problem
from verifier.canonical import Json

NAME_SHOWN_MAX = 40  # characters of a file's own names and values repeated in a message
STARS = "***"

_DATE = re.compile(r"([0-9]{4})[-/年]([0-9]{1,2})[-/月]([0-9]{1,2})日?(?:[ T].{0,30})?", re.ASCII)
_MARKED_RATES = {"免税": RateMark.EXEMPT, "不征税": RateMark.NOT_TAXABLE, "零税率": RateMark.ZERO}


def local_name(element: etree._Element) -> str:
    """Tag without its namespace."""
    return str(etree.QName(element).localname)


def shown(text: str) -> str:
    """A value of the file, short and printable, for a message."""
    return "".join(char if char.isprintable() else "?" for char in text[:NAME_SHOWN_MAX])


def leaf_texts(element: etree._Element, path: str, problems: list[FieldProblem]) -> dict[str, str]:
    """Texts of the child elements without children, by local name; an element given twice is a problem.

    Runs of blanks become one, except line feeds in the text of a remark.
    """
    texts: dict[str, str] = {}
    for child in element:
        if len(child):
            continue
        name = local_name(child)
        raw = child.text or ""
        text = raw.strip() if name in ("Remark", "Note", "备注") else " ".join(raw.split())
        if texts.get(name, text) != text:
            problems.append(format_problem(path, "element_repeated", name=shown(name)))
        texts[name] = text
    return texts


def read_amount(text: str, name: str, path: str, problems: list[FieldProblem]) -> int:
    """Fen of an amount in yuan; 0 after noting a problem."""
    fen = parse_yuan(text)
    if fen is None:
        problems.append(format_problem(path, "amount_unreadable", name=f"{name} {shown(text)!r}"))
        return 0
    return fen


def read_tax(text: str, name: str, path: str, problems: list[FieldProblem]) -> int:
    """Fen of a line's tax; `***`, a dash and blank are no tax."""
    return 0 if text in ("", STARS, "—", "-") else read_amount(text, name, path, problems)


def read_rate(text: str, tax_fen: int) -> tuple[int, RateMark, bool] | None:
    """(basis points, mark, whether the mark is assumed) of a printed rate; None when it is none.

    A share (0.13, 0.130000), a percentage (13%), 免税, 不征税, `***` or blank. The last two do not say which of the
    marks is meant: with a tax it is a difference, without one an exemption.
    """
    if text in _MARKED_RATES:
        return 0, _MARKED_RATES[text], False
    if text in ("", STARS, "—", "-"):
        return 0, RateMark.DIFFERENCE if tax_fen else RateMark.EXEMPT, True
    percent = text.endswith("%")
    canonical = canonical_decimal(text.removesuffix("%").strip())
    if canonical is None:
        return None
    rate_bp, finer = divmod(scaled(canonical) * (FEN_PER_YUAN if percent else RATE_BP_MAX), SCALE)
    if finer or not 0 <= rate_bp < RATE_BP_MAX:
        return None
    return rate_bp, RateMark.RATE if rate_bp else RateMark.ZERO, False


def take_rate(
    line: dict[str, Json], text: str, name: str, path: str, problems: list[FieldProblem], warnings: list[FieldProblem]
) -> None:
    """Sets `rate_bp` and `rate_mark` of a line whose `tax_fen` is read, from the printed rate; notes what is odd."""
    tax_fen = line["tax_fen"]
    assert isinstance(tax_fen, int)
    rate = read_rate(text, tax_fen)
    if rate is None:
        problems.append(format_problem(f"{path}.rate_bp", "rate_unreadable", name=f"{name} {shown(text)!r}"))
        line["rate_bp"], line["rate_mark"] = 0, RateMark.DIFFERENCE.value
        return
    rate_bp, mark, assumed = rate
    line["rate_bp"], line["rate_mark"] = rate_bp, mark.value
    if assumed:
        warnings.append(format_problem(f"{path}.rate_mark", "rate_mark_assumed", mark=mark.value))


def read_date(text: str) -> str | None:
    """`YYYY-MM-DD` of 2024-01-24, 2024-01-24 16:23:48 or 2024年01月24日; None for another text."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = match.groups()
    try:
        return parse_date(f"{year}-{month:0>2}-{day:0>2}").isoformat()
    except MonthError:
        return None
