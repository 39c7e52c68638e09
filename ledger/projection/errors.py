"""What can go wrong with stored rows.

StorageError
├── DatabaseUnavailableError       the file or server cannot be opened, is read-only, full or locked too long
├── SchemaOutdatedError            the database has another schema version than this program
├── SealingNeededError             an older schema kept in the clear what is sealed now, and no master key was given
├── WriteQueueFullError            more writes wait for the disk than the limit
├── StoreClosedError               a write after the store was closed
├── AcceptError                    a group was not accepted
│   ├── QueueLimitReachedError     the party has too many operations waiting
│   ├── DuplicateGroupError        those signed bytes were accepted before
│   ├── IdempotencyConflictError   the key was used for another request
│   └── NumberInUseError           an invoice of that number is waiting or recorded
├── ExternalIdTakenError           a caller's own id stands for something else already
├── OrderConflictError             a till's order id stands for another order
├── NumbersExhaustedError          the seller's segments hold too few free numbers
├── ProjectionError                a block does not follow from what is projected, or contradicts itself
│   └── ChainDivergedError         the chain is not the one that was projected; `einvoice rebuild`
├── AuditStateError                a file that is no state of an audit of this chain and release
└── CursorError                    a page's cursor that no answer of ours gave
"""

from __future__ import annotations


class StorageError(Exception):
    """Root of this package's errors; messages hold no personal data."""


class DatabaseUnavailableError(StorageError):
    """The database cannot serve; `cause` is one of missing, read_only, full, locked, corrupt, unreachable."""

    def __init__(self, message: str, *, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


class SchemaOutdatedError(StorageError):
    """The schema is at `found`, this program needs `needed`; run `einvoice upgrade`."""

    def __init__(self, found: str | None, needed: str) -> None:
        super().__init__(
            f"the database schema is at {found or 'nothing'}, this program needs {needed}: run `einvoice upgrade`"
        )
        self.found = found
        self.needed = needed


class SealingNeededError(StorageError):
    """Rows of `table` are to be sealed by this upgrade, which needs the master key."""

    def __init__(self, table: str) -> None:
        super().__init__(f"this upgrade seals rows of {table}: run `einvoice upgrade` where the master key is")
        self.table = table


class WriteQueueFullError(StorageError):
    """`limit` writes wait for the disk already; try again in a moment."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} writes wait for the disk already; send the request again in a moment")
        self.limit = limit


class StoreClosedError(StorageError):
    """The store takes no more writes: the process is shutting down."""


class AuditStateError(StorageError):
    """The file at `path` cannot be gone on with by an audit."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class AcceptError(StorageError):
    """A group was not accepted; nothing of it was stored."""


class QueueLimitReachedError(AcceptError):
    """`party` has `waiting` operations waiting, the limit is `limit`."""

    def __init__(self, party: int, waiting: int, limit: int) -> None:
        super().__init__(
            f"party {party} has {waiting} operations waiting, the limit is {limit}: wait until they are sequenced"
        )
        self.party = party
        self.waiting = waiting
        self.limit = limit


class DuplicateGroupError(AcceptError):
    """The group with `digest` was accepted before; ask for its outcome instead."""

    def __init__(self, digest: bytes) -> None:
        super().__init__(f"the group {digest.hex()} was accepted before: ask for its outcome")
        self.digest = digest


class IdempotencyConflictError(AcceptError):
    """`key` was used for another request of the same party."""

    def __init__(self, key: str) -> None:
        super().__init__("the Idempotency-Key was used for another request: send a new key with a new request")
        self.key = key


class NumberInUseError(AcceptError):
    """An invoice with `number` is waiting or recorded under another group."""

    def __init__(self, number: int) -> None:
        super().__init__(f"an invoice with the number {number:020d} is waiting or recorded: take another number")
        self.number = number


class ExternalIdTakenError(StorageError):
    """The caller's `external_id` of a `kind` names `target` already."""

    def __init__(self, kind: str, external_id: str, target: str) -> None:
        super().__init__(f"this id names another {kind} already ({target}): send another id, or ask for that {kind}")
        self.kind = kind
        self.external_id = external_id
        self.target = target


class OrderConflictError(StorageError):
    """`seller` signed another order under `order_id`."""

    def __init__(self, seller: int, order_id: str) -> None:
        super().__init__("the order id stands for another order: the till must give each order an id of its own")
        self.seller = seller
        self.order_id = order_id


class NumbersExhaustedError(StorageError):
    """The segments of `seller` hold only `free` of the `wanted` numbers."""

    def __init__(self, seller: int, wanted: int, free: int) -> None:
        super().__init__(f"party {seller} has {free} free numbers, {wanted} were asked for: ask for another segment")
        self.seller = seller
        self.wanted = wanted
        self.free = free


class ProjectionError(StorageError):
    """A block contradicts itself or what is projected; carries the block's number."""

    def __init__(self, message: str, *, block: int) -> None:
        super().__init__(message)
        self.block = block


class ChainDivergedError(ProjectionError):
    """The chain at `block` is not the chain that was projected; `einvoice rebuild` derives it again."""


class CursorError(StorageError):
    """A cursor that is not of the form a page gave."""

    def __init__(self) -> None:
        super().__init__("not a cursor of this list: send the `next` of the page before, or none for the first page")
