"""What an enterprise declares of a month beside its invoices, kept until it files; drafts of the report show it.

Kept sealed: un-invoiced sales are nobody else's business.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.domain.errors import DocumentError
from ledger.domain.invoice import RateMark
from ledger.domain.month_building import parse_report
from ledger.domain.month_report import REPORT_NOTE_LENGTH_MAX, REPORT_SIZE_MAX, MonthReport, RateSum
from ledger.domain.months import Month
from ledger.projection import Connection
from ledger.projection.month_reports import MonthDeclaration, declaration, put_declaration
from ledger.service.context import Context
from ledger.service.errors import InvalidRequest
from ledger.service.forms import checked_text
from ledger.service.month_reporting import Declared
from verifier.canonical import Json, dumps, loads

SEALED_DECLARATION = "declaration"  # kind of sealed item; its id names enterprise and month


def check_declared(declared: Declared) -> None:
    """Holds what is declared against itself, before any document is read.

    Whether `unread` is the contract's own sums is not asked here.

    Raises: InvalidRequest naming `uninvoiced.N.<field>` or `note`.
    """
    checked_text("note", declared.note, REPORT_NOTE_LENGTH_MAX)
    uninvoiced = tuple(sorted(declared.uninvoiced, key=lambda one: one.key))
    nothing = (0,) * 9  # four figures of each side, and the quota used
    empty = MonthReport(1, "-", Month(1), *nothing, uninvoiced=uninvoiced)
    try:
        parse_report(empty.to_json())
    except DocumentError as err:
        raise InvalidRequest(err.problems) from err


def put_declared(
    context: Context, connection: Connection, party: int, month: Month, declared: Declared, *, by: int
) -> None:
    """Keeps what is declared of a month, in the place of what was."""
    sealed = context.seal(dumps(declared_json(declared)), SEALED_DECLARATION, f"{party} {month}")
    put_declaration(connection, MonthDeclaration(party, month, sealed, by, context.now_s()))


def declared_of(context: Context, connection: Connection, party: int, month: Month) -> Declared:
    """What an enterprise declared of a month; nothing when it did not."""
    stored = declaration(connection, party, month)
    if stored is None:
        return Declared()
    value = loads(context.opened(stored.declared, SEALED_DECLARATION, f"{party} {month}"), REPORT_SIZE_MAX)
    assert isinstance(value, dict)
    return Declared(_sums(value["uninvoiced"]), _sums(value["unread"]), str(value["note"]))


def declared_json(declared: Declared) -> dict[str, Json]:
    """Plain JSON of what is declared."""
    return {
        "uninvoiced": [one.to_json() for one in declared.uninvoiced],
        "unread": [one.to_json() for one in declared.unread],
        "note": declared.note,
    }


def _sums(stored: object) -> tuple[RateSum, ...]:
    assert isinstance(stored, Sequence)
    return tuple(RateSum(one["rate_bp"], RateMark(one["rate_mark"]), one["net_fen"], one["tax_fen"]) for one in stored)
