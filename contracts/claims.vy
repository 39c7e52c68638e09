# pragma version 0.4.3
"""
@title Claims
@notice Whether an invoice is claimed or in somebody's books: what every other module asks first.
"""

import layout
import storage

uses: storage


@view
@internal
def check_free(number: uint256, state: uint256) -> uint256:
    # Not claimed: never locked, unlocked, or locked so long ago that the lock lapsed.
    claim: uint256 = state & layout.CLAIM_MASK
    if claim == layout.CLAIM_LOCKED:
        since: uint256 = (storage.word(number << 8 | layout.CLAIM) >> 64) & layout.M40
        if block.timestamp < since + layout.LOCK_LIFETIME:
            return layout.IS_LOCKED
    elif claim == layout.CLAIM_SETTLED:
        return layout.IS_SETTLED
    return layout.OK


@pure
@internal
def is_booked(state: uint256) -> bool:
    entry: uint256 = state & layout.ENTRY_MASK
    return entry != 0 and entry != layout.ENTRY_WITHDRAWN


@pure
@internal
def company(state: uint256) -> uint256:
    # Whom an exception of a settled or deducted invoice concerns: the employer, its holder since; else the buyer.
    if state & layout.CLAIM_MASK == layout.CLAIM_SETTLED:
        return (state >> 78) & layout.M32
    return (state >> 46) & layout.M32
