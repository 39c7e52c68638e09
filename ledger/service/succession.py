"""Succession: the ledger goes on under another contract, with every word, party and history of the one before.

    drain      what waits is put on the chain: it is signed for the contract that is about to retire
    deploy     the operator creates the successor, which names the current contract as its predecessor
    hand over  the authority signs RETIRE with the successor's address; its block is the retired contract's last
    project    the block's rows; from here on everything signs for the successor and goes to it

Which contract is current follows from the chain alone (the successor slot of each), so nothing else has to move with
it. What is kept of a succession under way is one fact of the installation, the address it is about to create: a run
that was cut short finds the contract it created and goes on with that one, and one cut short after the hand-over
finds it done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ledger import chain
from ledger.chain import CONTRACTS_MAX, ChainError, ChainInUseError
from ledger.domain.blocks import Outcome
from ledger.domain.groups import Group
from ledger.domain.references import new_reference
from ledger.domain.times import utc_time
from ledger.identity import sign_group
from ledger.projection import Connection, StorageError, keystore, queued
from ledger.projection.queued import QueueDepth
from ledger.sequencer import Sequencer
from ledger.service import instructions
from ledger.service.audit_log import note_group
from ledger.service.context import Context
from ledger.service.errors import NotReady
from ledger.service.installation import GROUP_LIFETIME_S, open_sequencer
from ledger.service.unusable import unusable
from verifier.canonical import dumps, loads
from verifier.hashing import keccak256
from verifier.operations import Reason
from verifier.words import AUTHORITY_PARTY, Table, storage_key

SUCCESSION = "succession"  # fact of the installation: the succession under way, "" when there is none
FACT_SIZE_MAX = 1_024  # bytes of it
DRAIN_STUCK_MAX_S = 30.0  # without a group leaving the queue; a batch takes seconds
DRAIN_POLL_S = 0.2
HAND_OVER_TRIES = 100  # an API that accepts writes meanwhile is drained again; each try is a batch
STEPS = ("drain", "deploy", "hand over", "project")

Began = Callable[[str], None]
"""Told the name of each of STEPS as it begins."""


@dataclass(frozen=True)
class SuccessionPlan:
    """What a succession will do. `contract` is the current one (20 bytes), the `index`-th from 0.

    `source_sha256` names the source of the successor, `waiting` counts groups to drain first. `resumes`: an earlier run
    was cut short and is gone on with; `handed_over`: that one had already retired the contract before, so that
    `contract` is the successor.
    """

    contract: bytes
    index: int
    source_sha256: str
    of_this_release: bool
    waiting: int
    resumes: bool
    handed_over: bool


@dataclass(frozen=True)
class Succeeded:
    """A finished succession: both 20-byte addresses, how many contracts there are now, the newest block."""

    predecessor: bytes
    successor: bytes
    contracts: int
    block: int


@dataclass(frozen=True)
class _UnderWay:
    """The succession under way: addresses and the keccak256 of the successor's creation code, hex."""

    predecessor: str
    successor: str
    creation: str


