"""What officers do about single invoices and sellers, and the exceptions that companies and officers are told.

Every text that explains an act stands behind the salted reference of its operation.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, exceptions, invoices, red_queries
from ledger.projection.districts import District, Sight
from ledger.projection.exceptions import ExceptionRecord
from ledger.projection.invoices import InvoiceRecord
from ledger.service import instructions
from ledger.service.context import Context
from ledger.service.errors import NotFound
from ledger.service.exception_texts import KIND_NAMES, kind_texts
from ledger.service.forms import (
    checked_cursor,
    checked_month,
    checked_number,
    checked_page_size,
    checked_party,
    checked_text,
    salted,
)
from ledger.service.people import (
    acts_for,
    itself_and,
    known_invoice,
    names_of,
    need_governed,
    need_officer,
    need_visible,
    overseen_by,
    seen_as,
)
from ledger.service.reading import operation_name
from ledger.service.red_views import ExceptionPage, ExceptionView
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import Code, Operation
from verifier.words import Grant, PartyKind

REASON_LENGTH_MAX = 200


class Supervising:
    """Risk flags, force-unlocking, lifted blocks and exceptions of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # -- officers ----------------------------------------------------------------------------

    def clear_flag(self, caller: Caller, number: str, *, reason: str, idempotency_key: str) -> Written:
        """An officer takes a risk flag away; setting one takes two officers (see ledger.service.proposals).

        Raises: NotPermitted, NotFound, InvalidRequest, and the errors of a write.
        """
        return self._by_officer(caller, Code.CLEAR_RISK_FLAG, number, reason, idempotency_key)

    def force_unlock(self, caller: Caller, number: str, *, reason: str, idempotency_key: str) -> Written:
        """An officer frees a claimed invoice that is not settled. Raises: as `clear_flag`."""
        return self._by_officer(caller, Code.FORCE_UNLOCK, number, reason, idempotency_key)

    def lift_block(self, caller: Caller, party: int, month: str, *, reason: str, idempotency_key: str) -> Written:
        """An officer lets an enterprise issue in a month although months before it are not filed.

        Raises: NotPermitted, InvalidRequest, and the errors of a write.
        """
        need_officer(caller)
        checked_party("party", party)
        index = checked_month(month)
        text = checked_text("reason", reason, REASON_LENGTH_MAX)

        def prepare(connection: Connection) -> Draft:
            record = need_governed(connection, caller, party, kind=PartyKind.ENTERPRISE)
            reference = salted(self._context, caller, "lift block", text)
            operation = Operation(
                code=Code.LIFT_BLOCK,
                subject=caller.party,
                number=party,
                version=record.version,
                month=index,
                ref=reference.ref,
            )
            return Draft((operation,), references=(reference,))

        hashed = request_hash("lift block", {"party": party, "month": month, "reason": text})
        return self._write(caller, idempotency_key, hashed, prepare)

    # -- exceptions --------------------------------------------------------------------------

    def exceptions(
        self, caller: Caller, *, number: str | None = None, unanswered: bool = False, cursor: str | None = None,
        limit: int,
    ) -> ExceptionPage:  # fmt: skip
        """Exceptions, newest first: all to officers, else those told to the caller's company or about its own claims.

        `unanswered`: those the caller's side has not acknowledged and still can.
        """
        size = checked_page_size(self._context, limit)
        key = None if number is None else checked_number(number)
        told = overseen_by(caller) if caller.oversees else _companies(caller)
        with self._context.reading() as connection:
            if key is not None:
                found, after = _of_number(connection, key, told, unanswered=unanswered), None
            else:
                with checked_cursor():
                    page = exceptions.exceptions(
                        connection, visible_to=told, unacknowledged=unanswered, limit=size, cursor=cursor
                    )
                found, after = page.items, page.next_cursor
            return ExceptionPage(self._views(connection, caller, found), after)

    def acknowledge(
        self, caller: Caller, number: str, *, note: str = "", subject: int | None = None, idempotency_key: str
    ) -> Written:
        """An officer, or the company told by its finance, has seen the exceptions of an invoice.

        Raises: NotFound for an invoice the caller neither sees nor was told of; InvalidRequest.
        """
        key = checked_number(number)
        text = checked_text("note", note, REASON_LENGTH_MAX)
        if subject is not None:
            checked_party("subject", subject)

        def prepare(connection: Connection) -> Draft:
            told = red_queries.told_of(connection, key, _companies(caller))
            record = invoices.invoice(connection, key) if told else known_invoice(connection, caller, key)
            if record is None or not (told or invoices.sees(connection, record, seen_as(caller))):
                raise NotFound("invoice", number)
            acting = subject or _acknowledging(connection, caller, record)
            return self._on_invoice(caller, Code.ACKNOWLEDGE_EXCEPTION, record, acting, text)

        hashed = request_hash("acknowledge", {"number": number, "note": text, "subject": subject})
        return self._write(caller, idempotency_key, hashed, prepare)

    # -- how ---------------------------------------------------------------------------------

    def _by_officer(self, caller: Caller, code: Code, number: str, reason: str, idempotency_key: str) -> Written:
        need_officer(caller)
        key = checked_number(number)
        text = checked_text("reason", reason, REASON_LENGTH_MAX)

        def prepare(connection: Connection) -> Draft:
            record = need_visible(connection, caller, known_invoice(connection, caller, key), number)
            return self._on_invoice(caller, code, record, caller.party, text)

        request: dict[str, Json] = {"number": number, "reason": text}
        return self._write(caller, idempotency_key, request_hash(code.name.lower(), request), prepare)

    def _on_invoice(self, caller: Caller, code: Code, record: InvoiceRecord, subject: int, text: str) -> Draft:
        reference = salted(self._context, caller, code.name.lower(), text)
        operation = instructions.on_invoice(
            code, subject=subject, number=record.number, version=record.version, ref=reference.ref
        )
        return Draft((operation,), references=(reference,))

    def _write(self, caller: Caller, key: str, hashed: bytes, prepare: Callable[[Connection], Draft]) -> Written:
        return written(self._context, caller, submit(self._context, caller, key, hashed, prepare))

    def _views(
        self, connection: Connection, caller: Caller, records: tuple[ExceptionRecord, ...]
    ) -> tuple[ExceptionView, ...]:
        ids = {party for one in records for party in (one.party, one.claimant)}
        # whoever is told of a claim is its company or its claimant: both know who claimed
        acted = frozenset(one.claimant for one in records if one.claimant is not None)
        names = names_of(self._context, connection, ids, caller=caller, acted=acted, listed=True)
        return tuple(_view(connection, one, names) for one in records)


