"""Invoices typed in by hand: the weakest source, so what people type is checked as strictly as it can be.

Fields, plain JSON; all but the number, one amount and the date may be left out:

    number, code                number alone in 20 digits or code and number together, or 8 digits beside a code
    net, tax, gross             yuan as a decimal text; or net_fen, tax_fen, gross_fen as integers
    issued_on                   YYYY-MM-DD, YYYY/MM/DD, YYYYMMDD or YYYY年MM月DD日
    kind, gross_in_words, seller_name, seller_tax_id, buyer_name, buyer_tax_id, note
"""

from __future__ import annotations

import unicodedata
from datetime import date

from ledger.domain.capitals import read_capitals, write_capitals
from ledger.domain.decimals import format_yuan, parse_yuan
from ledger.domain.document import NAME_LENGTH_MAX, NOTE_LENGTH_MAX, TAX_ID_LENGTH_MAX, WORDS_LENGTH_MAX
from ledger.domain.errors import CapitalsError, FieldProblem, NumberError
from ledger.domain.fields import FieldReader, Problems
from ledger.domain.identifiers import tax_id_problem
from ledger.domain.invoice import AMOUNT_FEN_MAX, InvoiceColour, InvoiceDocument, InvoiceKind, PartyDetails
from ledger.domain.numbers import format_number, is_ledger_number, join_number, read_number, split_number
from ledger.domain.problems import problem
from ledger.formats.errors import FieldsRefusedError, format_problem
from ledger.formats.numerals import plain_number
from ledger.formats.read_invoice import ReadInvoice, Source
from ledger.formats.xml_fields import read_date, shown

TAX_SHARE_BP_MAX = 1_700  # the highest rate there has been, 17 % until 2018
TAX_TOLERANCE_FEN = 127  # rounding of a whole invoice, docs/FORMATS.md, "Arithmetic"

_TEXT_LENGTH_MAX = 60  # characters of a number, amount or date with separators
_AMOUNTS = ("net", "tax", "gross")
_KEYS = frozenset(
    {"number", "code", "issued_on", "kind", "gross_in_words", "note"}
    | {"seller_name", "seller_tax_id", "buyer_name", "buyer_tax_id"}
    | {*_AMOUNTS, *(f"{name}_fen" for name in _AMOUNTS)}
)
_BP = 10_000


def read_typed(fields: object) -> ReadInvoice:
    """Invoice of typed fields, `Source.TYPED`; with names of both parties and all amounts also its `document`.

    Of net, tax and gross the third is computed from two. Negative amounts are a red invoice.

    Raises: FieldsRefusedError with every field that is missing, has another form or contradicts another.
    """
    problems = Problems()
    noted: list[FieldProblem] = []
    reader = FieldReader(fields, "", _KEYS, problems)
    if not isinstance(fields, dict):
        raise FieldsRefusedError(problems.all())
    number = _number(reader, noted)
    issued_on = _day(reader, noted)
    kind = _kind(reader)
    unreadable: list[FieldProblem] = []
    amounts = {name: _amount(reader, name, unreadable) for name in _AMOUNTS}
    noted += unreadable or _complete(amounts)
    seller, buyer = (_party(reader, side, problems) for side in ("seller", "buyer"))
    note = reader.text("note", NOTE_LENGTH_MAX, note=True)
    words = reader.text("gross_in_words", WORDS_LENGTH_MAX)
    if words and amounts["gross"] is not None:
        noted += _words(words, amounts["gross"])
    if noted or problems:
        raise FieldsRefusedError([*noted, *problems.all()])
    net_fen, tax_fen, gross_fen = (amounts[name] for name in _AMOUNTS)
    red = any(fen is not None and fen < 0 for fen in amounts.values())
    document = None
    if seller.name and buyer.name and net_fen is not None and tax_fen is not None and gross_fen is not None and not red:
        document = InvoiceDocument(
            kind or InvoiceKind.ORDINARY,
            seller,
            buyer,
            (),
            net_fen,
            tax_fen,
            gross_fen,
            number,
            issued_on,
            words,
            note,
        )
    code, printed = split_number(int(number))
    ours = is_ledger_number(int(number))
    return ReadInvoice(
        source=Source.TYPED,
        number=number,
        code=code,
        printed_number=printed,
        kind=kind,
        colour=InvoiceColour.RED if red else InvoiceColour.BLUE,
        issued_on=issued_on,
        net_fen=net_fen,
        tax_fen=tax_fen,
        gross_fen=gross_fen,
        seller_tax_id=seller.tax_id,
        seller_name=seller.name,
        buyer_tax_id=buyer.tax_id,
        buyer_name=buyer.name,
        document=document,
        warnings=(format_problem("number", "number_in_our_space"),) if ours else (),
    )


