"""The calendar: months of China Standard Time opened by themselves, with a key that can do nothing else.

The node asks every minute which months are due: the current one, the next one shortly before it begins, and those that
began while nothing ran. Opening says from when to when a month lasts, so that one opened ahead begins on the second.
What is opened already, or waits in the queue, is left alone; the contract refuses a second opening in any case.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from ledger.domain.groups import Group
from ledger.domain.months import Month, check_month, format_month, month_end, month_of, month_start
from ledger.domain.times import utc_time
from ledger.identity import sign_group
from ledger.projection import Acceptance, Connection, NewGroup, QueueState, accept, parties, queued
from ledger.projection.parties import PartyRecord
from ledger.service import instructions
from ledger.service.audit_log import note_group
from ledger.service.context import Context
from ledger.service.errors import ServiceError
from ledger.service.forms import salted
from ledger.service.people import caller_of
from ledger.service.writing import run_write
from verifier.operations import Code
from verifier.words import PartyKind

POLL_S = 60.0  # how often the node asks; a month opened ahead does not need the second
AHEAD_S = 600  # a month is opened this long before it begins: its first invoice must not wait for a block
CATCH_UP_MAX = 24  # months opened after a standstill; who stood still longer opens the older ones by hand
PAUSE_S = 3_600  # after a month was refused or could not be signed; each refusal is on chain for good
CALENDARS_MAX = 100
WAITING_GROUPS_MAX = 100_000  # groups looked through for an opening that waits; a queue is far shorter
WAITING_SIZE_MAX = 1 << 30

Clock = Callable[[], int]  # seconds since 1970, UTC
log = structlog.get_logger("calendar")


class Calendar:
    """Opens the months of one ledger that are due. One a node; `run` in a thread of its own."""

    def __init__(self, context: Context, now: Clock | None = None) -> None:
        self._context = context
        self._now = now or context.now_s
        self._signed: dict[bytes, Month] = {}  # groups of this process whose outcome is not known yet
        self._paused_until = 0.0  # monotonic seconds

    def run(self, stop: threading.Event) -> None:
        """Opens what is due until `stop` is set. Trouble is logged and asked again; nothing is raised."""
        while not stop.is_set():
            try:
                self.open_due()
            except ServiceError as err:
                log.warning("calendar_waits", error=type(err).__name__, reason=err.message, again_in_s=POLL_S)
            except Exception:  # the node goes on without it, so it must be heard and must not end for good
                log.exception("calendar_failed", again_in_s=POLL_S)
            stop.wait(POLL_S)

    def open_due(self) -> tuple[str, ...]:
        """Signs and stores the opening of every month that is due and neither open nor waiting; those months.

        Raises: ServiceError when the database does not answer; then nothing was stored.
        """
        self._look_at_signed()
        if time.monotonic() < self._paused_until:
            return ()
        with self._context.reading() as connection:
            wanted = self._due(connection)
        if not wanted:
            return ()
        signed = run_write(self._context, self._sign)
        if not signed:
            return ()
        self._signed.update(signed)
        months = tuple(format_month(month) for month in signed.values())
        log.info("months_signed", months=months)
        return months

    def _due(self, connection: Connection) -> tuple[Month, ...]:
        """Months to open by now, ascending: all since the last one opened, at most CATCH_UP_MAX."""
        now = utc_time(self._now())
        last = month_of(now + timedelta(seconds=AHEAD_S))
        opened = {one.month for one in parties.months(connection)}
        first = max((month for month in opened if month < last), default=last - 1) + 1
        return tuple(
            check_month(index) for index in range(max(first, last - CATCH_UP_MAX + 1), last + 1) if index not in opened
        )

    def _sign(self, connection: Connection) -> dict[bytes, Month]:
        """Stores one group a month, in the transaction that saw that none waits."""
        waiting = self._waiting(connection)
        wanted = [month for month in self._due(connection) if month not in waiting]
        if not wanted:
            return {}
        calendar = self._calendar(connection)
        if calendar is None:
            self._pause("no calendar party whose key is kept here; open months by hand or appoint one")
            return {}
        record, key = calendar
        caller = caller_of(self._context, connection, record)
        now_s, domain = self._context.now_s(), self._context.domain
        signed = {}
        for month in wanted:
            reference = salted(self._context, caller, "open month", format_month(month))
            operation = instructions.open_month(
                actor=record.id,
                month=month,
                opens_at=int(month_start(month).timestamp()),
                closes_at=int(month_end(month).timestamp()),
                ref=reference.ref,
            )
            group = Group(record.id, now_s + self._context.settings.group_lifetime_s, (operation,))
            digest = group.digest(domain)
            new = NewGroup(digest, sign_group(key, group, domain))
            accept(
                connection,
                Acceptance((new,), (reference,)),
                queue_limit=self._context.settings.queue_limit_per_party,
                now_s=now_s,
            )
            note_group(self._context, connection, actor=record.id, digest=digest, operations=group.operations)
            signed[digest] = month
        return signed

    def _calendar(self, connection: Connection) -> tuple[PartyRecord, bytes] | None:
        """The calendar in office whose key is kept here."""
        found = parties.parties(connection, kind=PartyKind.CALENDAR, limit=CALENDARS_MAX).items
        for record in found:
            key = self._context.private_key(connection, record.signer) if record.signer else None
            if key is not None and not record.suspended:
                return record, key
        return None

    def _waiting(self, connection: Connection) -> set[int]:
        """Months whose opening stands in the queue, whoever signed it."""
        groups = queued.take(connection, operations_max=WAITING_GROUPS_MAX, calldata_size_max=WAITING_SIZE_MAX)
        return {op.number for one in groups for op in one.signed.group.operations if op.code == Code.OPEN_MONTH}

    def _look_at_signed(self) -> None:
        """Says what became of the openings signed here; one that failed is not tried again at once."""
        if not self._signed:
            return
        with self._context.reading() as connection:
            statuses = queued.statuses(connection, list(self._signed))
        for digest, status in statuses.items():
            if status.state is QueueState.ACCEPTED:
                continue
            month = format_month(self._signed.pop(digest))
            if status.state is QueueState.RECORDED:
                log.info("month_opened", month=month, block=status.block)
            else:
                self._pause(f"the opening of {month} was {status.state.value}, reason {status.reason}")

    def _pause(self, reason: str) -> None:
        self._paused_until = time.monotonic() + PAUSE_S
        log.error("months_not_opened", reason=reason, again_in_s=PAUSE_S)
