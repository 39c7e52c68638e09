"""Parsing of invoice documents, once, at the edge: plain JSON in, a checked frozen document out.

parse_document   everything must hold: shape, identifiers, arithmetic. For what is stored and compared.
parse_issuable   and what issuing asks for besides, in one list of problems. For what a seller hands in.
parse_red        and that it credits no more of its blue invoice than is left. For a red document handed in.
parse_outside    as above, but wrong identifiers are only warnings and lines may be absent: files of others
                 come masked, and a red one may state totals alone.
check_issuable   what issuing asks for, of a document parsed already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ledger.domain.checks import arithmetic_problems, identifier_problems, issue_problems
from ledger.domain.decimals import canonical_decimal
from ledger.domain.errors import DocumentError, FieldProblem, MonthError, NumberError
from ledger.domain.fields import FieldReader, Problems, type_name
from ledger.domain.invoice import (
    AMOUNT_FEN_MAX,
    DOCUMENT_SIZE_MAX,
    LINES_MAX,
    RATE_BP_MAX,
    InvoiceColour,
    InvoiceDocument,
    InvoiceKind,
    Line,
    LineNature,
    OriginalInvoice,
    PartyDetails,
    RateMark,
)
from ledger.domain.months import parse_date
from ledger.domain.numbers import join_number, parse_number
from ledger.domain.red_checks import credit_problems
from ledger.domain.slips import RedReason

# Characters. The national platform prints up to 100 for names, 40 for specification, 22 for units, 230 bytes of note.
NAME_LENGTH_MAX = 200
TAX_ID_LENGTH_MAX = 20
ADDRESS_LENGTH_MAX = 300
PHONE_LENGTH_MAX = 60
BANK_LENGTH_MAX = 200
ACCOUNT_LENGTH_MAX = 60
LINE_NAME_LENGTH_MAX = 200
TAX_CODE_LENGTH_MAX = 19
SPECIFICATION_LENGTH_MAX = 100
UNIT_LENGTH_MAX = 40
DECIMAL_LENGTH_MAX = 40
NOTE_LENGTH_MAX = 1_000
CLERK_LENGTH_MAX = 60
WORDS_LENGTH_MAX = 64
CODE_LENGTH_MAX = 12
NUMBER_LENGTH_MAX = 20
DATE_LENGTH_MAX = 10
RED_SLIP_LENGTH_MAX = 66  # 0x and 64 hex digits; national ones have up to 32

_DOCUMENT_KEYS = frozenset(InvoiceDocument.__dataclass_fields__)
_PARTY_KEYS = frozenset(PartyDetails.__dataclass_fields__)
_LINE_KEYS = frozenset(Line.__dataclass_fields__)
_ORIGINAL_KEYS = frozenset(OriginalInvoice.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class OutsideDocument:
    """A document of somebody else: what it says, and what is wrong with its identifiers."""

    document: InvoiceDocument
    warnings: tuple[FieldProblem, ...]


def parse_document(value: object) -> InvoiceDocument:
    """Invoice document of plain JSON values, fully checked; `parse_document(d.to_json()) == d`.

    Blanks around texts are dropped and decimals brought to canonical form; nothing else is changed.

    Raises: DocumentError with every problem found.
    """
    problems = Problems()
    document = _read_checked(value, problems)
    if problems:
        raise DocumentError(problems.all())
    return document


def parse_issuable(value: object) -> InvoiceDocument:
    """Invoice document of plain JSON values that this ledger can issue: `parse_document` and `check_issuable` in one.

    Raises: DocumentError with every problem found.
    """
    problems = Problems()
    document = _read_checked(value, problems)
    issue_problems(document, problems)
    if problems:
        raise DocumentError(problems.all())
    return document


def parse_red(value: object, blue: InvoiceDocument, earlier_reds: Sequence[InvoiceDocument] = ()) -> InvoiceDocument:
    """Red document of plain JSON values that credits part or all of what `earlier_reds` left of `blue`.

    Raises: DocumentError with every problem found.
    """
    problems = Problems()
    document = _read_checked(value, problems)
    if not problems:
        credit_problems(document, blue, earlier_reds, problems)
    if problems:
        raise DocumentError(problems.all())
    return document


def parse_outside(value: object) -> OutsideDocument:
    """Document read from somebody else's file: wrong tax ids and codes are warnings, lines may be absent.

    Raises: DocumentError with every other problem found.
    """
    problems = Problems()
    document = _read_document(value, problems, lines_required=False)
    arithmetic_problems(document, problems)
    if problems:
        raise DocumentError(problems.all())
    warnings = Problems()
    identifier_problems(document, warnings)
    return OutsideDocument(document, warnings.all())


def check_issuable(document: InvoiceDocument) -> None:
    """Accept a parsed document that this ledger can issue: blue, an amount above 0, rates in force, own number.

    Raises: DocumentError with every problem found.
    """
    problems = Problems()
    issue_problems(document, problems)
    if problems:
        raise DocumentError(problems.all())


def _read_checked(value: object, problems: Problems) -> InvoiceDocument:
    document = _read_document(value, problems, lines_required=True)
    identifier_problems(document, problems)
    arithmetic_problems(document, problems)
    return document


def _read_document(value: object, problems: Problems, *, lines_required: bool) -> InvoiceDocument:
    """The document's fields. A field with a problem gets a neutral value, which later checks leave alone."""
    fields = FieldReader(value, "", _DOCUMENT_KEYS, problems)
    if not isinstance(value, dict):
        raise DocumentError(problems.all())
    kind = fields.choice("kind", InvoiceKind)
    number = _read_number(fields)
    issued_on = _read_date(fields, required=bool(number))
    seller = _read_party(fields, "seller", problems)
    buyer = _read_party(fields, "buyer", problems)
    lines = _read_lines(fields, problems, required=lines_required)
    net_fen, tax_fen, gross_fen = (_read_amount(fields, key) for key in ("net_fen", "tax_fen", "gross_fen"))
    words = fields.text("gross_in_words", WORDS_LENGTH_MAX)
    note = fields.text("note", NOTE_LENGTH_MAX, note=True)
    payee, checker, drawer = (fields.text(key, CLERK_LENGTH_MAX) for key in ("payee", "checker", "drawer"))
    colour = fields.choice("colour", InvoiceColour, InvoiceColour.BLUE)
    original = _read_original(fields, problems)
    red_reason = fields.integer("red_reason", 1, len(RedReason), 0)
    red_slip = fields.text("red_slip", RED_SLIP_LENGTH_MAX)
    document = InvoiceDocument(
        kind or InvoiceKind.ORDINARY,
        seller,
        buyer,
        lines,
        net_fen or 0,
        tax_fen or 0,
        gross_fen or 0,
        number,
        issued_on,
        words,
        note,
        payee,
        checker,
        drawer,
        colour or InvoiceColour.BLUE,
        original,
        RedReason(red_reason) if red_reason else None,
        red_slip,
    )
    if not problems:
        _check_size(document, problems)
    return document


