"""The invoice document: what seller and buyer agreed on, as frozen values and as canonical plain JSON.

Its JSON holds integers and strings only, and leaves out every field that has its default (an empty text,
nature 0, mark `rate`, colour `blue`, no original, a red line at the position of its blue one): one document has one
JSON, so one commitment. `document.py` parses it and checks the arithmetic, `red.py` makes a red one of its blue one;
docs/FORMATS.md lists fields, limits and problem codes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum, StrEnum

from ledger.domain.errors import DocumentError
from ledger.domain.identities import buyer_identity_hash, enterprise_identity
from ledger.domain.months import Month, month_of
from ledger.domain.numbers import InvoiceNumber, format_number, is_ledger_number, join_number, parse_number
from ledger.domain.problems import problem
from ledger.domain.slips import RedReason
from verifier.canonical import Json, dumps
from verifier.commitment import commit

LINES_MAX = 2_000  # the national platform's limit for one invoice; a document stays under the size below
DOCUMENT_SIZE_MAX = 1 << 20  # bytes of canonical JSON; 2,000 ordinary lines take 500 KB
AMOUNT_FEN_MAX = 2**44 - 1  # a month's total has 44 bits on chain, docs/OPERATIONS.md
RATE_BP_MAX = 10_000  # basis points; 100 %


class InvoiceKind(StrEnum):
    """Special invoices let the buyer deduct the tax, ordinary ones do not."""

    ORDINARY = "ordinary"
    SPECIAL = "special"


class InvoiceColour(StrEnum):
    """Blue is an invoice, red its credit note with negative amounts."""

    BLUE = "blue"
    RED = "red"


class RateMark(StrEnum):
    """How the rate is meant.

    rate        the tax is net x rate
    exempt      免税: rate 0, no tax
    not_taxable 不征税: rate 0, no tax
    zero        zero-rated, the tax printed `***`: rate 0, no tax
    difference  差额征税: taxed on a difference, so the tax is not net x rate but at most that
    """

    RATE = "rate"
    EXEMPT = "exempt"
    NOT_TAXABLE = "not_taxable"
    ZERO = "zero"
    DIFFERENCE = "difference"


class LineNature(IntEnum):
    """Normal; a discount; the line right before a discount."""

    NORMAL = 0
    DISCOUNT = 1
    DISCOUNTED = 2


@dataclass(frozen=True, slots=True)
class PartyDetails:
    """Seller or buyer as printed. `tax_id` is "" for a personal buyer; `account` is the bank account number."""

    name: str
    tax_id: str = ""
    address: str = ""
    phone: str = ""
    bank: str = ""
    account: str = ""

    def to_json(self) -> dict[str, Json]:
        """Plain JSON; `name` and `tax_id` are always there."""
        value: dict[str, Json] = {"name": self.name, "tax_id": self.tax_id}
        for key in ("address", "phone", "bank", "account"):
            text = getattr(self, key)
            if text:
                value[key] = text
        return value


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice.

    Amounts in fen, `net_fen` without tax; rate in basis points; price (without tax) and quantity as canonical
    decimal texts, "" when the invoice prints none; `tax_code` 19 digits or "". `blue_line`, of a red line only, is the
    line of the blue invoice that it credits, counted from 1; 0 when that is the one at the same position.
    """

    name: str
    net_fen: int
    rate_bp: int
    tax_fen: int
    tax_code: str = ""
    specification: str = ""
    unit: str = ""
    quantity: str = ""
    price: str = ""
    rate_mark: RateMark = RateMark.RATE
    nature: LineNature = LineNature.NORMAL
    blue_line: int = 0

    def to_json(self) -> dict[str, Json]:
        """Plain JSON; name, net_fen, rate_bp and tax_fen are always there."""
        value: dict[str, Json] = {
            "name": self.name,
            "net_fen": self.net_fen,
            "rate_bp": self.rate_bp,
            "tax_fen": self.tax_fen,
        }
        for key in ("tax_code", "specification", "unit", "quantity", "price"):
            text = getattr(self, key)
            if text:
                value[key] = text
        if self.rate_mark is not RateMark.RATE:
            value["rate_mark"] = self.rate_mark.value
        if self.nature is not LineNature.NORMAL:
            value["nature"] = self.nature.value
        if self.blue_line:
            value["blue_line"] = self.blue_line
        return value


