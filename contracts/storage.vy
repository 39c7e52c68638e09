# pragma version 0.4.3
"""
@title Words of the ledger
@notice The one map everything is stored in, read through to the contract this one succeeds.
"""

import layout

interface Ledger:
    def words(key: uint256) -> uint256: view
    def successor() -> address: view

slots: HashMap[uint256, uint256]
PREDECESSOR: immutable(address)


@deploy
def __init__(predecessor: address):
    PREDECESSOR = predecessor


@view
@internal
def word(key: uint256) -> uint256:
    # A word this contract never wrote is what its predecessor held, if it has one.
    found: uint256 = self.slots[key]
    if found == 0 and PREDECESSOR != empty(address):
        found = staticcall Ledger(PREDECESSOR).words(key)
    return found


@view
@internal
def may_act() -> bool:
    # A successor acts only after its predecessor handed over to it.
    if PREDECESSOR == empty(address):
        return True
    return staticcall Ledger(PREDECESSOR).successor() == self


@view
@internal
def may(enterprise: uint256, actor: uint256, bits: uint256) -> bool:
    # The enterprise itself may do all of its own; a person only what it was granted.
    if enterprise == actor:
        return True
    return self.word(((enterprise << 32) | actor) << 8 | layout.GRANT) & bits != 0


@pure
@internal
def is_officer(kind: uint256) -> bool:
    # an officer, or the authority
    return kind == layout.OFFICER or kind == layout.AUTHORITY


@view
@internal
def kind(party: uint256) -> uint256:
    # 0 for a party that does not exist
    return (self.word(party << 8 | layout.PARTY) >> 160) & 15


@view
@internal
def party_of(identity: bytes32) -> uint256:
    # Party and kind << 32 of an identity, 0 if it was never named.
    return self.word(self.identity_key(identity))


@pure
@internal
def hash_key(digest: bytes32) -> uint256:
    # Key of a hash, its 248 highest bits, without the table.
    return (convert(digest, uint256) >> 8) << 8


@pure
@internal
def identity_key(identity: bytes32) -> uint256:
    # Hashed once more: a key drops the last byte, and nobody may name an identity that shares another's key.
    return (convert(keccak256(identity), uint256) & ~255) | layout.PARTY_OF


@internal
def make_party(identity: bytes32, kind: uint256) -> uint256:
    party: uint256 = self.word(layout.PARTY_COUNT) + 1
    self.slots[layout.PARTY_COUNT] = party
    self.slots[self.identity_key(identity)] = party | (kind << 32)
    self.slots[party << 8 | layout.IDENTITY] = convert(identity, uint256)
    return party