class Succession:
    """One succession of one ledger, while this process is the only one that writes its chain."""

    def __init__(
        self, context: Context, sequencer: Sequencer, writer: chain.ChainWriter, compiled: chain.CompiledContract
    ) -> None:
        self._context = context
        self._sequencer = sequencer
        self._writer = writer
        self._compiled = compiled

    def plan(self) -> SuccessionPlan:
        """What `run` will do; nothing is changed.

        Raises: NoSigningKey when the authority's key is not kept here; NotReady after the last contract there may be.
        """
        identity = self._writer.identity
        with self._context.reading() as connection:
            self._context.signing_key(connection, AUTHORITY_PARTY)
            under_way = _under_way(connection)
            waiting = queued.depth(connection)
        current = identity.contract.hex()
        handed_over = under_way is not None and under_way.successor == current
        if len(identity.contracts) == CONTRACTS_MAX and not handed_over:
            raise NotReady(
                f"a ledger is carried by {CONTRACTS_MAX} contracts at most, and this is the last",
                f"一个账本最多由 {CONTRACTS_MAX} 个合约相继承载，当前已是最后一个",
            )
        return SuccessionPlan(
            contract=identity.contract,
            index=len(identity.contracts) - 1,
            source_sha256=self._compiled.source_sha256,
            of_this_release=self._compiled.of_this_release,
            waiting=waiting.groups,
            resumes=handed_over or (under_way is not None and under_way.predecessor == current),
            handed_over=handed_over,
        )

    def run(self, began: Began = lambda _step: None) -> Succeeded:
        """Does what is left of the succession; run again after a crash at any moment, it ends the same.

        Raises: NotReady saying what to do; NoSigningKey.
        """
        try:
            plan = self.plan()
            began("drain")
            self._drain()
            if not plan.handed_over:
                began("deploy")
                successor = self._deployed(plan.contract)
                began("hand over")
                self._hand_over(successor)
            began("project")
            self._sequencer.project()
            self._put_under_way(None)
        except (ChainError, StorageError) as err:
            raise NotReady(f"the succession stopped: {err}; run it again", "合约接替中断，请重新运行") from err
        identity = self._writer.identity
        *_, predecessor, successor = identity.contracts
        return Succeeded(predecessor, successor, len(identity.contracts), self._writer.head().number)

    # -- drain -------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Puts what waits on the chain. Raises: NotReady when a group does not leave the queue."""
        depth, moved_at = None, time.monotonic()
        while True:
            self._sequencer.round()
            with self._context.reading() as connection:
                now = queued.depth(connection)
            if not now.groups:
                return
            if now != depth:
                depth, moved_at = now, time.monotonic()
            elif time.monotonic() - moved_at > DRAIN_STUCK_MAX_S:
                raise _stuck(now, self._last_ends_at())
            time.sleep(DRAIN_POLL_S)

    def _last_ends_at(self) -> datetime:
        """When the last group that waits now ends by itself."""
        return utc_time(self._context.now_s() + self._context.settings.group_lifetime_s)

    # -- deploy ------------------------------------------------------------------------------

    def _deployed(self, predecessor: bytes) -> bytes:
        """Address of the successor: what an earlier run created, or a new contract."""
        creation = self._compiled.creation(predecessor)
        with self._context.reading() as connection:
            known = _under_way(connection)
        wanted = _UnderWay(predecessor.hex(), "", keccak256(creation).hex())
        if known is None or (known.predecessor, known.creation) != (wanted.predecessor, wanted.creation):
            known = None
        elif not self._writer.code(bytes.fromhex(known.successor)):
            known = None  # the address was never created, and may not be any more: the node ran in between
        if known is None:
            successor = self._writer.next_created()
            self._put_under_way(_UnderWay(wanted.predecessor, successor.hex(), wanted.creation))
            self._writer.create(creation)
        else:
            successor = bytes.fromhex(known.successor)
        self._require_successor(predecessor, successor)
        return successor

    def _require_successor(self, predecessor: bytes, successor: bytes) -> None:
        """What is at `successor` has the code meant and reads the ledger's words through. Raises: NotReady."""
        code = self._writer.code(successor)
        key = storage_key(Table.PARTY, AUTHORITY_PARTY)
        reads = self._writer.word_at(successor, key)
        if not code.startswith(self._compiled.runtime) or reads != self._writer.word_at(predecessor, key):
            raise NotReady(
                f"the contract at {successor.hex()} does not carry this ledger on: nothing was handed over, give the "
                "right --artifact",
                "新合约无法承接本账本，未作交接",
            )

    # -- hand over ---------------------------------------------------------------------------

    def _hand_over(self, successor: bytes) -> None:
        """Has the authority retire the current contract, at a moment when nothing waits for it.

        The database's writing lock is held over the block, and whoever signs does so under that lock: so every group
        accepted after it is signed for the successor.
        """
        for _ in range(HAND_OVER_TRIES):
            with self._context.store.writing_alone() as connection:
                if not queued.depth(connection).groups:
                    self._retire(connection, successor)
                    return
            self._drain()
        raise NotReady(
            "writes came in faster than they could be drained: stop the API and run this again",
            "不断有新的操作进入队列，请先停止 API 再运行",
        )

    def _retire(self, connection: Connection, successor: bytes) -> None:
        domain = self._writer.identity.domain
        operation = instructions.retire(authority=AUTHORITY_PARTY, successor=successor, ref=new_reference("").ref)
        valid_until = max(self._context.now_s(), self._writer.head().time_s) + GROUP_LIFETIME_S
        key = self._context.signing_key(connection, AUTHORITY_PARTY)
        signed = sign_group(key, Group(AUTHORITY_PARTY, valid_until, (operation,)), domain)
        block = self._context.reader.block(self._writer.commit([signed]).number)
        digest = signed.group.digest(domain)
        note_group(self._context, connection, actor=AUTHORITY_PARTY, digest=digest, operations=(operation,))
        group = next(group for group in block.groups if group.digest == digest)
        if group.outcome is not Outcome.APPLIED:
            said = Reason(group.reason).name.lower() if group.reason else group.outcome.value
            raise NotReady(f"the contract did not retire: {said}; nothing was handed over", "旧合约未能关闭，未作交接")

    def _put_under_way(self, under_way: _UnderWay | None) -> None:
        text = "" if under_way is None else dumps(asdict(under_way)).decode()
        with self._context.store.writing_alone() as connection:
            keystore.put_meta(connection, SUCCESSION, text)


@contextmanager
def open_succession(context: Context, artifact: Path | None = None) -> Iterator[Succession]:
    """A succession to the compiled contract in `artifact`, by default this release's, while no node runs.

    Raises: NotReady while a node runs, for a contract that cannot carry the ledger on, or when the chain cannot be
    written.
    """
    try:
        compiled = chain.load_successor(artifact)
        sequencer, writer = open_sequencer(context, any_contract=True)
    except ChainInUseError as err:
        raise NotReady("a node runs on this ledger; stop it first", "该账本的节点正在运行，请先停止") from err
    except ChainError as err:
        raise unusable(err) from err
    try:
        sequencer.project()
        yield Succession(context, sequencer, writer, compiled)
    except (ChainError, StorageError) as err:
        raise unusable(err) from err
    finally:
        writer.close()


def _under_way(connection: Connection) -> _UnderWay | None:
    text = keystore.meta(connection).get(SUCCESSION, "")
    if not text:
        return None
    value = loads(text.encode(), FACT_SIZE_MAX)
    assert isinstance(value, dict)
    return _UnderWay(**{name: str(one) for name, one in value.items()})


def _stuck(depth: QueueDepth, ends_at: datetime) -> NotReady:
    return NotReady(
        f"{depth.groups} groups wait and cannot be put on the chain; signed for the contract that would retire, they "
        "could never be recorded after it. Nothing was handed over: see why in the node's log, or run this again "
        f"after {ends_at:%Y-%m-%d %H:%M}Z, when they have expired",
        f"队列中有 {depth.groups} 组操作无法上链，合约关闭后将永远无法入账，未作交接；请查看节点日志，或待其过期后重试",
    )