def _read_party(fields: FieldReader, key: str, problems: Problems) -> PartyDetails:
    if not fields.has(key):
        problems.add(fields.path(key), "missing")
        return PartyDetails("")
    party = FieldReader(fields.value(key), fields.path(key), _PARTY_KEYS, problems)
    return PartyDetails(
        party.text("name", NAME_LENGTH_MAX, required=True),
        _upper(party.text("tax_id", TAX_ID_LENGTH_MAX)),
        party.text("address", ADDRESS_LENGTH_MAX),
        party.text("phone", PHONE_LENGTH_MAX),
        party.text("bank", BANK_LENGTH_MAX),
        party.text("account", ACCOUNT_LENGTH_MAX),
    )


def _upper(tax_id: str) -> str:
    """Capital letters, ASCII only: other alphabets change length in upper case and are no tax ids anyhow."""
    return tax_id.upper() if tax_id.isascii() else tax_id


def _read_lines(fields: FieldReader, problems: Problems, *, required: bool) -> tuple[Line, ...]:
    value = fields.value("lines")
    if value is None and not fields.has("lines"):
        if required:
            problems.add("lines", "missing")
        return ()
    if not isinstance(value, list):
        problems.add("lines", "wrong_type", expected="a list of lines", expected_zh="项目列表", got=type_name(value))
        return ()
    if len(value) > LINES_MAX:
        problems.add("lines", "too_many_lines", count=len(value), limit=LINES_MAX)
        return ()
    if not value and required:
        problems.add("lines", "lines_missing")
    return tuple(_read_line(item, index, problems) for index, item in enumerate(value))


