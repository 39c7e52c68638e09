# pragma version 0.4.3
# pragma evm-version london
# pragma optimize gas
"""
@title Invoice ledger
@notice Every rule of the e-invoice ledger. Groups of operations arrive signed by the parties themselves; who
        sends the transaction does not matter. A group that breaks a rule is recorded as refused, never reverted.
@dev docs/OPERATIONS.md is the table of words, tables, codes, events and reasons these modules implement.
"""

import layout
import storage
import claims
import exceptions
import deductions
import filing
import parties
import invoices
import slips
import reds
import outside
import supervision

initializes: storage
initializes: claims[storage := storage]
initializes: exceptions[storage := storage]
initializes: deductions[storage := storage]
initializes: filing[storage := storage, deductions := deductions]
initializes: parties[storage := storage, filing := filing]
initializes: invoices[storage := storage, claims := claims]
initializes: slips[storage := storage, claims := claims]
initializes: reds[
    storage := storage, claims := claims, slips := slips, deductions := deductions, exceptions := exceptions
]
initializes: outside[storage := storage, claims := claims, exceptions := exceptions]
initializes: supervision[claims := claims, deductions := deductions, exceptions := exceptions]

struct Head:
    packed: uint256  # actor << 224 | valid until << 160 | operation count << 8 | v
    r: uint256
    s: uint256

event Recorded:
    number: indexed(uint256)
    digest: indexed(bytes32)
    what: uint256
    state: uint256
    head: bytes32

event Refused:
    number: indexed(uint256)
    actor: indexed(uint256)
    reason: uint256
    digest: bytes32

event Malformed:
    digest: indexed(bytes32)

HEADS_MAX: constant(uint256) = 512
OPS_MAX: constant(uint256) = 512
GROUP_MAX: constant(uint256) = 256
# sets of codes, one bit each
ALONE: constant(uint256) = (  # in their group
    1 << layout.ISSUE_RED | 1 << layout.CONFIRM_MONTH | 1 << layout.FILE | 1 << layout.REFILE
)
HELD: constant(uint256) = 1 << layout.TRANSFER | 31 << layout.LOCK  # lock to withdraw booking: what is done daily
OF_PARTIES: constant(uint256) = (  # on parties, months and the contract itself
    63 << layout.ENROL | 255 << layout.APPOINT | 15 << layout.CONFIRM_MONTH | 1 << layout.REVOKE_CERTIFICATE
)
LIFETIME_MAX: constant(uint256) = 86400  # a signature is valid for a day of block time at most
HALF_ORDER: constant(uint256) = (
    57896044618658097711785492504343953926418782139537452191302581570759080747168  # of secp256k1, for low s
)
DOMAIN_TYPEHASH: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
OPERATION_TYPEHASH: constant(bytes32) = keccak256("Operation(uint256 what,uint256 terms,bytes32 who,bytes32 ref)")
GROUP_TYPEHASH: constant(bytes32) = keccak256(
    "Group(uint32 actor,uint64 validUntil,Operation[] operations)Operation(uint256 what,uint256 terms,bytes32 who,bytes32 ref)"
)
SEPARATOR: immutable(bytes32)


@deploy
def __init__(authority: address, predecessor: address):
    """
    @param authority Signer of party 1. A successor ignores it and carries its predecessor's parties on.
    @param predecessor The contract this one succeeds, or empty. No group counts before it retires in favour of this one.
    """
    SEPARATOR = keccak256(abi_encode(DOMAIN_TYPEHASH, keccak256("E-Invoice Ledger"), keccak256("1"), chain.id, self))
    storage.__init__(predecessor)
    parties.successor = layout.WRITTEN
    if predecessor == empty(address):
        storage.slots[layout.PARTY_COUNT] = 1
        storage.slots[1 << 8 | layout.PARTY] = convert(authority, uint256) | (layout.AUTHORITY << 160)


@view
@external
def words(key: uint256) -> uint256:
    """
    @param key Key of a word: what it is of << 8 | table.
    @return The word, the predecessor's if this contract never wrote it.
    """
    return storage.word(key)


@view
@external
def successor() -> address:
    """
    @return The contract that succeeds this one; empty while this one is open.
    """
    return convert(convert(parties.successor & layout.M160, uint160), address)


