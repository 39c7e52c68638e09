"""Errors of the chain layer.

ChainError
|-- ChainDirectoryError     the directory cannot be used; carries it
|   |-- ChainMissingError       it holds no chain
|   |-- ChainExistsError        it already holds one
|   |-- ChainForeignError       its chain belongs to another sealer or carries another contract
|   |-- ChainReadOnlyError      it cannot be written
|   |-- ChainInUseError         another process writes it
|   |-- ChainFullError          disk or map full: nothing of the block was kept
|   `-- ChainStorageError       any other failure of the store
|-- ChainClockError         the clock stepped back; carries both times
|-- ChainStoppedError       the writer failed or was closed before
|-- BatchTooLargeError      a batch above a named limit; carries it
|-- BatchRefusedError       the node or the contract rejected the whole transaction
|-- ArtifactUnfitError      a compiled contract cannot carry this ledger on; says why
|-- BlockUnknownError       no such block; carries its number
|-- BlockUnreadableError    a block holds what this release cannot read
|-- BlockDiffersError       a stored block is not what executing it again gives; carries where
|-- RpcError                a JSON-RPC request cannot be answered; carries its code
`-- RemoteChainError        a remote node failed, is unreachable or contradicts itself
"""

from __future__ import annotations

from pathlib import Path


class ChainError(Exception):
    """Root of the chain layer's errors."""


class ChainDirectoryError(ChainError):
    """A chain directory cannot be used; `directory` says which."""

    def __init__(self, message: str, directory: Path) -> None:
        super().__init__(f"{directory}: {message}")
        self.directory = directory


class ChainMissingError(ChainDirectoryError):
    """The directory holds no chain."""


class ChainExistsError(ChainDirectoryError):
    """The directory already holds a chain or other files."""


class ChainForeignError(ChainDirectoryError):
    """The chain belongs to another sealer, or carries another contract than this release."""


class ChainReadOnlyError(ChainDirectoryError):
    """The directory or its files cannot be written by this process."""


class ChainInUseError(ChainDirectoryError):
    """Another process holds the writer's lock."""


class ChainFullError(ChainDirectoryError):
    """Disk or map is full. The block was not kept; the chain stands at the head before it."""


class ChainStorageError(ChainDirectoryError):
    """The store failed. The block was not kept; the chain stands at the head before it."""


class ChainClockError(ChainError):
    """The clock stepped back: `now_s` lies more than the tolerance before `latest_s`."""

    def __init__(self, now_s: int, latest_s: int) -> None:
        super().__init__(
            f"the clock says {now_s} but {latest_s} has passed already: set the clock right; "
            "sequencing goes on by itself once it has caught up"
        )
        self.now_s = now_s
        self.latest_s = latest_s


class ChainStoppedError(ChainError):
    """The writer was closed, or stopped at a failure that only a restart clears."""


class BatchTooLargeError(ChainError):
    """A batch has more of something than one transaction may carry."""

    def __init__(self, what: str, count: int, limit: int) -> None:
        super().__init__(f"a batch has {count} {what}; at most {limit} fit: split it")
        self.what = what
        self.count = count
        self.limit = limit


class BatchRefusedError(ChainError):
    """The whole transaction was rejected or reverted. Nothing of the batch is on the chain."""


class ArtifactUnfitError(ChainError):
    """A compiled contract cannot carry this ledger on."""


class BlockUnknownError(ChainError):
    """The chain has no block of this number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the chain has no block {number}")
        self.number = number


class BlockUnreadableError(ChainError):
    """A block holds calldata or events that this release cannot take apart."""


class BlockDiffersError(ChainError):
    """Block `number` is stored otherwise than executing it again gives; values are text, bytes as hex."""

    def __init__(self, number: int, field: str, stored: str, recomputed: str) -> None:
        super().__init__(f"block {number}: {field}: stored {stored}, recomputed {recomputed}")
        self.number = number
        self.field = field
        self.stored = stored
        self.recomputed = recomputed


class RpcError(ChainError):
    """A JSON-RPC request cannot be answered. `code` is its code there, `data` (hex) what a reverted call gave."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class RemoteChainError(ChainError):
    """A remote node failed, cannot be reached or contradicts itself. Trying again later is safe."""
