"""The invoice among the QR codes of one file: other codes are passed over, two invoices are refused."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.formats.errors import FieldsRefusedError, FileRefusedError
from ledger.formats.qr import read_qr
from ledger.formats.read_invoice import Checksum, ReadInvoice, Source


def choose_code(texts: Iterable[str], kind: str) -> ReadInvoice:
    """The one invoice that the QR texts of a `kind` file name; of several texts for it, the one that says most.

    Raises: FileRefusedError when none is an invoice's, or they name two invoices or contradict each other;
    FieldsRefusedError when the only invoice text has parts of another form.
    """
    found: list[ReadInvoice] = []
    broken: FieldsRefusedError | None = None
    for text in dict.fromkeys(texts):
        try:
            found.append(read_qr(text))
        except FileRefusedError:
            continue  # a code of something else: payment, tracking, a company's page
        except FieldsRefusedError as err:
            broken = broken or err
    if not found:
        raise broken or FileRefusedError("code_missing", kind=kind)
    best = max(found, key=_weight)
    for other in found:
        if not same_number(best, other):
            raise FileRefusedError("codes_of_two", first=_name(best), second=_name(other))
        if contradicts(best, other):
            raise FileRefusedError("codes_differ", first=_name(best))
    return best


def same_number(one: ReadInvoice, other: ReadInvoice) -> bool:
    """Whether both may be of one invoice; a short number, as in addresses, is compared by its last digits."""
    if one.number and other.number:
        return one.number == other.number
    short = one.printed_number if not one.number else other.printed_number
    return _name(one).endswith(short) and _name(other).endswith(short)


def contradicts(one: ReadInvoice, other: ReadInvoice) -> bool:
    """Whether an amount or the date that both hold differs; an address has no sign, so with one it does not count."""
    signed = Source.QR_ADDRESS not in (one.source, other.source)
    pairs = (
        (one.issued_on, other.issued_on),
        (one.net_fen, other.net_fen),
        (one.gross_fen, other.gross_fen) if signed else (_unsigned(one), _unsigned(other)),
    )
    return any(mine is not None and theirs is not None and mine != theirs for mine, theirs in pairs)


def _unsigned(invoice: ReadInvoice) -> int | None:
    return None if invoice.gross_fen is None else abs(invoice.gross_fen)


def _weight(invoice: ReadInvoice) -> tuple[bool, bool, bool]:
    agrees = invoice.qr is not None and invoice.qr.checksum is Checksum.AGREES
    return bool(invoice.number), agrees, invoice.issued_on is not None


def _name(invoice: ReadInvoice) -> str:
    return invoice.number or invoice.printed_number
