"""Shapes of red letters: slips, reds, and how an invoice can be reddened. Amounts are positive fen."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.answers import DocumentJson, Refusal, Time
from api.schemas.requests import Subject
from api.schemas.values import ExternalId, Fen, Hash, Note, Number, Reason, Strict

PARTS_MAX = 2_000  # a red has as many lines as a blue may have
QUANTITY_LENGTH_MAX = 40

RedReason = Annotated[
    Literal["issued_in_error", "return", "service_ended", "allowance"],
    Field(description="Why it is credited; issued_in_error credits the whole invoice."),
]
SlipState = Literal[
    "seller_opened", "buyer_opened", "confirmed", "refused_by_buyer", "refused_by_seller", "lapsed", "withdrawn",
    "withdrawn_after_confirmation", "void", "used",
]  # fmt: skip


class Part(Strict):
    """Part of one blue line to credit."""

    line: Annotated[int, Field(ge=1, le=PARTS_MAX, description="Line of the blue invoice, counted from 1.")]
    quantity: Annotated[
        str,
        Field(max_length=QUANTITY_LENGTH_MAX, description="Goods to take back as a decimal; left out: money alone."),
    ] = ""
    net_fen: Annotated[Fen | None, Field(description="Net to credit; left out: the quantity's share, or all left.")] = (
        None
    )
    tax_fen: Annotated[Fen | None, Field(description="Tax to credit; left out: what goes with the net.")] = None


Parts = Annotated[
    Annotated[list[Part], Field(min_length=1, max_length=PARTS_MAX)] | None,
    Field(description="What to credit; left out: all that is left."),
]
RedDocument = Annotated[
    Any,
    Field(
        description="The red document itself instead of parts, amounts negative (docs/FORMATS.md); kind, parties, "
        "colour, original and reason can be left out.",
        json_schema_extra={"type": "object"},
    ),
]


class SlipRequest(Strict):
    """A red slip to open; the other side has 72 hours to answer."""

    reason: RedReason
    parts: Parts = None
    document: RedDocument = None
    subject: Subject = None


class RedRequest(Strict):
    """A red invoice to issue. Where a slip stands, what it says is issued and nothing need be given."""

    reason: RedReason | None = None
    parts: Parts = None
    document: RedDocument = None
    subject: Subject = None
    external_id: ExternalId | None = None


class SlipAnswer(Strict):
    """Confirming, refusing or withdrawing a slip."""

    note: Note = ""
    subject: Subject = None


class SlipVoiding(Strict):
    """An officer ends a slip."""

    reason: Reason


class Slip(Strict):
    """One red slip as it stands now; `document`, the draft agreed on, is told with the slips of one invoice only."""

    slip_id: Hash
    number: Annotated[Number, Field(description="The blue invoice.")]
    state: SlipState
    state_text: str
    state_text_zh: str
    reason: RedReason
    reason_text: str
    reason_text_zh: str
    seller: int
    seller_name: str
    opener: int
    opener_name: str
    other_side: int
    other_side_name: str
    answerer: Annotated[int | None, Field(description="Who is asked, while it waits.")]
    gross_fen: int
    tax_fen: int
    opened_at: Time
    lapses_at: Time
    seconds_left: Annotated[int, Field(description="0 unless it waits.")]
    answered_at: Time | None
    changed_at: Time
    red: Annotated[Number | None, Field(description="The red invoice that used it.")]
    document: DocumentJson | None


class SlipPage(Strict):
    items: list[Slip]
    next_cursor: str | None


class LineLeft(Strict):
    """What is left to credit of one line, its discount taken off."""

    line: int
    name: str
    net_fen: int
    tax_fen: int
    quantity: str


class RedOf(Strict):
    """One red of the invoice."""

    number: Number
    reason: RedReason
    gross_fen: int
    tax_fen: int
    issued_at: Time


class RedOutlook(Strict):
    """How an invoice can be reddened now, and what is left of it."""

    number: Number
    way: Annotated[
        Literal["alone", "agreement", "waiting", "confirmed", "none"],
        Field(description="alone: by the seller; agreement: by a slip first; none: `refusal` says why."),
    ]
    other_side: int | None
    other_side_name: str
    gross_fen: int
    credited_fen: int
    left_fen: int
    lines: list[LineLeft]
    reds: list[RedOf]
    slip: Slip | None
    refusal: Refusal | None
