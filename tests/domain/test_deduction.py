from __future__ import annotations

import pytest

from ledger.domain.deduction import (
    DEDUCTION_PURPOSE_TEXTS,
    NON_DEDUCTION_TEXTS,
    DeductionPurpose,
    NonDeductionReason,
    Selection,
    parse_selection,
)
from ledger.domain.errors import DocumentError


@pytest.mark.parametrize(
    ("purpose", "valid_tax_fen", "reason"),
    [(1, 1300, 0), (1, 1, 0), (1, 0, 0), (3, 1300, 0), *((2, 0, reason) for reason in range(1, 6))],
)
def test_sound_selection_is_accepted(purpose: int, valid_tax_fen: int, reason: int) -> None:
    selection = parse_selection(purpose, valid_tax_fen, reason, 1300)
    expected = NonDeductionReason(reason) if reason else None
    assert selection == Selection(DeductionPurpose(purpose), valid_tax_fen, expected)


@pytest.mark.parametrize(
    ("purpose", "valid_tax_fen", "reason", "found"),
    [
        (1, 1301, 0, {"valid_tax_fen": "integer_range"}),
        (1, -1, 0, {"valid_tax_fen": "integer_range"}),
        (2, 1301, 1, {"valid_tax_fen": "integer_range"}),
        (2, 1, 1, {"valid_tax_fen": "valid_tax_unexpected"}),
        (2, 0, 0, {"reason": "deduction_reason_missing"}),
        (1, 1300, 3, {"reason": "deduction_reason_unexpected"}),
        (3, 1300, 3, {"reason": "deduction_reason_unexpected"}),
        (0, 0, 0, {"purpose": "integer_range"}),
        (4, 0, 6, {"purpose": "integer_range", "reason": "integer_range"}),
    ],
)
def test_wrong_selection_is_refused(purpose: int, valid_tax_fen: int, reason: int, found: dict[str, str]) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_selection(purpose, valid_tax_fen, reason, 1300)
    assert {problem.path: problem.code for problem in caught.value.problems} == found


def test_missing_reason_lists_the_choices_in_both_languages() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_selection(2, 0, 0, 1300)
    assert "4 lost abnormally" in caught.value.problems[0].message_en
    assert "4 遭受非正常损失" in caught.value.problems[0].message_zh


def test_every_purpose_and_reason_has_both_languages() -> None:
    assert DEDUCTION_PURPOSE_TEXTS.keys() == set(DeductionPurpose)
    assert NON_DEDUCTION_TEXTS.keys() == set(NonDeductionReason)
    for term in (*(one.text for one in DeductionPurpose), *(one.text for one in NonDeductionReason)):
        assert term.en.isascii()
        assert any("\u4e00" <= character <= "\u9fff" for character in term.zh)
