"""Shape of what was read of an invoice of elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.answers import FieldError, Refusal
from api.schemas.outside_items import Kind
from api.schemas.values import Strict


class OutsideReading(Strict):
    """What was read of an invoice of elsewhere, and what would become of it. Amounts in fen, null where unknown."""

    number: Annotated[str, Field(description='20 digits; "" when the source holds only part of it.')]
    code: str
    printed_number: str
    source: str
    strength: Annotated[
        Literal["signed_original", "original", "qr", "typed"] | None,
        Field(description="How much the source proves; null: it must not be registered, `problems` say why."),
    ]
    signature: Literal["signed_intact", "unsigned", "cannot_check", "not_covered", "altered"] | None
    signer: str
    kind: Kind | None
    colour: Literal["blue", "red"]
    issued_on: str | None
    net_fen: int | None
    tax_fen: int | None
    gross_fen: int | None
    seller_name: str
    seller_tax_id: str
    buyer_name: str
    buyer_tax_id: str
    file_sha256: str | None
    problems: Annotated[list[FieldError], Field(description="What keeps it from being claimed from that employer.")]
    warnings: list[FieldError]
    refusal: Annotated[Refusal | None, Field(description="What the ledger would say now; null: it would take it.")]
