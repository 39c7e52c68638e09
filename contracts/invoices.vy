# pragma version 0.4.3
"""
@title Invoices
@notice Checks (pass 1) and writes (pass 2) of every operation on an invoice.
"""

import layout
import storage
import claims

uses: storage
uses: claims

event PartyNamed:
    party: indexed(uint256)
    identity: bytes32


@view
@internal
def check_seller(seller: uint256, word: uint256, actor: uint256, month: uint256) -> uint256:
    # What holds for every issue of one seller and month; `word` is the seller's party word.
    if (word >> 160) & 15 != layout.ENTERPRISE:
        return layout.NOT_PERMITTED
    if not storage.may(seller, actor, layout.MAY_ISSUE):
        return layout.NOT_PERMITTED
    if (word >> 164) & 1 != 0:
        return layout.IS_SUSPENDED
    hours: uint256 = storage.word(month << 8 | layout.MONTH)
    # a month never opened has no hours, so it is long closed
    if block.timestamp < hours & layout.M64 or block.timestamp >= (hours >> 64) + layout.MONTH_GRACE:
        return layout.MONTH_NOT_OPEN
    filed: uint256 = (word >> 166) & layout.M12
    if month <= filed:
        return layout.MONTH_FILED
    if month > filed + 2 and storage.word(((seller << 12) | month) << 8 | layout.LIFT) == 0:
        return layout.MONTHS_UNFILED
    return layout.OK


