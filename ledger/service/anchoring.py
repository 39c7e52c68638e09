"""The audit log's head, put on chain now and then with an officer's key: after that nobody rewrites what came before.

The node asks every minute whether an entry has waited for the set interval without an anchor over it. Only the
chain and the queue are asked, nothing is remembered, so a node that was killed, stood still for days or was replaced by
another one anchors once and goes on. An anchor's own entry alone is no reason for the next anchor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from ledger.domain.groups import Group
from ledger.identity import sign_group
from ledger.projection import Acceptance, Connection, NewGroup, QueueState, accept, parties, queued
from ledger.projection.audit_entries import LogAnchor, newest_anchor
from ledger.projection.audit_log import LogHead, entry, log_head
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

POLL_S = 60.0  # how often the node asks
PAUSE_S = 3_600  # after an anchor was refused or could not be signed; each refusal is on chain for good
OFFICERS_MAX = 1_000  # looked through for one whose key is kept here
WAITING_GROUPS_MAX = 100_000  # groups looked through for an anchor that waits; a queue is far shorter
WAITING_SIZE_MAX = 1 << 30
REFERENCE_TEXT = "audit log"

Clock = Callable[[], int]  # seconds since 1970, UTC
log = structlog.get_logger("anchoring")


class Anchoring:
    """Anchors the audit log of one ledger. One a node; `run` in a thread of its own."""

    def __init__(self, context: Context, now: Clock | None = None) -> None:
        self._context = context
        self._now = now or context.now_s
        self._signed: bytes | None = None  # digest of this process's group whose outcome is not known yet
        self._paused_until = 0.0  # monotonic seconds

    def run(self, stop: threading.Event) -> None:
        """Anchors what is due until `stop` is set. Trouble is logged and asked again; nothing is raised."""
        while not stop.is_set():
            try:
                self.anchor_due()
            except ServiceError as err:
                log.warning("anchoring_waits", error=type(err).__name__, reason=err.message, again_in_s=POLL_S)
            except Exception:  # the node goes on without it, so it must be heard and must not end for good
                log.exception("anchoring_failed", again_in_s=POLL_S)
            stop.wait(POLL_S)

    def anchor_due(self) -> int | None:
        """Signs an anchor if one is due; how many entries it covers, None when nothing was signed."""
        self._look_at_signed()
        if time.monotonic() < self._paused_until:
            return None
        with self._context.reading() as connection:
            if self._due(connection) is None:
                return None
        signed = run_write(self._context, self._sign)
        if signed is None:
            return None
        self._signed, covered = signed
        log.info("log_anchor_signed", entries=covered)
        return covered

    def _due(self, connection: Connection) -> LogHead | None:
        """The head to anchor: when the oldest entry that no anchor covers is as old as the interval."""
        head = log_head(connection)
        if head is None:
            return None
        anchored = newest_anchor(connection, self._context.reader.identity.domains)
        if anchored is not None and not self._has_news(head, anchored):
            return None
        oldest = entry(connection, anchored.seq + 1 if anchored is not None else 1)
        waited_since = oldest.noted_at if oldest is not None else head.noted_at
        return head if self._now() - waited_since >= self._context.settings.anchor_interval_s else None

    def _has_news(self, head: LogHead, anchored: LogAnchor) -> bool:
        """Whether more came than the anchor's own entry; a log shorter than its anchor is the audit's to tell."""
        return head.seq > anchored.seq + 1

    def _sign(self, connection: Connection) -> tuple[bytes, int] | None:
        """Stores the group, in the transaction that saw that none waits."""
        head = self._due(connection)
        if head is None or self._waits(connection):
            return None
        officer = self._officer(connection)
        if officer is None:
            self._pause("no officer whose key is kept here; appoint one")
            return None
        record, key = officer
        context, now_s = self._context, self._context.now_s()
        reference = salted(context, caller_of(context, connection, record), "anchor", REFERENCE_TEXT)
        operation = instructions.anchor(
            officer=record.id, version=record.version, head=head.entry_hash, entries=head.seq, ref=reference.ref
        )
        group = Group(record.id, now_s + context.settings.group_lifetime_s, (operation,))
        digest = group.digest(context.domain)
        acceptance = Acceptance((NewGroup(digest, sign_group(key, group, context.domain)),), (reference,))
        accept(connection, acceptance, queue_limit=context.settings.queue_limit_per_party, now_s=now_s)
        note_group(context, connection, actor=record.id, digest=digest, operations=group.operations)
        return digest, head.seq

    def _officer(self, connection: Connection) -> tuple[PartyRecord, bytes] | None:
        """The first officer in office whose key is kept here, else the authority."""
        for kind in (PartyKind.OFFICER, PartyKind.AUTHORITY):
            for record in parties.parties(connection, kind=kind, limit=OFFICERS_MAX).items:
                key = self._context.private_key(connection, record.signer) if record.signer else None
                if key is not None and not record.suspended:
                    return record, key
        return None

    def _waits(self, connection: Connection) -> bool:
        """Whether an anchor stands in the queue, whoever signed it."""
        groups = queued.take(connection, operations_max=WAITING_GROUPS_MAX, calldata_size_max=WAITING_SIZE_MAX)
        return any(op.code == Code.ANCHOR for one in groups for op in one.signed.group.operations)

    def _look_at_signed(self) -> None:
        """Says what became of the anchor signed here; one that failed is not tried again at once."""
        if self._signed is None:
            return
        with self._context.reading() as connection:
            status = queued.status(connection, self._signed)
        if status is None or status.state is QueueState.ACCEPTED:
            return
        self._signed = None
        if status.state is QueueState.RECORDED:
            log.info("log_anchored", block=status.block)
        else:
            self._pause(f"the anchor was {status.state.value}, reason {status.reason}")

    def _pause(self, reason: str) -> None:
        self._paused_until = time.monotonic() + PAUSE_S
        log.error("log_not_anchored", reason=reason, again_in_s=PAUSE_S)
