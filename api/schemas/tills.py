"""Shapes of tills, of collecting there, and of uploads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.fields import HASH_PATTERN, TEXT_PATTERN
from api.schemas.answers import Refusal, Time, Written
from api.schemas.requests import Subject
from api.schemas.values import Fen, Hash, Number, Party, Strict

ITEMS_MAX = 100
LINES_MAX = 100
UPLOADS_MAX = 256
ORDER_LENGTH_MAX = 640
LINE_NAME_LENGTH_MAX = 200
TITLE_LENGTH_MAX = 200
TAX_ID_LENGTH_MAX = 20
TIME_LENGTH_MAX = 40

TillId = Annotated[str, Field(min_length=16, max_length=16, description="Id of a till, 16 hex digits.")]
OrderId = Annotated[
    str, Field(pattern=r"^[!-9;-~]{1,64}$", description="Your own id of the order, visible ASCII without a colon.")
]
RateBp = Annotated[int, Field(ge=0, le=10_000, description="Tax rate in basis points: 600 is 6 %.")]


class Item(Strict):
    """Goods a till names by their place in its list, counted from 1."""

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=TEXT_PATTERN)]
    rate_bp: RateBp


class TillRequest(Strict):
    """A till to register."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=TEXT_PATTERN)]
    public_key: Annotated[str, Field(pattern=HASH_PATTERN, description="The till's Ed25519 public key.")]
    clerk: Annotated[
        Party | None, Field(description="Who signs its invoices with the key kept here; left out: the caller.")
    ] = None
    items: Annotated[tuple[Item, ...], Field(max_length=ITEMS_MAX, strict=False)] = ()
    subject: Subject = None


class Closing(Strict):
    """Closes a till."""


class Till(Strict):
    till_id: TillId
    seller: int
    clerk: int
    name: str
    public_key: Hash
    items: list[Item]
    state: Literal["open", "closed"]
    created_at: Time


class TillList(Strict):
    items: list[Till]


class Title(Strict):
    """Whom the invoice is made out to."""

    name: Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH_MAX, pattern=TEXT_PATTERN)]
    tax_id: Annotated[str, Field(max_length=TAX_ID_LENGTH_MAX, description='"" for a person.')] = ""


class Line(Strict):
    """One line of a payment, tax included."""

    name: Annotated[str, Field(min_length=1, max_length=LINE_NAME_LENGTH_MAX, pattern=TEXT_PATTERN)]
    rate_bp: RateBp
    gross_fen: Fen


class Payment(Strict):
    """A payment a channel notices."""

    order_id: OrderId
    gross_fen: Fen
    lines: Annotated[list[Line], Field(min_length=1, max_length=LINES_MAX)]
    first_holder: Annotated[Party | None, Field(description="Person who holds it; left out: kept for pickup.")] = None
    subject: Subject = None


class CollectionRequest(Strict):
    """A till's signed order, or a payment; and the title."""

    order: Annotated[
        str | None, Field(max_length=ORDER_LENGTH_MAX, description="Text of the scanned code, after `o=`.")
    ] = None
    payment: Payment | None = None
    title: Title


class Collection(Written):
    """The invoice of an order; the same when it is asked for again."""

    number: Number
    commitment: Hash
    gross_fen: int
    held: Annotated[bool, Field(description="Kept for pickup by number and commitment.")]
    replayed: bool


class PickupRequest(Strict):
    """What stands on the invoice."""

    number: Number
    commitment: Hash


class TitleList(Strict):
    items: list[Title]


class OfflineInvoice(Strict):
    """One invoice as the till issued it."""

    number: Number
    issued_at: Annotated[str, Field(max_length=TIME_LENGTH_MAX, description="ISO 8601 with offset.")]
    document: Annotated[Any, Field(description="As of issuing.", json_schema_extra={"type": "object"})]
    order_id: OrderId | None = None


class UploadRequest(Strict):
    """What a till issued off line."""

    invoices: Annotated[list[OfflineInvoice], Field(min_length=1, max_length=UPLOADS_MAX)]


class RowProblem(Strict):
    path: str
    code: str
    message: str
    message_zh: str


class UploadRow(Strict):
    """What became of one invoice."""

    index: int
    number: str
    status: Literal["recorded", "accepted", "refused", "malformed", "expired", "invalid"]
    commitment: Hash | None
    duplicate: Annotated[bool, Field(description="It was uploaded before; the answer is of then.")]
    problems: list[RowProblem]
    refusal: Refusal | None


class UploadAnswer(Strict):
    items: list[UploadRow]
