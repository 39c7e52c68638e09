"""Standard JSON encoding of blocks, transactions, receipts and logs: 0x-hex, numbers without leading zeros."""

from __future__ import annotations

import re
from typing import Any, Final

import rlp

from ledger.chain.errors import RpcError
from ledger.chain.events import recover_signer
from ledger.chain.records import Header, Log, Receipt, Transaction
from verifier.hashing import keccak256

INVALID_PARAMS: Final = -32602
METHOD_NOT_FOUND: Final = -32601
REJECTED: Final = -32000
BLOCK_NOT_FOUND: Final = -32001  # EIP-1898: state was asked of a block that is not there
LIMIT_EXCEEDED: Final = -32005
REVERTED: Final = 3

_TYPE_FIELDS: Final = {0: ("nonce", "gasPrice", "gas"), 1: ("chainId", "nonce", "gasPrice", "gas")}
_DYNAMIC_FEE_FIELDS: Final = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")
_NUMBER: Final = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})", re.ASCII)
_BYTES: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)
_SHOWN_LENGTH_MAX: Final = 80  # characters of a wrong value that its error repeats


def quantity(value: int) -> str:
    """A number as JSON-RPC writes it."""
    return hex(value)


def hex_bytes(value: bytes) -> str:
    """Bytes as JSON-RPC writes them: 0x and all digits."""
    return "0x" + value.hex()


def checksummed(address: bytes) -> str:
    """20-byte address in EIP-55's mixed case."""
    digits = address.hex()
    nibbles = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit for digit, nibble in zip(digits, nibbles, strict=False)
    )


def parse_number(text: Any) -> int:
    """A number below 2**256, without leading zeros.

    Raises: RpcError.
    """
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise RpcError(INVALID_PARAMS, f"not a number in 0x-hex without leading zeros: {shown(text)}")
    return int(text, 16)


def parse_data(text: Any) -> bytes:
    """Bytes of any count.

    Raises: RpcError.
    """
    if not isinstance(text, str) or not _BYTES.fullmatch(text):
        raise RpcError(INVALID_PARAMS, f"not bytes in 0x-hex: {shown(text)}")
    return bytes.fromhex(text[2:])


def parse_hash(text: Any) -> bytes:
    """Raises: RpcError unless 32 bytes."""
    return _sized(text, 32)


def parse_address(text: Any) -> bytes:
    """Raises: RpcError unless 20 bytes."""
    return _sized(text, 20)


def shown(value: Any) -> str:
    """A wrong value as an error repeats it: never long."""
    return repr(value[:_SHOWN_LENGTH_MAX]) if isinstance(value, str) else type(value).__name__


def block_json(header: Header, listed: list[Any], size: int) -> dict[str, Any]:
    """A block, `listed` being its transactions as hashes or objects, `size` the bytes of its encoding."""
    fields = header.fields
    return {
        "number": quantity(header.number),
        "hash": hex_bytes(header.hash),
        "parentHash": hex_bytes(fields[0]),
        "sha3Uncles": hex_bytes(fields[1]),
        "miner": checksummed(fields[2]),
        "stateRoot": hex_bytes(fields[3]),
        "transactionsRoot": hex_bytes(fields[4]),
        "receiptsRoot": hex_bytes(fields[5]),
        "logsBloom": hex_bytes(fields[6]),
        "difficulty": _number(fields[7]),
        "gasLimit": _number(fields[9]),
        "gasUsed": _number(fields[10]),
        "timestamp": _number(fields[11]),
        "extraData": hex_bytes(fields[12]),
        "mixHash": hex_bytes(fields[13]),
        "nonce": hex_bytes(fields[14]),
        "baseFeePerGas": _number(fields[15]),
        "size": quantity(size),
        "uncles": [],
        "transactions": listed,
    }


def header_from_json(block: dict[str, Any]) -> Header:
    """Header of a block as a node wrote it, encoded again.

    Raises: RpcError when it is not a London block's or its hash is another.
    """
    names = (
        *("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"),
        *("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas"),
    )
    numbers = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"}
    encoded = rlp.encode([parse_number(block[name]) if name in numbers else parse_data(block[name]) for name in names])
    header = Header.decode(encoded)
    if header.hash != parse_hash(block["hash"]):
        raise RpcError(REJECTED, f"the header of block {header.number} has another hash than the node says")
    return header


