"""Two independent routes to the same blocks: eth-tester for the receipts, unmodified py-evm for every state root."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
import rlp
from eth.chains.base import Chain
from eth.consensus.clique.clique import CliqueApplier, CliqueConsensusContext
from eth.db.atomic import AtomicDB
from eth.vm.forks.london import LondonVM
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.exceptions import ValidationError

from ledger.chain.genesis import genesis_allocation
from ledger.chain.limits import BLOCK_GAS_LIMIT
from ledger.chain.lmdb_store import ChainStore
from ledger.chain.records import Header, Receipt, Transaction, block_header, receipts, transactions
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


class EqualTimestamps(LondonVM):
    """Clique with a period of 0 allows equal timestamps, which the engine's own check does not."""

    @classmethod
    def validate_header(cls, header: Any, parent_header: Any) -> None:
        assert header.timestamp >= parent_header.timestamp
        super().validate_header(header.copy(timestamp=parent_header.timestamp + 1), parent_header)


def replaying_chain(ledger: Ledger, genesis: Header) -> Any:
    chain_class = Chain.configure(
        __name__="Replay",
        vm_configuration=CliqueApplier().amend_vm_configuration(((0, EqualTimestamps),)),
        chain_id=ledger.identity.chain_id,
        consensus_context_class=CliqueConsensusContext,
    )
    return chain_class.from_genesis(
        AtomicDB(),
        {
            "difficulty": 1,
            "gas_limit": genesis.gas_limit,
            "timestamp": genesis.time_s,
            "extra_data": genesis.extra,
            "base_fee_per_gas": 0,
            "nonce": bytes(8),
        },
        {
            address: {"balance": wei, "nonce": 0, "code": b"", "storage": {}}
            for address, wei in genesis_allocation(ledger.identity.sealers[0]).items()
        },
    )


def block_of(chain: Any, header: Header, listed: list[Transaction]) -> Any:
    """The engine's block, from bytes: a typed transaction is a string in the block's list."""
    encoded = rlp.encode([rlp.decode(header.rlp), [each.raw for each in listed], []])
    return rlp.decode(encoded, sedes=chain.get_vm_class_for_block_number(header.number).get_block_class())


def test_unmodified_engine_imports_every_block_and_agrees_on_every_root(ledger: Ledger) -> None:
    busy(ledger)
    blocks = exported(ledger)
    chain = replaying_chain(ledger, blocks[0][0])
    assert chain.get_canonical_head().hash == ledger.identity.genesis_hash
    for header, listed, _ in blocks[1:]:
        imported = chain.import_block(block_of(chain, header, listed), perform_validation=True).imported_block
        assert imported.header.state_root == header.state_root
        assert imported.hash == header.hash
    assert chain.get_canonical_head().hash == ledger.reader.head().hash


def test_a_block_with_another_state_root_is_not_imported(ledger: Ledger) -> None:
    blocks = exported(ledger)
    chain = replaying_chain(ledger, blocks[0][0])
    header, listed, _ = blocks[1]
    fields = list(header.fields)
    fields[3] = bytes(31) + b"\1"
    with pytest.raises(ValidationError):
        chain.import_block(block_of(chain, Header.decode(rlp.encode(fields)), listed), perform_validation=True)


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
