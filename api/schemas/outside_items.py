"""Shape of an invoice of elsewhere as it is sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from api.schemas.values import PARTY_MAX, Fen, Strict, digits_only

OUTSIDE_ITEMS_MAX = 20  # as many as the service takes in one claim
BASE64_LENGTH_MAX = 2_800_000  # characters: 2 MiB of file; larger ones go to their own address
QR_LENGTH_MAX = 4_096
DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

Kind = Literal["ordinary", "special"]
Day = Annotated[str, Field(pattern=DAY_PATTERN, description="Issue date as YYYY-MM-DD.")]
QueryEmployer = Annotated[
    int, BeforeValidator(digits_only), Field(ge=1, le=PARTY_MAX, description="Enterprise that reimburses.")
]


class OutsideInvoice(Strict):
    """One invoice of elsewhere: exactly one of `file`, `qr` and `typed`; the rest completes what that does not hold."""

    file: Annotated[str | None, Field(max_length=BASE64_LENGTH_MAX, description="The file, base64.")] = None
    file_name: Annotated[str, Field(max_length=255, description="Its name; shown, never trusted.")] = ""
    qr: Annotated[str | None, Field(max_length=QR_LENGTH_MAX, description="Text of the invoice's QR code.")] = None
    typed: Annotated[
        Any,
        Field(
            description="Fields as printed (docs/FORMATS.md): number, code, gross, issued_on, seller_name, ...",
            json_schema_extra={"type": "object"},
        ),
    ] = None
    gross_fen: Annotated[Fen | None, Field(description="Gross, where the source does not hold it.")] = None
    tax_fen: Annotated[Fen | None, Field(description="Tax, where the source does not hold it.")] = None
    issued_on: Day | None = None
    kind: Kind | None = None