def _view(connection: Connection, record: ExceptionRecord, names: dict[int, str]) -> ExceptionView:
    english, chinese = kind_texts(record.kinds)
    red = red_queries.red_of_operation(connection, record.order) if record.code == Code.ISSUE_RED else None
    return ExceptionView(
        exception_id=f"{record.order:x}",
        number=format_number(record.number),
        kinds=tuple(name for kind, name in KIND_NAMES.items() if record.kinds & kind),
        text=english,
        text_zh=chinese,
        operation=operation_name(record.code),
        red=format_number(red) if red is not None else None,
        party=record.party or None,
        party_name=names.get(record.party, ""),
        claimant=record.claimant,
        claimant_name=names.get(record.claimant or 0, ""),
        claim_id=record.claim_id,
        gross_fen=record.gross_fen,
        raised_at=utc_time(record.raised_at),
        block=record.block,
        digest=record.digest.hex(),
        answerable=record.answerable,
        officer_at=utc_time(record.officer_at) if record.officer_at is not None else None,
        party_at=utc_time(record.party_at) if record.party_at is not None else None,
    )


def _companies(caller: Caller) -> frozenset[int]:
    """Companies whose exceptions the caller is told: itself and those whose finance it does."""
    return itself_and(caller, Grant.FINANCE)


def _acknowledging(connection: Connection, caller: Caller, record: InvoiceRecord) -> int:
    """Side the caller acknowledges for; itself, right for an officer and refused by the contract for others."""
    if caller.is_officer or record.exception_order is None:
        return caller.party
    last = exceptions.exceptions_of_number(connection, record.number)[-1]
    return last.party if acts_for(caller, last.party, Grant.FINANCE) else caller.party


def _of_number(connection: Connection, number: int, told: Sight, *, unanswered: bool) -> tuple[ExceptionRecord, ...]:
    """Exceptions of one invoice, newest first, that `told` (None: an officer, or one of a district) may read."""
    found = exceptions.exceptions_of_number(connection, number, visible_to=told)[::-1]
    told = None if isinstance(told, District) else told
    if told is None:
        return tuple(one for one in found if not unanswered or one.officer_at is None)
    if unanswered:
        return tuple(one for one in found if one.party in told and one.answerable and one.party_at is None)
    return tuple(one for one in found if one.party in told or one.claimant in told)