def _number(reader: FieldReader, noted: list[FieldProblem]) -> str:
    code = unicodedata.normalize("NFKC", reader.text("code", _TEXT_LENGTH_MAX))
    text = unicodedata.normalize("NFKC", reader.text("number", _TEXT_LENGTH_MAX, required=True))
    if not text:
        return ""
    try:
        return format_number(join_number(code, text) if code else read_number(text))
    except NumberError:
        noted.append(format_problem("number", "typed_number"))
        return ""


def _day(reader: FieldReader, noted: list[FieldProblem]) -> date | None:
    text = reader.text("issued_on", _TEXT_LENGTH_MAX, required=True)
    day = read_date(text)
    if text and day is None:
        noted.append(format_problem("issued_on", "date_unreadable", name=repr(shown(text))))
    return date.fromisoformat(day) if day else None


def _kind(reader: FieldReader) -> InvoiceKind | None:
    """The kind, which a person need not know."""
    return reader.choice("kind", InvoiceKind) if reader.has("kind") else None


def _amount(reader: FieldReader, name: str, noted: list[FieldProblem]) -> int | None:
    """Fen of an amount given in yuan as text or in fen as integer; None when left out."""
    if reader.has(f"{name}_fen"):
        if reader.has(name):
            noted.append(format_problem(name, "typed_twice", name=name))
        return reader.integer(f"{name}_fen", -AMOUNT_FEN_MAX, AMOUNT_FEN_MAX)
    text = plain_number(reader.text(name, _TEXT_LENGTH_MAX))
    if not text:
        return None
    fen = parse_yuan(text)
    if fen is None or abs(fen) > AMOUNT_FEN_MAX:
        noted.append(format_problem(name, "amount_unreadable", name=repr(shown(text))))
    return fen


def _party(reader: FieldReader, side: str, problems: Problems) -> PartyDetails:
    given = reader.text(f"{side}_tax_id", TAX_ID_LENGTH_MAX)
    tax_id = given.upper() if given.isascii() else given
    code = tax_id_problem(tax_id) if tax_id else None
    if code is not None:
        problems.add(f"{side}_tax_id", code, count=len(tax_id))
    return PartyDetails(reader.text(f"{side}_name", NAME_LENGTH_MAX), tax_id)


def _complete(amounts: dict[str, int | None]) -> list[FieldProblem]:
    """Set the third of two amounts; what is wrong with them."""
    net_fen, tax_fen, gross_fen = (amounts[name] for name in _AMOUNTS)
    if net_fen is None and gross_fen is None:
        return [format_problem("gross", "typed_amount_missing")]
    if net_fen is None and gross_fen is not None and tax_fen is not None:
        net_fen = gross_fen - tax_fen
    elif gross_fen is None and net_fen is not None and tax_fen is not None:
        gross_fen = net_fen + tax_fen
    elif tax_fen is None and net_fen is not None and gross_fen is not None:
        tax_fen = gross_fen - net_fen
    amounts.update(net=net_fen, tax=tax_fen, gross=gross_fen)
    if net_fen is None or tax_fen is None or gross_fen is None:
        return []
    expected = net_fen + tax_fen
    if expected != gross_fen:
        given = format_yuan(gross_fen)
        return [problem("gross", "total_gross", given=given, expected=format_yuan(expected))]
    room = abs(net_fen) * TAX_SHARE_BP_MAX + TAX_TOLERANCE_FEN * _BP
    if abs(tax_fen) * _BP > room or net_fen * tax_fen < 0:
        return [format_problem("tax", "typed_tax", tax=format_yuan(tax_fen), net=format_yuan(net_fen))]
    return []


def _words(words: str, gross_fen: int) -> list[FieldProblem]:
    try:
        fen = read_capitals(words)
    except CapitalsError:
        return [problem("gross_in_words", "words_unreadable", expected=write_capitals(gross_fen))]
    if fen == gross_fen:
        return []
    given, expected = format_yuan(fen), format_yuan(gross_fen)
    return [problem("gross_in_words", "words_differ", given=given, expected=expected)]
