# pragma version 0.4.3
"""
@title Exceptions
@notice What happened to an invoice that was settled, deducted or claimed already: raised for its company and the
        officers, acknowledged by both.
"""

import layout
import storage

uses: storage

event ExceptionRaised:
    number: indexed(uint256)
    party: indexed(uint256)
    kinds: uint256
    digest: bytes32

OFFICER_KNOWS: constant(uint256) = 1 << 80
PARTY_KNOWS: constant(uint256) = 2 << 80


@internal
def write(number: uint256, kinds: uint256, party: uint256, digest: bytes32):
    # Gathers the kinds; both acknowledgements are due anew.
    key: uint256 = number << 8 | layout.EXCEPTION
    storage.slots[key] = (storage.word(key) & 255) | kinds | (party << 8) | (block.timestamp << 40)
    log ExceptionRaised(number=number, party=party, kinds=kinds, digest=digest)


@view
@internal
def check_acknowledged(what: uint256, actor: uint256, kind: uint256) -> uint256:
    subject: uint256 = (what >> 216) & layout.M32
    word: uint256 = storage.word((what & layout.M80) << 8 | layout.EXCEPTION)
    if word == 0:
        return layout.NO_EXCEPTION
    if subject == actor and storage.is_officer(kind):
        if word & OFFICER_KNOWS != 0:
            return layout.ALREADY_SO
        return layout.OK
    if subject != (word >> 8) & layout.M32 or not storage.may(subject, actor, layout.MAY_FINANCE):
        return layout.NOT_PERMITTED
    if word & PARTY_KNOWS != 0:
        return layout.ALREADY_SO
    return layout.OK


@internal
def write_acknowledged(what: uint256):
    # The company named is an enterprise, so any other subject is an officer.
    key: uint256 = (what & layout.M80) << 8 | layout.EXCEPTION
    word: uint256 = storage.word(key)
    if (what >> 216) & layout.M32 == (word >> 8) & layout.M32:
        word |= PARTY_KNOWS
    else:
        word |= OFFICER_KNOWS
    storage.slots[key] = word