def _read_line(value: object, index: int, problems: Problems) -> Line:
    line = FieldReader(value, f"lines.{index}", _LINE_KEYS, problems)
    if not isinstance(value, dict):
        return Line("", 0, 0, 0)
    nature = line.integer("nature", 0, 2, 0)
    blue_line = line.integer("blue_line", 1, LINES_MAX, 0)
    return Line(
        line.text("name", LINE_NAME_LENGTH_MAX, required=True),
        _read_amount(line, "net_fen") or 0,
        line.integer("rate_bp", 0, RATE_BP_MAX) or 0,
        _read_amount(line, "tax_fen") or 0,
        line.text("tax_code", TAX_CODE_LENGTH_MAX),
        line.text("specification", SPECIFICATION_LENGTH_MAX),
        line.text("unit", UNIT_LENGTH_MAX),
        _read_decimal(line, "quantity"),
        _read_decimal(line, "price"),
        line.choice("rate_mark", RateMark, RateMark.RATE) or RateMark.RATE,
        LineNature(nature or 0),
        # The line at the same position is the default and not written, so that one document has one JSON.
        0 if blue_line is None or blue_line == index + 1 else blue_line,
    )


def _read_original(fields: FieldReader, problems: Problems) -> OriginalInvoice | None:
    if not fields.has("original"):
        return None
    original = FieldReader(fields.value("original"), "original", _ORIGINAL_KEYS, problems)
    code = original.text("code", CODE_LENGTH_MAX)
    number = original.text("number", NUMBER_LENGTH_MAX, required=True)
    if number:
        try:
            join_number(code, number)
        except NumberError:
            problems.add("original", "original_form")
    return OriginalInvoice(code, number)


def _read_amount(fields: FieldReader, key: str) -> int | None:
    return fields.integer(key, -AMOUNT_FEN_MAX, AMOUNT_FEN_MAX)


def _read_decimal(fields: FieldReader, key: str) -> str:
    text = fields.text(key, DECIMAL_LENGTH_MAX)
    if not text:
        return ""
    canonical = canonical_decimal(text)
    if canonical is None:
        fields.problems.add(fields.path(key), "decimal_form")
        return ""
    return canonical


def _read_number(fields: FieldReader) -> str:
    text = fields.text("number", NUMBER_LENGTH_MAX)
    if text:
        try:
            parse_number(text)
        except NumberError:
            fields.problems.add("number", "number_form")
    return text


def _read_date(fields: FieldReader, *, required: bool) -> date | None:
    text = fields.text("issued_on", DATE_LENGTH_MAX, required=required)
    if not text:
        return None
    try:
        return parse_date(text)
    except MonthError:
        fields.problems.add("issued_on", "date_form")
        return None


def _check_size(document: InvoiceDocument, problems: Problems) -> None:
    size = len(document.canonical())
    if size > DOCUMENT_SIZE_MAX:
        problems.add("", "document_too_large", count=size, limit=DOCUMENT_SIZE_MAX)
