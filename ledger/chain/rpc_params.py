"""Parameters of JSON-RPC requests, read strictly: what is not in the standard's form is -32602, never a guess."""

from __future__ import annotations

import re
import time
from typing import Any, Final

from ledger.chain.errors import BlockUnknownError, BlockUnreadableError, RpcError
from ledger.chain.limits import RPC_TIME_MAX_MS
from ledger.chain.lmdb_store import Nodes
from ledger.chain.records import Header, block_header, head_header
from ledger.chain.rpc_codec import (
    BLOCK_NOT_FOUND,
    INVALID_PARAMS,
    LIMIT_EXCEEDED,
    hex_bytes,
    parse_hash,
    parse_number,
    quantity,
    shown,
)

BLOCK_NUMBER_MAX: Final = (1 << 64) - 1  # what other clients take
HEAD_TAGS: Final = ("latest", "pending", "safe", "finalized")
"""All name the newest block: a lone sealer's block is final once it is on disk, and nothing waits in this node."""

_SLOT: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_HASH_LENGTH: Final = 66


class TimedNodes:
    """Nodes of one moment, until a deadline: reading any of them later ends the request that reads."""

    __slots__ = ("_deadline", "_nodes")

    def __init__(self, nodes: Nodes, deadline: float) -> None:
        self._nodes = nodes
        self._deadline = deadline

    def __getitem__(self, key: bytes) -> bytes:
        check_time(self._deadline)
        return self._nodes[key]

    def __contains__(self, key: bytes, /) -> bool:
        return key in self._nodes


def check_time(deadline: float) -> None:
    """Raises: RpcError once `deadline`, of the monotonic clock, has passed."""
    if time.monotonic() > deadline:
        raise RpcError(LIMIT_EXCEEDED, f"the request took longer than {RPC_TIME_MAX_MS} ms: ask for less at once")


def parse_object(value: Any, what: str) -> dict[str, Any]:
    """Raises: RpcError unless a JSON object."""
    if not isinstance(value, dict):
        raise RpcError(INVALID_PARAMS, f"{what} is an object, not {shown(value)}")
    return value


def parse_flag(value: Any, what: str) -> bool:
    """Raises: RpcError unless true or false."""
    if not isinstance(value, bool):
        raise RpcError(INVALID_PARAMS, f"{what} is true or false, not {shown(value)}")
    return value


def parse_slot(text: Any) -> bytes:
    """32-byte slot from up to 64 digits, leading zeros or not.

    Raises: RpcError.
    """
    if not isinstance(text, str) or not _SLOT.fullmatch(text):
        raise RpcError(INVALID_PARAMS, f"a slot has 1 to 64 digits in 0x-hex: {shown(text)}")
    return int(text, 16).to_bytes(32, "big")


def shown_slot(text: str, slot: bytes) -> str:
    """A slot as a proof repeats it: in full where it was given so, else as a number."""
    return hex_bytes(slot) if len(text) == _HASH_LENGTH else quantity(int.from_bytes(slot, "big"))


def header_at(nodes: Nodes, block: Any) -> Header:
    """Header of a block number or tag.

    Raises: BlockUnknownError; RpcError when it is neither.
    """
    if block is None or block in HEAD_TAGS:
        return head_header(nodes)
    number = 0 if block == "earliest" else parse_number(block)
    if number > BLOCK_NUMBER_MAX:
        raise RpcError(INVALID_PARAMS, f"a block number is below 2^64: {shown(block)}")
    return block_header(nodes, number)


def header_of_hash(nodes: Nodes, block_hash: Any) -> Header:
    """Header of a block's hash.

    Raises: BlockUnknownError; RpcError when it is no hash.
    """
    wanted = parse_hash(block_hash)
    try:
        header = Header.decode(nodes[wanted])
        known = block_header(nodes, header.number).hash == wanted
    except (KeyError, BlockUnreadableError) as err:  # the store keeps trie nodes under hashes as well
        raise BlockUnknownError(-1) from err
    if not known:
        raise BlockUnknownError(header.number)
    return header


def header_named(nodes: Nodes, block: Any) -> Header:
    """Header of a block number, tag, hash, or object with `blockNumber` or `blockHash` (EIP-1898).

    Raises: BlockUnknownError; RpcError when it is none of these.
    """
    if isinstance(block, str) and len(block) == _HASH_LENGTH:
        return header_of_hash(nodes, block)
    if not isinstance(block, dict):
        return header_at(nodes, block)
    if ("blockHash" in block) == ("blockNumber" in block):
        raise RpcError(INVALID_PARAMS, "a block object has one of blockHash and blockNumber")
    if "blockNumber" in block:
        return header_at(nodes, parse_text(block["blockNumber"]))
    parse_flag(block.get("requireCanonical", False), "requireCanonical")  # this node keeps no other blocks
    return header_of_hash(nodes, block["blockHash"])


def state_header(nodes: Nodes, block: Any) -> Header:
    """As `header_named`, for a question about state.

    Raises: RpcError, also when there is no such block.
    """
    try:
        return header_named(nodes, block)
    except BlockUnknownError as err:
        raise RpcError(BLOCK_NOT_FOUND, "there is no such block") from err


def parse_text(value: Any) -> str:
    """Raises: RpcError unless a text."""
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, f"not a text: {shown(value)}")
    return value
