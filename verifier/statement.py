"""The statement file: what never was, proven as of one sealed block, as one canonical JSON file.

`not_issued` says that the ledger holds nothing under a number: it was neither issued here nor registered from
elsewhere. `not_settled` says that an invoice which the ledger holds was not reimbursed; a settled one stays settled, so
it never was until that block. docs/EVIDENCE.md describes every field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from verifier.bundle import Proof, chain_json, proof_json, proof_nodes
from verifier.canonical import Json, dumps
from verifier.reasons import Reason
from verifier.words import Claim, StateWord, Table, storage_key

STATEMENT_FORMAT = "einvoice-statement"
STATEMENT_VERSION = 1


class Says(StrEnum):
    """What a statement says of its number."""

    NOT_ISSUED = "not_issued"
    NOT_SETTLED = "not_settled"


class Word(StrEnum):
    """Which of the number's two words the proof leads to.

    The contract writes both with every operation on an invoice, so the absence of either is that of the invoice. Which
    is chosen matters to others: a proof of absence can end at, and so show, another key's word. A claim stands in
    the state alone.
    """

    STATE = "state"
    HEAD = "head"


TABLES = {Word.STATE: Table.STATE, Word.HEAD: Table.HEAD}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement file.

    `contracts` are 20-byte addresses, first to current at the block; `genesis` has 32 bytes; `number` is below 2**80;
    `checkpoint` and `witnesses` are as in evidence.
    """

    chain_id: int
    contracts: tuple[bytes, ...]
    genesis: bytes
    number: int
    says: Says
    word: Word
    proof: Proof
    checkpoint: str | None
    witnesses: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """The file: canonical JSON."""
        value: dict[str, Json] = {
            "format": STATEMENT_FORMAT,
            "version": STATEMENT_VERSION,
            "chain": chain_json(self.chain_id, self.contracts, self.genesis),
            "number": f"{self.number:020d}",
            "says": self.says.value,
            "word": self.word.value,
            "proof": proof_json(self.proof),
            "checkpoint": self.checkpoint,
            "witnesses": list(self.witnesses),
        }
        return dumps(value)


def build_statement(
    *,
    chain_id: int,
    contracts: Iterable[bytes],
    genesis: bytes,
    number: int,
    says: Says,
    word: Word,
    header: bytes,
    account_nodes: Iterable[bytes],
    storage_nodes: Iterable[bytes],
    checkpoint: str | None = None,
    witnesses: Iterable[str] = (),
) -> Statement:
    """A statement from plain values.

    `contracts` and the nodes are those of one block: the nodes lead to each contract's account, to its successor slot
    and to `statement_key(number, word)`, in any order; `checkpoint` and `witnesses` as in evidence.
    """
    lines = tuple(sorted(set(witnesses)))
    return Statement(
        chain_id=chain_id,
        contracts=tuple(contracts),
        genesis=genesis,
        number=number,
        says=says,
        word=word,
        proof=Proof(header, proof_nodes(account_nodes), proof_nodes(storage_nodes)),
        checkpoint=checkpoint if lines else None,
        witnesses=lines,
    )


def statement_key(number: int, word: Word) -> int:
    """Key of the contract's word that the statement's proof leads to."""
    return storage_key(TABLES[word], number)


def contradiction(says: Says, word: int) -> Reason | None:
    """Why the word on chain (0 = absent) does not bear out what is said; None when it does."""
    if says is Says.NOT_ISSUED:
        return Reason.INVOICE_PRESENT if word else None
    if not word:
        return Reason.INVOICE_ABSENT
    return Reason.INVOICE_SETTLED if StateWord.unpack(word).claim == Claim.SETTLED else None
