"""The chain itself for those who check it: read-only JSON-RPC, and export for another client's replay.

A reader of the chain can follow a party's number and test a guessed invoice number, so only the tax bureau, its
auditors and the witnesses it let in open this door, unless the operator opened it to all (EINVOICE_RPC_OPEN).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.chain import ChainError, NodeRpc, answer_request, export_chain, open_rpc, rpc_failure
from ledger.service.errors import NotAuthenticated, NotReady
from ledger.service.people import need_chain_reader
from ledger.service.places import chain_place
from ledger.service.unusable import unusable
from ledger.service.views import Caller
from ledger.settings import EMBEDDED_CHAIN, Settings

PARSE_ERROR = -32700

Moved = Callable[[int, int], None]
"""(done, of) while something long goes on."""


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote: the head's number, hash and state root (32 bytes each), bytes of the blocks."""

    directory: Path
    block: int
    block_hash: bytes
    state_root: bytes
    size: int


class ChainDoor:
    """JSON-RPC over this installation's chain. Safe to use from many threads; opened at first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rpc: NodeRpc | None = None
        self._lock = threading.Lock()  # guards _rpc: two first requests must not open the store twice

    def admit(self, caller: Caller | None) -> None:
        """Lets officers, auditors and witnesses' readers in, everybody when the setting says so.

        Raises: NotAuthenticated, NotPermitted.
        """
        if self._settings.rpc_open:
            return
        if caller is None:
            raise NotAuthenticated
        need_chain_reader(caller)

    def answer(self, request: object) -> bytes | None:
        """Answer to a parsed request or batch, None when there is nothing to answer. Raises: NotReady."""
        return answer_request(self._opened(), request)

    def close(self) -> None:
        """Gives the store back; a later request would open it again."""
        with self._lock:
            if self._rpc is not None:
                self._rpc.close()
                self._rpc = None

    def _opened(self) -> NodeRpc:
        with self._lock:
            if self._rpc is None:
                try:
                    self._rpc = open_rpc(_embedded(self._settings))
                except ChainError as err:
                    raise unusable(err) from err
            return self._rpc


def unreadable(detail: str) -> bytes:
    """The JSON-RPC answer to a body that is no JSON."""
    return rpc_failure(PARSE_ERROR, detail)


def export_blocks(settings: Settings, target: Path, moved: Moved) -> ExportReport:
    """Writes genesis.json and blocks.rlp of this installation's chain into `target`, a new or empty directory.

    Raises: NotReady saying what to do; then nothing is left behind.
    """
    try:
        exported = export_chain(_embedded(settings), target, moved)
    except (ChainError, OSError) as err:
        raise NotReady(f"the chain was not exported, nothing is left behind: {err}", "区块链未导出") from err
    return ExportReport(target, exported.block, exported.block_hash, exported.state_root, exported.size)


def _embedded(settings: Settings) -> Path:
    if settings.chain_url != EMBEDDED_CHAIN:
        raise NotReady(
            "this ledger's chain is a network (EINVOICE_CHAIN_URL): ask a node of it",
            "本账本的链为外部网络（EINVOICE_CHAIN_URL），请直接向其节点查询",
        )
    place = chain_place(settings)
    assert isinstance(place, Path)
    return place
