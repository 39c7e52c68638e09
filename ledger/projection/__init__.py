"""SQL: the queue and what else is ground state, and the projection that every query reads.

`Store` is the door; the functions of acceptance, number_pool, keystore, queued, invoices, parties and claims take
the connection it lends. Tables named `p_*` are derived from blocks alone (apply.py) and can be rebuilt.
"""

from ledger.projection.acceptance import (
    Acceptance,
    Accepted,
    IdempotencyEntry,
    NewClaimRequest,
    NewDocument,
    NewGroup,
    NewReference,
    accept,
    find_accepted,
    remember,
)
from ledger.projection.errors import (
    AcceptError,
    ChainDivergedError,
    CursorError,
    DatabaseUnavailableError,
    DuplicateGroupError,
    IdempotencyConflictError,
    NumberInUseError,
    NumbersExhaustedError,
    ProjectionError,
    QueueLimitReachedError,
    SchemaOutdatedError,
    StorageError,
    StoreClosedError,
    WriteQueueFullError,
)
from ledger.projection.ground import NumberState, QueueState
from ledger.projection.store import Connection, Store

__all__ = [
    "AcceptError",
    "Acceptance",
    "Accepted",
    "ChainDivergedError",
    "Connection",
    "CursorError",
    "DatabaseUnavailableError",
    "DuplicateGroupError",
    "IdempotencyConflictError",
    "IdempotencyEntry",
    "NewClaimRequest",
    "NewDocument",
    "NewGroup",
    "NewReference",
    "NumberInUseError",
    "NumberState",
    "NumbersExhaustedError",
    "ProjectionError",
    "QueueLimitReachedError",
    "QueueState",
    "SchemaOutdatedError",
    "StorageError",
    "Store",
    "StoreClosedError",
    "WriteQueueFullError",
    "accept",
    "find_accepted",
    "remember",
]
