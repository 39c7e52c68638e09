"""What is kept of an outside invoice, opened for the files that are handed out.

Sealed items of a registration are bound to the invoice's number; which registration counts says `p_invoice.digest`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.domain.numbers import format_number
from ledger.projection import Connection, outside_documents
from ledger.projection.invoices import InvoiceRecord
from ledger.service.context import Context
from verifier.canonical import Json, loads

SEALED_OUTSIDE_DOCUMENT = "outside document"  # kinds of sealed items, as in context.py
SEALED_OUTSIDE_ORIGINAL = "outside original"
SEALED_OUTSIDE_SEED = "outside seed"
DOCUMENT_SIZE_MAX = 4 << 20  # bytes of what was read of one invoice, in JSON

_EXTENSIONS = {"ofd": "ofd", "xml": "xml", "pdf": "pdf", "image": "img", "qr": "txt"}
_PICTURES = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpg"), (b"GIF8", "gif"), (b"BM", "bmp"), (b"RIFF", "webp"))


@dataclass(frozen=True)
class OutsidePapers:
    """The fields that were read, the seed of their salts, and the file as it came; None where forgotten or not kept."""

    document: dict[str, Json] | None
    seed: bytes | None
    original: bytes | None
    extension: str


def outside_fields(context: Context, connection: Connection, record: InvoiceRecord) -> dict[str, Json] | None:
    """What was read for the registration of an outside invoice that counts, None when it is not kept any more.

    Raises: NotReady when somebody changed the row it stands in.
    """
    sealed = outside_documents.outside_fields(connection, record.number, record.digest)
    return None if sealed is None else _opened_fields(context, sealed, format_number(record.number))


def opened_outside(context: Context, connection: Connection, record: InvoiceRecord) -> OutsidePapers | None:
    """What is kept of the registration of an outside invoice that counts, None when nothing is.

    Raises: NotReady when somebody changed the row it stands in.
    """
    stored = outside_documents.outside_document(connection, record.number, record.digest)
    if stored is None:
        return None
    number = format_number(record.number)
    document: dict[str, Json] | None = None
    if stored.sealed_document is not None:
        document = _opened_fields(context, stored.sealed_document, number)
    original = seed = None
    if stored.sealed_seed is not None:
        seed = context.opened(stored.sealed_seed, SEALED_OUTSIDE_SEED, number)
    if stored.sealed_original is not None:
        original = context.opened(stored.sealed_original, SEALED_OUTSIDE_ORIGINAL, number)
    return OutsidePapers(document, seed, original, _extension(stored.kind, original or b""))


def _opened_fields(context: Context, sealed: bytes, number: str) -> dict[str, Json]:
    value = loads(context.opened(sealed, SEALED_OUTSIDE_DOCUMENT, number), DOCUMENT_SIZE_MAX)
    assert isinstance(value, dict)
    return value


def _extension(kind: str, original: bytes) -> str:
    """Ending of a name that says what the file is."""
    pictures = (name for start, name in _PICTURES if kind == "image" and original.startswith(start))
    return next(pictures, _EXTENSIONS.get(kind, "bin"))
