"""Examples of invoices of elsewhere; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_READING: dict[str, Json] = {
    "number": "14403180911000000317",
    "code": "144031809110",
    "printed_number": "00000317",
    "source": "qr_coded",
    "strength": "qr",
    "signature": None,
    "signer": "",
    "kind": "ordinary",
    "colour": "blue",
    "issued_on": "2026-11-03",
    "net_fen": 80000,
    "tax_fen": None,
    "gross_fen": None,
    "seller_name": "",
    "seller_tax_id": "",
    "buyer_name": "",
    "buyer_tax_id": "",
    "file_sha256": "ab" * 32,
    "problems": [
        {
            "path": "gross_fen",
            "code": "outside_gross_missing",
            "message": "the source does not hold the gross amount; type it from the invoice",
            "message_zh": "来源中没有价税合计，请按票面补录",
        }
    ],
    "warnings": [],
    "refusal": None,
}


def outside_examples(read: Callable[..., T], write: Callable[..., T]) -> dict[str, T]:
    """Examples by operation id; `read` takes the answer, `write` the request."""
    return {"read_outside": read(_READING), "register_outside": write(None, disputed=[])}
