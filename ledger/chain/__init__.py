"""The chain: an embedded EVM on LMDB, or any JSON-RPC network, behind one door.

Names load on first use: reading needs neither the engine nor web3, and both are slow to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ledger.chain.calldata import calldata_size as calldata_size
    from ledger.chain.creation import CompiledContract as CompiledContract
    from ledger.chain.creation import load_successor as load_successor
    from ledger.chain.errors import ArtifactUnfitError as ArtifactUnfitError
    from ledger.chain.errors import BatchRefusedError as BatchRefusedError
    from ledger.chain.errors import BatchTooLargeError as BatchTooLargeError
    from ledger.chain.errors import BlockDiffersError as BlockDiffersError
    from ledger.chain.errors import BlockUnknownError as BlockUnknownError
    from ledger.chain.errors import BlockUnreadableError as BlockUnreadableError
    from ledger.chain.errors import ChainClockError as ChainClockError
    from ledger.chain.errors import ChainDirectoryError as ChainDirectoryError
    from ledger.chain.errors import ChainError as ChainError
    from ledger.chain.errors import ChainExistsError as ChainExistsError
    from ledger.chain.errors import ChainForeignError as ChainForeignError
    from ledger.chain.errors import ChainFullError as ChainFullError
    from ledger.chain.errors import ChainInUseError as ChainInUseError
    from ledger.chain.errors import ChainMissingError as ChainMissingError
    from ledger.chain.errors import ChainReadOnlyError as ChainReadOnlyError
    from ledger.chain.errors import ChainStoppedError as ChainStoppedError
    from ledger.chain.errors import ChainStorageError as ChainStorageError
    from ledger.chain.errors import RemoteChainError as RemoteChainError
    from ledger.chain.errors import RpcError as RpcError
    from ledger.chain.export import Exported as Exported
    from ledger.chain.export import export_chain as export_chain
    from ledger.chain.genesis import create_chain as create_chain
    from ledger.chain.identity import ChainIdentity as ChainIdentity
    from ledger.chain.jsonrpc import NodeRpc as NodeRpc
    from ledger.chain.jsonrpc import open_rpc as open_rpc
    from ledger.chain.limits import BATCH_CALLDATA_SIZE_MAX as BATCH_CALLDATA_SIZE_MAX
    from ledger.chain.limits import BATCH_OPERATIONS_MAX as BATCH_OPERATIONS_MAX
    from ledger.chain.limits import CONTRACTS_MAX as CONTRACTS_MAX
    from ledger.chain.reader import ChainReader as ChainReader
    from ledger.chain.reader import copy_chain as copy_chain
    from ledger.chain.reader import open_reader as open_reader
    from ledger.chain.replaying import Replay as Replay
    from ledger.chain.rpc_envelope import answer_request as answer_request
    from ledger.chain.rpc_envelope import rpc_failure as rpc_failure
    from ledger.chain.writer import ChainWriter as ChainWriter
    from ledger.chain.writer import open_writer as open_writer

_ERRORS: Final = (
    *("ArtifactUnfitError", "BatchRefusedError", "BatchTooLargeError", "BlockUnknownError", "BlockUnreadableError"),
    "BlockDiffersError",
    *("ChainClockError", "ChainDirectoryError", "ChainError", "ChainExistsError", "ChainForeignError"),
    *("ChainFullError", "ChainInUseError", "ChainMissingError", "ChainReadOnlyError", "ChainStoppedError"),
    *("ChainStorageError", "RemoteChainError", "RpcError"),
)
_HOMES: Final = {
    **dict.fromkeys(_ERRORS, "errors"),
    "calldata_size": "calldata",
    "CompiledContract": "creation",
    "load_successor": "creation",
    "Exported": "export",
    "export_chain": "export",
    "create_chain": "genesis",
    "ChainIdentity": "identity",
    "NodeRpc": "jsonrpc",
    "open_rpc": "jsonrpc",
    "BATCH_CALLDATA_SIZE_MAX": "limits",
    "BATCH_OPERATIONS_MAX": "limits",
    "CONTRACTS_MAX": "limits",
    "ChainReader": "reader",
    "copy_chain": "reader",
    "open_reader": "reader",
    "Replay": "replaying",
    "answer_request": "rpc_envelope",
    "rpc_failure": "rpc_envelope",
    "ChainWriter": "writer",
    "open_writer": "writer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