def transaction_json(transaction: Transaction, header: Header, index: int) -> dict[str, Any]:
    """A transaction as included at `index` of block `header`."""
    names = _TYPE_FIELDS.get(transaction.kind, _DYNAMIC_FEE_FIELDS)
    v, r, s = transaction.fields[-3:]
    encoded: dict[str, Any] = {
        **{name: _number(field) for name, field in zip(names, transaction.fields, strict=False)},
        "type": quantity(transaction.kind),
        "hash": hex_bytes(transaction.hash),
        "from": checksummed(sender(transaction)),
        "to": checksummed(transaction.to) if transaction.to else None,
        "value": _number(transaction.fields[len(names) + 1]),
        "input": hex_bytes(transaction.data),
        "v": _number(v),
        "r": _number(r),
        "s": _number(s),
        "blockHash": hex_bytes(header.hash),
        "blockNumber": quantity(header.number),
        "blockTimestamp": quantity(header.time_s),
        "transactionIndex": quantity(index),
    }
    if transaction.kind:
        encoded["yParity"] = _number(v)
        encoded["accessList"] = [
            {"address": checksummed(address), "storageKeys": [hex_bytes(key) for key in keys]}
            for address, keys in transaction.fields[len(names) + 3]
        ]
    encoded.setdefault("gasPrice", quantity(_effective_gas_price(transaction, header)))
    return encoded


def receipt_json(
    receipt: Receipt, header: Header, transaction: Transaction, index: int, gas_used: int
) -> dict[str, Any]:
    """A receipt without its logs."""
    created = None
    origin = sender(transaction)
    if not transaction.to:
        nonce = transaction.fields[1 if transaction.kind else 0]
        created = checksummed(keccak256(rlp.encode([origin, nonce]))[12:])
    return {
        "type": quantity(transaction.kind),
        "status": quantity(int(receipt.success)),
        "transactionHash": hex_bytes(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": hex_bytes(header.hash),
        "blockNumber": quantity(header.number),
        "from": checksummed(origin),
        "to": checksummed(transaction.to) if transaction.to else None,
        "contractAddress": created,
        "cumulativeGasUsed": quantity(receipt.cumulative_gas),
        "gasUsed": quantity(gas_used),
        "effectiveGasPrice": quantity(_effective_gas_price(transaction, header)),
        "logsBloom": hex_bytes(receipt.bloom),
    }


def log_json(log: Log, header: Header, transaction: Transaction, index: int, log_index: int) -> dict[str, Any]:
    """One event of the transaction at `index`, `log_index` counted over the block."""
    return {
        "address": checksummed(log.address),
        "topics": [hex_bytes(topic) for topic in log.topics],
        "data": hex_bytes(log.data),
        "blockHash": hex_bytes(header.hash),
        "blockNumber": quantity(header.number),
        "blockTimestamp": quantity(header.time_s),
        "transactionHash": hex_bytes(transaction.hash),
        "transactionIndex": quantity(index),
        "logIndex": quantity(log_index),
        "removed": False,
    }


def sender(transaction: Transaction) -> bytes:
    """20-byte address that signed a transaction (EIP-155 for legacy ones)."""
    v, r, s = (int.from_bytes(field, "big") for field in transaction.fields[-3:])
    unsigned = list(transaction.fields[:-3])
    if transaction.kind:
        digest = keccak256(bytes([transaction.kind]) + rlp.encode(unsigned))
        return recover_signer(digest, 27 + v, r, s)
    if v >= 35:
        unsigned += [(v - 35) // 2, 0, 0]
        v = 27 + (v - 35) % 2
    return recover_signer(keccak256(rlp.encode(unsigned)), v, r, s)


def _effective_gas_price(transaction: Transaction, header: Header) -> int:
    if transaction.kind < 2:
        return int.from_bytes(transaction.fields[2 if transaction.kind else 1], "big")
    tip, most = (int.from_bytes(field, "big") for field in transaction.fields[2:4])
    return min(most, header.base_fee + tip)


def _number(field: bytes) -> str:
    return quantity(int.from_bytes(field, "big"))


def _sized(text: Any, size: int) -> bytes:
    value = parse_data(text)
    if len(value) != size:
        raise RpcError(INVALID_PARAMS, f"not {size} bytes: {shown(text)}")
    return value
