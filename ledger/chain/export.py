"""A chain as files that other clients import: genesis.json and the blocks as RLP.

`geth init genesis.json` and `geth import blocks.rlp` execute every block again and agree on every state root, or stop.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import rlp

from ledger.chain.errors import BlockUnreadableError, ChainExistsError
from ledger.chain.lmdb_store import ChainStore, Nodes, stored_identity
from ledger.chain.records import Header, block_header, head_header, transactions
from ledger.chain.rpc_codec import hex_bytes, quantity
from ledger.chain.state import account
from ledger.chain.tries import RESTORE, HashedNodes

GENESIS_FILE: Final = "genesis.json"
BLOCKS_FILE: Final = "blocks.rlp"
_FORKS: Final = (
    *("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg"),
    *("istanbul", "berlin", "london"),
)

Moved = Callable[[int, int], None]
"""(blocks done, blocks of all)."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote: the head's number, hash and state root (32 bytes each), and bytes of the blocks."""

    block: int
    block_hash: bytes
    state_root: bytes
    size: int


def export_chain(directory: Path | str, target_directory: Path | str, moved: Moved | None = None) -> Exported:
    """Writes genesis.json and blocks.rlp, all blocks up to the head of this moment, into a new or empty directory.

    `moved` is told (blocks done, blocks of all). The files are on disk when it returns; a failure leaves none.

    Raises: ChainMissingError, ChainStorageError; BlockUnreadableError naming a block that is not what its hash says;
    ChainExistsError when the target is not empty; OSError when it cannot be written.
    """
    target = Path(target_directory)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ChainExistsError("is not empty: export into a new directory", target)
    store = ChainStore(Path(directory))
    made = not target.exists()
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _written(store, target, moved or (lambda _done, _of: None))
    except BaseException:
        for name in (GENESIS_FILE, BLOCKS_FILE):
            (target / name).unlink(missing_ok=True)
        if made and target.exists():
            target.rmdir()
        raise
    finally:
        store.close()


def _written(store: ChainStore, target: Path, moved: Moved) -> Exported:
    identity, rules = stored_identity(store)
    with store.read() as nodes:
        whole = HashedNodes(nodes)
        genesis, head = block_header(whole, 0), head_header(whole)
        alloc = {address: account(whole, genesis, address).balance for address in (bytes(20), *identity.sealers)}
    text = json.dumps(genesis_json(genesis, rules.chain_id, rules.epoch_length, alloc), indent=1)
    _kept(target / GENESIS_FILE, [text.encode() + b"\n"])
    size = _kept(target / BLOCKS_FILE, _encoded_blocks(store, genesis, head, moved))
    return Exported(head.number, head.hash, head.state_root, size)


def _encoded_blocks(store: ChainStore, genesis: Header, head: Header, moved: Moved) -> Iterator[bytes]:
    """Blocks after `genesis` up to `head`, each the parent of the next and of the transactions that its header says.

    Raises: BlockUnreadableError naming the first that is not.
    """
    parent = genesis
    for number in range(1, head.number + 1):
        with store.read() as nodes:  # one a block, so that a long export holds no old page
            try:
                encoded, parent = _next_block(HashedNodes(nodes), parent, number)
            except BlockUnreadableError as err:
                raise BlockUnreadableError(f"block {number} is damaged: {err}") from err
        yield encoded
        moved(number, head.number)
    if parent.hash != head.hash:
        raise BlockUnreadableError(f"block {head.number} is not the newest block: {RESTORE}")


def _next_block(nodes: Nodes, parent: Header, number: int) -> tuple[bytes, Header]:
    """Block `number` as it is exported, and its header."""
    header = block_header(nodes, number)
    if (header.number, header.parent_hash) != (number, parent.hash):
        raise BlockUnreadableError(f"it does not follow block {number - 1}: {RESTORE}")
    return block_rlp(header, [each.raw for each in transactions(nodes, header)]), header


def _kept(path: Path, parts: Iterable[bytes]) -> int:
    """Writes `parts` to a new file of the owner's alone, on disk when it returns; gives their bytes."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        size = sum(file.write(part) for part in parts)
        file.flush()
        os.fsync(file.fileno())
    return size


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
