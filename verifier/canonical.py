"""Canonical JSON: RFC 8785 for objects, arrays, strings, integers, booleans and null.

One value has exactly one byte string, so a file can be compared, hashed and signed by its bytes. Numbers
are integers of at most 2**53 - 1 either way: every JSON reader holds those exactly, and money is integer fen.
Floats are refused on both sides. `loads` accepts canonical bytes only: it reads, writes again and compares.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring

from verifier.errors import CanonicalError
from verifier.reasons import Reason

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None

INTEGER_MAX = 2**53 - 1  # the largest integer every JSON reader holds exactly (RFC 7493, 2.2)
DEPTH_MAX = 32  # an evidence file nests 6 deep, an invoice document 4; deeper only costs stack
VALUES_MAX = 250_000  # commas and brackets in a text: bounds memory and time; the largest document has 125,000
PDF_START = b"%PDF-"  # what people hand in instead of the evidence inside it; no canonical JSON starts so
_BRACKET = re.compile(
    r'"(?:[^"\\]++|\\.)*+"?|([\[\]{}])', re.DOTALL
)  # passes over strings, even one without its end: linear
INTEGER_DIGITS_MAX = 17  # sign and 16 digits: longer ones exceed INTEGER_MAX anyhow


def dumps(value: Json) -> bytes:
    """Canonical UTF-8 bytes of `value`: keys sorted by UTF-16 code units, no white space.

    Raises: CanonicalError for floats, integers beyond 2**53 - 1, keys that are no strings, lone surrogates,
    other types, nesting beyond DEPTH_MAX.
    Source: RFC 8785, sections 3.2.2 and 3.2.3.
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as err:
        raise CanonicalError(Reason.NOT_CANONICAL, "lone surrogate") from err


def loads(data: bytes, size_max: int) -> Json:
    """Value of canonical bytes of at most `size_max` bytes.

    Raises: CanonicalError when `data` is longer, a PDF, no JSON, holds a key twice, a float or too large an integer,
    nests or branches beyond the limits, or is not byte for byte what `dumps` writes.
    """
    if data.startswith(PDF_START):
        raise CanonicalError(Reason.PDF_FILE)
    if len(data) > size_max:
        raise CanonicalError(Reason.FILE_TOO_LARGE, f"{len(data)} > {size_max} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as err:
        raise CanonicalError(Reason.NOT_CANONICAL, f"not UTF-8 at byte {err.start}") from err
    if sum(map(text.count, ",[{")) > VALUES_MAX:
        raise CanonicalError(Reason.FILE_TOO_LARGE, f"more than {VALUES_MAX} values")
    check_depth(text)
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except json.JSONDecodeError as err:
        raise CanonicalError(Reason.NOT_CANONICAL, f"no JSON at character {err.pos}") from err
    if dumps(value) != data:
        raise CanonicalError(Reason.NOT_CANONICAL, "keys, white space or escapes are not in canonical form")
    return value


def check_depth(text: str) -> None:
    """Accept a JSON text whose brackets nest at most DEPTH_MAX deep, before any parser recurses over it.

    The standard parser relies on the interpreter's recursion limit; where another library in the process has
    raised that, deep nesting overflows the stack and ends the process.

    Raises: CanonicalError otherwise.
    """
    depth = 0
    for token in _BRACKET.findall(text):
        if token in {"[", "{"}:
            depth += 1
            if depth > DEPTH_MAX:
                raise CanonicalError(Reason.NOT_CANONICAL, f"nested beyond {DEPTH_MAX}")
        elif token:
            depth -= 1


def _write(value: Json, parts: list[str], depth: int) -> None:
    if isinstance(value, str):
        parts.append(encode_basestring(value))
    elif value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, int):
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise CanonicalError(Reason.NOT_CANONICAL, "integer beyond 2**53 - 1")
        parts.append(int.__repr__(value))
    elif depth == DEPTH_MAX:
        raise CanonicalError(Reason.NOT_CANONICAL, f"nested beyond {DEPTH_MAX}")
    elif isinstance(value, dict):
        _write_object(value, parts, depth + 1)
    elif isinstance(value, list | tuple):
        opening = "["
        for item in value:
            parts.append(opening)
            _write(item, parts, depth + 1)
            opening = ","
        parts.append("]" if value else "[]")
    else:
        raise CanonicalError(Reason.NOT_CANONICAL, f"{type(value).__name__} has no canonical form")


def _write_object(value: dict[str, Json], parts: list[str], depth: int) -> None:
    opening = "{"
    for key in sorted_keys(value):
        parts.append(opening + encode_basestring(key) + ":")
        _write(value[key], parts, depth)
        opening = ","
    parts.append("}" if value else "{}")


def sorted_keys(value: dict[str, Json]) -> list[str]:
    """Keys of an object by UTF-16 code units (RFC 8785, 3.2.3).

    Code point order differs from it only where a key holds a character beyond U+FFFF.
    """
    for key in value:
        if not isinstance(key, str):
            raise CanonicalError(Reason.NOT_CANONICAL, "a key is no string")
    if all(map(str.isascii, value)):
        return sorted(value)
    return sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise CanonicalError(Reason.NOT_CANONICAL, "a key occurs twice")
    return value


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS_MAX:
        raise CanonicalError(Reason.NOT_CANONICAL, "integer beyond 2**53 - 1")
    return int(digits)


def _refuse_number(digits: str) -> Json:
    raise CanonicalError(Reason.NOT_CANONICAL, f"only integers are allowed as numbers, not {digits[:24]}")
