"""What one run of the verifier knows so far: filled step by step, each step reading what earlier ones proved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from verifier.bundle import Bundle, Proof
from verifier.certificates import Certificate
from verifier.contract_words import ContractWords
from verifier.header import SealedHeader
from verifier.trust import Trust


class Proven(Protocol):
    """A file that proves words of one ledger as of one block: evidence, or a statement."""

    @property
    def chain_id(self) -> int: ...
    @property
    def contracts(self) -> tuple[bytes, ...]: ...
    @property
    def genesis(self) -> bytes: ...
    @property
    def proof(self) -> Proof: ...
    @property
    def checkpoint(self) -> str | None: ...
    @property
    def witnesses(self) -> tuple[str, ...]: ...


FileT = TypeVar("FileT", bound=Proven)


@dataclass(slots=True)
class ChainExamination(Generic[FileT]):
    """One file under examination, as far as its ledger, its block and the contracts' accounts.

    `header` stands once the seal holds, `words` once the contracts' accounts and their succession are proven.
    """

    file: FileT
    trust: Trust
    header: SealedHeader | None = None
    words: ContractWords | None = None


@dataclass(slots=True)
class Examination(ChainExamination[Bundle]):
    """One evidence file under examination.

    `state`, `head` and `revoked` (a word a certificate, 0 when not revoked) stand once the storage is proven;
    `certificates` (in the file's order) and `chains` (by the signer's index) once each chains to the root.
    """

    state: int = 0
    head: int = 0
    revoked: tuple[int, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    chains: dict[int, tuple[Certificate, ...]] = field(default_factory=dict)

    @property
    def bundle(self) -> Bundle:
        """The file."""
        return self.file

    def parties_by_hash(self) -> dict[bytes, int]:
        """Party ids by identity hash, as the file lists them; step `words` proves them."""
        return {party.hash: party.party for party in self.bundle.parties}

    def identity_hashes(self) -> dict[int, bytes]:
        """Identity hashes by party id, as the file lists them; step `words` proves them."""
        return {party.party: party.hash for party in self.bundle.parties}