@view
@internal
def check_issue(what: uint256, terms: uint256, who: bytes32, room: uint256) -> uint256:
    # A new invoice by itself: number free and the seller's, terms within the quota left, buyer and first holder exist.
    gross: uint256 = terms & layout.M48
    mode: uint256 = (what >> 130) & 2**18 - 1
    if what & layout.RESERVED != 0:
        return layout.UNKNOWN_OPERATION
    if storage.word((what & layout.M80) // layout.BLOCK_SIZE << 8 | layout.SEGMENT) != (what >> 216) & layout.M32:
        return layout.NOT_IN_SEGMENT
    if storage.word((what & layout.M80) << 8 | layout.STATE) != 0:
        return layout.NUMBER_TAKEN
    if (what >> 192) & layout.M24 != 0:
        return layout.STALE_VERSION
    if terms >> 48 >= gross or (what >> 129) & 1 != 0 or mode > 2:
        return layout.BAD_TERMS
    if gross > room:
        return layout.QUOTA_EXCEEDED
    if who == empty(bytes32):
        if mode == 1:
            return layout.BAD_TERMS
    else:
        named: uint256 = storage.party_of(who)
        if named != 0 and named >> 32 != layout.ENTERPRISE:
            return layout.UNKNOWN_PARTY
    if mode == 2 and storage.kind((what >> 160) & layout.M32) != layout.PERSON:
        return layout.UNKNOWN_PARTY
    return layout.OK


@view
@internal
def check(what: uint256, terms: uint256, actor: uint256, actor_word: uint256) -> uint256:
    # Operations on an invoice that exists.
    code: uint256 = what >> 248
    number: uint256 = what & layout.M80
    state: uint256 = storage.word(number << 8 | layout.STATE)
    if state == 0:
        return layout.UNKNOWN_INVOICE
    reason: uint256 = layout.OK
    if code == layout.UNLOCK or code == layout.SETTLE:
        reason = self.check_release(what, terms, actor, actor_word, state)
    elif (state >> 78) & layout.M32 != (what >> 216) & layout.M32:
        return layout.NOT_HOLDER
    elif code == layout.TRANSFER:
        reason = self.check_transfer(what, actor, state)
    elif code == layout.LOCK:
        reason = self.check_lock(what, terms, actor, state)
    else:
        reason = self.check_booking(what, actor, state)
    # the version comes last, so that a second claim is refused as locked, not as out of date
    if reason == layout.OK and state >> 232 != (what >> 192) & layout.M24:
        return layout.STALE_VERSION
    return reason


@view
@internal
def check_movable(number: uint256, state: uint256) -> uint256:
    # Not claimed, not fully red, no red, not flagged, not booked.
    reason: uint256 = claims.check_free(number, state)
    if reason != layout.OK:
        return reason
    if state & layout.COLOUR_MASK == layout.COLOUR_FULL:
        return layout.IS_REDDENED
    if state & (layout.RISK | layout.RED) != 0:
        if state & layout.RED != 0:
            return layout.IS_RED
        return layout.IS_FLAGGED
    if claims.is_booked(state):
        return layout.ALREADY_SO  # one booking an invoice: in nobody else's books, and not paid out a second time
    return layout.OK


@view
@internal
def check_transfer(what: uint256, actor: uint256, state: uint256) -> uint256:
    holder: uint256 = (state >> 78) & layout.M32
    if not storage.may(holder, actor, layout.MAY_ISSUE | layout.MAY_FINANCE):
        return layout.NOT_PERMITTED
    reason: uint256 = self.check_movable(what & layout.M80, state)
    if reason != layout.OK:
        return reason
    party: uint256 = (what >> 160) & layout.M32
    kind: uint256 = storage.kind(party)
    if kind != layout.ENTERPRISE and kind != layout.PERSON:
        return layout.UNKNOWN_PARTY
    if party == holder:
        return layout.ALREADY_SO
    return layout.OK


@view
@internal
def check_lock(what: uint256, terms: uint256, actor: uint256, state: uint256) -> uint256:
    holder: uint256 = (state >> 78) & layout.M32
    seller: uint256 = (state >> 14) & layout.M32
    buyer: uint256 = (state >> 46) & layout.M32
    employer: uint256 = (what >> 160) & layout.M32
    if storage.kind(employer) != layout.ENTERPRISE:
        return layout.UNKNOWN_PARTY
    if holder != actor and holder != employer:
        return layout.NOT_PERMITTED
    if not storage.may(employer, actor, layout.MAY_CLAIM):
        return layout.NOT_PERMITTED
    reason: uint256 = self.check_movable(what & layout.M80, state)
    if reason != layout.OK:
        return reason
    if holder == seller or employer == seller:
        return layout.OWN_INVOICE
    if buyer != 0 and buyer != employer:
        return layout.WRONG_BUYER
    if terms == 0 or terms >> 128 != 0:
        return layout.BAD_TERMS
    return layout.OK


@view
@internal
def check_release(what: uint256, terms: uint256, actor: uint256, actor_word: uint256, state: uint256) -> uint256:
    # unlock, settle: what ends a claim
    number: uint256 = what & layout.M80
    subject: uint256 = (what >> 216) & layout.M32
    claim: uint256 = storage.word(number << 8 | layout.CLAIM)
    claimant: uint256 = claim & layout.M32
    employer: uint256 = (claim >> 32) & layout.M32
    if state & layout.CLAIM_MASK == layout.CLAIM_SETTLED:
        return layout.IS_SETTLED
    if state & layout.COLOUR_MASK == layout.COLOUR_FULL:
        return layout.IS_REDDENED  # which cancelled the claim
    if claims.check_free(number, state) != layout.IS_LOCKED or claim >> 128 != terms:
        return layout.NOT_LOCKED
    if what >> 248 == layout.UNLOCK and actor == claimant:
        if subject != actor and subject != employer:
            return layout.NOT_PERMITTED
        return layout.OK
    if subject != employer or not storage.may(employer, actor, layout.MAY_FINANCE):
        return layout.NOT_PERMITTED
    if what >> 248 == layout.UNLOCK:
        return layout.OK
    if (actor_word >> 160) & 15 != layout.PERSON:
        return layout.NOT_PERMITTED
    if actor == claimant:
        return layout.OWN_CLAIM
    if (state >> 218) & 1 != 0:  # since it was locked
        return layout.IS_REDDENED
    if state & layout.RISK != 0:
        return layout.IS_FLAGGED
    return layout.OK


@view
@internal
def check_booking(what: uint256, actor: uint256, state: uint256) -> uint256:
    # book, withdraw booking
    holder: uint256 = (state >> 78) & layout.M32
    booked: bool = claims.is_booked(state)
    if storage.kind(holder) != layout.ENTERPRISE or not storage.may(holder, actor, layout.MAY_FINANCE):
        return layout.NOT_PERMITTED
    if holder == (state >> 14) & layout.M32:
        return layout.OWN_INVOICE
    if state & layout.COLOUR_MASK == layout.COLOUR_FULL:
        return layout.IS_REDDENED
    if what >> 248 == layout.WITHDRAW:
        if not booked:
            return layout.NOT_BOOKED
        return layout.OK
    if booked:
        return layout.ALREADY_SO
    label: uint256 = (what >> 128) & 2**20 - 1
    if label != 1 and label != 2:
        return layout.BAD_TERMS
    return layout.OK


@internal
def write(what: uint256, terms: uint256, actor: uint256, old: uint256) -> uint256:
    # New state word of an invoice that exists, from its old one of the next version; claim word at lock.
    code: uint256 = what >> 248
    state: uint256 = old
    if code == layout.TRANSFER or code == layout.SETTLE:
        holder: uint256 = (what >> 160) & layout.M32
        claim: uint256 = 0  # a lapsed lock ends with the holder's next step
        if code == layout.SETTLE:
            holder = (what >> 216) & layout.M32
            claim = layout.CLAIM_SETTLED
        state = (state & ~(layout.HOLDER_MASK | layout.CLAIM_MASK)) | claim | (holder << 78)
    elif code == layout.LOCK:
        state = (state & ~(layout.CLAIM_MASK | layout.REDDENED_SINCE)) | layout.CLAIM_LOCKED
        storage.slots[(what & layout.M80) << 8 | layout.CLAIM] = (
            actor | (((what >> 160) & layout.M32) << 32) | (block.timestamp << 64) | (terms << 128)
        )
    elif code == layout.UNLOCK:
        state ^= layout.CLAIM_LOCKED
    elif code == layout.BOOK:
        state = (state & ~layout.ENTRY_MASK) | (((what >> 128) & 3) << 4)
    else:
        state |= layout.ENTRY_WITHDRAWN
    return state


@internal
def write_issue(what: uint256, terms: uint256, who: bytes32) -> uint256:
    # State word of a new invoice; its tax word when it is special.
    seller: uint256 = (what >> 216) & layout.M32
    buyer: uint256 = self.buyer_of(who)
    mode: uint256 = (what >> 130) & 3
    holder: uint256 = (what >> 160) & layout.M32
    if mode == 0:
        holder = seller
    elif mode == 1:
        holder = buyer
    state: uint256 = (
        layout.COLOUR_NORMAL
        | (((what >> 128) & 1) << 9)
        | (seller << 14)
        | (buyer << 46)
        | (holder << 78)
        | ((terms & layout.M48) << 110)
        | (((what >> 148) & layout.M12) << 206)
        | layout.VERSION_ONE
    )
    storage.slots[(what & layout.M80) << 8 | layout.STATE] = state
    if state & layout.SPECIAL != 0:
        storage.slots[(what & layout.M80) << 8 | layout.DEDUCTION] = (terms >> 48) | layout.WRITTEN
    return state


@internal
def buyer_of(who: bytes32) -> uint256:
    # Party of the buyer named, made now if it was never named before; 0 for a person.
    if who == empty(bytes32):
        return 0
    buyer: uint256 = storage.party_of(who) & layout.M32
    if buyer == 0:
        buyer = storage.make_party(who, layout.ENTERPRISE)
        storage.slots[buyer << 8 | layout.PARTY] = layout.ENTERPRISE << 160
        log PartyNamed(party=buyer, identity=who)
    return buyer
