"""Deduction: a buyer selects the input tax of its invoices for a period, sees the sums, and confirms the period.

What may be selected, and until when, is the contract's to say; here only the form of a selection is checked, so a
selection that breaks a rule is an attempt on chain with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.domain.deduction import DeductionPurpose, NonDeductionReason, Selection, check_selection
from ledger.domain.errors import FieldProblem, NumberError
from ledger.domain.numbers import format_number, parse_number
from ledger.projection import Connection, deductions, invoices
from ledger.projection.deductions import DeductionRecord
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.pages import Page
from ledger.service import instructions
from ledger.service.context import Context
from ledger.service.deduction_views import (
    DeductionPage,
    DeductionView,
    PeriodView,
    deduction_view,
    period_view,
)
from ledger.service.errors import InvalidRequest, NotFound
from ledger.service.forms import (
    FEN_MAX,
    checked_cursor,
    checked_month,
    checked_number,
    checked_page_size,
    salted,
)
from ledger.service.people import acts_for, is_overseen, names_of, need_party, seen_as, seen_invoice, subject_for
from ledger.service.problems import invalid, service_problem
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import GROUP_OPERATIONS_MAX, Code, Operation
from verifier.words import Grant, PartyKind

SELECTIONS_MAX = GROUP_OPERATIONS_MAX  # one signature covers a list
REASON_SHIFT = 4  # of the reason of not deducting, in the option of a select operation
COUNT_SHIFT = 64  # of the count, in the terms of a confirm month operation


@dataclass(frozen=True)
class WantedSelection:
    """One invoice to select. `valid_tax_fen` None: all its tax that is left, and 0 of what is not deducted."""

    number: str
    purpose: DeductionPurpose = DeductionPurpose.DEDUCT
    valid_tax_fen: int | None = None
    reason: NonDeductionReason | None = None


class Deductions:
    """Input tax of one ledger's buyers."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # -- reading -----------------------------------------------------------------------------

    def deduction(self, caller: Caller, number: str) -> DeductionView:
        """The input tax of one invoice. Raises: NotFound for anybody but its buyer, the buyer's finance, officers."""
        key = checked_number(number)
        with self._context.reading() as connection:
            record = seen_invoice(connection, caller, key)
            if not (caller.oversees or (record.buyer and acts_for(caller, record.buyer, Grant.FINANCE))):
                raise NotFound("deduction of invoice", number)
            found = deductions.deduction(connection, key)
            return self._views(connection, ((record, found),))[0]

    def selectable(
        self, caller: Caller, period: str, *, subject: int | None = None, cursor: str | None = None, limit: int
    ) -> DeductionPage:
        """Invoices a buyer could select for a period, newest first; whether the period is open `period` says.

        Raises: NotFound for an enterprise the caller keeps no finance of; InvalidRequest.
        """
        return self._page(caller, period, subject, cursor, limit, deductions.selectable)

    def selected(
        self, caller: Caller, period: str, *, subject: int | None = None, cursor: str | None = None, limit: int
    ) -> DeductionPage:
        """Invoices in a buyer's period, newest first. Raises: as `selectable`."""
        return self._page(caller, period, subject, cursor, limit, deductions.selected)

    def period(self, caller: Caller, period: str, *, subject: int | None = None) -> PeriodView:
        """Statistics of a buyer's period: what is selected for it, by purpose. Raises: as `selectable`."""
        index = checked_month(period)
        party = _readable(self._context, caller, subject)
        with self._context.reading() as connection:
            record = need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
            return period_view(deductions.period(connection, party, index), filed=index <= record.filed_through)

    # -- writing -----------------------------------------------------------------------------

    def select(
        self, caller: Caller, period: str, selections: Sequence[WantedSelection], *, subject: int | None = None,
        idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Selects 1 to 256 invoices for a period in one signed group, all or none.

        Raises: InvalidRequest naming `selections.N.<field>`, and the errors of a write.
        """
        index = checked_month(period)
        wanted = _checked_selections(selections)
        party = subject_for(caller, subject, Grant.FINANCE)

        def prepare(connection: Connection) -> Draft:
            records = _visible(connection, caller, {key: at for at, key, _ in wanted}, "selections.{}.number")
            references, operations = [], []
            for _, key, one in wanted:
                record = records[key]
                reference = salted(self._context, caller, "select", "")
                references.append(reference)
                operations.append(
                    Operation(
                        code=Code.SELECT,
                        subject=party,
                        number=key,
                        version=record.version,
                        month=index,
                        option=one.purpose | (one.reason or 0) << REASON_SHIFT,
                        terms=_valid_tax(connection, key, one),
                        ref=reference.ref,
                    )
                )
            return Draft(tuple(operations), references=tuple(references))

        listed: list[Json] = [
            [one.number, int(one.purpose), one.valid_tax_fen, int(one.reason or 0)] for _, _, one in wanted
        ]
        request: Json = {"period": period, "party": party, "selections": listed}
        return self._write(caller, idempotency_key, request_hash("select", request), prepare)

    def unselect(
        self, caller: Caller, numbers: Sequence[str], *, subject: int | None = None, idempotency_key: str
    ) -> Written:
        """Takes 1 to 256 invoices out of the periods they are selected for, all or none.

        Raises: InvalidRequest naming `numbers.N`, and the errors of a write.
        """
        keys = _checked_keys(numbers, "numbers", "numbers.{}")
        party = subject_for(caller, subject, Grant.FINANCE)

        def prepare(connection: Connection) -> Draft:
            records = _visible(connection, caller, keys, "numbers.{}")
            references = [salted(self._context, caller, "unselect", "") for _ in keys]
            operations = tuple(
                instructions.on_invoice(
                    Code.UNSELECT, subject=party, number=key, version=records[key].version, ref=reference.ref
                )
                for key, reference in zip(sorted(keys), references, strict=True)
            )
            return Draft(operations, references=tuple(references))

        request: Json = {"party": party, "numbers": list(numbers)}
        return self._write(caller, idempotency_key, request_hash("unselect", request), prepare)

    def confirm(self, caller: Caller, period: str, *, subject: int | None = None, idempotency_key: str) -> Written:
        """Confirms a period with its sums, which freezes its selections; it stands alone in its group.

        Raises: InvalidRequest, and the errors of a write.
        """
        index = checked_month(period)
        party = subject_for(caller, subject, Grant.FINANCE)

        def prepare(connection: Connection) -> Draft:
            record = need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
            sums = deductions.period(connection, party, index)
            reference = salted(self._context, caller, "confirm month", "")
            operation = Operation(
                code=Code.CONFIRM_MONTH,
                subject=party,
                number=index,
                version=record.version,
                month=index,
                terms=sums.valid_tax_fen | sums.count << COUNT_SHIFT,
                ref=reference.ref,
            )
            return Draft((operation,), references=(reference,))

        request: Json = {"period": period, "party": party}
        return self._write(caller, idempotency_key, request_hash("confirm month", request), prepare)

    # -- how ---------------------------------------------------------------------------------

    def _write(self, caller: Caller, key: str, hashed: bytes, prepare: Callable[[Connection], Draft]) -> Written:
        return written(self._context, caller, submit(self._context, caller, key, hashed, prepare))

    def _page(
        self, caller: Caller, period: str, subject: int | None, cursor: str | None, limit: int,
        query: Callable[..., Page[tuple[InvoiceRecord, DeductionRecord]]],
    ) -> DeductionPage:  # fmt: skip
        index = checked_month(period)
        size = checked_page_size(self._context, limit)
        party = _readable(self._context, caller, subject)
        with self._context.reading() as connection:
            need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
            with checked_cursor():
                page = query(connection, party, index, limit=size, cursor=cursor)
            return DeductionPage(self._views(connection, page.items), page.next_cursor)

    def _views(
        self, connection: Connection, found: Sequence[tuple[InvoiceRecord, DeductionRecord | None]]
    ) -> tuple[DeductionView, ...]:
        ids = {party for record, _ in found for party in (record.seller, record.buyer)}
        names = names_of(self._context, connection, ids)  # sellers and buyers are enterprises, named to everybody
        return tuple(deduction_view(record, tax, names) for record, tax in found)


def _readable(context: Context, caller: Caller, subject: int | None) -> int:
    """The enterprise whose input tax the caller reads. Raises: NotFound for one it keeps no finance of."""
    party = subject_for(caller, subject, Grant.FINANCE)
    if not (acts_for(caller, party, Grant.FINANCE) or is_overseen(context, caller, party)):
        raise NotFound("enterprise", str(party))
    return party


def _checked_selections(selections: Sequence[WantedSelection]) -> list[tuple[int, int, WantedSelection]]:
    """(index, key, selection) by ascending key, as a group wants them."""
    keys = _checked_keys([one.number for one in selections], "selections", "selections.{}.number")
    problems: list[FieldProblem] = []
    for index, one in enumerate(selections):
        selection = Selection(one.purpose, one.valid_tax_fen or 0, one.reason)
        # how much tax is left is asked on chain, where it cannot have changed meanwhile
        for found in check_selection(selection, FEN_MAX):
            path = f"selections.{index}.{found.path}"
            problems.append(FieldProblem(path, found.code, found.message_en, found.message_zh))
    if problems:
        raise InvalidRequest(tuple(problems))
    return [(keys[key], key, selections[keys[key]]) for key in sorted(keys)]


def _checked_keys(numbers: Sequence[str], path: str, item_path: str) -> dict[int, int]:
    """Index of each number by its key. Raises: InvalidRequest naming every wrong or repeated one."""
    if not 1 <= len(numbers) <= SELECTIONS_MAX:
        raise invalid(path, "count_range", low=1, high=SELECTIONS_MAX, given=len(numbers))
    keys: dict[int, int] = {}
    problems = []
    for index, number in enumerate(numbers):
        try:
            key = int(parse_number(number))
        except NumberError:
            problems.append(service_problem(item_path.format(index), "number_unknown", number=number[:40]))
            continue
        if key in keys:
            problems.append(service_problem(item_path.format(index), "number_twice", number=number))
        keys[key] = index
    if problems:
        raise InvalidRequest(tuple(problems))
    return keys


def _visible(
    connection: Connection, caller: Caller, places: dict[int, int], item_path: str
) -> dict[int, InvoiceRecord]:
    """The invoices by key; `places` has the index of each in the request.

    Raises: InvalidRequest naming each that is not there for the caller.
    """
    found = invoices.invoices(connection, tuple(places))
    sides = seen_as(caller)
    unknown = [
        service_problem(item_path.format(index), "number_unknown", number=format_number(key))
        for key, index in sorted(places.items(), key=lambda place: place[1])
        if key not in found or not invoices.sees(connection, found[key], sides)
    ]
    if unknown:
        raise InvalidRequest(tuple(unknown))
    return found


def _valid_tax(connection: Connection, number: int, wanted: WantedSelection) -> int:
    if wanted.valid_tax_fen is not None:
        return wanted.valid_tax_fen
    if wanted.purpose is DeductionPurpose.NOT_DEDUCT:
        return 0
    known = deductions.deduction(connection, number)
    return known.tax_left_fen if known is not None else 0  # of one that gives none the contract says so
