"""Texts of invoice QR codes, in the four forms found on real invoices.

01,<kind>,<code>,<number>,<net>,<yyyymmdd>,<check code>,<check figures>[,]      code + number
01,<kind>,,<20 digits>,<gross>,<yyyymmdd>,,<check figures>                      national number
01,10,<code>,<number>,<seller tax id>,<net>,<yyyymmdd>,<66 hex>                 blockchain
https://<host>/...?hash=<66 hex>&bill_num=<number>&total_amount=<fen>           blockchain, address

The check figures are a CRC over the literal text before them, so the text is never normalised: 57 for 57.00
breaks it. An address is taken apart, never opened.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from urllib.parse import parse_qsl, urlsplit

from ledger.domain.decimals import parse_yuan
from ledger.domain.errors import MonthError, NumberError
from ledger.domain.invoice import AMOUNT_FEN_MAX, InvoiceColour, InvoiceKind
from ledger.domain.months import parse_date
from ledger.domain.numbers import NUMBER_DIGITS, PRINTED_DIGITS, format_number, join_number, read_number
from ledger.formats.crc import crc16_umts
from ledger.formats.errors import FieldsRefusedError, FileRefusedError, format_problem
from ledger.formats.read_invoice import Checksum, QrText, ReadInvoice, Source

QR_SIZE_MAX = 1024  # bytes; real texts take 60 to 220
PARTS_MIN, PARTS_MAX = 6, 8
KINDS_WITH_OTHER_FIGURES = frozenset({"20", "51"})
"""Kinds whose last part is some other figure (51 is rail): when it is not the CRC, that says nothing."""
INVOICE_KINDS = {
    "01": InvoiceKind.SPECIAL,
    "08": InvoiceKind.SPECIAL,
    "31": InvoiceKind.SPECIAL,
    "04": InvoiceKind.ORDINARY,
    "10": InvoiceKind.ORDINARY,
    "11": InvoiceKind.ORDINARY,
    "14": InvoiceKind.ORDINARY,
    "32": InvoiceKind.ORDINARY,
}

_CHAIN_HASH = re.compile(r"[0-9a-fA-F]{66}", re.ASCII)
_FIGURES = re.compile(r"[0-9a-fA-F]{4}", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_TAX_ID = re.compile(r"[0-9A-Z]{15,20}", re.ASCII)
_AROUND = "\ufeff\u200b\"' \t\r\n\u3000"  # what scanners, files and people put around a text
_BLANKS = re.compile(r"\s*,\s*")
_PARAMETERS = frozenset({"hash", "bill_num", "total_amount"})


def read_qr(text: str) -> ReadInvoice:
    """Invoice of a QR text. What stands around it, blanks beside commas and the full width of a scanner that types
    through a Chinese keyboard are dropped; everything else is literal.

    Raises: FileRefusedError when it is no invoice QR text; FieldsRefusedError when a part has another form.
    """
    literal = text.strip(_AROUND)
    size = len(literal.encode("utf-8", "surrogatepass"))
    if size > QR_SIZE_MAX:
        raise FileRefusedError("file_too_large", count=size, limit=QR_SIZE_MAX)
    if not literal.isascii():
        literal = unicodedata.normalize("NFKC", literal)
    if _is_number(literal):
        raise FileRefusedError("qr_number_alone")
    if literal.lower().startswith(("http://", "https://")):
        return _read_address(literal)
    literal = _BLANKS.sub(",", literal)
    if not literal.startswith("01,") or not literal.isascii():
        raise FileRefusedError("qr_unknown")
    parts = literal.split(",")
    while parts[-1] == "" and len(parts) > PARTS_MIN:
        parts.pop()
    if not PARTS_MIN <= len(parts) <= PARTS_MAX:
        raise FieldsRefusedError([format_problem("", "qr_fields", count=len(parts))])
    if not (len(parts[1]) == 2 and _DIGITS.fullmatch(parts[1])):
        raise FieldsRefusedError([format_problem("kind", "qr_kind")])
    if len(parts) == PARTS_MAX and _CHAIN_HASH.fullmatch(parts[7]):
        return _read_blockchain(parts)
    return _read_comma_form(parts)


def _read_comma_form(parts: list[str]) -> ReadInvoice:
    _, kind_code, code, printed, amount, day, *rest = parts
    check_code = rest[0] if rest else ""
    figures = rest[1] if len(rest) > 1 else ""
    number = _number(code, printed)
    fen = _fen(amount, "net_fen" if code else "gross_fen")
    issued_on = _day(day)
    if check_code and not (len(check_code) <= 20 and _DIGITS.fullmatch(check_code)):
        raise FieldsRefusedError([format_problem("check_code", "qr_check_code")])
    if figures and not _FIGURES.fullmatch(figures):
        raise FieldsRefusedError([format_problem("checksum", "qr_trailer")])
    covered = ",".join(parts[:7]) + ","
    computed = f"{crc16_umts(covered.encode()):04X}" if figures else ""
    verdict = _verdict(kind_code, figures.upper(), computed)
    return ReadInvoice(
        source=Source.QR_CODED if code else Source.QR_NATIONAL,
        number=number,
        code=code,
        printed_number=printed,
        kind=INVOICE_KINDS.get(kind_code),
        colour=InvoiceColour.RED if fen < 0 else InvoiceColour.BLUE,
        issued_on=issued_on,
        net_fen=fen if code else None,
        gross_fen=None if code else fen,
        qr=QrText(verdict, kind_code, check_code, figures.upper(), computed),
        warnings=(format_problem("checksum", "qr_checksum"),) if verdict is Checksum.DIFFERS else (),
    )


def _read_blockchain(parts: list[str]) -> ReadInvoice:
    _, kind_code, code, printed, tax_id, amount, day, chain_hash = parts
    tax_id = tax_id.upper()
    if not code.endswith("0"):
        raise FieldsRefusedError([format_problem("number", "qr_number")])
    number = _number(code, printed)
    if tax_id and not _TAX_ID.fullmatch(tax_id):
        raise FieldsRefusedError([format_problem("seller.tax_id", "qr_number")])
    fen = _fen(amount, "net_fen")
    return ReadInvoice(
        source=Source.QR_BLOCKCHAIN,
        number=number,
        code=code,
        printed_number=printed,
        kind=INVOICE_KINDS.get(kind_code),
        colour=InvoiceColour.RED if fen < 0 else InvoiceColour.BLUE,
        issued_on=_day(day),
        net_fen=fen,
        seller_tax_id=tax_id,
        qr=QrText(kind_code=kind_code, chain_hash=chain_hash.lower()),
    )


def _read_address(text: str) -> ReadInvoice:
    try:
        address = urlsplit(text.replace("&amp;", "&"))
        host = address.hostname or ""
        query = address.query or address.fragment.partition("?")[2]  # pages of one file keep theirs behind the #
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=16)
    except ValueError as err:
        raise FileRefusedError("qr_unknown") from err
    names = [name.lower() for name, _ in pairs]  # codes of capitals alone are smaller, so some print them
    if not set(names) >= _PARAMETERS or not host or "@" in address.netloc:
        raise FileRefusedError("qr_unknown")
    values = {name.lower(): value for name, value in pairs}
    chain_hash, printed, total = values["hash"], values["bill_num"], values["total_amount"]
    shapes = {
        "hash": _CHAIN_HASH.fullmatch(chain_hash),
        "bill_num": _DIGITS.fullmatch(printed) and len(printed) in (PRINTED_DIGITS, NUMBER_DIGITS),
        "total_amount": _DIGITS.fullmatch(total) and len(total) <= 14 and int(total) <= AMOUNT_FEN_MAX,
    }
    problems = [
        format_problem(name, "qr_parameter", name=name)
        for name, fits in shapes.items()
        if not fits or names.count(name) != 1
    ]
    if problems:
        raise FieldsRefusedError(problems)
    return ReadInvoice(
        source=Source.QR_ADDRESS,
        number=printed if len(printed) == NUMBER_DIGITS else "",
        code="",
        printed_number=printed,
        gross_fen=int(total),
        qr=QrText(chain_hash=chain_hash.lower(), host=host),
    )


def _is_number(text: str) -> bool:
    try:
        read_number(text)
    except NumberError:
        return False
    return True


def _verdict(kind_code: str, given: str, computed: str) -> Checksum:
    if not given:
        return Checksum.NONE
    if given == computed:
        return Checksum.AGREES
    return Checksum.NONE if kind_code in KINDS_WITH_OTHER_FIGURES else Checksum.DIFFERS


def _number(code: str, printed: str) -> str:
    try:
        return format_number(join_number(code, printed))
    except NumberError as err:
        raise FieldsRefusedError([format_problem("number", "qr_number")]) from err


def _fen(amount: str, path: str) -> int:
    fen = parse_yuan(amount)
    if fen is None or abs(fen) > AMOUNT_FEN_MAX:
        raise FieldsRefusedError([format_problem(path, "qr_amount")])
    return fen


def _day(text: str) -> date:
    if len(text) != 8 or not _DIGITS.fullmatch(text):
        raise FieldsRefusedError([format_problem("issued_on", "qr_date")])
    try:
        return parse_date(f"{text[:4]}-{text[4:6]}-{text[6:]}")
    except MonthError as err:
        raise FieldsRefusedError([format_problem("issued_on", "qr_date")]) from err
