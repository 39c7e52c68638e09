# pragma version 0.4.3
"""
@title Supervision of invoices
@notice Risk flags and forced unlocking, by officers alone.
"""

import layout
import storage
import claims
import deductions
import exceptions

uses: claims
uses: deductions
uses: exceptions


@view
@internal
def check(what: uint256, actor: uint256, kind: uint256, state: uint256) -> uint256:
    # set flag, clear flag, force-unlock
    code: uint256 = what >> 248
    if (what >> 216) & layout.M32 != actor or not storage.is_officer(kind):
        return layout.NOT_PERMITTED
    if code == layout.FORCE_UNLOCK:
        reason: uint256 = claims.check_free(what & layout.M80, state)
        if reason == layout.OK:
            return layout.NOT_LOCKED
        if reason == layout.IS_SETTLED:
            return reason
    elif (state & layout.RISK != 0) == (code == layout.SET_FLAG):
        return layout.ALREADY_SO
    return layout.OK


@internal
def write(what: uint256, old: uint256, digest: bytes32) -> uint256:
    # State word, from the old one of the next version.
    code: uint256 = what >> 248
    number: uint256 = what & layout.M80
    if code == layout.FORCE_UNLOCK:
        return old ^ layout.CLAIM_LOCKED
    if code == layout.CLEAR_FLAG:
        return old ^ layout.RISK
    state: uint256 = deductions.undo(number, old) | layout.RISK
    if state & layout.CLAIM_MASK == layout.CLAIM_SETTLED or state & layout.USE_MASK != 0:
        exceptions.write(number, layout.FLAGGED_USED, claims.company(state), digest)
    return state
