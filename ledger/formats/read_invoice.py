"""What reading a file gives: an invoice of somebody else, with what could be told from that kind of file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

from ledger.domain.errors import FieldProblem
from ledger.domain.invoice import InvoiceColour, InvoiceDocument, InvoiceKind, OriginalInvoice, PartyDetails
from ledger.formats.errors import FieldsRefusedError, format_problem
from ledger.formats.ofd.verdict import NationalSignature, SignatureVerdict
from verifier.canonical import Json


class Source(StrEnum):
    """Kind of file or text an invoice was read from."""

    NATIONAL_XML = "national_xml"
    FLAT_XML = "flat_xml"
    OFD = "ofd"
    OFD_KEY_FIELDS = "ofd_key_fields"
    QR_CODED = "qr_coded"
    QR_NATIONAL = "qr_national"
    QR_BLOCKCHAIN = "qr_blockchain"
    QR_ADDRESS = "qr_address"
    PDF_XML = "pdf_xml"
    PDF_QR = "pdf_qr"
    IMAGE_QR = "image_qr"
    TYPED = "typed"


class Strength(IntEnum):
    """How much the source of a registration proves, the smaller the more; the number that stands on chain."""

    SIGNED_ORIGINAL = 1
    ORIGINAL = 2
    QR = 3
    TYPED = 4


_ORIGINALS = frozenset({Source.NATIONAL_XML, Source.FLAT_XML, Source.OFD, Source.OFD_KEY_FIELDS, Source.PDF_XML})


class Checksum(StrEnum):
    """What the check figures of a QR text say about it."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NONE = "has_none"


@dataclass(frozen=True, slots=True)
class QrText:
    """What only a QR text holds.

    `kind_code` two digits; `check_code` up to 20 digits; `checksum_given` and `checksum_computed` 4 hex digits;
    `chain_hash` 66 lower-case hex digits, one prefix byte and 32 bytes; `host` of a verification address. "" when
    the form has none.
    """

    checksum: Checksum = Checksum.NONE
    kind_code: str = ""
    check_code: str = ""
    checksum_given: str = ""
    checksum_computed: str = ""
    chain_hash: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class ReadInvoice:
    """An invoice read from a file.

    `number` is 20 digits, "" when the source holds only part of it; `code` and `printed_number` are as printed
    (12 or 10 and 8 digits, or "" and 20). Amounts in fen, None when the source does not hold them. `document` is
    there for XML and OFD, `signature` for OFD, `qr` for QR texts; names and tax ids of the parties stand also without a
    document, `seller` and `buyer` have them of either. `warnings` are problems that did not prevent reading;
    issuing checks again.
    """

    source: Source
    number: str
    code: str
    printed_number: str
    kind: InvoiceKind | None = None
    colour: InvoiceColour = InvoiceColour.BLUE
    issued_on: date | None = None
    net_fen: int | None = None
    tax_fen: int | None = None
    gross_fen: int | None = None
    seller_tax_id: str = ""
    seller_name: str = ""
    buyer_tax_id: str = ""
    buyer_name: str = ""
    document: InvoiceDocument | None = None
    red_slip: str = ""
    qr: QrText | None = None
    warnings: tuple[FieldProblem, ...] = ()
    file_name: str = ""
    signature: NationalSignature | None = None

    @property
    def strength(self) -> Strength | None:
        """Strength of a registration from this file; None for a file that must not be registered at all.

        None is an altered file, or one whose signature leaves out a file that repeats invoice data:
        `signature.reason` says which, in both languages.
        """
        if self.source is Source.TYPED:
            return Strength.TYPED
        if self.source not in _ORIGINALS:
            return Strength.QR
        if self.signature is not None and self.signature.refused:
            return None
        signed = self.signature is not None and self.signature.verdict is SignatureVerdict.SIGNED_INTACT
        return Strength.SIGNED_ORIGINAL if signed else Strength.ORIGINAL

    @property
    def seller(self) -> PartyDetails:
        """Seller as far as the source names it; "" for what it does not hold."""
        return self.document.seller if self.document else PartyDetails(self.seller_name, self.seller_tax_id)

    @property
    def buyer(self) -> PartyDetails:
        """Buyer as far as the source names it; "" for what it does not hold."""
        return self.document.buyer if self.document else PartyDetails(self.buyer_name, self.buyer_tax_id)

    @property
    def original(self) -> OriginalInvoice | None:
        """The blue invoice that a red one credits."""
        return self.document.original if self.document else None

    def draft(self, seller: PartyDetails | None = None, buyer: PartyDetails | None = None) -> dict[str, Json]:
        """Plain JSON of a new draft with this content: what `parse_issuable` takes, to be issued as one of ours.

        Number and issue date are left out, since the new invoice gets its own; `seller` and `buyer`, when given,
        replace those of the file, whose ids may be masked. A red invoice keeps its colour and is refused on issue.

        Raises: FieldsRefusedError for a QR text, which holds neither lines nor parties.
        """
        if self.document is None:
            raise FieldsRefusedError([format_problem("", "draft_unavailable")])
        values = self.document.to_json()
        values.pop("number", None)
        values.pop("issued_on", None)
        if seller is not None:
            values["seller"] = seller.to_json()
        if buyer is not None:
            values["buyer"] = buyer.to_json()
        return values
