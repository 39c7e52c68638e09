# pragma version 0.4.3
"""
@title Red invoices
@notice A red is an invoice of its own and changes its blue in the same operation.
"""

import layout
import storage
import claims
import slips
import deductions
import exceptions

uses: storage
uses: claims
uses: slips
uses: deductions
uses: exceptions


@view
@internal
def check(what: uint256, terms: uint256) -> uint256:
    # Seller and month are checked.
    subject: uint256 = (what >> 216) & layout.M32
    number: uint256 = what & layout.M80
    gross: uint256 = terms & layout.M48
    reason: uint256 = (what >> 128) & layout.M20
    if what & layout.RESERVED != 0:
        return layout.UNKNOWN_OPERATION
    # the next three as of an issue, written again: a call more would cost every issue
    if storage.word(number // layout.BLOCK_SIZE << 8 | layout.SEGMENT) != subject:
        return layout.NOT_IN_SEGMENT
    if storage.word(number << 8 | layout.STATE) != 0:
        return layout.NUMBER_TAKEN
    if (what >> 192) & layout.M24 != 0:
        return layout.STALE_VERSION
    if (terms >> 48) & layout.M48 >= gross or reason == 0 or reason > 4 or terms >> 200 != 0:
        return layout.BAD_TERMS

    blue: uint256 = (terms >> 96) & layout.M80
    state: uint256 = storage.word(blue << 8 | layout.STATE)
    if state == 0:
        return layout.UNKNOWN_INVOICE
    if state & layout.STRENGTH_MASK != 0:
        return layout.IS_OUTSIDE
    if state & layout.RED != 0:
        return layout.IS_RED
    if (state >> 14) & layout.M32 != subject:
        return layout.NOT_PERMITTED
    if state & layout.COLOUR_MASK == layout.COLOUR_FULL:
        return layout.IS_REDDENED
    agreed: uint256 = self.check_agreed(blue, state, terms & layout.M96, reason)
    if agreed != layout.OK:
        return agreed
    totals: uint256 = storage.word(((subject << 12) | ((what >> 148) & layout.M12)) << 8 | layout.TOTALS)
    if slips.exceeds(blue, state, terms) or unsafe_add((totals >> 44) & layout.M44, gross) > layout.M44:
        return layout.EXCEEDS
    if reason == 1 and gross != (state >> 110) & layout.M48:
        return layout.BAD_TERMS
    if terms >> 176 != state >> 232:
        return layout.STALE_VERSION
    return layout.OK


@view
@internal
def check_agreed(blue: uint256, state: uint256, amounts: uint256, reason: uint256) -> uint256:
    # A slip that stands must be this red; without one the seller reddens alone what nobody has used.
    slip: uint256 = storage.word(blue << 8 | layout.SLIP)
    status: uint256 = slips.status(slip)
    if status == layout.SELLER_OPENED or status == layout.OTHER_OPENED:
        return layout.SLIP_OPEN
    if status == layout.SLIP_CONFIRMED:
        if (slip >> 72) & layout.M96 != amounts or (slip >> 4) & 15 != reason:
            return layout.SLIP_NEEDED
        if (slip >> 40) & layout.M32 != slips.other_side(blue, state):
            return layout.SLIP_NEEDED
    elif claims.check_free(blue, state) != layout.OK or claims.is_booked(state) or state & layout.USE_MASK != 0:
        return layout.SLIP_NEEDED
    return layout.OK


@internal
def write(what: uint256, terms: uint256, old: uint256, digest: bytes32) -> (uint256, uint256):
    # State words of the red and of its blue, whose old one of the next version is given.
    gross: uint256 = terms & layout.M48
    tax: uint256 = (terms >> 48) & layout.M48
    blue: uint256 = (terms >> 96) & layout.M80
    month: uint256 = (what >> 148) & layout.M12
    key: uint256 = ((((what >> 216) & layout.M32) << 12) | month) << 8 | layout.TOTALS
    totals: uint256 = unsafe_add(storage.word(key), unsafe_add((gross << 44) | (tax << 132), 1 << 220))
    if month == (old >> 206) & layout.M12:
        totals = unsafe_sub(totals, gross << 176)  # the quota of that month is given back
    storage.slots[key] = totals
    key = blue << 8 | layout.SLIP
    slip: uint256 = storage.word(key)
    if slip & 15 == layout.SLIP_CONFIRMED:
        storage.slots[key] = slip ^ (layout.SLIP_CONFIRMED ^ layout.USED)
    state: uint256 = unsafe_add(deductions.undo(blue, old), gross << 158)  # credited
    if state & layout.SPECIAL != 0:
        key = blue << 8 | layout.DEDUCTION
        storage.slots[key] = unsafe_sub(storage.word(key), tax)  # tax left

    colour: uint256 = layout.COLOUR_PARTLY
    if (state >> 158) & layout.M48 == (state >> 110) & layout.M48:
        colour = layout.COLOUR_FULL
    state = ((state >> 2) << 2) | colour
    kinds: uint256 = 0
    if state & layout.CLAIM_MASK == layout.CLAIM_LOCKED:
        if colour == layout.COLOUR_FULL:
            state |= layout.CLAIM_CANCELLED
        else:
            state |= layout.REDDENED_SINCE
    elif state & layout.CLAIM_MASK == layout.CLAIM_SETTLED:
        kinds = layout.REDDENED_SETTLED
    if state & layout.USE_MASK != 0:
        kinds |= layout.REDDENED_DEDUCTED
    if kinds != 0:
        exceptions.write(blue, kinds, claims.company(state), digest)

    # the red: of its blue's parties, held by the seller
    red: uint256 = (
        layout.COLOUR_NORMAL
        | layout.RED
        | (state & layout.PARTIES_MASK)
        | (((what >> 216) & layout.M32) << 78)
        | (gross << 110)
        | (month << 206)
        | layout.VERSION_ONE
    )
    storage.slots[(what & layout.M80) << 8 | layout.STATE] = red
    return red, state
