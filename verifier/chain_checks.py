"""Steps `ledger`, `seal`, `account` and `words`: from the pinned ledger down to the contract's words."""

from __future__ import annotations

from verifier.bundle import parties_of
from verifier.errors import CheckError, UncheckedError
from verifier.examination import Examination
from verifier.hashing import HASH_SIZE, keccak256
from verifier.header import parse_header
from verifier.reasons import Reason
from verifier.report import Compared
from verifier.rlp import Item, decode
from verifier.shape import utc_text, word_hex
from verifier.signatures import address_of
from verifier.trie import ProofNodes
from verifier.words import Table, storage_key, storage_slot

ACCOUNT_FIELDS = 4  # nonce, balance, storage root, code hash


def check_ledger(run: Examination) -> Compared:
    """The file's chain id, contract and genesis hash are those of the trust file."""
    bundle, trust = run.bundle, run.trust
    pairs = {
        "chain_id": (bundle.chain_id, trust.chain_id),
        "contract": (bundle.contract, trust.contract),
        "genesis": (bundle.genesis, trust.genesis),
    }
    for name, (found, trusted) in pairs.items():
        if found != trusted:
            raise UncheckedError(Reason.OTHER_LEDGER, name)
    return {"chain_id": bundle.chain_id, "contract": bundle.contract.hex(), "genesis": bundle.genesis.hex()}


def check_seal(run: Examination) -> Compared:
    """The header is well formed and sealed by one of the pinned sealers."""
    header = parse_header(run.bundle.proof.header)
    sealer = header.sealed_by(run.trust.sealers)
    run.header = header
    return {
        "block": header.number,
        "block_hash": header.hash.hex(),
        "time": utc_text(header.time_s),
        "sealer": address_of(sealer).hex(),
    }


def check_account(run: Examination) -> Compared:
    """The state root holds the contract's account, its code is the pinned one, and no node is surplus."""
    assert run.header is not None, "step seal runs first"
    nodes = ProofNodes(run.bundle.proof.account)
    encoded = nodes.lookup(run.header.state_root, keccak256(run.bundle.contract))
    nodes.check_all_used()
    if encoded is None:
        raise CheckError(Reason.ACCOUNT_ABSENT, run.bundle.contract.hex())
    account = decode(encoded, Reason.PROOF_MALFORMED)
    if isinstance(account, bytes) or len(account) != ACCOUNT_FIELDS:
        raise CheckError(Reason.PROOF_MALFORMED, "account")
    storage_root, code_hash = _hash(account[2]), _hash(account[3])
    if code_hash != run.trust.code_hash:
        raise CheckError(Reason.CODE_DIFFERS, code_hash.hex())
    run.storage_root = storage_root
    return {"state_root": run.header.state_root.hex(), "code_hash": code_hash.hex(), "storage_root": storage_root.hex()}


def check_words(run: Examination) -> Compared:
    """The storage root holds the invoice's two words and the identity of every party, and no node is surplus."""
    bundle = run.bundle
    listed = tuple(party.party for party in bundle.parties)
    needed = parties_of((event.actor, event.operation, event.state) for event in bundle.history)
    if listed != needed:
        raise CheckError(Reason.PARTIES_DIFFER, f"{listed[:8]} listed, {needed[:8]} needed")
    nodes = ProofNodes(bundle.proof.storage)
    state = _word(nodes, run.storage_root, storage_key(Table.STATE, bundle.number))
    head = _word(nodes, run.storage_root, storage_key(Table.HEAD, bundle.number))
    for party in bundle.parties:
        identity = _word(nodes, run.storage_root, storage_key(Table.IDENTITY, party.party))
        if identity != int.from_bytes(party.hash, "big"):
            raise CheckError(Reason.IDENTITY_DIFFERS, f"party {party.party}")
        if party.text is not None and keccak256(party.text.encode()) != party.hash:
            raise CheckError(Reason.IDENTITY_DIFFERS, f"text of party {party.party}")
    nodes.check_all_used()
    if not state or not head:
        raise CheckError(Reason.INVOICE_ABSENT, f"{bundle.number:020d}")
    run.state, run.head = state, head
    names = {f"party_{party.party}": party.text or party.hash.hex() for party in bundle.parties}
    return {"state": word_hex(state), "head": word_hex(head), **names}


def _word(nodes: ProofNodes, storage_root: bytes, key: int) -> int:
    """The contract's word at `key`, 0 when proven absent."""
    value = nodes.lookup(storage_root, keccak256(storage_slot(key)))
    if value is None:
        return 0
    number = decode(value, Reason.PROOF_MALFORMED)
    if not isinstance(number, bytes) or not 1 <= len(number) <= HASH_SIZE or number[0] == 0:
        raise CheckError(Reason.PROOF_MALFORMED, "a word is no integer")
    return int.from_bytes(number, "big")


def _hash(item: Item) -> bytes:
    if not isinstance(item, bytes) or len(item) != HASH_SIZE:
        raise CheckError(Reason.PROOF_MALFORMED, "account")
    return item
