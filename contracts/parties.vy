# pragma version 0.4.3
"""
@title Parties and months
@notice Checks (pass 1) and writes (pass 2) of every operation that changes a party, a month or the contract itself.
"""

import layout
import storage
import filing

uses: storage
uses: filing

event PartyChanged:
    party: indexed(uint256)
    digest: indexed(bytes32)
    what: uint256
    word: uint256

event MonthOpened:
    month: indexed(uint256)
    digest: indexed(bytes32)
    hours: uint256

event Retired:
    successor: address
    digest: bytes32

successor: uint256  # address | WRITTEN, which stands from the beginning: a proof of absence would end at another word


@view
@internal
def check(what: uint256, terms: uint256, who: bytes32, actor: uint256, actor_kind: uint256) -> uint256:
    # Operations on parties, months and the contract itself.
    code: uint256 = what >> 248
    number: uint256 = what & layout.M80
    subject: uint256 = (what >> 216) & layout.M32
    if code == layout.ENROL or code == layout.APPOINT:
        if subject != actor:
            return layout.NOT_PERMITTED
        return self.check_made(what, terms, who, actor_kind)
    if code == layout.OPEN_MONTH:
        if subject != actor or actor_kind != layout.CALENDAR and actor_kind != layout.AUTHORITY:
            return layout.NOT_PERMITTED
        if number == 0 or (what >> 148) & layout.M12 != number or terms >> 128 != 0:
            return layout.BAD_TERMS
        if terms >> 64 <= terms & layout.M64:
            return layout.BAD_TERMS
        if storage.word(number << 8 | layout.MONTH) != 0:
            return layout.ALREADY_SO
        return layout.OK
    if code == layout.RETIRE:
        if subject != actor or actor_kind != layout.AUTHORITY:
            return layout.NOT_PERMITTED
        if terms == 0 or terms >> 160 != 0 or number != 0:
            return layout.BAD_TERMS
        return layout.OK

    # what is left changes one party: which, its word, and who may
    party: uint256 = self.changed_party(what)
    word: uint256 = storage.word(party << 8 | layout.PARTY)
    if word == 0:
        return layout.UNKNOWN_PARTY
    reason: uint256 = layout.OK
    if code >= layout.CONFIRM_MONTH and code <= layout.REFILE:
        if not storage.may(subject, actor, layout.MAY_FINANCE):
            return layout.NOT_PERMITTED
        reason = filing.check(what, terms, who, party, word)
    elif subject != actor:
        return layout.NOT_PERMITTED
    elif code == layout.REVOKE_CERTIFICATE:
        reason = self.check_revocation(terms, who, actor_kind, (word >> 160) & 15)
    elif code < layout.ROTATE:
        reason = self.check_by_officer(what, terms, actor_kind, word)
    elif party != actor:
        return layout.NOT_PERMITTED
    elif code == layout.SET_ANCHOR:
        if not storage.is_officer(actor_kind):
            return layout.NOT_PERMITTED
        if who == empty(bytes32):
            return layout.BAD_TERMS
    else:
        reason = self.check_own(what, terms, word)
    if reason == layout.OK and word >> 232 != (what >> 192) & layout.M24:
        return layout.STALE_VERSION
    return reason


@pure
@internal
def changed_party(what: uint256) -> uint256:
    # Which party's word an operation changes; its number unless the code says otherwise.
    code: uint256 = what >> 248
    if code == layout.ALLOT:
        return (what >> 160) & layout.M32
    if code == layout.GRANT_BITS or code == layout.REVOKE_BITS:
        return (what >> 216) & layout.M32
    if code >= layout.CONFIRM_MONTH and code <= layout.REFILE:
        return (what >> 216) & layout.M32
    return what & layout.M80


@pure
@internal
def lift_key(what: uint256) -> uint256:
    # of the enterprise, the number of the operation, and the month it may issue in
    return (((what & layout.M80) << 12) | ((what >> 148) & layout.M12)) << 8 | layout.LIFT


@view
@internal
def check_own(what: uint256, terms: uint256, word: uint256) -> uint256:
    # rotate own key, grant, revoke: by the party whose word this is
    code: uint256 = what >> 248
    if code == layout.ROTATE:
        if terms == 0 or terms >> 160 != 0:
            return layout.BAD_TERMS
        return layout.OK
    person: uint256 = (what >> 160) & layout.M32
    bits: uint256 = (what >> 128) & 2**20 - 1
    if (word >> 160) & 15 != layout.ENTERPRISE:
        return layout.NOT_PERMITTED
    if bits == 0 or bits > 7 or what & layout.M80 != person:
        return layout.BAD_TERMS
    if storage.kind(person) != layout.PERSON:
        return layout.UNKNOWN_PARTY
    had: uint256 = storage.word((((what >> 216) & layout.M32) << 32 | person) << 8 | layout.GRANT)
    if code == layout.GRANT_BITS:
        if had | bits == had:
            return layout.ALREADY_SO
    elif had & bits == 0:
        return layout.ALREADY_SO
    return layout.OK


