"""RLP, the chain's byte format: strict decoding of items and the encoding of lists.

An item is bytes or a list of items. Decoding accepts the one canonical encoding only, so that no two byte
strings mean the same header or trie node.
"""

from __future__ import annotations

from verifier.errors import CheckError
from verifier.reasons import Reason

Item = bytes | list["Item"]

NESTING_MAX = 16  # a trie node embeds nodes under 32 bytes, which cannot nest deeper


def decode(data: bytes, reason: Reason) -> Item:
    """The one item that `data` is.

    Raises: CheckError with `reason` when `data` is not exactly one item in canonical encoding.
    Source: Ethereum yellow paper, appendix B.
    """
    item, end = _item(data, 0, len(data), 0, reason)
    if end != len(data):
        raise CheckError(reason, "RLP: bytes after the item")
    return item


def encode(item: Item) -> bytes:
    """Canonical encoding of an item."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(len(item), 0x80) + item
    body = b"".join(map(encode, item))
    return _prefix(len(body), 0xC0) + body


def _prefix(size: int, base: int) -> bytes:
    if size < 56:
        return bytes([base + size])
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length


def _item(data: bytes, at: int, limit: int, depth: int, reason: Reason) -> tuple[Item, int]:
    """Item starting at `at` and where it ends; never reads at or beyond `limit`."""
    if at >= limit:
        raise CheckError(reason, "RLP: ends early")
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    is_list = first >= 0xC0
    start, size = _span(data, at, limit, 0xC0 if is_list else 0x80, reason)
    end = start + size
    if not is_list:
        if size == 1 and data[start] < 0x80:
            raise CheckError(reason, "RLP: one small byte with a prefix")
        return data[start:end], end
    if depth == NESTING_MAX:
        raise CheckError(reason, "RLP: nested too deep")
    items: list[Item] = []
    while start < end:
        item, start = _item(data, start, end, depth + 1, reason)
        items.append(item)
    return items, end


def _span(data: bytes, at: int, limit: int, base: int, reason: Reason) -> tuple[int, int]:
    """Start and size of the body of the string or list whose prefix stands at `at`."""
    size = data[at] - base
    start = at + 1
    if size > 55:
        digits = data[start : min(start + size - 55, limit)]
        start += size - 55
        size = int.from_bytes(digits, "big")
        if not digits or digits[0] == 0 or size < 56:
            raise CheckError(reason, "RLP: size not in shortest form")
    if start + size > limit:
        raise CheckError(reason, "RLP: ends early")
    return start, size
