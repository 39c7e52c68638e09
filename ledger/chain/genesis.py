"""The beginning of a chain: genesis, and block 1 which creates the contract."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import Any, Final

from eth.consensus.clique.datatypes import Snapshot
from eth.consensus.clique.encoding import encode_snapshot
from eth.constants import ZERO_ADDRESS
from eth_account import Account
from eth_keys.datatypes import PrivateKey
from eth_typing import Address

from contracts import load_artifact
from ledger.chain.consensus import chain_class
from ledger.chain.creation import contract_address, creation_code
from ledger.chain.engine import VANITY, Engine
from ledger.chain.errors import ChainExistsError, ChainStorageError
from ledger.chain.identity import ChainIdentity, ChainRules
from ledger.chain.limits import (
    BATCH_GAS,
    BLOCK_GAS_LIMIT,
    CHAIN_ID_BOUND,
    EPOCH_LENGTH_DEFAULT,
    MAP_SIZE,
    SEALER_BALANCE_WEI,
    ZERO_ADDRESS_BALANCE_WEI,
)
from ledger.chain.lmdb_store import IDENTITY_KEY, RULES_KEY, SNAPSHOT_KEY, WriterLock, create_store
from ledger.chain.pending_store import PendingStore
from ledger.chain.records import ADDRESS_SIZE, SEAL_SIZE, head_header
from ledger.chain.state import account

_NO_CODE: Final = {"nonce": 0, "code": b"", "storage": {}}


def create_chain(
    directory: Path | str,
    *,
    sealer_key: bytes,
    authority: bytes,
    now_s: int,
    chain_id: int | None = None,
    epoch_length: int = EPOCH_LENGTH_DEFAULT,
    map_size: int = MAP_SIZE,
) -> ChainIdentity:
    """A new chain in `directory`: genesis, and block 1 with the contract, kept in one transaction of the store.

    `sealer_key` is the operator's 32-byte secp256k1 key, `authority` the 20-byte address of the authority's signer,
    `now_s` the time of both blocks. Without `chain_id` one is drawn at random; it is kept for ever.

    Raises: ChainExistsError when the directory holds a chain or other files; ChainReadOnlyError, ChainFullError.
    """
    directory = Path(directory)
    if len(authority) != ADDRESS_SIZE:
        raise ValueError(f"the authority's address has {ADDRESS_SIZE} bytes, not {len(authority)}")
    rules = ChainRules(1 + secrets.randbelow(CHAIN_ID_BOUND - 1) if chain_id is None else chain_id, epoch_length)
    if not 0 < rules.chain_id < CHAIN_ID_BOUND or epoch_length < 1:
        raise ValueError(f"chain id is 1..{CHAIN_ID_BOUND - 1} and epoch length at least 1")
    with contextlib.closing(create_store(directory, map_size=map_size)) as store:
        lock = WriterLock(directory)
        try:
            if store.get(IDENTITY_KEY) is not None:
                raise ChainExistsError("already holds a chain: name another directory", directory)
            pending = PendingStore(store)
            _write_genesis(pending, rules, sealer_key, now_s)
            engine = Engine(store, pending, rules, sealer_key, lambda: now_s)
            engine.seal(
                creation_transaction(rules.chain_id, sealer_key, authority),
                lambda nodes: nodes.__setitem__(IDENTITY_KEY, _identity(nodes, rules, engine.sealer).to_bytes()),
            )
            content = store.get(IDENTITY_KEY)
        finally:
            lock.release()
    if content is None:
        raise ChainStorageError("the chain just written cannot be read back", directory)
    return ChainIdentity.from_bytes(content)


def creation_transaction(chain_id: int, sealer_key: bytes, authority: bytes) -> bytes:
    """Signed transaction that creates the contract, without a predecessor, as the sealer's first."""
    transaction: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": 0,
        "gas": BATCH_GAS,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
        "value": 0,
        "data": creation_code(load_artifact(), authority=authority),
    }
    return bytes(Account.sign_transaction(transaction, sealer_key).raw_transaction)


def genesis_allocation(sealer: bytes) -> dict[bytes, int]:
    """Balances in wei that genesis gives."""
    return {ZERO_ADDRESS: ZERO_ADDRESS_BALANCE_WEI, sealer: SEALER_BALANCE_WEI}


def _write_genesis(pending: PendingStore, rules: ChainRules, sealer_key: bytes, now_s: int) -> None:
    sealer = PrivateKey(sealer_key).public_key.to_canonical_address()
    chain = chain_class(rules, sealer, lambda: now_s).from_genesis(
        pending,
        {
            "difficulty": 1,
            "gas_limit": BLOCK_GAS_LIMIT,
            "timestamp": now_s,
            "extra_data": VANITY + sealer + bytes(SEAL_SIZE),
            "base_fee_per_gas": 0,
            "nonce": bytes(8),
        },
        {address: {"balance": wei, **_NO_CODE} for address, wei in genesis_allocation(sealer).items()},
    )
    head = chain.get_canonical_head()
    pending[RULES_KEY] = rules.to_bytes()
    pending[SNAPSHOT_KEY] = encode_snapshot(
        Snapshot(signers=frozenset({Address(sealer)}), block_hash=head.hash, votes=frozenset(), tallies={})
    )


def _identity(nodes: PendingStore, rules: ChainRules, sealer: bytes) -> ChainIdentity:
    header = head_header(nodes)
    contract = contract_address(sealer)
    return ChainIdentity(
        chain_id=rules.chain_id,
        genesis_hash=header.parent_hash,
        contracts=(contract,),
        code_hashes=(account(nodes, header, contract).code_hash,),
        sealers=(sealer,),
    )