@view
@internal
def check_by_officer(what: uint256, terms: uint256, actor_kind: uint256, word: uint256) -> uint256:
    # dismiss, recover: by the authority; suspend, reinstate, allot, set quota, lift block: by any officer
    code: uint256 = what >> 248
    kind: uint256 = (word >> 160) & 15
    if actor_kind != layout.AUTHORITY:
        if actor_kind != layout.OFFICER or code == layout.DISMISS or code == layout.RECOVER:
            return layout.NOT_PERMITTED
    if word << 96 == 0:
        return layout.UNKNOWN_PARTY  # named, not enrolled: no signer
    if code == layout.RECOVER:
        if terms == 0 or terms >> 160 != 0:
            return layout.BAD_TERMS
    elif code == layout.DISMISS:
        if kind != layout.OFFICER and kind != layout.CALENDAR:
            return layout.UNKNOWN_PARTY
        if (word >> 164) & 1 != 0:
            return layout.ALREADY_SO
    elif code == layout.SUSPEND or code == layout.REINSTATE:
        if kind != layout.ENTERPRISE and kind != layout.PERSON:
            return layout.UNKNOWN_PARTY
        if ((word >> 164) & 1 != 0) == (code == layout.SUSPEND):
            return layout.ALREADY_SO
    else:
        if kind != layout.ENTERPRISE:
            return layout.UNKNOWN_PARTY
        if code == layout.ALLOT:
            return self.check_segment(what)
        if code == layout.LIFT_BLOCK:
            if storage.word(self.lift_key(what)) != 0:
                return layout.ALREADY_SO
            return layout.OK
        if terms > layout.M44:
            return layout.BAD_TERMS
        if terms == (word >> 178) & layout.M44:
            return layout.ALREADY_SO
    return layout.OK


@view
@internal
def check_made(what: uint256, terms: uint256, who: bytes32, actor_kind: uint256) -> uint256:
    # enrol, appoint officer
    kind: uint256 = (what >> 128) & 2**20 - 1
    old: uint256 = storage.party_of(who)
    version: uint256 = 0
    if who == empty(bytes32) or what & layout.M80 != convert(who, uint256) >> 176 or terms & layout.M160 == 0:
        return layout.BAD_TERMS
    if old != 0:
        if old >> 32 != kind:
            return layout.UNKNOWN_PARTY
        word: uint256 = storage.word((old & layout.M32) << 8 | layout.PARTY)
        version = word >> 232
        if what >> 248 == layout.ENROL:
            if word & layout.M160 != 0:
                return layout.ALREADY_SO
        elif (word >> 164) & 1 == 0:
            return layout.ALREADY_SO
    if what >> 248 == layout.ENROL:
        if actor_kind != layout.OFFICER and actor_kind != layout.AUTHORITY:
            return layout.NOT_PERMITTED
        if kind != layout.ENTERPRISE and kind != layout.PERSON or terms >> 204 != 0:
            return layout.BAD_TERMS
        if kind == layout.ENTERPRISE and (what >> 148) & layout.M12 == 0:
            return layout.BAD_TERMS
    else:
        if actor_kind != layout.AUTHORITY:
            return layout.NOT_PERMITTED
        if kind != layout.OFFICER and kind != layout.CALENDAR or terms >> 160 != 0:
            return layout.BAD_TERMS
    if version != (what >> 192) & layout.M24:
        return layout.STALE_VERSION
    return layout.OK


