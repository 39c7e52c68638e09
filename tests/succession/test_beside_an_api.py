"""An API that runs through a succession goes on by itself: what it accepted is recorded, what it signs fits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.chain import open_reader
from tests.cli.town import Shell
from tests.e2e.running import API, NODE, Cast, Process
from tests.service.world import tax_id
from verifier import Result, parse_trust, verify

pytestmark = pytest.mark.slow
SETTINGS = {"EINVOICE_BATCH_INTERVAL_MS": "20", "EINVOICE_POST_WAIT_MS": "300", "EINVOICE_OUTCOME_POLL_MS": "5"}
RECORDED_LIMIT_S = 60


@pytest.fixture
def cast(tmp_path: Path) -> Cast:
    return Cast(tmp_path)


@pytest.fixture
def api(cast: Cast) -> Iterator[Process]:
    process = Process(API, cast.data_dir, **SETTINGS).start()
    yield process
    process.stop()


class Seller:
    """The seller's till, on one API."""

    def __init__(self, cast: Cast, api: Process) -> None:
        self.http = httpx.Client(
            base_url=api.address, headers={"Authorization": f"Bearer {cast.keys['seller']}"}, timeout=30
        )
        self.count = 0

    def issue(self) -> httpx.Response:
        """Issues an invoice, recorded or accepted."""
        self.count += 1
        draft = {
            "kind": "ordinary",
            "buyer": {"name": "某买家", "tax_id": tax_id(900_001)},
            "lines": [{"name": "*餐饮服务*餐费", "net_fen": 10_000, "rate_bp": 600, "tax_fen": 600}],
            "net_fen": 10_000, "tax_fen": 600, "gross_fen": 10_600,
        }  # fmt: skip
        answer = self.http.post("/v1/invoices", json={"document": draft}, headers={"Idempotency-Key": f"i{self.count}"})
        assert answer.status_code in {201, 202}, answer.text
        return answer

    def outcome(self, answer: httpx.Response) -> Any:
        """What became of an accepted one."""
        until = time.monotonic() + RECORDED_LIMIT_S
        while time.monotonic() < until:
            told = self.http.get(f"/v1/operations/{answer.json()['digest']}").json()
            if told["status"] != "accepted":
                return told
            time.sleep(0.1)
        raise AssertionError("nothing became of it")

    def evidence(self, number: str) -> bytes:
        answer = self.http.get(f"/v1/invoices/{number}/evidence")
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.fixture
def seller(cast: Cast, api: Process) -> Iterator[Seller]:
    made = Seller(cast, api)
    yield made
    made.http.close()


def test_an_api_goes_on_through_a_succession_without_a_restart(cast: Cast, seller: Seller) -> None:
    node = Process(NODE, cast.data_dir, **SETTINGS).start()
    before = seller.outcome(seller.issue())
    assert before["status"] == "recorded"
    assert node.stop() == 0

    accepted = seller.issue()  # no node runs: it waits, signed for the contract that is about to retire
    assert accepted.status_code == 202
    Shell(cast.data_dir).run("succeed", "--yes")
    with open_reader(cast.data_dir / "chain") as reader:  # type: ignore[attr-defined]
        contracts = reader.identity.contracts
    assert len(contracts) == 2
    assert seller.outcome(accepted)["status"] == "recorded"

    waits = seller.issue()  # by the process that was there before
    node = Process(NODE, cast.data_dir, **SETTINGS).start()
    try:
        after = seller.outcome(waits)
        assert after["status"] == "recorded"
        trust = parse_trust(seller.http.get("/v1/trust").content)
        assert [one.address for one in trust.contracts] == list(contracts)
        for told in (before, seller.outcome(accepted), after):
            assert verify(seller.evidence(told["numbers"][0]), trust).verdict is Result.VALID
    finally:
        node.stop()
