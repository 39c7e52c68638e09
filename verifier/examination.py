"""What one run of the verifier knows so far: filled step by step, each step reading what earlier ones proved."""

from __future__ import annotations

from dataclasses import dataclass, field

from verifier.bundle import Bundle
from verifier.certificates import Certificate
from verifier.header import SealedHeader
from verifier.trust import Trust


@dataclass(slots=True)
class Examination:
    """One file under examination.

    `header` stands once the seal holds, `storage_root` once the account is proven, `state` and `head` once the
    storage is, `certificates` (in the file's order) once each chains to the root.
    """

    bundle: Bundle
    trust: Trust
    header: SealedHeader | None = None
    storage_root: bytes = b""
    state: int = 0
    head: int = 0
    certificates: tuple[Certificate, ...] = field(default=())

    def parties_by_hash(self) -> dict[bytes, int]:
        """Party ids by identity hash, as the file lists them; step `words` proves them."""
        return {party.hash: party.party for party in self.bundle.parties}

    def identity_hashes(self) -> dict[int, bytes]:
        """Identity hashes by party id, as the file lists them; step `words` proves them."""
        return {party.party: party.hash for party in self.bundle.parties}
