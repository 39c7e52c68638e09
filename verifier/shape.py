"""Reading JSON values into plain ones, strictly: every field there, no other, each of one type and size.

Byte strings of fixed size (hashes, words, keys, salts) are lower-case hex without 0x; longer ones (headers,
trie nodes, certificates) are base64 with padding. Each value so has one way to be written.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from verifier.canonical import INTEGER_MAX, Json
from verifier.errors import ShapeError
from verifier.reasons import Reason

_HEX = re.compile(r"[0-9a-f]*", re.ASCII)


def fields(value: Json, names: tuple[str, ...], at: str) -> Mapping[str, Json]:
    """An object with exactly the keys `names`.

    Raises: ShapeError naming the first key that is missing or unknown.
    """
    if not isinstance(value, dict):
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at or 'the file'}: no object")
    wrong = sorted(set(names) ^ set(value))
    if wrong:
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}.{wrong[0]}".lstrip("."))
    return value


def items(value: Json, count_max: int, at: str) -> list[Json]:
    """An array of at most `count_max` items."""
    if not isinstance(value, list) or len(value) > count_max:
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: no array of at most {count_max}")
    return value


def integer(value: Json, at: str, low: int = 0, high: int = INTEGER_MAX) -> int:
    """An integer in low..high; booleans are none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: no integer in {low}..{high}")
    return value


def text(value: Json, size_max: int, at: str) -> str:
    """A string of at most `size_max` characters."""
    if not isinstance(value, str) or len(value) > size_max:
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: no text of at most {size_max} characters")
    return value


def hexed(value: Json, size: int, at: str) -> bytes:
    """`size` bytes written as lower-case hex."""
    if not isinstance(value, str) or len(value) != 2 * size or not _HEX.fullmatch(value):
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: not {size} bytes in lower-case hex")
    return bytes.fromhex(value)


def word(value: Json, at: str) -> int:
    """A 256-bit word written as 64 hex digits."""
    return int.from_bytes(hexed(value, 32, at), "big")


def based(value: Json, size_max: int, at: str) -> bytes:
    """At most `size_max` bytes written as base64, in the one way they can be."""
    if not isinstance(value, str) or len(value) > 4 * (size_max // 3 + 1):
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: no base64 of at most {size_max} bytes")
    try:
        data = base64.b64decode(value.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError) as err:
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: no base64") from err
    if base64_of(data) != value:
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: base64 is not in its one form")
    return data


def base64_of(data: bytes) -> str:
    """Base64 with padding."""
    return base64.b64encode(data).decode()


def word_hex(value: int) -> str:
    """64 hex digits of a 256-bit word."""
    return f"{value:064x}"


def utc_text(time_s: int) -> str:
    """ISO 8601 text of seconds since 1970, UTC; the number itself beyond the year 9999."""
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(time_s)
