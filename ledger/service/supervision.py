"""Supervision: what officers ask over all parties, a month at a time.

Officers only: the lists name who did not file, what was refused, and who claimed what somebody else had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ledger.domain.months import Month, check_month, month_of
from ledger.domain.times import utc_time
from ledger.projection import Connection, keystore, parties, supervision
from ledger.projection.exceptions import ExceptionRecord, exceptions
from ledger.projection.pages import PAGE_SIZE_MAX, Page
from ledger.projection.supervision import DuplicateRecord, NonfilerRecord, RefusalRecord
from ledger.service.context import Context
from ledger.service.forms import checked_cursor, checked_month, checked_page_size, checked_party
from ledger.service.people import names_of, need_overseer, overseen_by
from ledger.service.problems import invalid
from ledger.service.supervision_rows import duplicate_view, exception_view, nonfiler_view, refusal_view
from ledger.service.supervision_tables import DUPLICATES, EXCEPTIONS, NONFILERS, REFUSALS, Table
from ledger.service.supervision_views import (
    DuplicateView,
    NonfilerView,
    SupervisedException,
    SupervisedRefusal,
    SupervisionPage,
)
from ledger.service.views import Caller
from verifier.operations import Reason

TABLE_ROWS_MAX = 10_000  # rows of one CSV answer: some 3 MB; the cursor of the rest comes with it
REASON_NAMES = {one.name.lower(): one for one in Reason}

R = TypeVar("R")
V = TypeVar("V")
_Query = Callable[[Connection, int, str | None], Page[R]]
_Views = Callable[[Connection, Iterable[R]], tuple[V, ...]]


class Supervision:
    """Lists for officers of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def nonfilers(
        self, caller: Caller, month: str | None = None, *, cursor: str | None = None, limit: int
    ) -> SupervisionPage[NonfilerView]:
        """Enrolled enterprises that have not filed a month, those longest behind first.

        `month` left out is the last one that ended; of the other lists it is the current one.

        Raises: NotPermitted for anybody but an officer; InvalidRequest.
        """
        return self._page(caller, cursor, limit, *self._nonfilers(caller, month))

    def exceptions(
        self,
        caller: Caller,
        month: str | None = None,
        *,
        party: int | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> SupervisionPage[SupervisedException]:
        """Exceptions raised in a month, of one company or all, newest first. Raises: as `nonfilers`."""
        return self._page(caller, cursor, limit, *self._exceptions(caller, month, party))

    def refusals(
        self, caller: Caller, month: str | None = None, *, party: int | None = None, reason: str | None = None,
        cursor: str | None = None, limit: int,
    ) -> SupervisionPage[SupervisedRefusal]:  # fmt: skip
        """Groups refused in a month, of one party or all, for one reason or any. Raises: as `nonfilers`."""
        return self._page(caller, cursor, limit, *self._refusals(caller, month, party, reason))

    def duplicates(
        self,
        caller: Caller,
        month: str | None = None,
        *,
        party: int | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> SupervisionPage[DuplicateView]:
        """Second claims and registrations of a month, newest first. Raises: as `nonfilers`."""
        return self._page(caller, cursor, limit, *self._duplicates(caller, month, party))

    # -- tables ------------------------------------------------------------------------------

    def nonfilers_table(
        self, caller: Caller, month: str | None = None, *, cursor: str | None = None, language: str = "zh"
    ) -> tuple[bytes, str | None]:
        """The same as CSV, at most TABLE_ROWS_MAX rows; (bytes, cursor of the rest or None)."""
        return self._table(caller, cursor, language, NONFILERS, *self._nonfilers(caller, month))

    def exceptions_table(
        self,
        caller: Caller,
        month: str | None = None,
        *,
        party: int | None = None,
        cursor: str | None = None,
        language: str = "zh",
    ) -> tuple[bytes, str | None]:
        """The same as CSV; see `nonfilers_table`."""
        return self._table(caller, cursor, language, EXCEPTIONS, *self._exceptions(caller, month, party))

    def refusals_table(
        self, caller: Caller, month: str | None = None, *, party: int | None = None, reason: str | None = None,
        cursor: str | None = None, language: str = "zh",
    ) -> tuple[bytes, str | None]:  # fmt: skip
        """The same as CSV; see `nonfilers_table`."""
        return self._table(caller, cursor, language, REFUSALS, *self._refusals(caller, month, party, reason))

    def duplicates_table(
        self,
        caller: Caller,
        month: str | None = None,
        *,
        party: int | None = None,
        cursor: str | None = None,
        language: str = "zh",
    ) -> tuple[bytes, str | None]:
        """The same as CSV; see `nonfilers_table`."""
        return self._table(caller, cursor, language, DUPLICATES, *self._duplicates(caller, month, party))

    # -- how ---------------------------------------------------------------------------------

    def _page(
        self, caller: Caller, cursor: str | None, limit: int, query: _Query[R], views: _Views[R, V]
    ) -> SupervisionPage[V]:
        need_overseer(caller)
        size = checked_page_size(self._context, limit)
        with self._context.reading() as connection:
            with checked_cursor():
                page = query(connection, size, cursor)
            return SupervisionPage(views(connection, page.items), page.next_cursor)

    def _table(
        self, caller: Caller, cursor: str | None, language: str, table: Table[V], query: _Query[R], views: _Views[R, V]
    ) -> tuple[bytes, str | None]:
        need_overseer(caller)
        rows: list[V] = []
        with self._context.reading() as connection:
            while True:
                with checked_cursor():
                    page = query(connection, min(PAGE_SIZE_MAX, TABLE_ROWS_MAX - len(rows)), cursor)
                rows += views(connection, page.items)
                cursor = page.next_cursor
                if cursor is None or len(rows) >= TABLE_ROWS_MAX:
                    return table.csv(rows, language), cursor

    def _nonfilers(
        self, caller: Caller, month: str | None
    ) -> tuple[_Query[NonfilerRecord], _Views[NonfilerRecord, NonfilerView]]:
        index = self._month(month, 1)

        def query(connection: Connection, limit: int, cursor: str | None) -> Page[NonfilerRecord]:
            return supervision.nonfilers(connection, index, district=overseen_by(caller), limit=limit, cursor=cursor)

        def views(connection: Connection, found: Iterable[NonfilerRecord]) -> tuple[NonfilerView, ...]:
            records = tuple(found)
            names, codes = self._known(connection, [one.party for one in records])
            return tuple(nonfiler_view(one, index, names, codes) for one in records)

        return query, views

    def _exceptions(
        self, caller: Caller, month: str | None, party: int | None
    ) -> tuple[_Query[ExceptionRecord], _Views[ExceptionRecord, SupervisedException]]:
        index = self._month(month)
        seen = None if party is None else frozenset({checked_party("party", party)})

        def query(connection: Connection, limit: int, cursor: str | None) -> Page[ExceptionRecord]:
            return exceptions(
                connection, visible_to=seen, district=overseen_by(caller), month=index, limit=limit, cursor=cursor
            )

        def views(connection: Connection, found: Iterable[ExceptionRecord]) -> tuple[SupervisedException, ...]:
            records = tuple(found)
            names, codes = self._known(connection, [one for row in records for one in (row.party, row.claimant)])
            return tuple(exception_view(one, names, codes) for one in records)

        return query, views

    def _refusals(
        self, caller: Caller, month: str | None, party: int | None, reason: str | None
    ) -> tuple[_Query[RefusalRecord], _Views[RefusalRecord, SupervisedRefusal]]:
        index = self._month(month)
        of_party = None if party is None else checked_party("party", party)
        if reason is not None and reason not in REASON_NAMES:
            raise invalid("reason", "reason_unknown", given=reason[:40])
        code = None if reason is None else REASON_NAMES[reason].value

        def query(connection: Connection, limit: int, cursor: str | None) -> Page[RefusalRecord]:
            return supervision.refusals(
                connection,
                month=index,
                party=of_party,
                reason=code,
                district=overseen_by(caller),
                limit=limit,
                cursor=cursor,
            )

        def views(connection: Connection, found: Iterable[RefusalRecord]) -> tuple[SupervisedRefusal, ...]:
            records = tuple(found)
            names, codes = self._known(connection, [one for row in records for one in (row.subject, row.actor)])
            return tuple(refusal_view(one, names, codes) for one in records)

        return query, views

    def _duplicates(
        self, caller: Caller, month: str | None, party: int | None
    ) -> tuple[_Query[DuplicateRecord], _Views[DuplicateRecord, DuplicateView]]:
        index = self._month(month)
        of_party = None if party is None else checked_party("party", party)

        def query(connection: Connection, limit: int, cursor: str | None) -> Page[DuplicateRecord]:
            return supervision.duplicates(
                connection, month=index, party=of_party, district=overseen_by(caller), limit=limit, cursor=cursor
            )

        def views(connection: Connection, found: Iterable[DuplicateRecord]) -> tuple[DuplicateView, ...]:
            records = tuple(found)
            named = [
                one
                for row in records
                for one in (row.first_claimant, row.first_employer, row.second_claimant, row.second_employer)
            ]
            names, codes = self._known(connection, named)
            return tuple(duplicate_view(one, names, codes) for one in records)

        return query, views

    def _month(self, month: str | None, before: int = 0) -> Month:
        """The month asked for; left out, the current one or that many `before` it."""
        if month is not None:
            return checked_month(month)
        return check_month(month_of(utc_time(self._context.now_s())) - before)

    def _known(self, connection: Connection, ids: Iterable[int | None]) -> tuple[dict[int, str], dict[int, str]]:
        """Names, and tax ids of enterprises, by party id."""
        wanted = frozenset(party for party in ids if party)
        records = parties.parties_by_id(connection, wanted)
        known = keystore.party_names(connection, [record.identity for record in records.values()])
        codes = {
            record.id: known[record.identity].tax_id or "" for record in records.values() if record.identity in known
        }
        return names_of(self._context, connection, wanted, listed=True), codes
