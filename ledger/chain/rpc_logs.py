"""eth_getLogs: a filter, and the search of a bounded range of blocks by their blooms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ledger.chain.errors import BlockUnknownError, RpcError
from ledger.chain.limits import LOG_BLOCKS_MAX, LOGS_MAX
from ledger.chain.lmdb_store import Nodes
from ledger.chain.records import Header, Log, block_header, head_header
from ledger.chain.rpc_blocks import block_logs
from ledger.chain.rpc_codec import INVALID_PARAMS, LIMIT_EXCEEDED, REJECTED, parse_address, parse_hash, shown
from ledger.chain.rpc_params import header_at, header_of_hash, parse_object
from verifier.hashing import keccak256

TOPICS_MAX: Final = 4  # a log has no more
TOPIC_CHOICES_MAX: Final = 100  # alternatives for one topic: each is looked for in every block's bloom
ADDRESSES_MAX: Final = 100  # as many, for the same reason

_BLOOM_BITS: Final = 2_048


@dataclass(frozen=True)
class LogFilter:
    """Wanted contracts (none: any) and topics by position (None: any)."""

    addresses: frozenset[bytes]
    topics: tuple[frozenset[bytes] | None, ...]

    def takes(self, log: Log) -> bool:
        """Whether a log is wanted."""
        if (self.addresses and log.address not in self.addresses) or len(log.topics) < len(self.topics):
            return False
        return all(choices is None or topic in choices for topic, choices in zip(log.topics, self.topics, strict=False))

    def may_be_in(self, bloom: bytes) -> bool:
        """False when the 256-byte bloom of a block shows that it holds nothing wanted."""
        bits = int.from_bytes(bloom, "big")
        wanted = [self.addresses or None, *self.topics]
        return all(choices is None or any(_in_bloom(bits, choice) for choice in choices) for choices in wanted)


def find_logs(nodes: Nodes, query: Any) -> list[dict[str, Any]]:
    """Logs that a filter takes, in order.

    Raises: RpcError for a wrong filter, a range that is reversed, ends after the head or has too many blocks, and for
    too many logs.
    """
    given = parse_object(query, "a filter")
    wanted = LogFilter(_addresses(given.get("address")), _topics(given.get("topics")))
    found: list[dict[str, Any]] = []
    for header in _headers(nodes, given):
        if not wanted.may_be_in(header.fields[6]):
            continue
        found.extend(encoded for log, encoded in block_logs(nodes, header) if wanted.takes(log))
        if len(found) > LOGS_MAX:
            raise RpcError(LIMIT_EXCEEDED, f"more than {LOGS_MAX} logs: ask for fewer blocks")
    return found


def _headers(nodes: Nodes, query: dict[str, Any]) -> Iterable[Header]:
    if query.get("blockHash") is not None:
        if query.get("fromBlock") is not None or query.get("toBlock") is not None:
            raise RpcError(INVALID_PARAMS, "a filter has either blockHash or fromBlock and toBlock")
        try:
            return [header_of_hash(nodes, query["blockHash"])]
        except BlockUnknownError as err:
            raise RpcError(REJECTED, "unknown block") from err
    try:
        first, last = (header_at(nodes, query.get(name)).number for name in ("fromBlock", "toBlock"))
    except BlockUnknownError as err:
        raise RpcError(INVALID_PARAMS, f"the range ends after the head, block {head_header(nodes).number}") from err
    if first > last:
        raise RpcError(INVALID_PARAMS, f"the range is reversed: from {first} to {last}")
    if last - first >= LOG_BLOCKS_MAX:
        raise RpcError(LIMIT_EXCEEDED, f"at most {LOG_BLOCKS_MAX} blocks in one request")
    return (block_header(nodes, number) for number in range(first, last + 1))


def _addresses(value: Any) -> frozenset[bytes]:
    if value is None:
        return frozenset()
    listed = value if isinstance(value, list) else [value]
    if len(listed) > ADDRESSES_MAX:
        raise RpcError(LIMIT_EXCEEDED, f"at most {ADDRESSES_MAX} addresses in a filter")
    return frozenset(parse_address(item) for item in listed)


def _topics(value: Any) -> tuple[frozenset[bytes] | None, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > TOPICS_MAX:
        raise RpcError(INVALID_PARAMS, f"topics is a list of at most {TOPICS_MAX}, not {shown(value)}")
    return tuple(_choices(topic) for topic in value)


def _choices(topic: Any) -> frozenset[bytes] | None:
    choices = topic if isinstance(topic, list) else [topic]
    if len(choices) > TOPIC_CHOICES_MAX:
        raise RpcError(LIMIT_EXCEEDED, f"at most {TOPIC_CHOICES_MAX} alternatives for a topic")
    if not choices or None in choices:
        return None  # any, as other clients read an empty list
    return frozenset(parse_hash(choice) for choice in choices)


def _in_bloom(bits: int, item: bytes) -> bool:
    hashed = keccak256(item)
    return all(
        bits >> (int.from_bytes(hashed[at : at + 2], "big") % _BLOOM_BITS) & 1 for at in (0, 2, 4)
    )  # three bits an item: yellow paper, section 4.3.1
