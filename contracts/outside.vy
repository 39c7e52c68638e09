# pragma version 0.4.3
"""
@title Outside invoices
@notice Registers an invoice that was not issued here and locks it, so that no two companies pay it out.
"""

import layout
import storage
import claims
import exceptions

uses: storage
uses: claims
uses: exceptions


@view
@internal
def check(what: uint256, terms: uint256, who: bytes32, actor: uint256) -> uint256:
    number: uint256 = what & layout.M80
    option: uint256 = (what >> 128) & layout.M20
    subject: uint256 = (what >> 216) & layout.M32
    employer: uint256 = (what >> 160) & layout.M32
    if number == 0 or number > layout.SPACE_LAST:
        return layout.BAD_TERMS
    if (terms >> 48) & layout.M48 >= terms & layout.M48 or terms >> 96 == 0 or terms >> 224 != 0:
        return layout.BAD_TERMS
    if option & 7 == 0 or option & 7 > 4 or option >> 4 != 0:
        return layout.BAD_TERMS
    if number >= layout.SPACE_FIRST:
        return layout.OF_LEDGER
    if storage.kind(employer) != layout.ENTERPRISE:
        return layout.UNKNOWN_PARTY
    grant: uint256 = layout.MAY_CLAIM  # the claimant for itself, or the employer's finance for the employer
    if subject != actor:
        grant = layout.MAY_FINANCE
        if subject != employer:
            return layout.NOT_PERMITTED
    if not storage.may(employer, actor, grant):
        return layout.NOT_PERMITTED
    if who != empty(bytes32) and storage.party_of(who) & layout.M32 != employer:
        return layout.WRONG_BUYER

    state: uint256 = storage.word(number << 8 | layout.STATE)
    if option & 7 >= (state & layout.STRENGTH_MASK) >> 11:  # no stronger proof than what stands
        reason: uint256 = claims.check_free(number, state)
        if reason == layout.IS_SETTLED:
            return reason
        if claims.is_booked(state):
            return layout.ALREADY_SO
        if reason != layout.OK:
            return reason
    if state & layout.RISK != 0:
        return layout.IS_FLAGGED
    if state >> 232 != (what >> 192) & layout.M24:
        return layout.STALE_VERSION
    return layout.OK


@internal
def write(what: uint256, terms: uint256, who: bytes32, actor: uint256, old: uint256, digest: bytes32) -> uint256:
    # State word, from the old one of the next version.
    number: uint256 = what & layout.M80
    employer: uint256 = (what >> 160) & layout.M32
    if old & layout.CLAIM_MASK == layout.CLAIM_SETTLED or claims.is_booked(old):
        exceptions.write(number, layout.DISPUTED, (old >> 78) & layout.M32, digest)
        return old
    before: uint256 = storage.word(number << 8 | layout.CLAIM)
    if claims.check_free(number, old) != layout.OK:
        displaced: uint256 = (before >> 32) & layout.M32
        if displaced != employer or before & layout.M32 != actor:
            exceptions.write(number, layout.DISPLACED, displaced, digest)
    storage.slots[number << 8 | layout.CLAIM] = (
        actor | (employer << 32) | (block.timestamp << 64) | ((terms >> 96) << 128)
    )
    option: uint256 = (what >> 128) & layout.M20
    buyer: uint256 = 0
    if who != empty(bytes32):
        buyer = employer
    return (
        layout.COLOUR_NORMAL
        | layout.CLAIM_LOCKED
        | ((option >> 3) << 9)
        | ((option & 7) << 11)
        | (buyer << 46)
        | (((what >> 216) & layout.M32) << 78)
        | ((terms & layout.M48) << 110)
        | (((what >> 148) & layout.M12) << 206)
        | (old & (layout.M24 << 232))
    )
