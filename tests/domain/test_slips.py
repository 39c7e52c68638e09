from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.slips import (
    RED_REASON_TEXTS,
    SLIP_STATE_TEXTS,
    RedReason,
    SlipState,
    seconds_left,
    slip_state,
)
from verifier import words
from verifier.words import SLIP_LIFETIME_S

OPENED_S = 1_790_000_000
STORED = [state.value for state in words.SlipState]


def test_numbers_are_those_of_the_chain() -> None:
    assert {state.name: state.value for state in words.SlipState}.items() <= {
        state.name: state.value for state in SlipState
    }.items()
    assert set(SlipState) - {SlipState(state) for state in STORED} == {SlipState.NOT_NEEDED, SlipState.LAPSED}
    assert [reason.value for reason in RedReason] == [1, 2, 3, 4]
    assert SLIP_LIFETIME_S == 72 * 3600


@pytest.mark.parametrize("stored", [SlipState.SELLER_OPENED, SlipState.BUYER_OPENED])
def test_waiting_slip_lapses_after_72_hours(stored: SlipState) -> None:
    end_s = OPENED_S + SLIP_LIFETIME_S
    assert slip_state(stored, OPENED_S, end_s - 1) is stored
    assert seconds_left(stored, OPENED_S, end_s - 1) == 1
    assert slip_state(stored, OPENED_S, end_s) is SlipState.LAPSED
    assert seconds_left(stored, OPENED_S, end_s) == 0


@given(st.sampled_from(STORED), st.integers(0, 2**40))
def test_answered_slip_does_not_change_with_time(stored: int, now_s: int) -> None:
    if SlipState(stored).is_waiting:
        return
    assert slip_state(stored, OPENED_S, now_s) is SlipState(stored)


def test_no_slip_has_no_state() -> None:
    assert slip_state(0, 0, OPENED_S) is None
    assert seconds_left(0, 0, OPENED_S) == 0


@pytest.mark.parametrize("stored", [1, 7, 12, 15])
def test_state_that_is_never_stored_is_refused(stored: int) -> None:
    with pytest.raises(ValueError, match=r"never stored|not a valid"):
        slip_state(stored, OPENED_S, OPENED_S)


def test_only_two_states_allow_the_red() -> None:
    assert [state for state in SlipState if state.allows_red] == [SlipState.NOT_NEEDED, SlipState.CONFIRMED]
    assert [state for state in SlipState if state.is_standing] == [
        SlipState.SELLER_OPENED, SlipState.BUYER_OPENED, SlipState.CONFIRMED
    ]  # fmt: skip


def test_only_an_error_must_be_credited_as_a_whole() -> None:
    assert [reason for reason in RedReason if reason.is_full_only] == [RedReason.ISSUED_IN_ERROR]


def test_every_state_and_reason_has_both_languages() -> None:
    assert RED_REASON_TEXTS.keys() == set(RedReason)
    assert SLIP_STATE_TEXTS.keys() == set(SlipState)
    for term in (*(one.text for one in RedReason), *(one.text for one in SlipState)):
        assert term.en.isascii()
        assert any("\u4e00" <= character <= "\u9fff" for character in term.zh)
