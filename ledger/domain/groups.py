"""Signed groups: what a party signed, as it travels from the queue to the chain and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from verifier.operations import GROUP_OPERATIONS_MAX, Operation, domain_separator, group_digest


@dataclass(frozen=True)
class ChainDomain:
    """Which ledger a signature is for: chain id and 20-byte contract address."""

    chain_id: int
    contract: bytes

    @cached_property
    def separator(self) -> bytes:
        """EIP-712 domain separator, 32 bytes."""
        return domain_separator(self.chain_id, self.contract)


@dataclass(frozen=True)
class Group:
    """1..256 operations by one actor, not yet signed. `valid_until` is seconds since 1970, UTC."""

    actor: int
    valid_until: int
    operations: tuple[Operation, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.operations) <= GROUP_OPERATIONS_MAX:
            raise ValueError(f"a group holds 1..{GROUP_OPERATIONS_MAX} operations, not {len(self.operations)}")

    @cached_property
    def operation_hashes(self) -> tuple[bytes, ...]:
        """EIP-712 struct hash of each operation, in order."""
        return tuple(operation.hash() for operation in self.operations)

    def digest(self, domain: ChainDomain) -> bytes:
        """32-byte digest that the actor signs."""
        return group_digest(domain.separator, self.actor, self.valid_until, list(self.operation_hashes))


@dataclass(frozen=True)
class SignedGroup:
    """A group and its signature: v is 27 or 28, r and s are integers, s at most half the curve order."""

    group: Group
    v: int
    r: int
    s: int
