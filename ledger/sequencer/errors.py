"""What ends or holds up sequencing.

    SequencerError
    └── SequencerStoppedError     fatal: somebody has to do something, then start again; carries the cause

What concerns one batch is no error here: a batch that does not fit is split, a group that fails alone is put off, a
database or node that does not answer is asked again. `kind_of` sorts the errors of the layers below.
"""

from __future__ import annotations

from enum import Enum, auto

from ledger.chain.errors import BatchRefusedError, BatchTooLargeError, ChainClockError, RemoteChainError
from ledger.projection import DatabaseUnavailableError

_PASSING_CAUSES = frozenset({"locked", "full", "unreachable"})


class SequencerError(Exception):
    """Root of this package's errors."""


class SequencerStoppedError(SequencerError):
    """Sequencing has stopped for good; `cause` is the error that a person has to look at."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"sequencing stopped: {cause}")
        self.cause = cause


class Kind(Enum):
    """What to do about an error."""

    SPLIT = auto()  # the batch did not fit in a transaction or reverted: a smaller one may do
    WAIT = auto()  # passing trouble: ask again later, nothing is lost
    CLOCK = auto()  # the clock stepped back: wait until it has caught up
    FATAL = auto()  # everything else, also our own mistakes


def kind_of(error: Exception) -> Kind:
    """Which of the classes `error` belongs to."""
    if isinstance(error, BatchTooLargeError | BatchRefusedError):
        return Kind.SPLIT
    if isinstance(error, ChainClockError):
        return Kind.CLOCK
    if isinstance(error, RemoteChainError):
        return Kind.WAIT
    if isinstance(error, DatabaseUnavailableError) and error.cause in _PASSING_CAUSES:
        return Kind.WAIT
    return Kind.FATAL