@external
def apply(heads: DynArray[Head, HEADS_MAX], ops: DynArray[layout.Op, OPS_MAX]):
    """
    @notice Applies signed groups in order. Each is checked whole (pass 1), then written whole (pass 2) or refused.
    @dev Reverts only for what the sender did wrong: counts that do not fit the arrays, too little gas.
    @param heads One a group: packed actor, valid until, operation count and v; then r and s.
    @param ops The groups' operations, one after the other.
    """
    assert storage.may_act()
    hashes: bytes32[GROUP_MAX] = empty(bytes32[GROUP_MAX])
    start: uint256 = 0
    for head: Head in heads:
        actor: uint256 = head.packed >> 224
        actor_word: uint256 = 0
        recovered: bool = False  # its key, by a recovery that is due and not yet written
        actor_word, recovered = parties.current(actor)
        count: uint256 = (head.packed >> 8) & layout.M64
        assert count != 0  # and at most GROUP_MAX, or the loop reverts
        reason: uint256 = self._check_actor(actor_word)
        number: uint256 = 0  # of the operation checked last: the refused one once there is a reason
        seller: uint256 = 0  # what the group's issues share, once there was one
        month: uint256 = 0
        totals: uint256 = 0
        room: uint256 = 0  # quota left
        for i: uint256 in range(count, bound=GROUP_MAX):
            op: layout.Op = ops[unsafe_add(start, i)]
            hashes[i] = keccak256(abi_encode(OPERATION_TYPEHASH, op.what, op.terms, op.who, op.ref))
            if reason != layout.OK and i != 0:
                continue
            if i != 0 and op.what & layout.M80 <= number:
                reason = layout.OUT_OF_ORDER
            number = op.what & layout.M80
            code: uint256 = op.what >> 248
            if reason != layout.OK:
                pass
            elif code == layout.ISSUE:
                if i != 0 and seller == 0:
                    reason = layout.MIXED_GROUP  # after a filing it would change the month just filed
                elif seller == 0:
                    seller = (op.what >> 216) & layout.M32
                    month = (op.what >> 148) & layout.M12
                    reason, totals, room = self._seller_month(seller, month, actor, actor_word)
                elif (op.what >> 216) & layout.M32 != seller or (op.what >> 148) & layout.M12 != month:
                    reason = layout.MIXED_GROUP
                if reason == layout.OK:
                    reason = invoices.check_issue(op.what, op.terms, op.who, room)
                    room = unsafe_sub(room, op.terms & layout.M48)
            elif (HELD >> code) & 1 != 0 and op.what & layout.RESERVED == 0:
                reason = invoices.check(op.what, op.terms, actor, actor_word)
            elif count != 1 and (ALONE >> code) & 1 != 0:
                reason = layout.MIXED_GROUP
            else:
                reason = self._check(op.what, op.terms, op.who, actor, (actor_word >> 160) & 15)
                if reason == layout.OK and code == layout.ALLOT:
                    # the next number lies behind the whole segment, so that no block is allotted twice
                    number = unsafe_add(number, ((op.what >> 128) & layout.M20) * layout.BLOCK_SIZE - 1)

        listed: bytes32 = keccak256(hashes[0])
        if count != 1:
            listed = keccak256(slice(abi_encode(hashes), 0, unsafe_mul(32, count)))
        digest: bytes32 = self._digest(head.packed, listed)
        signer: uint256 = self._signer(head.packed, head.r, head.s, digest, actor_word)
        if signer == 0:
            log Malformed(digest=digest)
        elif reason != layout.OK:
            storage.slots[storage.hash_key(digest) | layout.SPENT] = 2
            log Refused(number=number, actor=actor, reason=reason, digest=digest)
        else:
            storage.slots[storage.hash_key(digest) | layout.SPENT] = 1
            if recovered:
                parties.write_recovery(actor, actor_word)
            for i: uint256 in range(count, bound=GROUP_MAX):
                op: layout.Op = ops[unsafe_add(start, i)]
                self._write(op.what, op.terms, op.who, op.ref, actor, hashes[i], digest, signer)
                if op.what >> 248 == layout.ISSUE:
                    # gross to blue gross and quota used, tax to blue tax, one to the count
                    totals = unsafe_add(totals, unsafe_mul(op.terms & layout.M48, layout.TOTALS_GROSS))
                    totals = unsafe_add(totals, unsafe_add((op.terms >> 48) << 88, 1 << 220))
            if seller != 0:
                storage.slots[((seller << 12) | month) << 8 | layout.TOTALS] = totals
        start = unsafe_add(start, count)
    assert start == len(ops)


@pure
@internal
def _check_actor(word: uint256) -> uint256:
    # A suspended person or officer may do nothing; a suspended enterprise still files and hands on, it only cannot issue.
    if (word >> 164) & 1 != 0 and (word >> 160) & 15 != layout.ENTERPRISE:
        return layout.IS_SUSPENDED
    return layout.OK


@view
@internal
def _seller_month(seller: uint256, month: uint256, actor: uint256, actor_word: uint256) -> (uint256, uint256, uint256):
    # Reason, totals word and quota left, for every issue of a group; loaded once.
    word: uint256 = actor_word
    if seller != actor:
        word = storage.word(seller << 8 | layout.PARTY)
    totals: uint256 = storage.word(((seller << 12) | month) << 8 | layout.TOTALS)
    quota: uint256 = (word >> 178) & layout.M44
    used: uint256 = (totals >> 176) & layout.M44
    room: uint256 = 0
    if quota > used:
        # quota that reds gave back does not let the month's gross outgrow its bits
        room = min(unsafe_sub(quota, used), unsafe_sub(layout.M44, totals & layout.M44))
    return invoices.check_seller(seller, word, actor, month), totals, room


