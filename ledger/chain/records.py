"""Blocks as bytes taken apart: headers, transactions, receipts (RLP), and where the store keeps them.

The reading side of the chain; it knows the formats of the yellow paper and of EIP-1559, and no engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import rlp

from ledger.chain.errors import BlockUnknownError, BlockUnreadableError
from ledger.chain.lmdb_store import HEAD_KEY, Nodes
from ledger.chain.tries import RESTORE, trie_value
from ledger.domain.blocks import BlockHead
from verifier.hashing import HASH_SIZE, keccak256

HEADER_FIELDS: Final = 16  # London: fifteen and the base fee
SEAL_SIZE: Final = 65
VANITY_SIZE: Final = 32
ADDRESS_SIZE: Final = 20
_LEGACY_FIRST_BYTE: Final = 0xC0  # a legacy transaction or receipt is an RLP list; a typed one starts with its type
_TRANSACTION_FIELDS_BEFORE_TO: Final = {0: 3, 1: 4, 2: 5}


@dataclass(frozen=True)
class Header:
    """A sealed London header. `rlp` is its encoding, whose keccak256 is the block's hash."""

    rlp: bytes
    fields: tuple[bytes, ...]

    @classmethod
    def decode(cls, encoded: bytes) -> Header:
        """Raises: BlockUnreadableError."""
        try:
            fields = rlp.decode(encoded)
        except rlp.DecodingError as err:
            raise BlockUnreadableError(f"a header is not RLP: {err}") from err
        if not isinstance(fields, list) or len(fields) != HEADER_FIELDS:
            raise BlockUnreadableError(f"a header has {HEADER_FIELDS} fields")
        return cls(encoded, tuple(fields))

    @cached_property
    def hash(self) -> bytes:
        return keccak256(self.rlp)

    @property
    def parent_hash(self) -> bytes:
        return self.fields[0]

    @property
    def state_root(self) -> bytes:
        return self.fields[3]

    @property
    def transactions_root(self) -> bytes:
        return self.fields[4]

    @property
    def receipts_root(self) -> bytes:
        return self.fields[5]

    @property
    def number(self) -> int:
        return int.from_bytes(self.fields[8], "big")

    @property
    def gas_limit(self) -> int:
        return int.from_bytes(self.fields[9], "big")

    @property
    def time_s(self) -> int:
        return int.from_bytes(self.fields[11], "big")

    @property
    def extra(self) -> bytes:
        return self.fields[12]

    @property
    def base_fee(self) -> int:
        return int.from_bytes(self.fields[15], "big")

    @property
    def head(self) -> BlockHead:
        return BlockHead(self.number, self.hash, self.time_s)

    @property
    def sealers(self) -> tuple[bytes, ...]:
        """Addresses that an epoch's header lists; empty for others."""
        listed = self.extra[VANITY_SIZE : len(self.extra) - SEAL_SIZE]
        return tuple(listed[at : at + ADDRESS_SIZE] for at in range(0, len(listed), ADDRESS_SIZE))


@dataclass(frozen=True)
class Transaction:
    """One transaction as included: `to` is empty when it creates a contract. `raw` is its canonical encoding."""

    raw: bytes
    kind: int
    fields: tuple[Any, ...]

    @classmethod
    def decode(cls, raw: bytes) -> Transaction:
        """Raises: BlockUnreadableError."""
        try:
            kind, body = (0, raw) if raw[0] >= _LEGACY_FIRST_BYTE else (raw[0], raw[1:])
            fields = rlp.decode(body)
            if kind not in _TRANSACTION_FIELDS_BEFORE_TO or not isinstance(fields, list) or len(fields) < 9:
                raise BlockUnreadableError(f"a transaction of type {kind} cannot be read")
        except (rlp.DecodingError, IndexError) as err:
            raise BlockUnreadableError(f"a transaction is not RLP: {err}") from err
        return cls(raw, kind, tuple(fields))

    @cached_property
    def hash(self) -> bytes:
        return keccak256(self.raw)

    @property
    def to(self) -> bytes:
        return bytes(self.fields[_TRANSACTION_FIELDS_BEFORE_TO[self.kind]])

    @property
    def data(self) -> bytes:
        return bytes(self.fields[_TRANSACTION_FIELDS_BEFORE_TO[self.kind] + 2])


