"""Builds complete, valid statements by itself: tries of one or several contracts, a sealed header, a trust file.

Independent of the ledger: tries by `trie`, RLP by `rlp`, the seal by `eth_keys`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import rlp
from trie import HexaryTrie

from tests.verifier.bundle_factory import (
    CHAIN_ID,
    CODE_HASH,
    CONTRACT,
    GENESIS,
    MONTH,
    NUMBER,
    ROOT,
    SEALER_KEY,
    START_S,
    point,
    proof_nodes,
    sealed_header,
)
from verifier.hashing import ZERO_HASH, keccak256
from verifier.statement import Says, Statement, Word, build_statement, statement_key
from verifier.trust import Trust, TrustedContract
from verifier.words import SUCCESSOR_SLOT, WRITTEN, Claim, StateWord, Table, storage_key, storage_slot

SUCCESSOR = bytes.fromhex("8899aabbccddeeff0011223344556677aabbccdd")
SUCCESSOR_CODE_HASH = keccak256(b"code of the successor")
NEVER = NUMBER + 1_000_000
BLOCK_TIME_S = START_S + 300
ISSUED = StateWord(colour=1, seller=2, buyer=4, holder=5, gross=11300, month=MONTH, version=1)


def words_of(number: int, state: StateWord) -> dict[int, int]:
    """The two words of one invoice."""
    head = int.from_bytes(keccak256(b"head of %d" % number), "big")
    return {storage_key(Table.STATE, number): state.pack(), storage_key(Table.HEAD, number): head}


def others(count: int) -> dict[int, int]:
    """Words of other invoices."""
    found: dict[int, int] = {}
    for at in range(1, count + 1):
        found |= words_of(NUMBER + at, ISSUED)
    return found


@dataclass(frozen=True)
class Ledger:
    """The contracts of one ledger as of one block: the words each holds, first to current, each naming the next."""

    words: tuple[dict[int, int], ...] = field(default_factory=lambda: (others(40) | words_of(NUMBER, ISSUED),))
    successor: bytes = b""  # what the last contract's slot names
    time_s: int = BLOCK_TIME_S

    @cached_property
    def contracts(self) -> tuple[bytes, ...]:
        return (CONTRACT, SUCCESSOR)[: len(self.words)]

    @cached_property
    def trust(self) -> Trust:
        known = (TrustedContract(CONTRACT, CODE_HASH), TrustedContract(SUCCESSOR, SUCCESSOR_CODE_HASH))
        return Trust(CHAIN_ID, GENESIS, known, (point(SEALER_KEY),), ROOT)

    @cached_property
    def storages(self) -> tuple[HexaryTrie, ...]:
        found = []
        for at, words in enumerate(self.words):
            storage = HexaryTrie({})
            for key, word in words.items():
                storage[keccak256(storage_slot(key))] = rlp.encode(word.to_bytes(32, "big").lstrip(b"\0"))
            named = self.contracts[at + 1] if at + 1 < len(self.words) else self.successor
            word = WRITTEN | int.from_bytes(named, "big")
            storage[keccak256(SUCCESSOR_SLOT.to_bytes(32, "big"))] = rlp.encode(word)
            found.append(storage)
        return tuple(found)

    @cached_property
    def accounts(self) -> HexaryTrie:
        accounts = HexaryTrie({})
        for other in range(40):
            accounts[keccak256(b"account %d" % other)] = rlp.encode([b"", b"\1", ZERO_HASH, ZERO_HASH])
        codes = (CODE_HASH, SUCCESSOR_CODE_HASH)
        for at, storage in enumerate(self.storages):
            account = [b"\1", b"", storage.root_hash, codes[at]]
            accounts[keccak256(self.contracts[at])] = rlp.encode(account)
        return accounts

    def statement(
        self, number: int, says: Says = Says.NOT_ISSUED, word: Word = Word.STATE, contracts: int | None = None
    ) -> Statement:
        """What an honest prover writes; `contracts`: only that many of the contracts are shown."""
        slot = keccak256(storage_slot(statement_key(number, word)))
        succession = keccak256(SUCCESSOR_SLOT.to_bytes(32, "big"))
        shown = self.contracts[:contracts]
        storage = [node for one in self.storages[: len(shown)] for node in proof_nodes(one, succession)]
        for one in reversed(self.storages[: len(shown)]):  # the newest first, and none below the one that holds it
            storage += proof_nodes(one, slot)
            if slot in one:
                break
        return build_statement(
            chain_id=CHAIN_ID,
            contracts=shown,
            genesis=GENESIS,
            number=number,
            says=says,
            word=word,
            header=sealed_header(self.accounts.root_hash, self.time_s, SEALER_KEY),
            account_nodes=[node for one in shown for node in proof_nodes(self.accounts, keccak256(one))],
            storage_nodes=storage,
        )


SETTLED = StateWord(
    colour=1, claim=int(Claim.SETTLED), seller=2, buyer=4, holder=4, gross=11300, month=MONTH, version=3
)
