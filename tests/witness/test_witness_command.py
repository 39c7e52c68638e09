"""`einvoice witness` as its users meet it: processes, signals, exit codes, and a real served ledger."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ledger.cli.app import app
from ledger.service import Ledger, found
from ledger.settings import Settings
from ledger.witness import open_home, parse_checkpoint, parse_note, parse_verifier_key
from tests.e2e.running import API, NODE, Process
from tests.witness.chains import NAME, Server, Town
from verifier.canonical import dumps

WITNESS = [sys.executable, "-m", "ledger.cli", "witness"]
END_LIMIT_S = 60
KEY_VARIABLE = "EINVOICE_WITNESS_API_KEY"


def run(*arguments: str | Path, **environment: str) -> Result:
    result = CliRunner().invoke(app, ["witness", *map(str, arguments)], env={KEY_VARIABLE: None, **environment})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def started(directory: Path, trust: bytes) -> str:
    """A witness's directory made by the command; gives its public key line."""
    trust_file = directory.with_name(f"{directory.name}-trust.json")
    trust_file.write_bytes(trust)
    made = run("init", "--name", NAME, "--trust", trust_file, "-d", directory, "--json")
    assert made.exit_code == 0, made.output
    key: str = json.loads(made.stdout)["key"]
    return key


class Running:
    """A witness process whose lines are read one by one."""

    def __init__(self, *arguments: str | Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            [*WITNESS, "run", "--json", "--interval", "0.1", *map(str, arguments)],
            env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def line(self) -> Any:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, self.process.communicate()[1]
        return json.loads(text)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        self.process.communicate(timeout=END_LIMIT_S)
        return self.process.returncode


@pytest.fixture
def running() -> Iterator[list[Running]]:
    made: list[Running] = []
    yield made
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def test_offline_from_exports_until_a_second_history(town: Town) -> None:
    home = town.directory / "w"
    key = parse_verifier_key(started(home, town.trust.to_bytes()))
    second = town.second()
    first_export = town.export()
    town.grow(2)
    done = run("run", "--export", town.export(), "-d", home)
    assert (done.exit_code, done.stderr) == (0, "")
    head = town.ledger.reader.head()
    assert f"signed: block {head.number} {head.hash.hex()}" in done.stdout
    note = parse_note((home / "checkpoint").read_bytes())
    assert note.signed_by(key) is not None
    assert parse_checkpoint(note.text).block_hash == head.hash

    rolled = run("run", "--export", first_export, "-d", home)
    assert rolled.exit_code == 3
    assert "rollback" in rolled.stderr
    assert "拒绝签署" in rolled.stderr
    assert run("status", "-d", home).exit_code == 0

    town.grow(3, second, gross=20_000)
    assert run("run", "--export", town.export(second), "-d", home).exit_code == 3
    status = run("status", "-d", home, "--json")
    assert status.exit_code == 3
    told = json.loads(status.stdout)
    assert told["forked"]
    assert [one["kind"] for one in told["refusals"]] == ["rollback", "fork"]
    assert "fork" in run("status", "-d", home).stdout
    proof = home / "proofs" / told["refusals"][-1]["proof"]
    checked = run("check", proof, "--trust", home / "trust.json", "--json")
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["joined"] is True
    assert "two histories" in run("check", proof, "--trust", home / "trust.json").stdout
    proof.write_bytes(proof.read_bytes().replace(b"A", b"B", 1))
    refused = run("check", proof, "--trust", home / "trust.json")
    assert refused.exit_code == 1
    assert "不能证明" in refused.stderr


def test_wrong_usage_is_a_clear_error(town: Town) -> None:
    home = town.directory / "w"
    started(home, town.trust.to_bytes())
    for arguments, code, text in (
        (["run", "-d", home], 2, "either --url or --export"),
        (["run", "-d", home, "--url", "x", "--export", "y"], 2, "either"),
        (["run", "-d", home, "--url", "nowhere"], 1, "no address"),
        (["run", "-d", home, "--export", "y", "--publish"], 2, "--publish-to"),
        (["run", "-d", home, "--url", "http://127.0.0.1:1/other", "--publish"], 1, "--publish-to"),
        (["run", "-d", home, "--url", "http://127.0.0.1:1/rpc", "--publish-to", "here"], 1, "no address"),
        (["run", "-d", home, "--export", town.directory / "none"], 1, "chain export"),
        (["run", "-d", town.directory / "none", "--url", "http://127.0.0.1:1"], 1, "witness init"),
        (["run", "-d", home, "--once", "--url", "http://127.0.0.1:1"], 1, "does not answer"),
        (["run", "-d", home, "--url", "http://127.0.0.1:1", "--key-file", home / "none"], 1, "No such file"),
        (["status", "-d", town.directory / "none"], 1, "witness init"),
        (["init", "--name", "a b", "--trust", home / "trust.json", "-d", town.directory / "new"], 1, "no space"),
        (["init", "--name", "a", "--trust", home / "witness.key", "-d", town.directory / "new"], 1, "trust file"),
        (["init", "--name", "a", "--trust", home / "trust.json", "-d", home], 1, "not empty"),
        (["check", home / "state.json", "--trust", home / "trust.json"], 1, "conviction"),
        (["check", home / "state.json", "--trust", home / "state.json"], 1, "get the trust file"),
    ):
        answer = run(*arguments)
        assert answer.exit_code == code, (arguments, answer.output)
        assert text in answer.stderr.replace("\n", " "), (arguments, answer.stderr)
        assert "Traceback" not in answer.stderr
    assert not (town.directory / "new").exists()


def test_what_was_signed_offline_is_brought_and_one_that_was_not_taken_again(town: Town, server: Server) -> None:
    home, brought = town.directory / "w", []
    started(home, town.trust.to_bytes())
    export = town.export()

    def answer(body: bytes) -> tuple[int, bytes]:
        brought.append(body)
        return (200, b"{}") if len(brought) > 1 else (422, b'{"detail": "ask the authority to admit the key"}')

    server.answer = answer
    refused = run("run", "--export", export, "-d", home, "--publish-to", server.url)
    assert refused.exit_code == 0  # it signed; that nobody took it is told
    assert "admit the key" in refused.stderr.replace("\n", " ")
    height = town.ledger.reader.head().number
    done = run("run", "--export", export, "-d", home, "--publish-to", server.url, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout.splitlines()[-1]) == {"published": height}
    assert brought[-1] == (home / "checkpoint").read_bytes()


@pytest.mark.slow
def test_a_process_follows_and_ends_well_at_sigterm(town: Town, server: Server, running: list[Running]) -> None:
    home = town.directory / "w"
    started(home, town.trust.to_bytes())
    server.serves(town.ledger)
    running.append(Running("--url", server.url, "-d", home))
    assert running[0].line()["signed"] == town.ledger.reader.head().number
    town.grow(1)
    assert running[0].line()["signed"] == town.ledger.reader.head().number
    busy = run("run", "--once", "--url", server.url, "-d", home)
    assert busy.exit_code == 1
    assert "in use" in busy.stderr
    assert running[0].end(signal.SIGTERM) == 0
    assert open_home(home).state().height == town.ledger.reader.head().number


@pytest.mark.slow
def test_kill_at_any_moment_leaves_the_state_whole(town: Town, server: Server, running: list[Running]) -> None:
    home = town.directory / "w"
    started(home, town.trust.to_bytes())
    server.serves(town.ledger)
    for turn in range(4):
        one = Running("--url", server.url, "-d", home)
        running.append(one)
        one.line()
        for _ in range(3):
            town.grow(1)
            time.sleep(0.03 * turn)
        assert one.end(signal.SIGKILL) == -signal.SIGKILL
        opened = open_home(home)
        state, signed = opened.state(), opened.signed()
        assert signed is not None
        assert signed.checkpoint.height <= state.height <= town.ledger.reader.head().number
        town.grow(1)  # so that the next one has something to sign
    assert run("run", "--once", "--url", server.url, "-d", home).exit_code == 0
    assert open_home(home).state().height == town.ledger.reader.head().number


@pytest.mark.slow
def test_a_served_ledger_is_followed_with_an_officers_key(tmp_path: Path, running: list[Running]) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    founded = found(settings, authority_name="深圳市税务局", officer_name="王税官")
    with Ledger.open(settings) as ledger:
        api_key = ledger.new_api_key(founded.officer, "witness")
        trust = dumps(ledger.trust())
    home = tmp_path / "w"
    key = parse_verifier_key(started(home, trust))
    node, api = Process(NODE, tmp_path / "data"), Process(API, tmp_path / "data")
    try:
        node.start()
        url = f"{api.start().address}/rpc"
        refused = run("run", "--once", "--url", url, "-d", home)
        assert refused.exit_code == 1
        assert "officer" in refused.stderr
        (tmp_path / "key").write_text(f"{api_key}\n")
        running.append(Running("--url", url, "--key-file", tmp_path / "key", "-d", home))
        first = running[0].line()["signed"]
        assert first >= 1
        with Ledger.open(settings) as ledger:
            officer = ledger.caller(founded.officer)
            ledger.enrol(officer, kind="person", name="张三", idempotency_key="grow-1")
        assert running[0].line()["signed"] > first
        api.stop()
        api.environment["EINVOICE_PORT"] = url.rsplit(":", 1)[1].removesuffix("/rpc")
        api.start()
        assert running[0].end(signal.SIGTERM) == 0
        assert run("run", "--once", "--url", url, "-d", home, **{KEY_VARIABLE: api_key}).exit_code == 0
    finally:
        api.stop()
        node.stop()
    note = parse_note((home / "checkpoint").read_bytes())
    assert note.signed_by(key) is not None
    point = parse_checkpoint(note.text)
    with Ledger.open(settings) as ledger:
        assert ledger.context.reader.block(point.height).head.hash == point.block_hash
