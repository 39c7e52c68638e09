"""A chain whose contract is succeeded, below the service: signed, created and retired by hand."""

from __future__ import annotations

from ledger.chain import load_successor
from ledger.domain.groups import SignedGroup
from tests.chain.world import AUTHORITY, Actor, Ledger
from verifier.operations import Code, Operation


def retirement(ledger: Ledger, successor: bytes) -> SignedGroup:
    """The authority's RETIRE, for the contract that is current."""
    operation = Operation(Code.RETIRE, AUTHORITY, 0, terms=int.from_bytes(successor, "big"))
    return signed_now(ledger, ledger.authority, AUTHORITY, operation)


def signed_now(ledger: Ledger, actor: Actor, party: int, *operations: Operation) -> SignedGroup:
    """A group signed for the contract that is current."""
    return actor.sign(ledger.reader.identity.domain, party, ledger.now() + 3600, *operations)


def created(ledger: Ledger) -> bytes:
    """Address of a new contract that names the current one as its predecessor."""
    address = ledger.writer.next_created()
    ledger.writer.create(load_successor().creation(ledger.reader.identity.contract))
    return address


def succeed(ledger: Ledger) -> bytes:
    """Address of the contract that the ledger goes on with."""
    address = created(ledger)
    ledger.writer.commit([retirement(ledger, address)])
    return address
