"""An independent replay: the real geth executes every exported block again and agrees, or stops at an altered one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rlp
from coincurve import PrivateKey
from eth_account import Account
from eth_utils import to_checksum_address
from rlp.codec import consume_length_prefix
from trie import HexaryTrie

from ledger.chain import export_chain
from ledger.chain.records import SEAL_SIZE, VANITY_SIZE, Header, Transaction
from tests.chain.world import SEALER_KEY, SELLER, Actor, Ledger
from tests.js import clients
from verifier.hashing import keccak256

pytestmark = pytest.mark.slow

BLOCKS = 2_000
EPOCH_LENGTH = 500
ALTERED = 1_234
IMPORT_LIMIT_S = 300
ALONE = (
    *("--nodiscover", "--discovery.dns=", "--maxpeers", "0", "--port", "0", "--nat", "none"),
    *("--authrpc.port", "0", "--ipcdisable"),
)
HEAD = 'var b = eth.getBlock("latest"); JSON.stringify([b.number, b.hash, b.stateRoot])'


@dataclass(frozen=True)
class Replay:
    """A chain as exported: its head as we know it, its files, and where each block begins in one of them."""

    ledger: Ledger
    directory: Path
    blocks: list[bytes]

    @property
    def head(self) -> Header:
        return self.header(len(self.blocks))

    def header(self, number: int) -> Header:
        return Header.decode(self.ledger.reader.header_rlp(number))


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """2,000 blocks of applied, refused and malformed groups, two of them full, sealed as fast as they come."""
    clients.geth()  # before the work
    directory = tmp_path_factory.mktemp("replay")
    ledger = Ledger(directory / "chain", epoch_length=EPOCH_LENGTH)
    ledger.ready_to_issue()
    for first in (10_000, 20_000):
        ledger.writer.commit([ledger.issued(*range(first + at, first + at + 256)) for at in (0, 256)])
    for index in range(1, BLOCKS - ledger.reader.head().number + 1):
        groups = [ledger.issued(index)]
        if index % 50 == 0:
            groups.append(ledger.issued(index))  # taken already: refused
            groups.append(ledger.signed(Actor("intruder"), SELLER, ledger.issue(index + BLOCKS)))
        ledger.writer.commit(groups)
    exported = export_chain(ledger.directory, directory / "export")
    assert (exported.block, exported.block_hash) == (BLOCKS, ledger.reader.head().hash)
    yield Replay(ledger, directory / "export", split((directory / "export" / "blocks.rlp").read_bytes()))
    ledger.close()


def split(content: bytes) -> list[bytes]:
    """Blocks of a file of them."""
    blocks = []
    at = 0
    while at < len(content):
        _, _, size, start = consume_length_prefix(content, at)
        blocks.append(content[at : start + size])
        at = start + size
    return blocks


class Geth:
    """The real geth on a directory of its own, started from an exported genesis."""

    def __init__(self, data_dir: Path, genesis: Path) -> None:
        self.data_dir = data_dir
        self.run("init", str(genesis)).check_returncode()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(clients.geth()), "--datadir", str(self.data_dir), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=IMPORT_LIMIT_S, check=False,
        )  # fmt: skip

    def imported(self, blocks: Path) -> subprocess.CompletedProcess[str]:
        return self.run("import", str(blocks))

    def asked(self, question: str) -> Any:
        """What geth's own console answers, as JSON."""
        done = self.run(*ALONE, "--verbosity", "1", "--exec", question, "console")
        assert done.returncode == 0, done.stdout[-2_000:]
        return json.loads(json.loads(done.stdout.strip().splitlines()[-1]))

    def head(self) -> tuple[int, str, str]:
        """Number, hash and state root of the head."""
        number, block_hash, state_root = self.asked(HEAD)
        return number, block_hash, state_root


def shown(header: Header) -> tuple[int, str, str]:
    return header.number, "0x" + header.hash.hex(), "0x" + header.state_root.hex()


