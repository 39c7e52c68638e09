"""The one writer: takes what is waiting, puts it on the chain, applies the block to the projection.

Three steps a batch, each durable before the next:

    stage    the groups stand in the queue (written when they were accepted)
    commit   one transaction, one sealed block, synced
    apply    the block's rows and the groups' outcomes, one SQL transaction

Every round begins by applying whatever the chain has and the projection lacks, and only then looks at the queue.
So a crash between any two steps, or an apply that failed, ends the same: a group on the chain is settled before
anybody could take it again, a group not on the chain is still waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ledger.chain.limits import BATCH_CALLDATA_SIZE_MAX, BATCH_OPERATIONS_MAX
from ledger.domain.groups import ChainDomain
from ledger.projection import Store, number_pool, queued, signing_drafts
from ledger.projection.apply import projected_head
from ledger.projection.queued import WaitingGroup
from ledger.projection.rebuild import follow
from ledger.sequencer.chain import BatchWriter, BlockReader
from ledger.sequencer.errors import Kind, SequencerStoppedError, kind_of

HOUSEKEEPING_INTERVAL_S = 60  # how often ended reservations and idempotency keys are looked for
PUT_OFF_FIRST_S = 2  # a group whose transaction fails even alone waits this long, then twice as long...
PUT_OFF_MAX_S = 300  # ...up to this, until it expires
PUT_OFF_COUNT_MAX = 256  # groups put off at a time; more than that is trouble of the node, not of the groups
LONE_FAILURES_MAX = 3  # groups that fail alone in one round before the round is given up
WAIT_FIRST_S = 0.5  # after passing trouble; doubles up to the next
WAIT_MAX_S = 30.0
CLOCK_POLL_S = 0.5

Clock = Callable[[], int]  # seconds since 1970, UTC
log = structlog.get_logger("sequencer")


@dataclass(frozen=True)
class Pace:
    """How the sequencer works: operations in a batch, how long groups may gather, how far the clock may be behind."""

    operations_max: int = BATCH_OPERATIONS_MAX
    calldata_size_max: int = BATCH_CALLDATA_SIZE_MAX
    interval_ms: int = 100
    clock_step_back_max_ms: int = 2_000

    def __post_init__(self) -> None:
        if not 1 <= self.operations_max <= BATCH_OPERATIONS_MAX:
            raise ValueError(f"a batch holds 1..{BATCH_OPERATIONS_MAX} operations")


@dataclass(frozen=True)
class Round:
    """What one round did: groups taken, last block sealed (None: none), groups expired.

    `troubled`: the node refused group after group, or its clock; give it time before the next round.
    """

    taken: int = 0
    recorded_block: int | None = None
    expired: int = 0
    troubled: bool = False


@dataclass
class _PutOff:
    failures: int
    until: float  # monotonic seconds


class Sequencer:
    """Puts waiting groups on the chain. One a chain; `run` in one thread."""

    def __init__(
        self, store: Store, writer: BatchWriter, reader: BlockReader, *, pace: Pace | None = None, now: Clock
    ) -> None:
        self._store = store
        self._writer = writer
        self._reader = reader
        self._pace = pace or Pace()
        self._now = now
        self._put_off: dict[bytes, _PutOff] = {}
        self._housekeeping_at = 0.0
        self._clock_is_back = False

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set, finishing the round it is in.

        Raises: SequencerStoppedError when going on would be wrong; the queue and the chain are as they were.
        """
        wait_s = WAIT_FIRST_S
        log.info("sequencing_started", operations_max=self._pace.operations_max, interval_ms=self._pace.interval_ms)
        while not stop.is_set():
            begun = time.monotonic()
            try:
                done = self.round()
            except Exception as err:
                if kind_of(err) is not Kind.WAIT:
                    log.critical("sequencing_stopped", error=type(err).__name__, reason=str(err))
                    raise SequencerStoppedError(err) from err
                log.warning("sequencing_waits", error=type(err).__name__, reason=str(err), wait_s=wait_s)
                done = Round(troubled=True)
            if done.troubled:
                stop.wait(wait_s)
                wait_s = min(2 * wait_s, WAIT_MAX_S)
                continue
            wait_s = WAIT_FIRST_S
            interval_s = CLOCK_POLL_S if self._clock_is_back else self._pace.interval_ms / 1000
            stop.wait(max(0.0, interval_s - (time.monotonic() - begun)))
        log.info("sequencing_ended")

    def round(self) -> Round:
        """One round: apply what the projection lacks, end what expired, commit and apply one batch.

        Raises: errors of chain and store that `kind_of` calls WAIT or FATAL.
        """
        self.project()
        if not self._clock_allows():
            return Round()
        self._keep_house()
        expired = self._expire()
        waiting = self._take()
        if not waiting:
            return Round(expired=expired)
        block, troubled = self._commit(waiting)
        return Round(taken=len(waiting), recorded_block=block, expired=expired, troubled=troubled)

    def project(self) -> int:
        """Applies every block the projection lacks; the number of the last one.

        Raises: ChainDivergedError when the projection is of another chain.
        """
        return follow(self._store.engine, self._reader)

    def _clock_allows(self) -> bool:
        """Whether the clock stands near enough to the last block. A block is never dated in the future."""
        now_s, latest_s = self._now(), self._reader.head().time_s
        allows = now_s * 1000 + self._pace.clock_step_back_max_ms >= latest_s * 1000
        if allows == self._clock_is_back:
            self._clock_is_back = not allows
            if allows:
                log.info("clock_caught_up", now_s=now_s, block_time_s=latest_s)
            else:
                log.error(
                    "clock_stepped_back",
                    now_s=now_s,
                    block_time_s=latest_s,
                    action="set the clock right; sequencing goes on by itself once it has caught up",
                )
        return allows

    def _keep_house(self) -> None:
        if time.monotonic() < self._housekeeping_at:
            return
        self._housekeeping_at = time.monotonic() + HOUSEKEEPING_INTERVAL_S
        now_s = self._now()
        with self._store.writing_alone() as connection:
            number_pool.expire(connection, now_s)
            queued.forget_idempotency(connection, now_s)
            signing_drafts.expire(connection, now_s)

    def _expire(self) -> int:
        """Ends groups the contract would call malformed: block time is never before the last block's."""
        with self._store.reading() as connection:
            head = projected_head(connection)
            at_s = max(self._now(), head.time_s if head else 0)
            if not queued.any_expired(connection, at_s):
                return 0
        with self._store.writing_alone() as connection:
            digests = queued.expire(connection, at_s)
        for digest in digests:
            self._put_off.pop(digest, None)
        log.info("groups_expired", count=len(digests))
        return len(digests)

    def _take(self) -> list[WaitingGroup]:
        moment = time.monotonic()
        skip = [digest for digest, put_off in self._put_off.items() if put_off.until > moment]
        with self._store.reading() as connection:
            waiting = queued.take(
                connection,
                operations_max=self._pace.operations_max,
                calldata_size_max=self._pace.calldata_size_max,
                skip=skip,
            )
        return self._for_current_contract(waiting)

    def _for_current_contract(self, waiting: list[WaitingGroup]) -> list[WaitingGroup]:
        """Those of `waiting` that are signed for the contract their batch goes to; the others end.

        Whoever signed while a contract was being succeeded may have signed for the one that retired. No contract would
        ever take such a group, so it is not sent, and its end tells the caller to send again.
        """
        if not waiting:
            return waiting
        *earlier, current = self._reader.identity.domains
        if not earlier:
            return waiting
        retired = [one.digest for one in waiting if _signed_for(one, current, earlier) in earlier]
        if not retired:
            return waiting
        with self._store.writing_alone() as connection:
            queued.end(connection, retired, self._now())
        for digest in retired:
            self._put_off.pop(digest, None)
        log.warning("groups_for_a_retired_contract_ended", count=len(retired))
        ended = set(retired)
        return [group for group in waiting if group.digest not in ended]

    def _commit(self, waiting: list[WaitingGroup]) -> tuple[int | None, bool]:
        """Commits and applies `waiting`, in halves when it does not fit: (last block sealed, node in trouble).

        A group that fails alone is put off, so that it cannot stop the rest; it goes on trying until it expires.
        """
        parts = [waiting]
        block: int | None = None
        lone_failures = 0
        while parts:
            part = parts.pop()
            try:
                head = self._writer.commit([group.signed for group in part])
            except Exception as err:
                kind = kind_of(err)
                if kind is Kind.CLOCK:
                    log.warning("clock_stepped_back", reason=str(err))
                    return block, True
                if kind is not Kind.SPLIT:
                    raise
                if len(part) > 1:
                    log.warning("batch_split", groups=len(part), error=type(err).__name__, reason=str(err))
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]  # the older half is taken next
                    continue
                self._put_off_one(part[0].digest, err)
                lone_failures += 1
                if lone_failures >= LONE_FAILURES_MAX:
                    log.warning("round_given_up", groups_left=sum(map(len, parts)), reason=str(err))
                    return block, True
                continue
            block = head.number
            for group in part:
                self._put_off.pop(group.digest, None)
            self.project()
            log.info("batch_recorded", block=block, groups=len(part))
        return block, False

    def _put_off_one(self, digest: bytes, err: Exception) -> None:
        known = self._put_off.pop(digest, _PutOff(failures=0, until=0.0))
        wait_s = min(PUT_OFF_FIRST_S * 2**known.failures, PUT_OFF_MAX_S)
        if len(self._put_off) >= PUT_OFF_COUNT_MAX:
            self._put_off.pop(next(iter(self._put_off)))  # the longest put off is tried again now
        self._put_off[digest] = _PutOff(failures=known.failures + 1, until=time.monotonic() + wait_s)
        log.error("group_put_off", digest=digest.hex(), error=type(err).__name__, reason=str(err), again_in_s=wait_s)


def _signed_for(waiting: WaitingGroup, current: ChainDomain, earlier: list[ChainDomain]) -> ChainDomain | None:
    """Which contract's domain the digest of `waiting` is of; the current one's is tried first."""
    group = waiting.signed.group
    return next((domain for domain in (current, *reversed(earlier)) if group.digest(domain) == waiting.digest), None)
