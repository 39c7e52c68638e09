"""Which chain this is: the values a trust file pins."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from ledger.domain.groups import ChainDomain


@dataclass(frozen=True)
class ChainIdentity:
    """What names one chain for ever.

    `genesis_hash` and `code_hash` (keccak256 of the deployed code) are 32 bytes, `contract` is the 20-byte address of
    the contract, `sealers` are the 20-byte addresses that genesis lets seal.
    """

    chain_id: int
    genesis_hash: bytes
    contract: bytes
    code_hash: bytes
    sealers: tuple[bytes, ...]

    @cached_property
    def domain(self) -> ChainDomain:
        """What signatures for this chain bind to."""
        return ChainDomain(self.chain_id, self.contract)

    def to_bytes(self) -> bytes:
        """Canonical JSON, as stored with the chain."""
        return json.dumps(
            {
                "chain_id": self.chain_id,
                "genesis_hash": self.genesis_hash.hex(),
                "contract": self.contract.hex(),
                "code_hash": self.code_hash.hex(),
                "sealers": [sealer.hex() for sealer in self.sealers],
            },
            separators=(",", ":"),
            sort_keys=True,
        ).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> ChainIdentity:
        """Inverse of `to_bytes`.

        Raises: ValueError or KeyError for anything else.
        """
        fields = json.loads(content)
        return cls(
            chain_id=int(fields["chain_id"]),
            genesis_hash=bytes.fromhex(fields["genesis_hash"]),
            contract=bytes.fromhex(fields["contract"]),
            code_hash=bytes.fromhex(fields["code_hash"]),
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
