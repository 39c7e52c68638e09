# pragma version 0.4.3
"""
@title Red slips
@notice The agreement of the two sides that goes before a red invoice: opened by one, confirmed by the other.
"""

import layout
import storage
import claims

uses: storage
uses: claims


@view
@internal
def other_side(number: uint256, state: uint256) -> uint256:
    # The party that agrees to a red of the seller's, 0 when there is none.
    buyer: uint256 = (state >> 46) & layout.M32
    if buyer != (state >> 14) & layout.M32 and storage.word(buyer << 8 | layout.PARTY) << 96 != 0:
        return buyer
    if claims.check_free(number, state) != layout.OK:
        return (storage.word(number << 8 | layout.CLAIM) >> 32) & layout.M32
    if claims.is_booked(state):
        return (state >> 78) & layout.M32
    return 0


@view
@internal
def status(slip: uint256) -> uint256:
    # The state as stored, or lapsed for one that was not answered in time. From 2 to 4 it stands.
    state: uint256 = slip & 15
    if state == layout.SELLER_OPENED or state == layout.OTHER_OPENED:
        if block.timestamp >= unsafe_add(slip >> 168, layout.SLIP_LIFETIME):
            return layout.TIMED_OUT
    return state


@view
@internal
def may_side(side: uint256, actor: uint256, state: uint256) -> bool:
    # Whether the actor speaks for that side: seller's issue, the other side's finance.
    if side == (state >> 14) & layout.M32:
        return storage.may(side, actor, layout.MAY_ISSUE)
    return storage.may(side, actor, layout.MAY_FINANCE)


@view
@internal
def exceeds(number: uint256, state: uint256, terms: uint256) -> bool:
    # More gross than reds have left of the blue, or more tax of a special one.
    if terms & layout.M48 > unsafe_sub((state >> 110) & layout.M48, (state >> 158) & layout.M48):
        return True
    if state & layout.SPECIAL == 0:
        return False
    return (terms >> 48) & layout.M48 > storage.word(number << 8 | layout.DEDUCTION) & layout.M48


@view
@internal
def check(what: uint256, terms: uint256, actor: uint256, kind: uint256, state: uint256) -> uint256:
    # open, confirm, refuse, withdraw by the sides; void by an officer
    code: uint256 = what >> 248
    subject: uint256 = (what >> 216) & layout.M32
    slip: uint256 = storage.word((what & layout.M80) << 8 | layout.SLIP)
    status: uint256 = self.status(slip)
    if code == layout.OPEN_SLIP:
        return self.check_open(what, terms, actor, state, status)
    if code == layout.VOID_SLIP:
        if subject != actor or not storage.is_officer(kind):
            return layout.NOT_PERMITTED
        if status < layout.SELLER_OPENED or status > layout.SLIP_CONFIRMED:
            return layout.NO_SLIP
        return layout.OK

    side: uint256 = (slip >> 8) & layout.M32  # that may do it: the opener
    if status == 0 or status > layout.SLIP_CONFIRMED or status == layout.SLIP_CONFIRMED and code != layout.WITHDRAW_SLIP:
        return layout.NO_SLIP
    if code != layout.WITHDRAW_SLIP:
        side = (slip >> 40) & layout.M32
        if code == layout.CONFIRM_SLIP and side != self.other_side(what & layout.M80, state):
            return layout.NOT_PERMITTED
        if slip & 15 == layout.OTHER_OPENED:
            side = (state >> 14) & layout.M32
    if subject != side or not self.may_side(side, actor, state):
        return layout.NOT_PERMITTED
    if status == layout.TIMED_OUT:
        return layout.SLIP_LAPSED
    return layout.OK


@view
@internal
def check_open(what: uint256, terms: uint256, actor: uint256, state: uint256, status: uint256) -> uint256:
    number: uint256 = what & layout.M80
    subject: uint256 = (what >> 216) & layout.M32
    seller: uint256 = (state >> 14) & layout.M32
    gross: uint256 = terms & layout.M48
    reason: uint256 = (what >> 128) & layout.M20
    if state & layout.STRENGTH_MASK != 0:
        return layout.IS_OUTSIDE
    if state & layout.RED != 0:
        return layout.IS_RED
    other: uint256 = self.other_side(number, state)
    if subject != seller and subject != other or not self.may_side(subject, actor, state):
        return layout.NOT_PERMITTED
    if state & layout.COLOUR_MASK == layout.COLOUR_FULL:
        return layout.IS_REDDENED
    if status >= layout.SELLER_OPENED and status <= layout.SLIP_CONFIRMED:
        return layout.SLIP_OPEN
    if other == 0:
        return layout.UNKNOWN_PARTY
    if terms >> 48 >= gross or reason == 0 or reason > 4:
        return layout.BAD_TERMS
    if reason == 1 and gross != (state >> 110) & layout.M48:
        return layout.BAD_TERMS  # issued in error: all of it
    if self.exceeds(number, state, terms):
        return layout.EXCEEDS
    return layout.OK


@internal
def write(what: uint256, terms: uint256, state: uint256):
    # The slip word only: the invoice keeps its state.
    code: uint256 = what >> 248
    number: uint256 = what & layout.M80
    key: uint256 = number << 8 | layout.SLIP
    slip: uint256 = storage.word(key)
    to: uint256 = layout.VOID
    if code == layout.OPEN_SLIP:
        subject: uint256 = (what >> 216) & layout.M32
        to = layout.OTHER_OPENED
        if subject == (state >> 14) & layout.M32:
            to = layout.SELLER_OPENED
        slip = (
            (((what >> 128) & 15) << 4)
            | (subject << 8)
            | (self.other_side(number, state) << 40)
            | (terms << 72)
            | (block.timestamp << 168)
        )
    elif code == layout.CONFIRM_SLIP:
        to = layout.SLIP_CONFIRMED
    elif code == layout.REFUSE_SLIP:
        to = layout.OTHER_REFUSED
        if slip & 15 == layout.OTHER_OPENED:
            to = layout.SELLER_REFUSED
    elif code == layout.WITHDRAW_SLIP:
        to = layout.WITHDRAWN
        if slip & 15 == layout.SLIP_CONFIRMED:
            to = layout.WITHDRAWN_LATE
    storage.slots[key] = ((slip >> 4) << 4) | to
