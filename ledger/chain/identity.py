"""Which chain this is, and which contracts carried its ledger: the values a trust file pins."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property

from ledger.domain.groups import ChainDomain


@dataclass(frozen=True)
class ChainIdentity:
    """What names one chain, and the contracts that carried its ledger so far.

    `genesis_hash` has 32 bytes. `contracts` are 20-byte addresses, first to current, and `code_hashes` the keccak256 of
    their deployed code in the same order: the first never changes, each later one is where its predecessor's successor
    slot points, so that the list follows from the chain alone. `sealers` are the 20-byte addresses that genesis lets
    seal.
    """

    chain_id: int
    genesis_hash: bytes
    contracts: tuple[bytes, ...]
    code_hashes: tuple[bytes, ...]
    sealers: tuple[bytes, ...]

    @property
    def contract(self) -> bytes:
        """Address of the current contract: the one that signatures are for and batches go to."""
        return self.contracts[-1]

    @property
    def code_hash(self) -> bytes:
        """Code hash of the current contract."""
        return self.code_hashes[-1]

    @cached_property
    def domains(self) -> tuple[ChainDomain, ...]:
        """What signatures bind to, of each contract, first to current."""
        return tuple(ChainDomain(self.chain_id, contract) for contract in self.contracts)

    @property
    def domain(self) -> ChainDomain:
        """What signatures for this chain bind to now."""
        return self.domains[-1]

    @property
    def founding_domain(self) -> ChainDomain:
        """The first contract's: it names this ledger for as long as there is one."""
        return self.domains[0]

    def grown(self, contracts: tuple[bytes, ...], code_hashes: tuple[bytes, ...]) -> ChainIdentity:
        """The same chain with the contracts it has by now."""
        return replace(self, contracts=contracts, code_hashes=code_hashes)

    def to_bytes(self) -> bytes:
        """What never changes of it, as stored with chain and database: canonical JSON with the first contract alone."""
        return json.dumps(
            {
                "chain_id": self.chain_id,
                "genesis_hash": self.genesis_hash.hex(),
                "contract": self.contracts[0].hex(),
                "code_hash": self.code_hashes[0].hex(),
                "sealers": [sealer.hex() for sealer in self.sealers],
            },
            separators=(",", ":"),
            sort_keys=True,
        ).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> ChainIdentity:
        """The chain as it was founded, from what `to_bytes` gave.

        Raises: ValueError or KeyError for anything else.
        """
        fields = json.loads(content)
        return cls(
            chain_id=int(fields["chain_id"]),
            genesis_hash=bytes.fromhex(fields["genesis_hash"]),
            contracts=(bytes.fromhex(fields["contract"]),),
            code_hashes=(bytes.fromhex(fields["code_hash"]),),
            sealers=tuple(bytes.fromhex(sealer) for sealer in fields["sealers"]),
        )


@dataclass(frozen=True)
class ChainRules:
    """What genesis fixes for the engine: chain id, and blocks between headers that list the sealers."""

    chain_id: int
    epoch_length: int

    def to_bytes(self) -> bytes:
        """Canonical JSON, as stored with the chain."""
        return json.dumps({"chain_id": self.chain_id, "epoch_length": self.epoch_length}, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> ChainRules:
        """Inverse of `to_bytes`.

        Raises: ValueError or KeyError for anything else.
        """
        fields = json.loads(content)
        return cls(int(fields["chain_id"]), int(fields["epoch_length"]))
