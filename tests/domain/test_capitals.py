from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.domain.capitals import CAPITALS_FEN_MAX, read_capitals, write_capitals
from ledger.domain.errors import CapitalsError


@given(st.integers(-(10**13), 10**13))
@example(10**13)
@example(CAPITALS_FEN_MAX)
@example(100_010_001_00)
def test_words_read_back_to_the_same_amount(fen: int) -> None:
    assert read_capitals(write_capitals(fen)) == fen


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零圆整"),
        (1, "壹分"),
        (10, "壹角整"),
        (105, "壹圆零伍分"),
        (212, "贰圆壹角贰分"),
        (764930, "柒仟陆佰肆拾玖圆叁角整"),
        (1600000, "壹万陆仟圆整"),
        (1_0000_0001_00, "壹亿零壹圆整"),
        (10_0500_00, "壹拾万零伍佰圆整"),
        (1000_1000_00, "壹仟万壹仟圆整"),
        (-265000, "（负数）贰仟陆佰伍拾圆整"),
    ],
)
def test_amount_is_written_the_national_way(fen: int, words: str) -> None:
    assert write_capitals(fen) == words


@pytest.mark.parametrize(
    ("words", "fen"),
    [
        ("柒仟陆佰肆拾玖元叁角", 764930),
        ("柒仟陆佰肆拾玖圆叁角正", 764930),
        ("人民币壹佰元整", 10000),
        ("人民币：壹佰圆零角零分", 10000),
        ("⊗壹佰圆整", 10000),
        ("拾圆整", 1000),
        ("(负数)壹佰圆整", -10000),
        ("負壹佰圓正", -10000),
        ("负数壹佰圆整", -10000),
        ("（负数)壹佰圆整", -10000),
        ("⊗（负数）壹分", -1),
        ("壹萬貳仟圓整", 1200000),
        ("伍角", 50),
        ("陆佰零壹圆 伍角叁分", 60153),
    ],
)
def test_usual_spellings_read_to_the_same_value(words: str, fen: int) -> None:
    assert read_capitals(words) == fen


@pytest.mark.parametrize(
    "words",
    [
        "",
        "整",
        "圆整",
        "壹",
        "壹佰",
        "壹圆壹圆",
        "壹壹圆",
        "拾佰圆",
        "壹分壹角",
        "壹万亿圆",
        "100圆",
        "零",
        "壹圆整整",
        "叁拾肆拾圆",
        "负数",
        "（负）壹圆整",
        "负负壹圆整",
        "壹圆整（负数）",
        "壹" * 70,
    ],
)
def test_texts_that_are_no_amount_are_refused(words: str) -> None:
    with pytest.raises(CapitalsError):
        read_capitals(words)


def test_amount_beyond_words_is_refused() -> None:
    with pytest.raises(CapitalsError):
        write_capitals(CAPITALS_FEN_MAX + 1)


@given(st.text(alphabet="零壹贰叁肆伍陆柒捌玖拾佰仟万亿圆元角分整正负（）数", max_size=20))
def test_any_words_read_to_an_amount_or_are_refused(words: str) -> None:
    try:
        fen = read_capitals(words)
    except CapitalsError:
        return
    assert read_capitals(write_capitals(fen)) == fen
