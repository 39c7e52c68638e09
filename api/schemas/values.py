"""Values that occur in many places, each with its one strict form."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.fields import (
    AREA_PATTERN,
    CLAIM_ID_PATTERN,
    CURSOR_PATTERN,
    HASH_PATTERN,
    MONTH_PATTERN,
    NUMBER_PATTERN,
    TAX_ID_PATTERN,
    TEXT_PATTERN,
)
from ledger.domain.invoice import AMOUNT_FEN_MAX

PARTY_MAX = 2**32 - 1  # 32 bits in the signed word, docs/OPERATIONS.md
REFERENCE_LENGTH_MAX = 200  # characters of a claim's reference, a payment reference, a reason or a note
NAME_LENGTH_MAX = 200
CLAIM_NUMBERS_MAX = 100  # one claim is one atomic group
EXTERNAL_ID_LENGTH_MAX = 128  # what the ledger keeps of a caller's own id
DOCUMENTS_MAX = 256  # one signature covers a list
RESERVE_MAX = 1_000
SEGMENT_BLOCKS_MAX = 64
PAGE_SIZE_MAX = 1_000  # the setting page_size_max may lower it
PAGE_SIZE_DEFAULT = 50

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


def digits_only(value: Any) -> Any:
    """Integer of a path or query text: ASCII digits without sign, blank, point or leading zero."""
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise PydanticCustomError("integer_form", "digits only")
        return int(value)
    return value


def _text(length_min: int, length_max: int, description: str) -> Any:
    return Field(min_length=length_min, max_length=length_max, pattern=TEXT_PATTERN, description=description)


Number = Annotated[str, Field(pattern=NUMBER_PATTERN, description="Invoice number, 20 digits.")]
Hash = Annotated[str, Field(pattern=HASH_PATTERN, description="32 bytes as 64 lower-case hex digits.")]
ClaimId = Annotated[str, Field(pattern=CLAIM_ID_PATTERN, description="Claim id, 32 lower-case hex digits.")]
Month = Annotated[str, Field(pattern=MONTH_PATTERN, description="Month as YYYY-MM, China Standard Time.")]
Cursor = Annotated[str, Field(pattern=CURSOR_PATTERN, description="`next_cursor` of the page before.")]
TaxId = Annotated[str, Field(pattern=TAX_ID_PATTERN, description="Unified social credit code or older tax id.")]
Area = Annotated[str, Field(pattern=AREA_PATTERN, description="Area of the invoice code, 4 digits.")]
Party = Annotated[int, Field(ge=1, le=PARTY_MAX, description="Party id.")]
Fen = Annotated[int, Field(ge=0, le=AMOUNT_FEN_MAX, description="Amount in fen (0.01 yuan), an integer.")]
Reference = Annotated[str, _text(1, REFERENCE_LENGTH_MAX, "Your own reference, for example of an expense report.")]
Reason = Annotated[str, _text(1, REFERENCE_LENGTH_MAX, "Why, for the history of those who may see it.")]
Note = Annotated[str, _text(0, REFERENCE_LENGTH_MAX, "A remark.")]
ExternalId = Annotated[
    str, _text(1, EXTERNAL_ID_LENGTH_MAX, "Your own id of it, to find it by; it never stands for two things of a kind.")
]
Name = Annotated[str, _text(1, NAME_LENGTH_MAX, "Name as registered.")]
District = Annotated[
    str,
    Field(
        pattern=r"^([0-9]{2}){0,3}$",
        description="2, 4 or 6 digits of GB/T 2260: a province, a city, a district; empty is the whole ledger.",
    ),
]
PathParty = Annotated[int, BeforeValidator(digits_only), Field(ge=1, le=PARTY_MAX, description="Party id.")]
QueryFen = Annotated[int, BeforeValidator(digits_only), Field(ge=0, le=AMOUNT_FEN_MAX, description="Amount in fen.")]
Limit = Annotated[
    int, BeforeValidator(digits_only), Field(ge=1, le=PAGE_SIZE_MAX, description="Rows of a page at most.")
]

GrantName = Literal["issue", "finance", "claim"]
ClaimState = Literal["free", "locked", "settled", "cancelled"]
Strength = Annotated[
    Literal["issued_here", "signed_original", "original", "qr", "typed"],
    Field(description="What its registration proves."),
]
RevocationReason = Annotated[
    Literal[
        "unspecified", "key_compromise", "ca_compromise", "affiliation_changed", "superseded",
        "cessation_of_operation", "privilege_withdrawn", "aa_compromise",
    ],
    Field(description="Why, as in RFC 5280; a revocation is final, so that nothing is put on hold."),
]  # fmt: skip
PartyKind = Literal["authority", "officer", "enterprise", "person", "calendar"]


class Strict(BaseModel):
    """Model that takes exactly its fields, in exactly their types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
