"""SQL: the queue and what else is ground state, and the projection that every query reads.

`Store` is the door; the functions of the other modules (queries by subject, and the ground tables' own) take the
connection it lends. Tables named `p_*` are derived from blocks alone (apply.py) and can be rebuilt.
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
    ExternalIdTakenError,
    IdempotencyConflictError,
    NumberInUseError,
    NumbersExhaustedError,
    OrderConflictError,
    ProjectionError,
    QueueLimitReachedError,
    SchemaOutdatedError,
    SealingNeededError,
    StorageError,
    StoreClosedError,
    WriteQueueFullError,
)
from ledger.projection.external_ids import ExternalId
from ledger.projection.ground import NumberState, QueueState
from ledger.projection.ground_tills import TillState
from ledger.projection.ground_work import BulkState, Decision, DeliveryState, JobKind, RowState, WebhookState
from ledger.projection.outside_documents import OutsideDocument
from ledger.projection.store import Connection, Store

__all__ = [
    "AcceptError",
    "Acceptance",
    "Accepted",
    "BulkState",
    "ChainDivergedError",
    "Connection",
    "CursorError",
    "DatabaseUnavailableError",
    "Decision",
    "DeliveryState",
    "DuplicateGroupError",
    "ExternalId",
    "ExternalIdTakenError",
    "IdempotencyConflictError",
    "IdempotencyEntry",
    "JobKind",
    "NewClaimRequest",
    "NewDocument",
    "NewGroup",
    "NewReference",
    "NumberInUseError",
    "NumberState",
    "NumbersExhaustedError",
    "OrderConflictError",
    "OutsideDocument",
    "ProjectionError",
    "QueueLimitReachedError",
    "QueueState",
    "RowState",
    "SchemaOutdatedError",
    "SealingNeededError",
    "StorageError",
    "Store",
    "StoreClosedError",
    "TillState",
    "WebhookState",
    "WriteQueueFullError",
    "accept",
    "find_accepted",
    "remember",
]
