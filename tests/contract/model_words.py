"""The model's storage: words by table and key, unpacked on demand, and the Merkle root they have on chain."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cache

import rlp
from trie.hexary import HexaryTrie

from tests.contract.wire import as_int
from verifier.hashing import keccak256
from verifier.words import (
    LOCK_LIFETIME_S,
    WRITTEN,
    Claim,
    ClaimWord,
    DeductedWord,
    DeductionWord,
    Entry,
    ExceptionWord,
    PartyWord,
    SlipWord,
    StateWord,
    Table,
    TotalsWord,
    Use,
    hash_key,
    storage_key,
    storage_slot,
)

SUCCESSOR_SLOT = 2
BOOKED = (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE)


class Words(defaultdict[tuple[Table, int], int]):
    """Word by (table, key); 0 where nothing was written."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(int, *arguments)

    def __missing__(self, key: tuple[Table, int]) -> int:
        return 0  # without writing it down

    def copy(self) -> Words:
        return Words(self)

    def party(self, party: int) -> PartyWord:
        return PartyWord.unpack(self[Table.PARTY, party])

    def put_party(self, party: int, word: PartyWord) -> None:
        self[Table.PARTY, party] = word.pack()

    def state(self, number: int) -> StateWord:
        return StateWord.unpack(self[Table.STATE, number])

    def claim(self, number: int) -> ClaimWord:
        return ClaimWord.unpack(self[Table.CLAIM, number])

    def totals(self, party: int, month: int) -> TotalsWord:
        return TotalsWord.unpack(self[Table.TOTALS, party << 12 | month])

    def slip(self, number: int) -> SlipWord:
        return SlipWord.unpack(self[Table.SLIP, number])

    def deduction(self, number: int) -> DeductionWord:
        return DeductionWord.unpack(self[Table.DEDUCTION, number])

    def deducted(self, party: int, month: int) -> DeductedWord:
        return DeductedWord.unpack(self[Table.DEDUCTED, party << 12 | month])

    def exception(self, number: int) -> ExceptionWord:
        return ExceptionWord.unpack(self[Table.EXCEPTION, number])

    def is_locked(self, number: int, now: int) -> bool:
        """Whether a lock stands: one that is over its lifetime has lapsed."""
        return self.state(number).claim == Claim.LOCKED and now < self.claim(number).time + LOCK_LIFETIME_S

    def is_frozen(self, party: int, month: int) -> bool:
        """Whether the selections of a buyer's period are final: it is confirmed or filed."""
        return bool(self.deducted(party, month).confirmed) or month <= self.party(party).filed_through

    def current(self, number: int) -> StateWord:
        """The state with `use` as it is by now; the contract writes a frozen one with the invoice's next operation."""
        state = self.state(number)
        if state.use == Use.SELECTED and self.is_frozen(state.buyer, self.deduction(number).month):
            return replace(state, use=Use.CONFIRMED)
        return state

    def party_of(self, identity: bytes) -> tuple[int, int]:
        """(party id, kind) of an identity hash; (0, 0) when nobody has it."""
        word = self[Table.PARTY_OF, key_of_identity(identity)]
        return word & (1 << 32) - 1, word >> 32

    def make_party(self, identity: bytes, kind: int) -> int:
        party = self[Table.PARTY_COUNT, 0] + 1
        self[Table.PARTY_COUNT, 0] = party
        self[Table.PARTY_OF, key_of_identity(identity)] = party | kind << 32
        self[Table.IDENTITY, party] = as_int(identity)
        return party


@cache
def key_of_identity(identity: bytes) -> int:
    return hash_key(keccak256(identity))


@cache
def slot_of(table: Table, key: int) -> int:
    return as_int(storage_slot(storage_key(table, key)))


class StorageTrie:
    """Ethereum's storage trie, kept in step with words."""

    def __init__(self) -> None:
        self.trie = HexaryTrie({}, prune=True)
        self.written: dict[int, int] = {}

    def root(self, words: Words, successor: int) -> bytes:
        """Storage root of a contract that holds exactly those words and that successor."""
        wanted = {slot_of(table, key): word for (table, key), word in words.items() if word}
        wanted[SUCCESSOR_SLOT] = successor | WRITTEN
        for slot in self.written.keys() | wanted.keys():
            word = wanted.get(slot, 0)
            if word != self.written.get(slot, 0):
                path = keccak256(slot.to_bytes(32, "big"))
                self.trie[path] = rlp.encode(word) if word else b""  # which takes it out
        self.written = wanted
        return bytes(self.trie.root_hash)
