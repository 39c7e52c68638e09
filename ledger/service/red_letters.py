"""Red letters: slips between the two sides, and the red invoices that credit a blue one.

Writes only. Whether a slip is needed, who may answer and how much is left is the contract's to say; here the amounts
are reckoned from documents, so that what cannot become a red document is a request to correct and nothing is signed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ledger.domain.invoice import InvoiceDocument
from ledger.domain.months import cst_date, month_of
from ledger.domain.numbers import format_number
from ledger.domain.red import Credit
from ledger.domain.slips import RedReason
from ledger.domain.times import utc_time
from ledger.projection import Connection, NewDocument, invoices, number_pool, parties, red_queries, slips
from ledger.projection.erasures import erased_among
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.slips import SlipRecord
from ledger.service import instructions
from ledger.service.context import SEALED_DOCUMENT, SEALED_SEED, Context
from ledger.service.errors import InvalidRequest, NotFound
from ledger.service.external_ids import INVOICE_ID, checked_id, new_id
from ledger.service.forms import checked_number, checked_party, checked_text, salted
from ledger.service.people import acts_for, need_officer, seen_as, seen_invoice, sides_of
from ledger.service.problems import invalid
from ledger.service.red_drafts import asked_json, checked_reason, of_slip, red_draft, same_red, slip_draft
from ledger.service.red_reading import outlook, slips_page
from ledger.service.red_views import RedOutlook, SlipPage
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import Code, Operation
from verifier.words import NUMBER_SPACE_FIRST, Grant

SEED_SIZE = 32
NOTE_LENGTH_MAX = 200
NUMBER_HELD_S = 60  # until this transaction marks it used

_Plan = Callable[[Connection, InvoiceRecord], InvoiceDocument]
_Prepare = Callable[[Connection], Draft]


@dataclass(frozen=True)
class _Planned:
    """A draft as it was reckoned when the blue had `version` and its last slip `slip_order`."""

    version: int
    slip_order: int | None
    draft: InvoiceDocument


class RedLetters:
    """Slips and red invoices of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # -- slips -------------------------------------------------------------------------------

    def open_slip(
        self, caller: Caller, number: str, *, reason: str, parts: Sequence[Credit] | None = None,
        document: object = None, subject: int | None = None, idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Opens a slip for a red of the whole rest, of `parts`, or as `document` says; the other side has 72 hours.

        `subject` is the seller or the other side, left out: the one the caller acts for.

        Raises: NotFound, InvalidRequest naming parts or fields, and the errors of a write.
        """
        chosen = checked_reason(reason)
        assert chosen is not None
        asked = asked_json(chosen, parts, document)
        hashed = request_hash("open slip", {**asked, "number": number, "subject": _checked_subject(subject)})

        def plan(connection: Connection, record: InvoiceRecord) -> InvoiceDocument:
            return red_draft(self._context, connection, record, chosen, parts, document)

        planned = self._plan(caller, number, plan)

        def prepare(connection: Connection) -> Draft:
            record, draft = self._planned(connection, caller, number, planned, plan)
            side = subject or _side(caller, record, red_queries.other_side(connection, record, self._context.now_s()))
            reference = salted(self._context, caller, "slip", draft.canonical().decode())
            operation = instructions.on_invoice(
                Code.OPEN_SLIP, subject=side, number=record.number, version=record.version, option=chosen,
                terms=draft.gross_fen_abs | draft.tax_fen_abs << 48, ref=reference.ref,
            )  # fmt: skip
            return Draft((operation,), references=(reference,))

        return self._write(caller, idempotency_key, hashed, prepare)

    def confirm_slip(
        self, caller: Caller, number: str, *, note: str = "", subject: int | None = None, idempotency_key: str
    ) -> Written:
        """The side that was asked agrees."""
        return self._on_slip(caller, Code.CONFIRM_SLIP, number, note, subject, idempotency_key)

    def refuse_slip(
        self, caller: Caller, number: str, *, note: str = "", subject: int | None = None, idempotency_key: str
    ) -> Written:
        """The side that was asked does not agree; a new slip can be opened."""
        return self._on_slip(caller, Code.REFUSE_SLIP, number, note, subject, idempotency_key)

    def withdraw_slip(
        self, caller: Caller, number: str, *, note: str = "", subject: int | None = None, idempotency_key: str
    ) -> Written:
        """The side that opened takes the slip back, before or after it was confirmed."""
        return self._on_slip(caller, Code.WITHDRAW_SLIP, number, note, subject, idempotency_key)

    def void_slip(self, caller: Caller, number: str, *, reason: str, idempotency_key: str) -> Written:
        """An officer ends a slip. Raises: NotPermitted."""
        need_officer(caller)
        return self._on_slip(caller, Code.VOID_SLIP, number, reason, caller.party, idempotency_key, path="reason")

    def slips(
        self, caller: Caller, *, number: str | None = None, waiting: bool = False, cursor: str | None = None, limit: int
    ) -> SlipPage:
        """Slips the caller's sides took part in, newest first; `waiting`: those it is asked to answer now."""
        return slips_page(self._context, caller, number=number, waiting=waiting, cursor=cursor, limit=limit)

    # -- reds --------------------------------------------------------------------------------

    def issue_red(
        self, caller: Caller, number: str, *, reason: str | None = None, parts: Sequence[Credit] | None = None,
        document: object = None, subject: int | None = None, external_id: str | None = None, idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Issues a red of the blue invoice `number`: what its slip says, else the whole rest, `parts` or `document`.

        With a slip that stands nothing else need be given, and what is given must be the same. `numbers` of the answer
        holds the red's number.

        Raises: NotFound, InvalidRequest naming parts or fields, NumbersExhausted, and the errors of a write.
        """
        chosen = checked_reason(reason)
        asked = asked_json(chosen, parts, document)
        own_id = checked_id(external_id)
        request: dict[str, Json] = {**asked, "number": number, "subject": _checked_subject(subject)}
        if own_id is not None:
            request["external_id"] = own_id
        hashed = request_hash("issue red", request)

        def plan(connection: Connection, record: InvoiceRecord) -> InvoiceDocument:
            return self._red_to_issue(connection, record, chosen, parts, document)

        planned = self._plan(caller, number, plan)

        def prepare(connection: Connection) -> Draft:
            record, draft = self._planned(connection, caller, number, planned, plan)
            seller = subject or record.seller
            own_ids = new_id(connection, caller, seller, INVOICE_ID, own_id)
            taken = self._next_number(connection, caller, seller)
            named = tuple(one.named(format_number(taken)) for one in own_ids)
            return replace(self._numbered(record, draft, seller, taken), external_ids=named)

        return self._write(caller, idempotency_key, hashed, prepare)

    def outlook(self, caller: Caller, number: str) -> RedOutlook:
        """How the invoice can be reddened now and what is left of it; signs nothing. Raises: NotFound."""
        return outlook(self._context, caller, number)

    # -- how ---------------------------------------------------------------------------------

    def _plan(self, caller: Caller, number: str, plan: _Plan) -> _Planned | InvalidRequest | NotFound:
        """The draft, reckoned before the writing transaction: it may have 2,000 lines, and others wait for that one.

        Trouble is kept until the Idempotency-Key is known to be new: a repeated request is answered, not reckoned.
        """
        key = checked_number(number)
        try:
            with self._context.reading() as connection:
                record = seen_invoice(connection, caller, key)
                return _Planned(record.version, record.slip_order, plan(connection, record))
        except (InvalidRequest, NotFound) as err:
            return err

    def _planned(
        self, connection: Connection, caller: Caller, number: str, planned: _Planned | InvalidRequest | NotFound,
        plan: _Plan,
    ) -> tuple[InvoiceRecord, InvoiceDocument]:  # fmt: skip
        """The blue as it is now and the draft, reckoned again where the blue changed or was erased meanwhile."""
        if not isinstance(planned, _Planned):
            raise planned
        record = seen_invoice(connection, caller, checked_number(number))
        same = (record.version, record.slip_order) == (planned.version, planned.slip_order)
        if same and record.number not in erased_among(connection, [record.number]):
            return record, planned.draft
        return record, plan(connection, record)

    def _red_to_issue(
        self, connection: Connection, record: InvoiceRecord, reason: RedReason | None,
        parts: Sequence[Credit] | None, document: object,
    ) -> InvoiceDocument:  # fmt: skip
        slip = _standing(connection, record, self._context.now_s())
        agreed = slip_draft(self._context, connection, slip) if slip is not None else None
        if slip is None or agreed is None:
            chosen = reason if reason is not None else RedReason(slip.reason) if slip is not None else None
            if chosen is None:
                raise invalid("reason", "red_reason_missing")
            draft = red_draft(self._context, connection, record, chosen, parts, document)
            return draft if slip is None else of_slip(draft, slip)
        if reason is not None and reason != slip.reason:
            raise invalid("reason", "red_differs_from_slip")
        if parts is not None or document is not None:
            wanted = red_draft(self._context, connection, record, RedReason(slip.reason), parts, document)
            if not same_red(wanted, agreed):
                raise invalid("parts" if parts is not None else "document", "red_differs_from_slip")
        return of_slip(agreed, slip)

    def _numbered(self, record: InvoiceRecord, draft: InvoiceDocument, seller: int, number: int) -> Draft:
        issued_on = cst_date(utc_time(self._context.now_s()))
        document = draft.with_number(number, issued_on)
        seed = secrets.token_bytes(SEED_SIZE)
        commitment = document.commitment(seed)
        text = format_number(number)
        stored = NewDocument(
            number=number,
            seller=seller,
            sealed_document=self._context.seal(document.canonical(), SEALED_DOCUMENT, text),
            sealed_seed=self._context.seal(seed, SEALED_SEED, text),
            commitment=commitment,
        )
        assert document.red_reason is not None
        amounts = document.gross_fen_abs | document.tax_fen_abs << 48
        operation = Operation(
            code=Code.ISSUE_RED,
            subject=seller,
            number=number,
            month=month_of(issued_on),
            option=document.red_reason,
            terms=amounts | record.number << 96 | record.version << 176,
            ref=commitment,
        )
        return Draft((operation,), documents=(stored,))

    def _next_number(self, connection: Connection, caller: Caller, seller: int) -> int:
        """The seller's next free number; a stranger, whom the contract will refuse, empties nobody's pool."""
        if caller.party != seller and not parties.grant_bits(connection, seller, caller.party) & Grant.ISSUE:
            return NUMBER_SPACE_FIRST
        now_s = self._context.now_s()
        return number_pool.reserve(connection, seller, 1, expires_at=now_s + NUMBER_HELD_S, now_s=now_s)[0]

    def _on_slip(
        self, caller: Caller, code: Code, number: str, note: str, subject: int | None, idempotency_key: str,
        *, path: str = "note",
    ) -> Written:  # fmt: skip
        key = checked_number(number)
        text = checked_text(path, note, NOTE_LENGTH_MAX)
        request: dict[str, Json] = {"number": number, "note": text, "subject": _checked_subject(subject)}

        def prepare(connection: Connection) -> Draft:
            record = invoices.invoice(connection, key)
            slip = slips.slip(connection, key)
            if record is None or not (_is_side(caller, slip) or invoices.sees(connection, record, seen_as(caller))):
                raise NotFound("invoice", number)
            reference = salted(self._context, caller, code.name.lower(), text)
            operation = instructions.on_invoice(
                code, subject=subject or _answering(caller, code, slip), number=key, version=record.version,
                ref=reference.ref,
            )  # fmt: skip
            return Draft((operation,), references=(reference,))

        return self._write(caller, idempotency_key, request_hash(code.name.lower(), request), prepare)

    def _write(self, caller: Caller, key: str, hashed: bytes, prepare: _Prepare) -> Written:
        return written(self._context, caller, submit(self._context, caller, key, hashed, prepare))


def _standing(connection: Connection, record: InvoiceRecord, now_s: int) -> SlipRecord | None:
    """The slip that waits or is confirmed."""
    slip = slips.slip(connection, record.number)
    return slip if slip is not None and slip.state(now_s).is_standing else None


def _side(caller: Caller, record: InvoiceRecord, other: int | None) -> int:
    """Side the caller opens for; itself, which the contract refuses, when it acts for neither."""
    if acts_for(caller, record.seller, Grant.ISSUE):
        return record.seller
    return other if other and acts_for(caller, other, Grant.FINANCE) else caller.party


def _answering(caller: Caller, code: Code, slip: SlipRecord | None) -> int:
    """Side the caller answers or withdraws for; itself, which the contract refuses, when it acts for neither."""
    if slip is None:
        return caller.party
    asked = slip.other if slip.opener == slip.seller else slip.seller
    side = slip.opener if code == Code.WITHDRAW_SLIP else asked
    return side if acts_for(caller, side, Grant.ISSUE if side == slip.seller else Grant.FINANCE) else caller.party


def _is_side(caller: Caller, slip: SlipRecord | None) -> bool:
    return (
        slip is not None
        and not caller.oversees
        and not {slip.seller, slip.other, slip.opener}.isdisjoint(sides_of(caller))
    )


def _checked_subject(subject: int | None) -> int | None:
    return None if subject is None else checked_party("subject", subject)
