"""The ledger's words below proven storage roots, looked up as the contract itself does.

A ledger may be carried by several contracts, one after the other. A retired one names its successor; the successor
reads what it never wrote itself from its predecessor, and so on down (contracts/storage.vy). So a word is that of the
newest contract that holds one, and each newer one must prove that it holds none. That nobody shows the words of a
retired contract as those of a later block, each contract's successor slot is proven as well: each earlier one names the
next, and the last names none, or an address without code, which can never write.
"""

from __future__ import annotations

from verifier.errors import CheckError
from verifier.hashing import HASH_SIZE, keccak256
from verifier.reasons import Reason
from verifier.rlp import Item, decode
from verifier.signatures import ADDRESS_SIZE
from verifier.trie import EMPTY_ROOT, ProofNodes
from verifier.words import SUCCESSOR_SLOT, WRITTEN, storage_slot

ACCOUNT_FIELDS = 4  # nonce, balance, storage root, code hash
EMPTY_CODE_HASH = keccak256(b"")


class ContractWords:
    """Words of the contracts with those storage roots, first to current, from one set of proof nodes.

    Raises: CheckError when the nodes are not in ascending order, or one is too large.
    """

    def __init__(self, nodes: tuple[bytes, ...], storage_roots: tuple[bytes, ...]) -> None:
        self._nodes = ProofNodes(nodes)
        self._roots = storage_roots

    def word(self, key: int) -> int:
        """The ledger's word at `key` (words.storage_key), 0 when every contract proves to hold none.

        Raises: CheckError when a node is missing or malformed.
        """
        hashed = keccak256(storage_slot(key))
        for root in reversed(self._roots):
            value = self._value(root, hashed)
            if value:
                return value
        return 0

    def successors(self) -> tuple[bytes, ...]:
        """20-byte address in the successor slot of each contract, zero while it names none.

        The slot is written from the beginning, so that its proof shows no word of another key.

        Raises: CheckError when a node is missing or malformed.
        """
        slot = keccak256(SUCCESSOR_SLOT.to_bytes(32, "big"))
        found = [self._value(root, slot) for root in self._roots]
        if any((value ^ WRITTEN) >> 8 * ADDRESS_SIZE for value in found):
            raise CheckError(Reason.PROOF_MALFORMED, "a successor is no address")
        return tuple((value ^ WRITTEN).to_bytes(ADDRESS_SIZE, "big") for value in found)

    def check_all_used(self) -> None:
        """Accept the proof when every node was needed.

        Raises: CheckError otherwise.
        """
        self._nodes.check_all_used()

    def _value(self, root: bytes, hashed_slot: bytes) -> int:
        value = self._nodes.lookup(root, hashed_slot)
        if value is None:
            return 0
        number = decode(value, Reason.PROOF_MALFORMED)
        if not isinstance(number, bytes) or not 1 <= len(number) <= HASH_SIZE or number[0] == 0:
            raise CheckError(Reason.PROOF_MALFORMED, "a word is no integer")
        return int.from_bytes(number, "big")


def account_at(nodes: ProofNodes, state_root: bytes, address: bytes) -> tuple[bytes, bytes]:
    """Storage root and code hash of the account at a 20-byte address; those of an empty one when proven absent.

    Raises: CheckError when a node is missing or malformed.
    """
    encoded = nodes.lookup(state_root, keccak256(address))
    if encoded is None:
        return EMPTY_ROOT, EMPTY_CODE_HASH
    account = decode(encoded, Reason.PROOF_MALFORMED)
    if isinstance(account, bytes) or len(account) != ACCOUNT_FIELDS:
        raise CheckError(Reason.PROOF_MALFORMED, "account")
    return _hash(account[2]), _hash(account[3])


def _hash(item: Item) -> bytes:
    if not isinstance(item, bytes) or len(item) != HASH_SIZE:
        raise CheckError(Reason.PROOF_MALFORMED, "account")
    return item
