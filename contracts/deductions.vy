# pragma version 0.4.3
"""
@title Deductions
@notice Input tax: what of a special invoice's tax its buyer selects for a period, until that period freezes.
"""

import layout
import storage

uses: storage


@view
@internal
def check(what: uint256, terms: uint256, actor: uint256, state: uint256) -> uint256:
    # select, unselect
    subject: uint256 = (what >> 216) & layout.M32
    if what >> 248 == layout.SELECT:
        if state & layout.STRENGTH_MASK != 0:
            return layout.IS_OUTSIDE
        if state & layout.RED != 0:
            return layout.IS_RED
        if state & layout.SPECIAL == 0:
            return layout.NOT_DEDUCTIBLE
    if subject != (state >> 46) & layout.M32:
        return layout.NOT_BUYER
    if not storage.may(subject, actor, layout.MAY_FINANCE):
        return layout.NOT_PERMITTED
    word: uint256 = storage.word((what & layout.M80) << 8 | layout.DEDUCTION)
    if what >> 248 == layout.SELECT:
        return self.check_select(what, terms, state, word)
    if state & layout.USE_MASK == 0:
        return layout.NOT_SELECTED
    return self.check_period(subject, (word >> 96) & layout.M12)


@view
@internal
def check_select(what: uint256, terms: uint256, state: uint256, word: uint256) -> uint256:
    buyer: uint256 = (state >> 46) & layout.M32
    period: uint256 = (what >> 148) & layout.M12
    if state & layout.COLOUR_MASK == layout.COLOUR_FULL:
        return layout.IS_REDDENED
    if state & layout.RISK != 0:
        return layout.IS_FLAGGED
    if state & layout.USE_MASK != 0:
        return layout.ALREADY_SO
    reason: uint256 = self.check_period(buyer, period)
    if reason == layout.MONTH_FILED:
        return reason
    if period < (state >> 206) & layout.M12 or not self.has_opened(period):
        return layout.MONTH_NOT_OPEN
    if reason != layout.OK:
        return reason

    option: uint256 = (what >> 128) & layout.M20
    purpose: uint256 = option & 15
    if purpose == 0 or purpose > 3:
        return layout.BAD_TERMS
    if purpose == 2:  # not deducted: says why, and no tax
        if option >> 4 == 0 or option >> 4 > 5 or terms != 0:
            return layout.BAD_TERMS
    elif option >> 4 != 0:
        return layout.BAD_TERMS
    if terms > word & layout.M48:
        return layout.EXCEEDS
    return layout.OK


@view
@internal
def check_period(buyer: uint256, period: uint256) -> uint256:
    # Neither filed nor confirmed by the buyer.
    if period <= (storage.word(buyer << 8 | layout.PARTY) >> 166) & layout.M12:
        return layout.MONTH_FILED
    if storage.word(((buyer << 12) | period) << 8 | layout.DEDUCTED) & layout.CONFIRMED != 0:
        return layout.PERIOD_CONFIRMED
    return layout.OK


@view
@internal
def has_opened(month: uint256) -> bool:
    hours: uint256 = storage.word(month << 8 | layout.MONTH)
    return hours != 0 and block.timestamp >= hours & layout.M64


@view
@internal
def present(number: uint256, state: uint256) -> uint256:
    # The state word of a selected invoice as it is by now: confirmed once its period is.
    period: uint256 = (storage.word(number << 8 | layout.DEDUCTION) >> 96) & layout.M12
    if self.check_period((state >> 46) & layout.M32, period) != layout.OK:
        return state ^ layout.USE_MASK  # 1 becomes 2
    return state


@internal
def write_select(what: uint256, terms: uint256, state: uint256) -> uint256:
    # The state word, selected.
    option: uint256 = (what >> 128) & 255
    period: uint256 = (what >> 148) & layout.M12
    key: uint256 = (what & layout.M80) << 8 | layout.DEDUCTION
    storage.slots[key] = storage.word(key) | (terms << 48) | (period << 96) | (option << 108)
    key = ((((what >> 216) & layout.M32) << 12) | period) << 8 | layout.DEDUCTED
    storage.slots[key] = unsafe_add(storage.word(key), unsafe_add(terms, layout.COUNT_ONE)) | layout.WRITTEN
    return state | layout.USE_SELECTED


@internal
def undo(number: uint256, state: uint256) -> uint256:
    # The state word with a selection that is not frozen taken back; another as it is.
    if state & layout.USE_MASK != layout.USE_SELECTED:
        return state
    key: uint256 = number << 8 | layout.DEDUCTION
    word: uint256 = storage.word(key)
    storage.slots[key] = word & (layout.M48 | layout.WRITTEN)
    key = ((((state >> 46) & layout.M32) << 12) | ((word >> 96) & layout.M12)) << 8 | layout.DEDUCTED
    storage.slots[key] = unsafe_sub(storage.word(key), unsafe_add((word >> 48) & layout.M48, layout.COUNT_ONE))
    return state ^ layout.USE_SELECTED