@dataclass(frozen=True, slots=True)
class OriginalInvoice:
    """The blue invoice a red one credits: 12- or 10-digit code and 8 digits, or "" and 20 digits."""

    code: str
    number: str

    @property
    def key(self) -> InvoiceNumber:
        """The blue invoice's number as the chain's key.

        Raises: NumberError for any other form.
        """
        return join_number(self.code, self.number)

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {"code": self.code, "number": self.number} if self.code else {"number": self.number}


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """One invoice.

    `number` is 20 digits, "" in a draft; `issued_on` a day in China Standard Time, None only in a draft; amounts
    in fen, negative when red. Of a red one, `red_reason` says why it credits `original`, and `red_slip` names the slip
    (a national one's id, or what this ledger names it by), "" when none was needed.
    """

    kind: InvoiceKind
    seller: PartyDetails
    buyer: PartyDetails
    lines: tuple[Line, ...]
    net_fen: int
    tax_fen: int
    gross_fen: int
    number: str = ""
    issued_on: date | None = None
    gross_in_words: str = ""
    note: str = ""
    payee: str = ""
    checker: str = ""
    drawer: str = ""
    colour: InvoiceColour = InvoiceColour.BLUE
    original: OriginalInvoice | None = None
    red_reason: RedReason | None = None
    red_slip: str = ""

    @property
    def is_draft(self) -> bool:
        """Whether it has no number yet."""
        return not self.number

    @property
    def credits_ledger_invoice(self) -> bool:
        """Whether it is red and names an invoice of this ledger as its original."""
        return self.original is not None and is_ledger_number(self.original.key)

    @property
    def number_key(self) -> InvoiceNumber:
        """The number as the chain's key.

        Raises: NumberError for a draft.
        """
        return parse_number(self.number)

    @property
    def month(self) -> Month:
        """Month of the issue date.

        Raises: DocumentError for a draft without one.
        """
        if self.issued_on is None:
            raise DocumentError([problem("issued_on", "missing")])
        return month_of(self.issued_on)

    @property
    def gross_fen_abs(self) -> int:
        """Gross without its sign, fen: what the chain holds of a red invoice."""
        return abs(self.gross_fen)

    @property
    def tax_fen_abs(self) -> int:
        """Tax without its sign, fen: what the chain holds of a red invoice."""
        return abs(self.tax_fen)

    @property
    def seller_identity_hash(self) -> bytes:
        """32-byte identity hash of the seller."""
        return enterprise_identity(self.seller.tax_id).hash

    @property
    def buyer_identity_hash(self) -> bytes:
        """32-byte identity hash of the buyer, `who` of an issue; zeros for a personal buyer."""
        return buyer_identity_hash(self.buyer.tax_id)

    def to_json(self) -> dict[str, Json]:
        """Plain JSON of integers and strings; fields with their default are left out."""
        value: dict[str, Json] = {
            "kind": self.kind.value,
            "seller": self.seller.to_json(),
            "buyer": self.buyer.to_json(),
            "lines": [line.to_json() for line in self.lines],
            "net_fen": self.net_fen,
            "tax_fen": self.tax_fen,
            "gross_fen": self.gross_fen,
        }
        for key in ("number", "gross_in_words", "note", "payee", "checker", "drawer", "red_slip"):
            text = getattr(self, key)
            if text:
                value[key] = text
        if self.issued_on is not None:
            value["issued_on"] = self.issued_on.isoformat()
        if self.colour is not InvoiceColour.BLUE:
            value["colour"] = self.colour.value
        if self.original is not None:
            value["original"] = self.original.to_json()
        if self.red_reason is not None:
            value["red_reason"] = self.red_reason.value
        return value

    def canonical(self) -> bytes:
        """Canonical JSON bytes (RFC 8785), UTF-8."""
        return dumps(self.to_json())

    def commitment(self, seed: bytes) -> bytes:
        """32-byte root of the salted leaves, `ref` of its issue. `seed` is 32 secret bytes kept with the document.

        Raises: DocumentError for a draft: a commitment is to a numbered document.
        """
        if self.is_draft:
            raise DocumentError([problem("number", "missing")])
        return commit(self.to_json(), seed)

    def with_number(self, number: int | str, issued_on: date) -> InvoiceDocument:
        """The draft as the numbered document to be signed.

        Raises: DocumentError for an already numbered document, a number outside the ledger's space, or a red document
        that credits no invoice of this ledger.
        """
        key = parse_number(number) if isinstance(number, str) else number
        problems = []
        if self.colour is InvoiceColour.RED and not self.credits_ledger_invoice:
            problems.append(problem("colour", "red_not_issued"))
        if not self.is_draft:
            problems.append(problem("number", "already_numbered", number=self.number))
        if not is_ledger_number(key):
            problems.append(problem("number", "number_not_ours"))
        if problems:
            raise DocumentError(problems)
        month_of(issued_on)
        return replace(self, number=format_number(key), issued_on=issued_on)
