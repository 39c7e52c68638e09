"""Drafts of red invoices: what a red would say, from the blue's document, its reds, and what is asked for.

The draft of a slip is the text behind the slip's salted reference: what the other side confirms is what is issued, to
the line, and whoever holds salt and text can prove it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from ledger.domain.credits import LineLeft, lines_left
from ledger.domain.document import parse_document, parse_red
from ledger.domain.errors import DocumentError, FieldProblem
from ledger.domain.invoice import DOCUMENT_SIZE_MAX, LINES_MAX, InvoiceColour, InvoiceDocument
from ledger.domain.numbers import format_number
from ledger.domain.problems import problem
from ledger.domain.red import Credit, red_of
from ledger.domain.slips import RedReason
from ledger.projection import Connection, invoices
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.red_queries import reference_of_operation
from ledger.projection.slips import SlipRecord
from ledger.service.context import Context
from ledger.service.errors import InvalidRequest, NotFound
from ledger.service.problems import invalid
from ledger.service.proofs import opened_document
from ledger.service.salted_texts import salted_text
from verifier.canonical import Json, dumps, loads
from verifier.errors import EvidenceError

PARTS_MAX = LINES_MAX  # a red has as many lines as a blue may have
RED_REASONS = {one.name.lower(): one for one in RedReason}


def checked_reason(reason: str | None) -> RedReason | None:
    """The reason of that name. Raises: InvalidRequest at `reason`."""
    if reason is None:
        return None
    if reason not in RED_REASONS:
        raise invalid("reason", "red_reason_unknown", given=reason[:40])
    return RED_REASONS[reason]


def asked_json(reason: RedReason | None, parts: Sequence[Credit] | None, document: object) -> dict[str, Json]:
    """What was asked for, as an Idempotency-Key is bound to it.

    Raises: InvalidRequest when parts and document are both given, or too many parts.
    """
    if parts is not None and document is not None:
        raise invalid("document", "red_parts_or_document")
    if parts is not None and not 1 <= len(parts) <= PARTS_MAX:
        raise invalid("parts", "count_range", low=1, high=PARTS_MAX, given=len(parts))
    if document is not None and not isinstance(document, dict):
        raise invalid("document", "red_document_form")
    listed: Json = None
    if parts is not None:
        listed = [[one.line, one.quantity, one.net_fen, one.tax_fen] for one in parts]
    return {"reason": None if reason is None else reason.value, "parts": listed, "document": _plain(document)}


def red_draft(
    context: Context, connection: Connection, record: InvoiceRecord, reason: RedReason,
    parts: Sequence[Credit] | None, document: object,
) -> InvoiceDocument:  # fmt: skip
    """Draft of the red that credits `parts` of a blue, or what `document` says, or else all that is left.

    Raises: InvalidRequest naming parts or fields; NotFound when a document is erased or kept elsewhere.
    """
    if record.is_outside:
        raise InvalidRequest((problem("number", "red_outside"),))
    blue, earlier = blue_and_reds(context, connection, record)
    try:
        if document is not None:
            draft = parse_red(_completed(document, blue, reason), blue, earlier)
            if not draft.is_draft:
                raise invalid("document.number", "number_in_use", number=draft.number)
            return draft
        return red_of(blue, reason=reason, parts=parts, earlier_reds=earlier)
    except DocumentError as err:
        raise InvalidRequest(tuple(_asked(one, in_document=document is not None) for one in err.problems)) from err


def slip_draft(context: Context, connection: Connection, slip: SlipRecord) -> InvoiceDocument | None:
    """The draft the two sides of a slip agree on, None once erased or where the opener keeps it itself."""
    text = salted_text(context, connection, *reference_of_operation(connection, slip.opened_order))
    if not text:
        return None
    try:
        draft = parse_document(loads(text.encode(), DOCUMENT_SIZE_MAX))
    except (DocumentError, EvidenceError, ValueError):
        return None  # another text behind the reference: the opener signed elsewhere
    agreed = (draft.gross_fen_abs, draft.tax_fen_abs) == (slip.gross_fen, slip.tax_fen)
    return draft if agreed and draft.colour is InvoiceColour.RED else None


def of_slip(draft: InvoiceDocument, slip: SlipRecord) -> InvoiceDocument:
    """The slip's draft with the slip's name, the digest of the group that opened it."""
    return replace(draft, red_slip=slip.digest.hex())


def same_red(one: InvoiceDocument, other: InvoiceDocument) -> bool:
    """Whether two drafts credit the same, slip's name and day of issue apart."""
    return replace(one, red_slip="", issued_on=None) == replace(other, red_slip="", issued_on=None)


def left_of(context: Context, connection: Connection, record: InvoiceRecord) -> tuple[LineLeft, ...]:
    """What is left of each line of a blue; empty once a document was erased."""
    try:
        blue, earlier = blue_and_reds(context, connection, record)
        return tuple(lines_left(blue, earlier).values())
    except (NotFound, DocumentError):
        return ()


def blue_and_reds(
    context: Context, connection: Connection, record: InvoiceRecord
) -> tuple[InvoiceDocument, tuple[InvoiceDocument, ...]]:
    """Documents of a blue and of its reds. Raises: NotFound when one is erased or kept elsewhere."""
    opened = []
    for one in (record, *invoices.reds_of(connection, record.number)):
        document = opened_document(context, connection, one)
        if document is None:
            raise NotFound("document of invoice", format_number(one.number))
        opened.append(document)
    return opened[0], tuple(opened[1:])


def _completed(document: object, blue: InvoiceDocument, reason: RedReason) -> object:
    """The document with what it need not repeat of its blue: kind, parties, colour, original, reason."""
    if not isinstance(document, dict):
        return document
    known: dict[str, Json] = {
        "kind": blue.kind.value,
        "seller": blue.seller.to_json(),
        "buyer": blue.buyer.to_json(),
        "colour": InvoiceColour.RED.value,
        "original": {"number": blue.number},
        "red_reason": reason.value,
    }
    return {**known, **document}


def _asked(found: FieldProblem, *, in_document: bool) -> FieldProblem:
    """A problem of the red document at the path of the request that caused it."""
    path = found.path
    if in_document:
        path = f"document.{path}" if path else "document"
    elif path.startswith("lines."):
        path = "parts." + path.removeprefix("lines.").replace("blue_line", "line")
    else:
        path = {"red_reason": "reason", "original": "number"}.get(path, path)
    return FieldProblem(path, found.code, found.message_en, found.message_zh)


def _plain(document: object) -> Json:
    """The document as text to be hashed; what has no canonical form is refused by its parser, with a path."""
    if document is None:
        return None
    try:
        return dumps(cast("Json", document)).decode()
    except (EvidenceError, TypeError, ValueError):
        return repr(document)
