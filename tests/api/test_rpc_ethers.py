"""ethers, as the npm registry has it, reads the ledger through `/rpc` and checks a proof with its own functions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts import load_artifact
from ledger.domain.blocks import ChainBlock, Outcome
from tests.api.conftest import Installation
from tests.api.test_server_process import serving
from tests.js import clients
from verifier.words import AUTHORITY_PARTY, Table, storage_key, storage_slot

pytestmark = pytest.mark.slow
SCRIPT = Path(clients.__file__).with_name("read_chain.mjs")
READ_LIMIT_S = 120
Reading = Callable[[str, dict[str, Any]], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def read(installation: Installation) -> Iterator[Reading]:
    """Runs the script with a credential and questions, on a server of its own process."""
    node, directory = clients.node_with_ethers()
    with serving(installation.settings.data_dir) as (address, _):

        def run(api_key: str, asked: dict[str, Any]) -> subprocess.CompletedProcess[str]:
            arguments = [str(directory), f"{address}/rpc", api_key, json.dumps(asked)]
            return subprocess.run(
                [node, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=READ_LIMIT_S, check=False
            )

        yield run


def logs_of(block: ChainBlock) -> int:
    """Logs of a block: the events of its groups, and one for each that was refused or malformed."""
    return sum(len(group.events) + (group.outcome is not Outcome.APPLIED) for group in block.groups)


def test_ethers_reads_blocks_logs_receipts_and_words_and_verifies_a_proof(
    installation: Installation, read: Reading
) -> None:
    reader = installation.ledger.context.reader
    key = storage_key(Table.PARTY, AUTHORITY_PARTY)
    asked = {
        "contract": "0x" + reader.identity.contract.hex(),
        "abi": load_artifact().abi,
        "key": str(key),
        "slot": "0x" + storage_slot(key).hex(),
        "fromBlock": 0,
    }
    done = read(installation.officer_key, asked)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    blocks = [reader.block(number) for number in range(found["number"] + 1)]
    events = [event for block in blocks for group in block.groups for event in group.events]
    assert found == {
        "chainId": str(reader.identity.chain_id),
        "number": blocks[-1].head.number,
        "hash": "0x" + blocks[-1].head.hash.hex(),
        "stateRoot": found["stateRoot"],  # the proof was checked against it
        "transactionHash": found["transactionHash"],
        "status": 1,
        "receiptLogs": logs_of(blocks[-1]),
        "logs": sum(map(logs_of, blocks)),
        "events": found["events"],
        "words": str(reader.words([key])[0]),
        "refused": True,
        "revert": "CALL_EXCEPTION",
        "unknown": -32601,
        "missing": None,
    }
    assert events
    assert set(found["events"]) <= {entry["name"] for entry in load_artifact().abi if entry["type"] == "event"}


def test_ethers_without_a_credential_is_told_so(read: Reading) -> None:
    asked = {"contract": "0x" + "00" * 20, "abi": [], "key": "0", "slot": "0x0", "fromBlock": 0}
    done = read("", asked)
    assert done.returncode != 0
    assert "401" in done.stderr