def test_geth_executes_every_block_to_the_same_head_and_state_root(replay: Replay, tmp_path: Path) -> None:
    geth = Geth(tmp_path / "geth", replay.directory / "genesis.json")
    assert geth.head()[:2] == (0, "0x" + replay.ledger.identity.genesis_hash.hex())
    done = geth.imported(replay.directory / "blocks.rlp")
    assert done.returncode == 0, done.stdout[-4_000:]
    assert geth.head() == shown(replay.head)
    assert replay.head.number == BLOCKS == len(replay.blocks)
    counted = 'var n = 0; for (var i = 1; i <= eth.blockNumber; i++) n += eth.getBlock(i).transactions.length; "" + n'
    assert geth.asked(counted) == BLOCKS


def test_the_replayed_chain_is_fast_and_has_headers_that_list_the_sealers(replay: Replay) -> None:
    first, last = replay.header(1), replay.head
    assert last.time_s - first.time_s < BLOCKS  # more than one block a second: neighbours share a timestamp
    checkpoints = [
        number for number in range(1, BLOCKS + 1) if len(replay.header(number).extra) > VANITY_SIZE + SEAL_SIZE
    ]
    assert checkpoints == list(range(EPOCH_LENGTH, BLOCKS + 1, EPOCH_LENGTH))
    assert {replay.header(number).sealers for number in checkpoints} == {replay.ledger.identity.sealers}


def test_one_altered_transaction_stops_the_import_there(replay: Replay, tmp_path: Path) -> None:
    altered = bytearray(replay.blocks[ALTERED - 1])
    altered[-200] ^= 1  # inside the calldata: what follows is the transaction's signature
    blocks = [*replay.blocks[: ALTERED - 1], bytes(altered), *replay.blocks[ALTERED:]]
    geth = refused_import(replay, blocks, tmp_path, "transaction root hash mismatch")
    assert geth.head() == shown(replay.header(ALTERED - 1))


def test_an_altered_transaction_sealed_anew_by_the_operator_stops_the_import_there(
    replay: Replay, tmp_path: Path
) -> None:
    """Only execution tells: signature, list of transactions and seal are the operator's own."""
    altered = sealed_anew(replay.blocks[ALTERED - 1], replay.ledger.identity.chain_id)
    geth = refused_import(replay, [*replay.blocks[: ALTERED - 1], altered], tmp_path, "invalid gas used")
    assert geth.head() == shown(replay.header(ALTERED - 1))


def refused_import(replay: Replay, blocks: list[bytes], directory: Path, complaint: str) -> Geth:
    """geth after an import that had to fail."""
    file = directory / "altered.rlp"
    file.write_bytes(b"".join(blocks))
    geth = Geth(directory / "geth", replay.directory / "genesis.json")
    done = geth.imported(file)
    assert done.returncode != 0
    assert complaint in done.stdout, done.stdout[-4_000:]
    return geth


def sealed_anew(block: bytes, chain_id: int) -> bytes:
    """The block with one byte of its calldata changed, signed and sealed by the operator, state root as it was."""
    header, (raw,), uncles = rlp.decode(block)
    fields = Transaction.decode(raw).fields
    data = bytearray(fields[7])
    data[-40] ^= 1
    numbers = [int.from_bytes(field, "big") for field in fields[1:5]]
    signed = Account.sign_transaction(
        {
            "type": 2, "chainId": chain_id, "nonce": numbers[0], "maxPriorityFeePerGas": numbers[1],
            "maxFeePerGas": numbers[2], "gas": numbers[3], "to": to_checksum_address(fields[5]), "value": 0,
            "data": bytes(data),
        },
        SEALER_KEY,
    )  # fmt: skip
    listed = HexaryTrie({})
    listed[rlp.encode(0)] = bytes(signed.raw_transaction)
    header[4] = listed.root_hash
    header[12] = header[12][:-SEAL_SIZE]
    seal = PrivateKey(SEALER_KEY).sign_recoverable(keccak256(rlp.encode(header)), hasher=None)
    header[12] += seal
    return bytes(rlp.encode([header, [bytes(signed.raw_transaction)], uncles]))
