"""Two independent routes to the same blocks: eth-tester for the receipts, unmodified py-evm for every state root."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rlp
from eth.db.atomic import AtomicDB
from eth.vm.forks.london import LondonVM
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.exceptions import ValidationError
from rlp.codec import consume_length_prefix

from ledger.chain import export_chain
from ledger.chain.limits import BLOCK_GAS_LIMIT
from ledger.chain.lmdb_store import ChainStore
from ledger.chain.records import Header, Receipt, Transaction, block_header, receipts, transactions
from ledger.chain.replaying import chain_of_genesis
from tests.chain.world import SELLER, Actor, Ledger


def exported(ledger: Ledger) -> list[tuple[Header, list[Transaction], list[Receipt]]]:
    store = ChainStore(ledger.directory)
    with store.read() as nodes:
        blocks = []
        for number in range(ledger.reader.head().number + 1):
            header = block_header(nodes, number)
            blocks.append((header, list(transactions(nodes, header)), list(receipts(nodes, header))))
    store.close()
    return blocks


def busy(ledger: Ledger) -> None:
    """Blocks with applied, refused and malformed groups, of one and of many operations."""
    ledger.ready_to_issue()
    ledger.commit(ledger.issued(*range(1, 40)))
    ledger.commit(
        *(ledger.issued(index) for index in range(40, 60)),
        ledger.issued(40),
        ledger.signed(Actor("intruder"), SELLER, ledger.issue(61)),
        ledger.signed(ledger.seller, SELLER, ledger.issue(62, buyer=ledger.officer.identity)),
    )


def replayed(ledger: Ledger, directory: Path) -> tuple[Any, list[bytes]]:
    """A chain of genesis alone and the encoded blocks to import, from exported files only."""
    assert export_chain(ledger.directory, directory).block == ledger.reader.head().number
    content = (directory / "blocks.rlp").read_bytes()
    blocks = []
    while content:
        size = consume_length_prefix(content, 0)
        end = size[3] + size[2]
        blocks.append(content[:end])
        content = content[end:]
    return chain_of_genesis(json.loads((directory / "genesis.json").read_text()), AtomicDB()), blocks


def test_unmodified_engine_imports_every_block_and_agrees_on_every_root(
    make_ledger: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = make_ledger(epoch_length=4)
    busy(ledger)
    chain, blocks = replayed(ledger, tmp_path / "export")
    assert chain.get_canonical_head().hash == ledger.identity.genesis_hash
    for number, encoded in enumerate(blocks, 1):
        block = rlp.decode(encoded, sedes=chain.get_vm_class_for_block_number(number).get_block_class())
        imported = chain.import_block(block, perform_validation=True).imported_block
        assert imported.header.state_root == Header.decode(ledger.reader.header_rlp(number)).state_root
        assert imported.hash == ledger.reader.block(number).head.hash
    assert chain.get_canonical_head().hash == ledger.reader.head().hash


def test_a_block_with_another_state_root_is_not_imported(ledger: Ledger, tmp_path: Path) -> None:
    chain, (encoded,) = replayed(ledger, tmp_path / "export")
    header, listed, uncles = rlp.decode(encoded)
    header[3] = bytes(31) + b"\1"
    spoiled = rlp.encode([header, listed, uncles])
    with pytest.raises(ValidationError):
        chain.import_block(rlp.decode(spoiled, sedes=chain.get_vm_class_for_block_number(1).get_block_class()))


def test_eth_tester_gives_the_same_receipts(make_ledger: Callable[..., Ledger]) -> None:
    """eth-tester mines the same transactions at the same times; status, logs and gas agree."""
    ticks = itertools.count(int(time.time()) + 1_000, 5)  # eth-tester's times rise and are never before now
    ledger = make_ledger(now=ticks.__next__)
    busy(ledger)
    blocks = exported(ledger)
    tester = EthereumTester(
        PyEVMBackend(
            genesis_parameters={
                "difficulty": 1,
                "gas_limit": BLOCK_GAS_LIMIT,
                "base_fee_per_gas": 0,
                "timestamp": blocks[0][0].time_s - 10,
            },
            genesis_state={
                ledger.identity.sealers[0]: {"balance": 10**24, "nonce": 0, "code": b"", "storage": {}},
            },
            vm_configuration=((0, LondonVM),),
        )
    )
    tester.backend.chain.chain_id = ledger.identity.chain_id
    compared = 0
    for header, (transaction,), (ours,) in blocks[1:]:
        tester.time_travel(header.time_s)
        theirs = tester.get_transaction_receipt(tester.send_raw_transaction("0x" + transaction.raw.hex()))
        assert theirs["status"] == int(ours.success)
        assert theirs["gas_used"] == theirs["cumulative_gas_used"] == ours.cumulative_gas
        assert [(log["address"].lower(), tuple(log["topics"]), log["data"]) for log in theirs["logs"]] == [
            ("0x" + log.address.hex(), tuple("0x" + topic.hex() for topic in log.topics), "0x" + log.data.hex())
            for log in ours.logs
        ]
        compared += len(ours.logs)
    assert compared > 60
