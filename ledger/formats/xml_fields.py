"""Fields of an invoice XML: elements found by local name, each once; texts turned into the domain's plain values."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, timezone

from lxml import etree

from ledger.domain.decimals import FEN_PER_YUAN, SCALE, canonical_decimal, parse_yuan, scaled
from ledger.domain.errors import FieldProblem, MonthError
from ledger.domain.invoice import RATE_BP_MAX, RateMark
from ledger.domain.months import parse_date
from ledger.formats.errors import format_problem
from ledger.formats.numerals import plain_number, printed_number, rounded_decimal
from verifier.canonical import Json

NAME_SHOWN_MAX = 40  # characters of a file's own names and values repeated in a message
STARS = "***"

CHINA_TIME = timezone(timedelta(hours=8))  # the day of an invoice is the day there

_DATE = re.compile(
    r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})(?:日|(?![0-9]))|([0-9]{2})([0-9]{2}))"
    r"(?:[ T]*([0-9]{1,2})(?:[:时点]([0-9]{1,2})(?:[:分][0-9]{1,2}(?:\.[0-9]{1,9})?)?[分秒]?|([0-9]{2})[0-9]{2}))?"
    r" ?(Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
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
        is_note = name in ("Remark", "Note", "备注")
        text = raw.replace("\r\n", "\n").replace("\r", "\n").strip() if is_note else " ".join(raw.split())
        if texts.get(name, text) != text:
            problems.append(format_problem(path, "element_repeated", name=shown(name)))
        texts[name] = text
    return texts


def read_amount(text: str, name: str, path: str, problems: list[FieldProblem]) -> int:
    """Fen of an amount in yuan; 0 after noting a problem."""
    fen = parse_yuan(printed_number(text))
    if fen is None:
        problems.append(format_problem(path, "amount_unreadable", name=f"{name} {shown(text)!r}"))
        return 0
    return fen


def read_tax(text: str, name: str, path: str, problems: list[FieldProblem]) -> int:
    """Fen of a line's tax; `***`, a dash and blank are no tax."""
    return 0 if text in ("", STARS, "—", "-") else read_amount(text, name, path, problems)


def read_rate(text: str, tax_fen: int) -> tuple[int, RateMark, bool] | None:
    """(basis points, mark, whether the mark is assumed) of a printed rate; None when it is none.

    A share (0.13, 0.130000), a percentage (13%, or 13, since no share is above 1), 免税, 不征税, `***` or blank. The
    last two do not say which of the marks is meant: with a tax it is a difference, without one an exemption.
    """
    text = unicodedata.normalize("NFKC", text)
    if text in _MARKED_RATES:
        return 0, _MARKED_RATES[text], False
    if text in ("", STARS, "—", "-"):
        return 0, RateMark.DIFFERENCE if tax_fen else RateMark.EXEMPT, True
    percent = text.endswith("%")
    canonical = canonical_decimal(plain_number(text.removesuffix("%")))
    if canonical is None:
        return None
    percent = percent or scaled(canonical) >= SCALE
    rate_bp, finer = divmod(scaled(canonical) * (FEN_PER_YUAN if percent else RATE_BP_MAX), SCALE)
    if finer or not 0 <= rate_bp < RATE_BP_MAX:
        return None
    return rate_bp, RateMark.RATE if rate_bp else RateMark.ZERO, False


def take_decimals(line: dict[str, Json], texts: dict[str, str], path: str, warnings: list[FieldProblem]) -> None:
    """Sets `quantity` and `price` of a line from their printed texts; what is finer than is kept is rounded and noted.

    A text that is no number stays as it is, for the domain to name. Quantity and price 0 beside an amount, as discount
    lines carry them, say nothing and are left out.
    """
    if line["net_fen"] and all(canonical_decimal(printed_number(text)) == "0" for text in texts.values()):
        return
    for key, text in texts.items():
        plain = printed_number(text)
        rounded = rounded_decimal(plain)
        if rounded is not None:
            warnings.append(format_problem(f"{path}.{key}", "decimal_rounded", given=shown(text)))
        line[key] = plain if rounded is None else rounded


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
    """`YYYY-MM-DD` of 2024-01-24, 2024/1/24, 2024.1.24, 20240124 or 2024年01月24日, a time after it or not.

    A time with a zone (2024-01-24T20:00:00Z) gives the day it was in China. None for another text.
    """
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", text.strip())) if len(text) <= NAME_SHOWN_MAX else None
    if match is None:
        return None
    year, month, day, plain_month, plain_day, hour, minute, plain_minute, zone = match.groups()
    try:
        found = parse_date(f"{year}-{month or plain_month:0>2}-{day or plain_day:0>2}")
        if zone is None or hour is None:
            return found.isoformat()
        at = datetime.fromisoformat(f"{found}T{hour:0>2}:{minute or plain_minute:0>2}{zone}")
        return parse_date(at.astimezone(CHINA_TIME).date().isoformat()).isoformat()
    except (MonthError, ValueError, OverflowError):
        return None