@view
@internal
def check_segment(what: uint256) -> uint256:
    number: uint256 = what & layout.M80
    blocks: uint256 = (what >> 128) & 2**20 - 1
    if number % layout.BLOCK_SIZE != 0 or blocks == 0 or blocks > layout.BLOCKS_MAX:
        return layout.BAD_TERMS
    if number < layout.SPACE_FIRST or number + blocks * layout.BLOCK_SIZE - 1 > layout.SPACE_LAST:
        return layout.BAD_TERMS
    for i: uint256 in range(blocks, bound=layout.BLOCKS_MAX):
        if storage.word((number // layout.BLOCK_SIZE + i) << 8 | layout.SEGMENT) != 0:
            return layout.ALREADY_SO
    return layout.OK


@view
@internal
def check_revocation(terms: uint256, who: bytes32, actor_kind: uint256, kind: uint256) -> uint256:
    # revoke certificate: of an enterprise or person by any officer, else by the authority
    if not storage.is_officer(actor_kind):
        return layout.NOT_PERMITTED
    if actor_kind != layout.AUTHORITY and kind != layout.ENTERPRISE and kind != layout.PERSON:
        return layout.NOT_PERMITTED
    if terms > 10 or who == empty(bytes32):
        return layout.BAD_TERMS
    if storage.word(storage.hash_key(who) | layout.REVOKED) & layout.M40 != 0:
        return layout.ALREADY_SO
    return layout.OK


@internal
def write(what: uint256, terms: uint256, who: bytes32, ref: bytes32, digest: bytes32):
    code: uint256 = what >> 248
    if code == layout.OPEN_MONTH:
        month: uint256 = what & layout.M80
        storage.slots[month << 8 | layout.MONTH] = terms
        log MonthOpened(month=month, digest=digest, hours=terms)
    elif code == layout.RETIRE:
        self.successor = terms | layout.WRITTEN
        log Retired(successor=convert(convert(terms, uint160), address), digest=digest)
    else:
        party: uint256 = 0
        word: uint256 = 0
        if code == layout.ENROL or code == layout.APPOINT:
            party, word = self.write_made(what, terms, who, ref)
        else:
            party = self.changed_party(what)
            word = self.write_changed(what, terms, who, ref, party)
        word = unsafe_add(word, layout.VERSION_ONE)
        storage.slots[party << 8 | layout.PARTY] = word
        log PartyChanged(party=party, digest=digest, what=what, word=word)


@internal
def certify(key: uint256, certificate: bytes32):
    # Of a certificate once named a word says whether it is revoked. A proof of that word's absence would end at another's.
    storage.slots[key] = convert(certificate, uint256)
    revocation: uint256 = storage.hash_key(certificate) | layout.REVOKED
    if storage.word(revocation) == 0:
        storage.slots[revocation] = layout.WRITTEN


@internal
def write_made(what: uint256, terms: uint256, who: bytes32, ref: bytes32) -> (uint256, uint256):
    # (party, its word before the version is raised) of an enrolled or appointed party; a party named before keeps its id
    kind: uint256 = (what >> 128) & 15
    party: uint256 = storage.party_of(who) & layout.M32
    word: uint256 = 0
    if party == 0:
        party = storage.make_party(who, kind)
    else:
        word = storage.word(party << 8 | layout.PARTY) & (layout.M24 << 232)
    word = word | (terms & layout.M160) | (kind << 160) | ((terms >> 160) << 178)
    if kind == layout.ENTERPRISE:
        word |= (((what >> 148) & layout.M12) - 1) << 166  # nothing to file before its first month
    self.certify(party << 8 | layout.CERTIFICATE, ref)
    return party, word


@internal
def write_changed(what: uint256, terms: uint256, who: bytes32, ref: bytes32, party: uint256) -> uint256:
    # the party's word before the version is raised
    code: uint256 = what >> 248
    number: uint256 = what & layout.M80
    word: uint256 = storage.word(party << 8 | layout.PARTY)
    if code == layout.SUSPEND or code == layout.REINSTATE or code == layout.DISMISS:
        word ^= layout.SUSPENDED
    elif code == layout.SET_QUOTA:
        word ^= (terms ^ ((word >> 178) & layout.M44)) << 178
    elif code == layout.ALLOT:
        blocks: uint256 = (what >> 128) & 2**20 - 1
        for i: uint256 in range(blocks, bound=layout.BLOCKS_MAX):
            storage.slots[(number // layout.BLOCK_SIZE + i) << 8 | layout.SEGMENT] = party
    elif code == layout.RECOVER:
        word |= layout.RECOVERING
        storage.slots[party << 8 | layout.RECOVERY] = terms | ((block.timestamp + layout.RECOVERY_DELAY) << 160)
        self.certify(party << 8 | layout.RECOVERY_CERTIFICATE, ref)
    elif code == layout.ROTATE:
        word = (word & ~(layout.M160 | layout.RECOVERING)) | terms  # so the old key cancels a recovery
        self.certify(party << 8 | layout.CERTIFICATE, ref)
    elif code >= layout.CONFIRM_MONTH and code <= layout.REFILE:
        word = filing.write(what, ref, word)
    elif code == layout.LIFT_BLOCK:
        storage.slots[self.lift_key(what)] = 1
    elif code == layout.SET_ANCHOR:
        storage.slots[party << 8 | layout.ANCHOR] = convert(who, uint256)
    elif code == layout.REVOKE_CERTIFICATE:
        storage.slots[storage.hash_key(who) | layout.REVOKED] = (
            block.timestamp | (terms << 40) | (party << 48)
        )
    else:  # grant, revoke
        key: uint256 = ((party << 32) | number) << 8 | layout.GRANT
        bits: uint256 = (what >> 128) & 7
        if code == layout.GRANT_BITS:
            storage.slots[key] = storage.word(key) | bits | layout.GRANTED
        else:
            storage.slots[key] = storage.word(key) & ~bits
    return word


@view
@internal
def current(party: uint256) -> (uint256, bool):
    # A party's word with the recovery that is due in effect, and whether there was one: from then on the old key is dead.
    word: uint256 = storage.word(party << 8 | layout.PARTY)
    if (word >> 165) & 1 != 0:
        due: uint256 = storage.word(party << 8 | layout.RECOVERY)
        if block.timestamp >= due >> 160:
            return (word & ~(layout.M160 | layout.RECOVERING)) | (due & layout.M160), True
    return word, False


@internal
def write_recovery(party: uint256, word: uint256):
    # With the first group applied under the new key; a refused one changes nothing.
    storage.slots[party << 8 | layout.PARTY] = word
    storage.slots[party << 8 | layout.CERTIFICATE] = storage.word(party << 8 | layout.RECOVERY_CERTIFICATE)
