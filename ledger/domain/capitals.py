"""Amounts in words (大写), as every Chinese invoice prints them beside the figures.

Written the national way: 圆, and 整 where no 分 follows (叁角整). Read more widely, because printed invoices
differ: 元, 正, 角 without 整, a currency name in front. Two texts are compared by value, never by letter.
"""

from __future__ import annotations

import re

from ledger.domain.decimals import FEN_PER_YUAN
from ledger.domain.errors import CapitalsError

CAPITALS_FEN_MAX = 10**14 - 1  # 9999亿9999万9999圆 and 99 fen; above any amount the ledger can hold
CAPITALS_LENGTH_MAX = 64  # characters; the longest amount within the maximum takes 43

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_SECTIONS = ("", "万", "亿")
_NEGATIVE = "（负数）"
_VARIANTS = str.maketrans("〇貳叄參陸萬億圓元正負", "零贰叁叁陆万亿圆圆整负")
_DIGIT = "[壹贰叁肆伍陆柒捌玖]"
_SECTION_TEXT = re.compile(rf"(?:({_DIGIT})仟)?零?(?:({_DIGIT})佰)?零?(?:({_DIGIT}?)(拾))?零?({_DIGIT}?)")
_WHOLE = re.compile(r"(?:(?P<yi>[^亿万]+)亿)?(?:(?P<wan>[^亿万]+)万)?(?P<ge>[^亿万]*)")
_FRACTION = re.compile(rf"零?(?:({_DIGIT})角|零角)?零?(?:({_DIGIT})分|零分)?整?")
_PREFIX = re.compile(r"[⊗ⓧ]?(?:人民币)?[:：]?(?P<minus>[（(]负数[）)]|负数?)?(?:人民币)?[:：]?")


def write_capitals(fen: int) -> str:
    """Words of an amount in fen: 1_600_000 is 壹万陆仟圆整, 764_930 is 柒仟陆佰肆拾玖圆叁角整.

    A negative amount starts with （负数）.

    Raises: CapitalsError beyond CAPITALS_FEN_MAX.
    """
    if abs(fen) > CAPITALS_FEN_MAX:
        raise CapitalsError(f"amounts in words end at {CAPITALS_FEN_MAX} fen", fen)
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    jiao, cent = divmod(rest, 10)
    text = _write_yuan(yuan) + "圆" if yuan else ""
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif cent and yuan:
        text += "零"
    text += _DIGITS[cent] + "分" if cent else "整"
    return (_NEGATIVE if fen < 0 else "") + ("零圆整" if fen == 0 else text)


def read_capitals(text: str) -> int:
    """Fen of an amount in words, in any of the usual spellings.

    Raises: CapitalsError when the text is not such an amount.
    """
    if len(text) > CAPITALS_LENGTH_MAX:
        raise CapitalsError(f"an amount in words has at most {CAPITALS_LENGTH_MAX} characters", text[:16])
    words = "".join(text.split()).translate(_VARIANTS)
    prefix = _PREFIX.match(words)
    minus = prefix is not None and prefix.group("minus") is not None
    words = words[prefix.end() :] if prefix else words
    whole, mark, rest = words.partition("圆")
    if not mark:
        whole, rest = "", words
    fraction = _FRACTION.fullmatch(rest)
    if fraction is None or not words or words in ("整", "零", "零整"):
        raise CapitalsError("not an amount in words", text)
    jiao, cent = (_DIGITS.index(digit) if digit else 0 for digit in fraction.groups())
    fen = (_read_yuan(whole, text) if mark else 0) * FEN_PER_YUAN + jiao * 10 + cent
    return -fen if minus else fen


def _write_yuan(yuan: int) -> str:
    """Words of whole yuan: sections of four digits, one 零 for any run of zeros inside."""
    text, gap = "", False
    for place in (2, 1, 0):
        section = yuan // 10 ** (4 * place) % 10**4
        if section == 0:
            gap = bool(text)
            continue
        if text and (gap or section < 1000):
            text += "零"
        text += _write_section(section) + _SECTIONS[place]
        gap = False
    return text


def _write_section(section: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = section // 10**place % 10
        if digit == 0:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[digit] + _UNITS[place]
        gap = False
    return text


def _read_yuan(whole: str, text: str) -> int:
    if whole == "零":
        return 0
    match = _WHOLE.fullmatch(whole)
    if match is None or not whole:
        raise CapitalsError("not an amount in words", text)
    yuan = 0
    for section, size in ((match["yi"], 10**8), (match["wan"], 10**4), (match["ge"], 1)):
        if section:
            yuan += _read_section(section, text) * size
    return yuan


def _read_section(section: str, text: str) -> int:
    match = _SECTION_TEXT.fullmatch(section)
    if match is None or section == "零":
        raise CapitalsError("not an amount in words", text)
    thousand, hundred, ten, ten_unit, one = match.groups()
    value = sum(_DIGITS.index(digit) * size for digit, size in ((thousand, 1000), (hundred, 100), (one, 1)) if digit)
    if ten_unit:
        value += (_DIGITS.index(ten) if ten else 1) * 10
    return value
