"""A chain as files that other clients import: genesis.json and the blocks as RLP.

`geth init genesis.json` and `geth import blocks.rlp` execute every block again and agree on every state root, or stop.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import rlp

from ledger.chain.lmdb_store import ChainStore, stored_identity
from ledger.chain.records import Header, block_header, head_header, transactions
from ledger.chain.rpc_codec import hex_bytes, quantity
from ledger.chain.state import account

GENESIS_FILE: Final = "genesis.json"
BLOCKS_FILE: Final = "blocks.rlp"
_FORKS: Final = (
    *("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg"),
    *("istanbul", "berlin", "london"),
)


def export_chain(directory: Path | str, target_directory: Path | str) -> int:
    """Writes genesis.json and blocks.rlp, all blocks up to the head of this moment; gives the head's number.

    Raises: ChainMissingError, ChainStorageError; OSError when the target cannot be written.
    """
    target = Path(target_directory)
    target.mkdir(parents=True, exist_ok=True)
    store = ChainStore(Path(directory))
    try:
        identity, rules = stored_identity(store)
        with store.read() as nodes:
            genesis, head = block_header(nodes, 0), head_header(nodes)
            alloc = {address: account(nodes, genesis, address).balance for address in (bytes(20), *identity.sealers)}
        text = json.dumps(genesis_json(genesis, rules.chain_id, rules.epoch_length, alloc), indent=1)
        (target / GENESIS_FILE).write_text(text + "\n", encoding="utf-8")
        with (target / BLOCKS_FILE).open("wb") as blocks:
            for number in range(1, head.number + 1):
                with store.read() as nodes:  # one a block, so that a long export holds no old page
                    header = block_header(nodes, number)
                    blocks.write(block_rlp(header, [each.raw for each in transactions(nodes, header)]))
    finally:
        store.close()
    return head.number


def genesis_json(genesis: Header, chain_id: int, epoch_length: int, alloc: dict[bytes, int]) -> dict[str, Any]:
    """Genesis in the form that clients read; `alloc` is wei by address."""
    fields = genesis.fields
    return {
        "config": {
            "chainId": chain_id,
            **{f"{fork}Block": 0 for fork in _FORKS},
            "clique": {"period": 0, "epoch": epoch_length},
        },
        "nonce": hex_bytes(fields[14]),
        "timestamp": quantity(genesis.time_s),
        "extraData": hex_bytes(genesis.extra),
        "gasLimit": quantity(genesis.gas_limit),
        "difficulty": quantity(int.from_bytes(fields[7], "big")),
        "mixHash": hex_bytes(fields[13]),
        "coinbase": hex_bytes(fields[2]),
        "baseFeePerGas": quantity(genesis.base_fee),
        "alloc": {address.hex(): {"balance": quantity(wei)} for address, wei in alloc.items()},
    }


def block_rlp(header: Header, raw_transactions: list[bytes]) -> bytes:
    """A block as clients exchange it: header, transactions (typed ones as strings), no uncles."""
    listed = [raw if raw[0] < 0xC0 else rlp.decode(raw) for raw in raw_transactions]
    encoded: bytes = rlp.encode([list(header.fields), listed, []])
    return encoded
