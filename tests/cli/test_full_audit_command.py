"""`einvoice audit --full`: what it prints, its exit codes, its state file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.town import Shell, Town

pytestmark = pytest.mark.slow


@pytest.fixture
def shell(town: Town, tmp_path: Path) -> Shell:
    return town.shell.copy_to(tmp_path / "copy")


def edit(shell: Shell, statement: str) -> None:
    with closing(sqlite3.connect(shell.data_dir / "ledger.sqlite")) as connection, connection:
        assert connection.execute(statement).rowcount == 1


def test_an_untouched_ledger_passes_and_leaves_nothing_behind(shell: Shell) -> None:
    answer = shell.done("audit", "--full")
    assert "blocks executed" in answer.out
    assert "1 invoices, 1 documents" in answer.out
    assert [path.name for path in shell.data_dir.parent.iterdir()] == ["copy"]


def test_a_difference_is_one_line_a_language_and_exit_code_one(shell: Shell) -> None:
    edit(shell, "UPDATE party_name SET display_name = '别家' WHERE tax_id IS NOT NULL AND display_name = '某雇主'")
    answer = shell.run("audit", "--full")
    assert answer.code == 1
    assert "einvoice: party_name " in answer.err
    assert "display_name: stored 别家, recomputed 某雇主" in answer.err
    assert "不一致" in answer.err
    reported = shell.run("audit", "--full", "--json")
    assert (reported.code, reported.json["difference"]["table"]) == (1, "party_name")
    assert reported.json["executed"] == 0  # the state of the first was kept
    assert reported.json["resumed_after"] == reported.json["block"]


def test_a_named_state_is_kept_and_gone_on_with(shell: Shell, tmp_path: Path) -> None:
    state = tmp_path / "audits" / "state"
    refused = shell.run("audit", "--full", "--state", state)
    assert refused.code == 1
    assert "--state" in refused.err
    state.parent.mkdir()
    first = shell.done("audit", "--full", "--state", state, "--json").json
    assert (first["executed"], first["resumed_after"]) == (first["block"] + 1, None)
    again = shell.done("audit", "--full", "--state", state)
    assert f"0 blocks executed (went on after block {first['block']})" in again.out


def test_the_ledger_must_be_the_one_of_the_trust_file(shell: Shell, tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    shell.done("trust", "-o", trust)
    state = tmp_path / "state"
    shell.done("audit", "--full", "--trust", trust, "--state", state)
    told = json.loads(trust.read_text())
    for name, value in (("chain_id", told["chain_id"] + 1), ("genesis", "00" * 32)):
        trust.write_text(json.dumps({**told, name: value}))
        answer = shell.run("audit", "--full", "--trust", trust, "--state", state)
        assert answer.code == 1
        assert f"einvoice: trust {name}: stored " in answer.err
    trust.write_text("{}")
    assert "no trust file" in shell.run("audit", "--full", "--trust", trust).err
    assert shell.run("audit", "--full", "--trust", tmp_path / "none").code == 1


def test_a_state_without_a_full_audit_is_a_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    answer = shell.run("audit", "--state", tmp_path / "state")
    assert answer.code == 2
    assert "--full" in answer.err


def test_a_full_audit_runs_beside_a_node(shell: Shell, ended: list) -> None:
    node = shell.spawn("node")
    ended.append(node)
    assert node.stdout.readline() == "ready node\n"
    assert "blocks executed" in shell.done("audit", "--full").out


def test_the_chain_of_a_network_is_left_to_its_clients(shell: Shell) -> None:
    answer = shell.run("audit", "--full", EINVOICE_CHAIN_URL="http://127.0.0.1:9")
    assert answer.code == 1
    assert "Traceback" not in answer.err
