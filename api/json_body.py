"""Reading a JSON body that anybody may have sent: every hostile form becomes one problem, never an exception.

Stricter than json.loads where that guesses: a key twice, NaN, half a surrogate and numbers that other readers
would round are refused. Fractions pass as floats so that the field that holds one can be named.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from api.problems import INVALID_JSON, ProblemError
from verifier.canonical import INTEGER_DIGITS_MAX, INTEGER_MAX, check_depth
from verifier.errors import CanonicalError

DEPTH_MAX = 16  # a list of documents nests 6 deep; deeper only costs stack
VALUES_MAX = 400_000  # commas and brackets; 256 documents of 100 lines take 300,000
FRACTION_DIGITS_MAX = 64  # characters; no field takes fractions, and a long one costs time to convert
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _RefusedError(ValueError):
    def __init__(self, detail: str, detail_zh: str) -> None:
        super().__init__(detail)
        self.detail_zh = detail_zh


def parse_body(data: bytes) -> Any:
    """Value of a JSON body: objects, lists, texts, integers up to 2**53 - 1, finite floats, booleans, null.

    Raises: ProblemError of type invalid-json.
    """
    try:
        return _parse(data)
    except _RefusedError as err:
        raise ProblemError(INVALID_JSON, str(err), err.detail_zh) from None


def _parse(data: bytes) -> Any:
    try:
        text = data.decode()
    except UnicodeDecodeError as err:
        raise _RefusedError(f"not UTF-8 at byte {err.start}", f"第 {err.start} 字节处不是 UTF-8") from None
    if sum(map(text.count, ",[{")) > VALUES_MAX:
        raise _RefusedError(f"more than {VALUES_MAX} values", f"超过 {VALUES_MAX} 个值")
    try:
        check_depth(text)  # before the parser recurses: the engine raises the recursion limit beyond what a stack holds
    except CanonicalError:
        raise _too_deep() from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
        )
    except json.JSONDecodeError as err:
        raise _RefusedError(f"no JSON at character {err.pos}: {err.msg}", f"第 {err.pos} 个字符处不是 JSON") from None
    _check_depth(value)
    if _SURROGATE_ESCAPE.search(text) and _has_surrogate(value):
        raise _RefusedError("half a surrogate pair: \\ud800 to \\udfff only in pairs", "存在不成对的 UTF-16 代理字符")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _RefusedError("a key occurs twice in one object", "同一对象中有重复的键")
    return value


def _integer(digits: str) -> int:
    if len(digits) <= INTEGER_DIGITS_MAX:
        value = int(digits)
        if -INTEGER_MAX <= value <= INTEGER_MAX:
            return value
    raise _RefusedError("an integer beyond 2^53 - 1", "整数超出 2^53 - 1")


def _fraction(digits: str) -> float:
    if len(digits) > FRACTION_DIGITS_MAX or math.isinf(value := float(digits)):
        raise _RefusedError("a number too long to be read", "数值过长，无法读取")
    return value


def _constant(name: str) -> float:
    raise _RefusedError(f"{name} is no JSON number", f"{name} 不是 JSON 数值")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> _RefusedError:
    return _RefusedError(f"nested deeper than {DEPTH_MAX}", f"嵌套超过 {DEPTH_MAX} 层")


def _has_surrogate(value: Any) -> bool:
    """Whether a text or key holds half a pair; the depth is checked already."""
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_surrogate(key) or _has_surrogate(child) for key, child in value.items())
    return isinstance(value, list) and any(map(_has_surrogate, value))
