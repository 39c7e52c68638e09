"""Field problems of requests: what pydantic found, in the words and paths this API answers with.

Paths are dotted: `numbers.3` in the body, `path.number`, `query.limit` and `header.idempotency-key` outside it.
Codes are those of documents (ledger.domain.problems) where they mean the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ledger.domain.errors import FieldProblem
from ledger.domain.fields import type_name

ERRORS_MAX = 100  # nobody corrects more at once; a hostile body could name a hundred thousand
KEY_SHOWN_MAX = 40  # characters of an unknown key repeated in its path

NUMBER_PATTERN = r"^[0-9]{20}$"
ADDRESS_PATTERN = r"^0x[0-9a-fA-F]{40}$"  # of a key, 20 bytes
SIGNATURE_PATTERN = r"^(0x)?[0-9a-fA-F]{130}$"  # r, s and v as wallets give them
HASH_PATTERN = r"^[0-9a-f]{64}$"
TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$"
ABOUT_PATTERN = r"^[!-~]{1,128}$"
API_KEY_ID_PATTERN = r"^[0-9a-f]{16}$"
CHALLENGE_ID_PATTERN = r"^[0-9a-f]{122}$"
CLAIM_ID_PATTERN = r"^[0-9a-f]{32}$"
QUOTAS_PATTERN = (
    r"^[^=,\x00-\x1f\x7f]{1,40}=(0|[1-9][0-9]{0,14})(,[^=,\x00-\x1f\x7f]{1,40}=(0|[1-9][0-9]{0,14})){0,49}$"
)
MONTH_PATTERN = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
KEY_PATTERN = r"^[!-~]{1,128}$"
CURSOR_PATTERN = r"^[A-Za-z0-9_=.:,~-]{1,512}$"
TAX_ID_PATTERN = r"^[0-9A-Z]{15,20}$"
AREA_PATTERN = r"^[0-9]{4}$"
TEXT_PATTERN = (
    "^[^\\x00-\\x1f\\x7f-\\x9f\\u{061c}\\u{200b}\\u{200e}\\u{200f}\\u{2028}-\\u{202e}\\u{2060}-\\u{2069}\\u{feff}]*$"
)

_PATTERN_TEXTS: dict[str, tuple[str, str, str]] = {
    NUMBER_PATTERN: ("number_form", "write 20 digits 0 to 9", "请写 20 位数字（0 到 9）"),
    ADDRESS_PATTERN: (
        "address_form",
        "write the key's address as 0x and 40 hex digits",
        "请以 0x 加 40 位十六进制数字填写密钥地址",
    ),
    SIGNATURE_PATTERN: (
        "signature_form",
        "write r, s and v as 130 hex digits",
        "请以 130 位十六进制数字填写 r、s、v",
    ),
    HASH_PATTERN: ("hash_form", "write 64 lower-case hex digits", "请写 64 位小写十六进制数字"),
    ABOUT_PATTERN: (
        "about_form",
        "write an id of 1 to 128 visible ASCII characters",
        "请写 1 到 128 个可见 ASCII 字符的编号",
    ),
    API_KEY_ID_PATTERN: ("key_id_form", "write 16 lower-case hex digits", "请写 16 位小写十六进制数字"),
    CHALLENGE_ID_PATTERN: ("challenge_id_form", "send back challenge_id as it was given", "请原样传回 challenge_id"),
    CLAIM_ID_PATTERN: ("claim_id_form", "write 32 lower-case hex digits", "请写 32 位小写十六进制数字"),
    MONTH_PATTERN: (
        "month_form",
        "write a month as YYYY-MM, for example 2026-11",
        "请按 YYYY-MM 填写月份，例如 2026-11",
    ),
    KEY_PATTERN: ("key_form", "write 1 to 128 visible ASCII characters", "请写 1 到 128 个可见 ASCII 字符"),
    CURSOR_PATTERN: ("cursor_form", "send back next_cursor as it was given", "请原样传回 next_cursor"),
    TAX_ID_PATTERN: ("tax_id_form", "write 15 to 20 digits and capital letters", "请写 15 到 20 位数字和大写字母"),
    QUOTAS_PATTERN: (
        "quotas_form",
        "write CLASS=FEN, with commas between classes, at most 50: A=100000000,B=5000000",
        "格式为 等级=分，多个等级以逗号分隔，最多 50 个，例如 A=100000000,B=5000000",
    ),
    AREA_PATTERN: ("area_form", "an area is 4 digits, for example 4403", "地区为 4 位数字，例如 4403"),
    TEXT_PATTERN: (
        "text_character",
        "holds a character that cannot be printed; remove it",
        "含有不可打印的字符，请删除",
    ),
}

_EXPECTED: dict[str, tuple[str, str]] = {
    "int_type": ("an integer", "整数"),
    "int_from_float": ("an integer", "整数"),
    "int_parsing": ("an integer", "整数"),
    "string_type": ("text", "文本"),
    "bool_type": ("true or false", "true 或 false"),
    "list_type": ("a list", "列表"),
    "dict_type": ("an object", "对象"),
    "model_type": ("an object", "对象"),
    "model_attributes_type": ("an object", "对象"),
}


def field_problems(errors: Sequence[Any]) -> tuple[FieldProblem, ...]:
    """Problems of the errors of one pydantic validation, at most ERRORS_MAX and a last one that counts the rest."""
    found = [_problem(error) for error in errors[:ERRORS_MAX]]
    rest = len(errors) - len(found)
    if rest:
        found.append(
            FieldProblem("", "more_problems", f"{rest} more problems are not listed", f"另有 {rest} 处问题未列出")
        )
    return tuple(found)


def below(prefix: str, problems: Iterable[FieldProblem]) -> tuple[FieldProblem, ...]:
    """The same problems at paths below `prefix`."""
    return tuple(
        FieldProblem(f"{prefix}.{one.path}" if one.path else prefix, one.code, one.message_en, one.message_zh)
        for one in problems
    )


def parameter_problem(path: str, code: str, english: str, chinese: str) -> FieldProblem:
    """A problem of a parameter or header."""
    return FieldProblem(path, code, english, chinese)


def shown_key(key: object) -> str:
    """A key or name somebody sent, as it can be repeated in a path."""
    text = str(key)
    return (text if text.isprintable() else ascii(text))[:KEY_SHOWN_MAX]


def _problem(error: Mapping[str, Any]) -> FieldProblem:
    place, *rest = error["loc"]
    path = ".".join(map(shown_key, rest if place == "body" else (place, *rest)))
    code, english, chinese = _texts(str(error["type"]), error.get("ctx") or {}, error.get("input"))
    return FieldProblem(path, code, english, chinese)


def _texts(kind: str, context: Mapping[str, Any], value: object) -> tuple[str, str, str]:
    if kind in ("int_from_float", "int_type") and isinstance(value, float):
        return "float_refused", "a number with a fraction is not accepted here", "此处不接受带小数的数值"
    if kind in _EXPECTED:
        english, chinese = _EXPECTED[kind]
        got = type_name(value)
        return "wrong_type", f"give {english}, not {got}", f"应为{chinese}，而不是{got}"
    if kind == "string_pattern_mismatch" and context.get("pattern") in _PATTERN_TEXTS:
        return _PATTERN_TEXTS[context["pattern"]]
    return _range_texts(kind, context)


def _range_texts(kind: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    if kind in ("greater_than_equal", "greater_than"):
        low = context.get("ge", context.get("gt"))
        return "integer_range", f"must be at least {low}", f"不得小于 {low}"
    if kind in ("less_than_equal", "less_than"):
        high = context.get("le", context.get("lt"))
        return "integer_range", f"must be at most {high}", f"不得大于 {high}"
    if kind in ("string_too_short", "too_short"):
        low = context.get("min_length")
        return "too_short", f"needs at least {low}", f"至少需要 {low} 个"
    if kind in ("string_too_long", "too_long"):
        high = context.get("max_length")
        return "too_long", f"at most {high} are accepted", f"最多 {high} 个"
    if kind in ("literal_error", "enum"):
        choices = str(context.get("expected"))
        return "not_a_choice", f"give one of: {choices}", f"只能是其中之一：{choices.replace(' or ', ', ')}"
    return _FIXED_TEXTS.get(kind, ("invalid", "this value is not accepted", "不接受该值"))


_FIXED_TEXTS: dict[str, tuple[str, str, str]] = {
    "missing": ("missing", "required; give a value", "必填，请填写"),
    "extra_forbidden": (
        "unknown_field",
        "no such field; check its spelling or leave it out",
        "没有这个字段，请核对拼写或删除",
    ),
    "integer_form": ("integer_form", "write an integer with digits 0 to 9 only", "请只用数字 0 到 9 写整数"),
    "first_holder_form": (
        "first_holder_form",
        "give a person's party id, seller or buyer, or leave it out",
        "请填写人员的参与方编号、seller 或 buyer，或留空",
    ),
    "time_form": (
        "time_form",
        "write a time with its offset, as 2026-11-05T10:30:00+08:00",
        "请写带时区的时间，如 2026-11-05T10:30:00+08:00",
    ),
    "repeated": ("repeated", "occurs twice; give each once", "重复出现，请只给一次"),
}
