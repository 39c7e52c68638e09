"""The link behind the QR code: the address of the public check with what a reader has to know to be answered.

The form is the one of Shenzhen's own codes, `?hash=<66 hex>&bill_num=<number>&total_amount=<fen>`, so that the apps
that read those read this one too.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from ledger.documents.errors import NotWritableError
from ledger.domain.invoice import InvoiceDocument

ADDRESS_LENGTH_MAX = 200  # characters; with the query the code stays at a size that telephones read from paper
HASH_PREFIX = "00"  # the one byte before the 32 of the commitment: the first form of commitment
CHECK_PATH = "/check"

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?", re.ASCII)


def check_link(document: InvoiceDocument, commitment: bytes, address: str) -> str:
    """Link to the public check of one invoice.

    `address` is where the ledger answers, with or without a path, such as https://ledger.example; `commitment` 32
    bytes. `total_amount` is the gross in fen without its sign, as scanners know it: the number says whether it is red.

    Raises: NotWritableError for a draft, an address of another form, a commitment of another size.
    """
    if document.is_draft:
        raise NotWritableError("draft")
    if len(address) > ADDRESS_LENGTH_MAX or not _ADDRESS.fullmatch(address):
        raise NotWritableError("check_address", address=address[:ADDRESS_LENGTH_MAX], limit=ADDRESS_LENGTH_MAX)
    if len(commitment) != 32:
        raise NotWritableError("commitment_size", count=len(commitment))
    query = {
        "hash": HASH_PREFIX + commitment.hex(),
        "bill_num": document.number,
        "total_amount": str(abs(document.gross_fen)),
    }
    return f"{address.rstrip('/')}{CHECK_PATH}?{urlencode(query)}"