@dataclass(frozen=True)
class Log:
    """One event: 20-byte address of its contract, 32-byte topics, data."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class Receipt:
    """What a transaction did: success, gas used in the block up to and with it, its logs in order."""

    success: bool
    cumulative_gas: int
    bloom: bytes
    logs: tuple[Log, ...]

    @classmethod
    def decode(cls, raw: bytes) -> Receipt:
        """Raises: BlockUnreadableError."""
        try:
            status, gas, bloom, logs = rlp.decode(raw if raw[0] >= _LEGACY_FIRST_BYTE else raw[1:])
            return cls(
                success=status == b"\x01",
                cumulative_gas=int.from_bytes(gas, "big"),
                bloom=bloom,
                logs=tuple(Log(address, tuple(topics), data) for address, topics, data in logs),
            )
        except (rlp.DecodingError, IndexError, ValueError, TypeError) as err:
            raise BlockUnreadableError(f"a receipt cannot be read: {err}") from err


def head_hash(nodes: Nodes) -> bytes:
    """Hash of the newest block. Raises: BlockUnreadableError."""
    try:
        return nodes[HEAD_KEY]
    except KeyError as err:
        raise BlockUnreadableError(f"no block is named as the newest: {RESTORE}") from err


def head_header(nodes: Nodes) -> Header:
    """Header of the newest block. Raises: BlockUnreadableError."""
    named = head_hash(nodes)
    try:
        return Header.decode(nodes[named])
    except KeyError as err:
        raise BlockUnreadableError(f"the newest block's header is missing: {RESTORE}") from err


def block_hash(nodes: Nodes, number: int) -> bytes:
    """Hash of block `number`.

    Raises: BlockUnknownError, BlockUnreadableError.
    """
    try:
        found = rlp.decode(nodes[b"block-number-to-hash:%d" % number])
    except KeyError as err:
        raise BlockUnknownError(number) from err
    except rlp.DecodingError as err:
        raise BlockUnreadableError(f"the record of block {number} is damaged: {RESTORE}") from err
    if not isinstance(found, bytes) or len(found) != HASH_SIZE:
        raise BlockUnreadableError(f"the record of block {number} is damaged: {RESTORE}")
    return found


def block_header(nodes: Nodes, number: int) -> Header:
    """Header of block `number`.

    Raises: BlockUnknownError, BlockUnreadableError.
    """
    named = block_hash(nodes, number)
    try:
        return Header.decode(nodes[named])
    except KeyError as err:
        raise BlockUnreadableError(f"block {number} has no header: {RESTORE}") from err


def transactions(nodes: Nodes, header: Header) -> Iterator[Transaction]:
    """Transactions of a block, in order. Raises: BlockUnreadableError."""
    for raw in _listed(nodes, header.transactions_root):
        yield Transaction.decode(raw)


def receipts(nodes: Nodes, header: Header) -> Iterator[Receipt]:
    """Receipts of a block, in order. Raises: BlockUnreadableError."""
    yield from map(Receipt.decode, raw_receipts(nodes, header))


def raw_receipts(nodes: Nodes, header: Header) -> Iterator[bytes]:
    """Receipts of a block as they stand below its header's root. Raises: BlockUnreadableError."""
    return _listed(nodes, header.receipts_root)


def executed(nodes: Nodes, header: Header) -> list[tuple[Transaction, Receipt]]:
    """Transactions of a block with their receipts, in order. Raises: BlockUnreadableError."""
    included, given = list(transactions(nodes, header)), list(receipts(nodes, header))
    if len(included) != len(given):
        raise BlockUnreadableError(
            f"block {header.number} has {len(included)} transactions and {len(given)} receipts: {RESTORE}"
        )
    return list(zip(included, given, strict=True))


def _listed(nodes: Nodes, root: bytes) -> Iterator[bytes]:
    """Values of a list kept as a trie under RLP-encoded indices."""
    index = 0
    while value := trie_value(nodes, root, rlp.encode(index)):
        yield value
        index += 1
