"""Two witness processes, a served ledger, and an operator who seals a second history: from end to end."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from ledger.cli.app import app
from ledger.service import Ledger
from ledger.witness import check_conviction, parse_note, parse_verifier_key
from tests.e2e.running import API, NODE, Cast, Process
from tests.service.world import must, settings_of
from tests.witness.test_witness_command import Running
from verifier import Result, Trust, parse_trust, verify
from verifier.canonical import dumps
from verifier.reasons import Reason

pytestmark = pytest.mark.slow
NAMES = ("audit.example/w1", "rival.example/w1", "idle.example/w1")
WAIT_S = 60
DRAFT = {
    "kind": "ordinary",
    "buyer": {"name": "张三"},
    "lines": [{"name": "*餐饮服务*餐费", "net_fen": 10_000, "rate_bp": 600, "tax_fen": 600}],
    "net_fen": 10_000,
    "tax_fen": 600,
    "gross_fen": 10_600,
}


class Stage:
    """Data directories of one ledger, served one at a time at one address, and witnesses that follow that address."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cast = Cast(directory)
        self.data = self.cast.data_dir
        self.processes: list[Process] = []
        self.witnesses: list[Running] = []
        self.port = "0"
        with Ledger.open(settings_of(self.data)) as ledger:
            (directory / "officer.key").write_text(ledger.new_api_key(self.cast.officer, "witness"))
        self.trust_file = directory / "trust.json"
        self.keys = [self._admitted(name) for name in NAMES]
        self.run("witnesses", "need", "2")
        self.run("trust", "-o", self.trust_file)

    def run(self, *arguments: str | Path, data: Path | None = None) -> Any:
        """A command on the ledger's side; what it printed with --json, where it has that."""
        flags = [] if arguments[0] in ("trust", "witness") else ["--json"]
        result = CliRunner().invoke(
            app, [*map(str, arguments), *flags], env={"EINVOICE_DATA_DIR": str(data or self.data)}
        )
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if flags else result.stdout

    def home(self, name: str) -> Path:
        return self.directory / name.partition(".")[0]

    def node(self, data: Path) -> None:
        self.processes.append(Process(NODE, data).start())

    def serve(self, data: Path) -> str:
        """The API on `data`, always at the same address."""
        api = Process(API, data)
        api.environment["EINVOICE_PORT"] = self.port
        self.processes.append(api.start())
        self.port = api.address.rsplit(":", 1)[1]
        return api.address

    def follow(self, address: str) -> None:
        for name in NAMES[:2]:
            self.witnesses.append(
                Running(
                    "--url", f"{address}/rpc", "--key-file", self.directory / "officer.key", "--publish",
                    "-d", self.home(name),
                )
            )  # fmt: skip

    def stop(self) -> None:
        while self.processes:
            self.processes.pop().stop()

    def close(self) -> None:
        self.stop()
        for one in self.witnesses:
            if one.process.poll() is None:
                one.process.kill()
            one.process.communicate()

    def issue(self, data: Path, gross: int) -> str:
        with Ledger.open(settings_of(data)) as ledger:
            document = {**DRAFT, "note": str(gross)}
            written = ledger.issue(
                ledger.caller(self.cast.parties["seller"]), document, idempotency_key=f"issue-{gross}"
            )
            return must(written).numbers[0]

    def evidence(self, address: str, number: str, witnessed: str) -> bytes:
        """The file over HTTP, asked for until enough have signed."""
        headers = {"Authorization": f"Bearer {self.cast.keys['seller']}"}
        deadline = time.monotonic() + WAIT_S
        while True:
            answer = httpx.get(
                f"{address}/v1/invoices/{number}/evidence", params={"witnessed": witnessed}, headers=headers,
                timeout=WAIT_S,
            )  # fmt: skip
            if answer.status_code == 200:
                return answer.content
            assert answer.json()["type"] == "/problems/not-witnessed", answer.text
            assert time.monotonic() < deadline, "no two witnesses signed in time"
            time.sleep(0.1)

    def trust(self, **changes: Any) -> Trust:
        return replace(parse_trust(self.trust_file.read_bytes()), **changes)

    def _admitted(self, name: str) -> str:
        if not self.trust_file.exists():
            self.run("trust", "-o", self.trust_file)
        out = self.run("witness", "init", "--name", name, "--trust", self.trust_file, "-d", self.home(name))
        line: str = out.splitlines()[0]
        assert self.run("witnesses", "admit", line)["name"] == name
        return line


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def test_evidence_convinces_with_witnesses_and_a_second_history_does_not(stage: Stage) -> None:
    second = stage.directory / "second"
    shutil.copytree(stage.data, second)  # before anything was witnessed: where the operator will go another way
    stage.node(stage.data)
    address = stage.serve(stage.data)
    stage.follow(address)
    number = stage.issue(stage.data, 1)
    data = stage.evidence(address, number, "required")

    report = verify(data, stage.trust())
    assert report.verdict is Result.VALID, report.to_text("en")
    file = json.loads(data)
    assert len(file["witnesses"]) == 2
    note = parse_note((file["checkpoint"] + "\n" + "".join(f"{line}\n" for line in file["witnesses"])).encode())
    assert all(note.signed_by(parse_verifier_key(key)) is not None for key in stage.keys[:2])
    stricter = verify(data, stage.trust(witnesses_needed=3))
    assert stricter.verdict is Result.UNCHECKED
    assert Reason.WITNESSES_MISSING in {step.reason for step in stricter.steps}
    assert dumps(file) == data
    one, two = file["witnesses"]
    forged = dumps({**file, "witnesses": [one[:-8] + "AAAAAA==", two]})
    assert verify(forged, stage.trust()).verdict is Result.INVALID
    swapped = sorted([one, " ".join([*two.split()[:2], one.split()[2]])])  # the name of one, the signature of the other
    foreign = sorted([one, two.replace(two.split()[1], "evil.example/w1")])
    for lines in (swapped, foreign):  # nobody's signature that the trust file knows: it counts nothing
        assert verify(dumps({**file, "witnesses": lines}), stage.trust()).verdict is Result.UNCHECKED, lines
    latest = httpx.get(f"{address}/v1/checkpoints/latest", params={"signatures": 2}, timeout=WAIT_S)
    assert latest.status_code == 200
    stage.stop()

    stage.node(second)
    lies = [stage.issue(second, gross) for gross in (2, 3, 4)]
    assert lies[0] == number  # the same number again, for another invoice: the other one never was
    stage.serve(second)
    for witness in stage.witnesses:
        assert witness.ended() == 3
    for name in NAMES[:2]:
        [proof] = (stage.home(name) / "proofs").iterdir()
        assert check_conviction(proof.read_bytes(), stage.trust()).is_joined
    lie = stage.evidence(address, lies[0], "preferred")
    assert verify(lie, stage.trust(witnesses_needed=0)).verdict is Result.VALID  # who asks no witness is deceived
    found = verify(lie, stage.trust())
    assert found.verdict is Result.UNCHECKED
    assert Reason.WITNESSES_MISSING in {step.reason for step in found.steps}

    refused = httpx.post(
        f"{address}/v1/checkpoints", content=latest.content, headers={"Content-Type": "text/plain"}, timeout=WAIT_S
    )
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/history-differs")
    alarms = stage.run("witnesses", "list", data=second)["alarms"]
    assert [alarm["name"] for alarm in alarms] == list(NAMES[:2])
    assert {alarm["note"] for alarm in alarms} == {latest.text}
