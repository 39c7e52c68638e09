"""Bytes on the way to the contract and back: signed groups, calldata, events, transactions on eth-tester."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import coincurve
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.address import to_checksum_address

from verifier.hashing import keccak256
from verifier.operations import Operation, group_digest

ROOT = Path(__file__).resolve().parents[2]
APPLY_SELECTOR = keccak256(b"apply((uint256,uint256,uint256)[],(uint256,uint256,bytes32,bytes32)[])")[:4]
EVENTS = {
    keccak256(signature.encode()): signature.split("(")[0]
    for signature in (
        "Recorded(uint256,bytes32,uint256,uint256,bytes32)",
        "PartyChanged(uint256,bytes32,uint256,uint256)",
        "MonthOpened(uint256,bytes32,uint256)",
        "PartyNamed(uint256,bytes32)",
        "ExceptionRaised(uint256,uint256,uint256,bytes32)",
        "Retired(address,bytes32)",
        "Refused(uint256,uint256,uint256,bytes32)",
        "Malformed(bytes32)",
    )
}
GAS = 200_000_000
GENESIS_TIME_S = 4_000_000_000  # 2096-10-02: ahead of every clock, so each block is exactly one second after the last


class RevertedError(Exception):
    """The transaction was mined and reverted: nothing of it stays."""


@dataclass(frozen=True)
class Event:
    """One log: its name, the indexed values, the others."""

    name: str
    topics: tuple[int, ...]
    words: tuple[int, ...]


@dataclass(frozen=True)
class Signed:
    """A signed group as calldata wants it, with its digest."""

    head: tuple[int, int, int]
    operations: tuple[Operation, ...]
    digest: bytes

    @property
    def actor(self) -> int:
        return self.head[0] >> 224

    def with_head(self, *, v: int | None = None, r: int | None = None, s: int | None = None) -> Signed:
        """The same group under another v, r or s."""
        packed = self.head[0] if v is None else self.head[0] & ~0xFF | v
        return Signed(
            (packed, self.head[1] if r is None else r, self.head[2] if s is None else s), self.operations, self.digest
        )

    @property
    def v(self) -> int:
        return self.head[0] & 0xFF


@cache
def bytecode() -> bytes:
    """Creation code the contract suite runs on: the committed artifact, or the file a mutant run names."""
    path = Path(os.environ.get("EINVOICE_CONTRACT_ARTIFACT", ROOT / "contracts/artifacts/InvoiceLedger.json"))
    return bytes.fromhex(json.loads(path.read_text())["bytecode"].removeprefix("0x"))


def key_of(name: str) -> bytes:
    """Secret key of an actor, drawn from its name."""
    return keccak256(f"key of {name}".encode())


@cache
def address_of(key: bytes) -> bytes:
    return keccak256(coincurve.PrivateKey(key).public_key.format(compressed=False)[1:])[12:]


def address_int(name: str) -> int:
    return int.from_bytes(address_of(key_of(name)), "big")


def word32(value: int) -> bytes:
    return value.to_bytes(32, "big")


def as_int(value: bytes) -> int:
    return int.from_bytes(value, "big")


def sign_group(separator: bytes, actor: int, valid_until: int, operations: Sequence[Operation], key: bytes) -> Signed:
    """The group signed by `key` in the name of party `actor`."""
    digest = group_digest(separator, actor, valid_until, [operation.hash() for operation in operations])
    signature = coincurve.PrivateKey(key).sign_recoverable(digest, hasher=None)
    packed = actor << 224 | valid_until << 160 | len(operations) << 8 | (signature[64] + 27)
    return Signed((packed, as_int(signature[:32]), as_int(signature[32:64])), tuple(operations), digest)


def calldata(groups: Sequence[Signed], operations: Sequence[Operation] | None = None) -> bytes:
    """Call of `apply`; `operations` replaces the groups' own, to send heads that do not fit them."""
    if operations is None:
        operations = [operation for group in groups for operation in group.operations]
    heads = b"".join(word32(word) for group in groups for word in group.head)
    body = b"".join(
        word32(what) + word32(terms) + who + ref
        for what, terms, who, ref in (operation.words() for operation in operations)
    )
    return b"".join(
        (APPLY_SELECTOR, word32(64), word32(96 + len(heads)), word32(len(groups)), heads, word32(len(operations)), body)
    )


def decode_event(log: dict[str, Any]) -> Event:
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
    data = bytes.fromhex(log["data"][2:])
    words = tuple(as_int(data[at : at + 32]) for at in range(0, len(data), 32))
    return Event(EVENTS[topics[0]], tuple(as_int(topic) for topic in topics[1:]), words)


def checksum(address: bytes) -> str:
    return str(to_checksum_address(address))


def new_tester() -> EthereumTester:
    """A fresh chain with room for groups of 256, its clock a block counter."""
    overrides = {"gas_limit": 1_000_000_000, "timestamp": GENESIS_TIME_S}
    return EthereumTester(PyEVMBackend(genesis_parameters=PyEVMBackend.generate_genesis_params(overrides=overrides)))


def deploy(tester: EthereumTester, code: bytes) -> bytes:
    """Address, 20 bytes, of a new contract with that creation code."""
    receipt = send_transaction(tester, "", code, 30_000_000)
    return bytes.fromhex(receipt["contract_address"][2:])


def send_transaction(tester: EthereumTester, to: str, data: bytes, gas: int, sender: int = 0) -> dict[str, Any]:
    """Receipt of a transaction from the account number `sender`.

    Raises: RevertedError when its status is 0.
    """
    transaction = {
        "from": tester.get_accounts()[sender],
        "to": to,
        "gas": gas,
        "value": 0,
        "data": "0x" + data.hex(),
        "max_fee_per_gas": 10**10,
        "max_priority_fee_per_gas": 0,
    }
    receipt = dict(tester.get_transaction_receipt(tester.send_transaction(transaction)))
    if receipt["status"] != 1:
        raise RevertedError(receipt["transaction_hash"])
    return receipt
