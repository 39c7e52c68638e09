from __future__ import annotations

import pytest

from ledger.domain.problems import PROBLEM_TEXTS
from ledger.domain.reasons import REASON_TEXTS, reason_text
from verifier.operations import Reason


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)


def test_every_reason_says_what_happened_and_what_to_do_in_both_languages() -> None:
    assert set(REASON_TEXTS) == set(Reason)
    for reason, text in REASON_TEXTS.items():
        assert all(part.endswith(".") for part in (text.what_en, text.next_en)), reason
        assert has_chinese(text.what_zh), reason
        assert has_chinese(text.next_zh), reason
        assert not has_chinese(text.what_en + text.next_en), reason


def test_texts_of_two_reasons_are_never_the_same() -> None:
    assert len({text.what_en for text in REASON_TEXTS.values()}) == len(Reason)
    assert len({text.what_zh for text in REASON_TEXTS.values()}) == len(Reason)


def test_reason_is_found_by_its_code() -> None:
    assert reason_text(18) is REASON_TEXTS[Reason.LOCKED]
    with pytest.raises(KeyError):
        reason_text(0)


def test_problem_texts_name_the_same_values_in_both_languages() -> None:
    for code, (english, chinese) in PROBLEM_TEXTS.items():
        assert has_chinese(chinese), code
        named = {part.split("}")[0].removesuffix("_zh") for part in english.split("{")[1:]}
        assert named == {part.split("}")[0].removesuffix("_zh") for part in chinese.split("{")[1:]}, code
