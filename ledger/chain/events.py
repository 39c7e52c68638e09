"""Events of the contract, and which group each belongs to.

The contract answers groups in order. A group that was applied gives one event an operation (a red letter two: its own
and its blue's), each with the group's digest; before them stand a PartyNamed (which carries no digest) where the
operation named a new buyer and an ExceptionRaised where it raised one. A refused or malformed group gives a single
event. docs/OPERATIONS.md lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from coincurve import PublicKey

from ledger.chain.errors import BlockUnreadableError
from ledger.chain.records import Log
from ledger.domain.blocks import (
    ChainEvent,
    ExceptionRaised,
    InvoiceWritten,
    MonthOpened,
    Outcome,
    PartyNamed,
    PartyWritten,
    Retired,
    SequencedGroup,
)
from ledger.domain.groups import ChainDomain, SignedGroup
from verifier.hashing import keccak256
from verifier.operations import SECP256K1_ORDER, numbers_written

RECORDED: Final = keccak256(b"Recorded(uint256,bytes32,uint256,uint256,bytes32)")
PARTY_CHANGED: Final = keccak256(b"PartyChanged(uint256,bytes32,uint256,uint256)")
MONTH_OPENED: Final = keccak256(b"MonthOpened(uint256,bytes32,uint256)")
PARTY_NAMED: Final = keccak256(b"PartyNamed(uint256,bytes32)")
EXCEPTION_RAISED: Final = keccak256(b"ExceptionRaised(uint256,uint256,uint256,bytes32)")
RETIRED: Final = keccak256(b"Retired(address,bytes32)")
REFUSED: Final = keccak256(b"Refused(uint256,uint256,uint256,bytes32)")
MALFORMED: Final = keccak256(b"Malformed(bytes32)")

EVENT_TOPICS: Final = frozenset(
    {RECORDED, PARTY_CHANGED, MONTH_OPENED, PARTY_NAMED, EXCEPTION_RAISED, RETIRED, REFUSED, MALFORMED}
)
_U64: Final = (1 << 64) - 1


class _Answers:
    """The contract's logs of one transaction, taken from the front."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self._logs = logs
        self._at = 0

    def next(self) -> Log:
        """The next log.

        Raises: BlockUnreadableError after the last.
        """
        if self._at == len(self._logs):
            raise BlockUnreadableError("the contract answered fewer groups than the transaction carries")
        log = self._logs[self._at]
        self._at += 1
        if not log.topics or log.topics[0] not in EVENT_TOPICS:
            raise BlockUnreadableError("the contract emitted an event that this release does not know")
        return log

    def require_end(self) -> None:
        """Raises: BlockUnreadableError when a log is left."""
        if self._at != len(self._logs):
            raise BlockUnreadableError("the contract answered more than the groups of the transaction")


def sequenced(
    groups: Sequence[SignedGroup], logs: Sequence[Log], domain: ChainDomain, contract: int = 0
) -> tuple[SequencedGroup, ...]:
    """Each group with what the contract answered it, in order. `logs` are the contract's, of one transaction.

    `domain` is that contract's, `contract` its index among the ledger's.

    Raises: BlockUnreadableError when groups and answers do not match.
    """
    answers = _Answers(logs)
    result = tuple(_answered(signed, signed.group.digest(domain), answers, contract) for signed in groups)
    answers.require_end()
    return result


def recover_signer(digest: bytes, v: int, r: int, s: int) -> bytes:
    """20-byte address whose key made the signature, as the EVM's ecrecover: empty when there is none."""
    if v not in (27, 28) or not 0 < r < SECP256K1_ORDER or not 0 < s < SECP256K1_ORDER:
        return b""
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v - 27])
    try:
        public_key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception:  # noqa: BLE001 - coincurve raises bare Exception for a signature that is nobody's
        return b""
    return keccak256(public_key.format(compressed=False)[1:])[12:]


def _answered(signed: SignedGroup, digest: bytes, answers: _Answers, contract: int) -> SequencedGroup:
    outcome, reason, refused_number = Outcome.APPLIED, 0, 0
    events: list[ChainEvent] = []
    awaited = sum(len(numbers_written(operation)) or 1 for operation in signed.group.operations)
    while awaited:
        log = answers.next()
        topic = log.topics[0]
        if topic == PARTY_NAMED:
            events.append(PartyNamed(party=_int(log.topics[1]), identity=_word(log, 0)))
            continue
        if _digest(log) != digest:
            raise BlockUnreadableError(f"an event names another digest than the group's, {digest.hex()}")
        if topic in (MALFORMED, REFUSED):
            if events:
                raise BlockUnreadableError("a group was both applied and refused")
            outcome = Outcome.MALFORMED
            if topic == REFUSED:
                outcome, reason, refused_number = Outcome.REFUSED, _int(_word(log, 0)), _int(log.topics[1])
            break
        events.append(_event(log))
        awaited -= topic != EXCEPTION_RAISED  # it comes beside the event of its operation
    return SequencedGroup(
        digest=digest,
        signed=signed,
        signer=recover_signer(digest, signed.v, signed.r, signed.s),
        outcome=outcome,
        reason=reason,
        refused_number=refused_number,
        events=tuple(events),
        contract=contract,
    )


def _digest(log: Log) -> bytes:
    if log.topics[0] in (REFUSED, RETIRED, EXCEPTION_RAISED):
        return _word(log, 1)
    return log.topics[1] if log.topics[0] == MALFORMED else log.topics[2]


def _event(log: Log) -> ChainEvent:
    topic = log.topics[0]
    if topic == RECORDED:
        return InvoiceWritten(
            number=_int(log.topics[1]), what=_int(_word(log, 0)), state=_int(_word(log, 1)), head=_word(log, 2)
        )
    if topic == PARTY_CHANGED:
        return PartyWritten(party=_int(log.topics[1]), what=_int(_word(log, 0)), word=_int(_word(log, 1)))
    if topic == MONTH_OPENED:
        hours = _int(_word(log, 0))
        return MonthOpened(month=_int(log.topics[1]), opens_at=hours & _U64, closes_at=hours >> 64 & _U64)
    if topic == EXCEPTION_RAISED:
        return ExceptionRaised(number=_int(log.topics[1]), party=_int(log.topics[2]), kinds=_int(_word(log, 0)))
    return Retired(successor=_word(log, 0)[12:])


def _word(log: Log, index: int) -> bytes:
    word = log.data[index * 32 : (index + 1) * 32]
    if len(word) != 32:
        raise BlockUnreadableError("an event's data is shorter than its fields")
    return word


def _int(word: bytes) -> int:
    return int.from_bytes(word, "big")