@view
@internal
def _check(what: uint256, terms: uint256, who: bytes32, actor: uint256, kind: uint256) -> uint256:
    # Every operation but issue and what a holder does with an invoice; `kind` is the actor's.
    code: uint256 = what >> 248
    reason: uint256 = layout.OK
    if code == layout.ISSUE_RED:
        seller: uint256 = (what >> 216) & layout.M32
        reason = invoices.check_seller(
            seller, storage.word(seller << 8 | layout.PARTY), actor, (what >> 148) & layout.M12
        )
        if reason == layout.OK:
            return reds.check(what, terms)
        return reason
    if what & layout.RESERVED != 0 or code == 0 or code > layout.REVOKE_CERTIFICATE:
        return layout.UNKNOWN_OPERATION
    if (OF_PARTIES >> code) & 1 != 0:
        return parties.check(what, terms, who, actor, kind)
    if code == layout.REGISTER:
        return outside.check(what, terms, who, actor)

    state: uint256 = storage.word((what & layout.M80) << 8 | layout.STATE)
    if state == 0:
        return layout.UNKNOWN_INVOICE
    if code < layout.VOID_SLIP:
        reason = supervision.check(what, actor, kind, state)
    elif code <= layout.WITHDRAW_SLIP:
        reason = slips.check(what, terms, actor, kind, state)
    elif code == layout.ACKNOWLEDGE:
        reason = exceptions.check_acknowledged(what, actor, kind)
    else:
        reason = deductions.check(what, terms, actor, state)
    if reason == layout.OK and state >> 232 != (what >> 192) & layout.M24:
        return layout.STALE_VERSION
    return reason


@view
@internal
def _digest(packed: uint256, listed: bytes32) -> bytes32:
    # EIP-712 digest of a group whose operation hashes, joined, hash to `listed`.
    return keccak256(
        concat(
            b"\x19\x01",
            SEPARATOR,
            keccak256(abi_encode(GROUP_TYPEHASH, packed >> 224, (packed >> 160) & layout.M64, listed)),
        )
    )


@internal
def _signer(packed: uint256, r: uint256, s: uint256, digest: bytes32, actor_word: uint256) -> uint256:
    # The actor's address if the group is signed by it, in time and new; else 0. Names nobody: anyone can send bytes.
    valid_until: uint256 = (packed >> 160) & layout.M64
    if parties.successor != layout.WRITTEN or s > HALF_ORDER:
        return 0
    if block.timestamp > valid_until or valid_until > block.timestamp + LIFETIME_MAX:
        return 0
    if storage.slots[storage.hash_key(digest) | layout.SPENT] != 0:
        return 0
    signer: uint256 = convert(ecrecover(digest, packed & 255, r, s), uint256)
    if signer != actor_word & layout.M160:
        return 0
    return signer  # 0 as well for bytes that recover to nobody, and so for a party without a signer


@internal
def _write(
    what: uint256,
    terms: uint256,
    who: bytes32,
    ref: bytes32,
    actor: uint256,
    operation_hash: bytes32,
    digest: bytes32,
    signer: uint256,
):
    number: uint256 = what & layout.M80
    code: uint256 = what >> 248
    state: uint256 = 0
    head: bytes32 = empty(bytes32)
    if code == layout.ISSUE:
        state = invoices.write_issue(what, terms, who)
    elif (OF_PARTIES >> code) & 1 != 0:
        parties.write(what, terms, who, ref, digest)
        return
    else:
        existing: uint256 = number
        if code == layout.ISSUE_RED:
            existing = (terms >> 96) & layout.M80  # its blue
        state = unsafe_add(storage.word(existing << 8 | layout.STATE), layout.VERSION_ONE)
        if state & layout.USE_MASK == layout.USE_SELECTED:
            state = deductions.present(existing, state)
        if (HELD >> code) & 1 != 0:
            state = invoices.write(what, terms, actor, state)
        elif code == layout.ISSUE_RED:
            red: uint256 = 0
            red, state = reds.write(what, terms, state, digest)
            head = keccak256(abi_encode(head, digest, operation_hash, signer, block.timestamp, red))
            storage.slots[number << 8 | layout.HEAD] = convert(head, uint256)
            log Recorded(number=number, digest=digest, what=what, state=red, head=head)
            number = existing
        elif code < layout.VOID_SLIP:
            state = supervision.write(what, state, digest)
        elif code <= layout.WITHDRAW_SLIP:
            slips.write(what, terms, state)
        elif code == layout.REGISTER:
            state = outside.write(what, terms, who, actor, state, digest)
        elif code == layout.SELECT:
            state = deductions.write_select(what, terms, state)
        elif code == layout.UNSELECT:
            state = deductions.undo(number, state)
        else:
            exceptions.write_acknowledged(what)
        storage.slots[number << 8 | layout.STATE] = state
        head = convert(storage.word(number << 8 | layout.HEAD), bytes32)
    head = keccak256(abi_encode(head, digest, operation_hash, signer, block.timestamp, state))
    storage.slots[number << 8 | layout.HEAD] = convert(head, uint256)
    log Recorded(number=number, digest=digest, what=what, state=state, head=head)
