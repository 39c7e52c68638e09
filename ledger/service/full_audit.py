"""`einvoice audit --full`: everything an auditor can recompute, from genesis on, without taking anything from SQL.

Blocks are executed again and projected into a state file as they come, so that an audit that ends in the middle goes
on there. What was executed before is read and hashed anew; rows, documents and keys are compared anew in every run,
because they may have changed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from ledger import chain
from ledger.chain import BlockDiffersError, BlockUnknownError, BlockUnreadableError, ChainError
from ledger.domain.blocks import BlockHead, ChainBlock
from ledger.projection import Connection, ProjectionError, StorageError, keystore
from ledger.projection.apply import projected_head
from ledger.projection.audit import compare
from ledger.projection.audit_ground import check_ground
from ledger.projection.audit_groups import check_groups
from ledger.projection.audit_state import AuditState
from ledger.projection.audit_words import Difference
from ledger.service.audit_erasures import check_erasures
from ledger.service.audit_keys import KeyAudit
from ledger.service.audit_log import check_log
from ledger.service.audit_opening import open_item
from ledger.service.audit_witnesses import check_witnesses
from ledger.service.context import AUTHORITY_ROOT, Context
from ledger.service.errors import NotReady
from ledger.service.maintenance import document_trouble
from ledger.service.unusable import unusable
from ledger.settings import EMBEDDED_CHAIN
from verifier.signatures import address_of
from verifier.trust import Trust

BATCH_BLOCKS_MAX: Final = 50  # blocks kept together
BATCH_TIME_S: Final = 2  # what a kill loses, about
TAIL_BLOCKS_MAX: Final = 20  # blocks that a running node may add while tables are held still
STATE_SUFFIX: Final = ".audit"

PhaseProgress = Callable[[str, int, int], None]
"""(what is done now, done, of all; of is 0 where that is not known)."""


@dataclass(frozen=True)
class FullAuditReport:
    """What was held against what; `difference` is None when all of it agrees.

    `block` is the last block executed, `executed` how many this run did; `resumed_after` the block it went on from.
    `erased` documents are not among the `documents`, which were held against their commitments.
    """

    block: int
    executed: int
    resumed_after: int | None
    rows: int = 0
    invoices: int = 0
    documents: int = 0
    erased: int = 0
    ground: int = 0
    signatures: int = 0
    difference: Difference | None = None


class _Found(Exception):  # noqa: N818 - ends the audit with a difference; not a failure of it
    def __init__(self, difference: Difference) -> None:
        super().__init__()
        self.difference = difference


def default_state_path(context: Context) -> Path:
    """The state file beside the data directory."""
    data_dir = context.settings.data_dir.resolve()
    return data_dir.with_name(data_dir.name + STATE_SUFFIX)


def full_audit(
    context: Context,
    progress: PhaseProgress | None = None,
    *,
    state_path: Path | None = None,
    trust: Trust | None = None,
) -> FullAuditReport:
    """Executes and compares everything; names the first difference. Reads the ledger, writes the state file alone.

    With `state_path` the file is kept, and a later audit executes what came since; without, it lies beside the data
    directory and is removed once nothing differs. With `trust` the ledger must be the one that this trust file pins;
    without, what it was founded with.

    Raises: NotReady when chain, database or state file cannot be used.
    """
    if context.settings.chain_url != EMBEDDED_CHAIN:
        raise NotReady(
            "a full audit executes the chain of the data directory; of a node's chain, export and replay the blocks",
            "完整审计需要本机链数据；节点上的链请导出区块后重放",
        )
    path = state_path or default_state_path(context)
    try:
        state = AuditState.open(path, context.reader.identity.to_bytes().decode())
        with closing(state), closing(chain.Replay(context.settings.chain_dir)) as replay:
            audit = _FullAudit(context, state, replay, progress or (lambda _phase, _done, _of: None))
            report = audit.run(trust)
    except OSError as err:
        raise NotReady(
            f"{err.filename or path}: {err.strerror}; name another place with --state",
            f"无法读写 {err.filename or path}（{err.strerror}）：请用 --state 指定其他位置",
        ) from err
    except (ChainError, StorageError) as err:
        raise unusable(err) from err
    if state_path is None and report.difference is None:
        state.remove()
    return report


class _FullAudit:
    def __init__(self, context: Context, state: AuditState, replay: chain.Replay, progress: PhaseProgress) -> None:
        self._context = context
        self._state = state
        self._replay = replay
        self._progress = progress
        known = state.executed()
        self._resumed = known
        self._last = known
        self._report = FullAuditReport(-1, 0, known.number if known is not None else None)

    def run(self, trust: Trust | None) -> FullAuditReport:
        difference: Difference | None = None
        try:
            if trust is not None:
                self._hold_trusted(trust)
            self._begin()
            self._follow()
            with self._context.store.reading() as stored:
                self._compare(stored)
        except _Found as found:
            difference = found.difference
        except BlockDiffersError as err:
            difference = Difference("block", str(err.number), err.field, err.stored, err.recomputed)
        last = self._last.number if self._last is not None else -1
        first = self._resumed.number if self._resumed is not None else -1
        return replace(self._report, block=last, executed=last - first, difference=difference)

    def _hold_trusted(self, trust: Trust) -> None:
        """The ledger is the one that an auditor's own trust file pins; an older file may list fewer contracts."""
        identity = self._context.reader.identity
        with self._context.store.reading() as connection:
            root = keystore.meta(connection).get(AUTHORITY_ROOT, "")
        count = len(trust.contracts)
        contracts = zip(identity.contracts[:count], identity.code_hashes[:count], strict=True)
        pinned = [f"{one.address.hex()} {one.code_hash.hex()}" for one in trust.contracts]
        sealers = sorted(address_of(sealer).hex() for sealer in trust.sealers)
        for name, found, wanted in (
            ("chain_id", str(identity.chain_id), str(trust.chain_id)),
            ("genesis", identity.genesis_hash.hex(), trust.genesis.hex()),
            ("contracts", ", ".join(f"{one.hex()} {code.hex()}" for one, code in contracts), ", ".join(pinned)),
            ("sealers", ", ".join(sorted(sealer.hex() for sealer in identity.sealers)), ", ".join(sealers)),
            ("authority_root", root, trust.authority_root.hex()),
        ):
            if found != wanted:
                raise _Found(Difference("trust", name, "", found, wanted))

    def _begin(self) -> None:
        """At genesis, or after the block executed last, once all before it are still what they were."""
        if self._resumed is None:
            return
        of = self._resumed.number + 1
        for done, block in enumerate(self._state.blocks(), 1):
            self._asked(block.number, partial(self._replay.check_again, block))
            self._progress("reading again", done, of)
        self._replay.from_block(self._resumed)

    def _follow(self) -> None:
        """Executes up to what the projection has; on a running ledger until few blocks are left."""
        while True:
            with self._context.store.reading() as connection:
                known = projected_head(connection)
            head = self._context.reader.head()
            goal = head.number if known is None else min(known.number, head.number)
            self._execute(goal)
            if known is not None and known.number > head.number:
                self._execute(head.number)
                said = f"the chain ends at block {head.number}"
                raise _Found(Difference("p_block", str(known.number), "number", "projected", said))
            if known is None or self._newest() - goal <= TAIL_BLOCKS_MAX:
                return

    def _newest(self) -> int:
        with self._context.store.reading() as connection:
            known = projected_head(connection)
        return known.number if known is not None else -1

    def _execute(self, goal: int) -> None:
        """Executes and keeps blocks up to `goal`."""
        while (number := self._last.number + 1 if self._last is not None else 0) <= goal:
            batch: list[ChainBlock] = []
            until = time.monotonic() + BATCH_TIME_S
            while number <= goal and len(batch) < BATCH_BLOCKS_MAX and time.monotonic() < until:
                batch.append(self._executed(number))
                number += 1
                self._progress("executing", number, goal + 1)
            try:
                self._state.keep(batch)
            except ProjectionError as err:
                at = str(err.block if err.block is not None else number - 1)
                raise _Found(
                    Difference("block", at, "events", str(err), "what follows from the blocks before")
                ) from err
            self._last = batch[-1].head
        if self._last is not None and goal == self._last.number and goal > 0:
            self._replay.check_contracts()

    def _executed(self, number: int) -> ChainBlock:
        head = self._asked(number, partial(self._replay.execute, number) if number else self._replay.from_genesis)
        try:
            block = self._context.reader.block(number)
        except BlockUnreadableError as err:
            raise _Found(Difference("block", str(number), "events", str(err), "events of this release")) from err
        if block.head != head:
            raise _Found(Difference("block", str(number), "hash", block.head.hash.hex(), head.hash.hex()))
        return block

    def _asked(self, number: int, question: Callable[[], BlockHead]) -> BlockHead:
        try:
            return question()
        except BlockUnknownError as err:
            raise _Found(Difference("block", str(number), "", "no block", "a block, which was there before")) from err

    def _compare(self, stored: Connection) -> None:
        """Rows, documents, words, ground rows and keys of one moment."""
        known = projected_head(stored)
        block = known.number if known is not None else self._context.reader.head().number
        self._execute(block)
        self._progress("comparing rows", 0, 0)
        found = compare(
            stored,
            self._state.engine,
            self._context.reader,
            block,
            lambda record, document: document_trouble(self._context, record, document),
            self._execute,
        )
        self._report = replace(
            self._report, rows=found.rows, invoices=found.invoices, documents=found.documents, erased=found.erased
        )
        if found.difference is not None:
            raise _Found(found.difference)
        domains = self._context.reader.identity.domains
        ground = check_groups(stored, domains, self._opened)
        self._report = replace(self._report, ground=self._counted("comparing groups", ground))
        beside = self._counted("comparing ground rows", check_ground(stored, self._opened))
        self._report = replace(self._report, ground=self._report.ground + beside)
        witnessed = self._counted("checking witnesses", check_witnesses(self._context, stored))
        self._report = replace(self._report, ground=self._report.ground + witnessed)
        noted = self._counted("checking the audit log", check_log(self._context, stored))
        self._report = replace(self._report, ground=self._report.ground + noted)
        keys = KeyAudit(self._context, stored)
        self._counted("checking keys", keys.check())
        self._report = replace(self._report, signatures=keys.signatures)
        # by the root certificate, which the check of keys has just held against the chain
        erased = self._counted("checking erasures", check_erasures(self._context, stored))
        self._report = replace(self._report, ground=self._report.ground + erased)

    def _counted(self, phase: str, differences: Iterator[Difference | None]) -> int:
        count = 0
        for count, difference in enumerate(differences, 1):
            if difference is not None:
                raise _Found(difference)
            self._progress(phase, count, 0)
        return count

    def _opened(self, table: str, column: str, row: object) -> bytes:
        return open_item(self._context, table, column, row)
