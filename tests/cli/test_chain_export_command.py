"""`einvoice chain export`: what geth imports, whole or not at all, without the keys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ledger.chain import open_reader
from tests.cli.town import Shell, Town
from tests.js import clients

IMPORT_LIMIT_S = 120


def test_an_export_names_its_head(town: Town, tmp_path: Path) -> None:
    exported = town.shell.done("chain", "export", tmp_path / "out", "--json").json
    with open_reader(town.shell.data_dir / "chain") as reader:
        head = reader.head()
    assert (exported["block"], exported["block_hash"]) == (head.number, head.hash.hex())
    assert exported["size"] == (tmp_path / "out" / "blocks.rlp").stat().st_size
    said = town.shell.done("chain", "export", tmp_path / "again").out
    assert head.hash.hex() in said
    assert f"blocks 1 to {head.number}" in said
    assert (tmp_path / "again" / "blocks.rlp").read_bytes() == (tmp_path / "out" / "blocks.rlp").read_bytes()


def test_an_export_needs_no_key(town: Town, tmp_path: Path) -> None:
    other = town.shell.done("chain", "export", tmp_path / "out", EINVOICE_MASTER_KEY_FILE=str(tmp_path / "none"))
    assert "state root" in other.out


def test_what_cannot_be_exported_leaves_nothing(town: Town, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    answer = town.shell.run("chain", "export", tmp_path / "full")
    assert answer.code == 1
    assert "not empty" in answer.err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    nowhere = Shell(tmp_path / "nowhere").run("chain", "export", tmp_path / "out")
    assert nowhere.code == 1
    assert "holds no chain" in nowhere.err
    remote = town.shell.run("chain", "export", tmp_path / "out", EINVOICE_CHAIN_URL="http://127.0.0.1:1")
    assert remote.code == 1
    assert "EINVOICE_CHAIN_URL" in remote.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_geth_imports_what_the_command_wrote(town: Town, tmp_path: Path) -> None:
    program = str(clients.geth())
    exported = town.shell.done("chain", "export", tmp_path / "out", "--json").json
    data_dir = str(tmp_path / "geth")
    for arguments in (
        ["init", str(tmp_path / "out" / "genesis.json")],
        ["import", str(tmp_path / "out" / "blocks.rlp")],
    ):
        done = subprocess.run([program, "--datadir", data_dir, *arguments], capture_output=True, text=True,
                              timeout=IMPORT_LIMIT_S, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr[-2_000:]
    again = tmp_path / "again.rlp"
    subprocess.run([program, "--datadir", data_dir, "export", str(again)], check=True, capture_output=True,
                   timeout=IMPORT_LIMIT_S)  # fmt: skip
    written = again.read_bytes()
    assert written.endswith((tmp_path / "out" / "blocks.rlp").read_bytes())
    assert exported["block"] > 0
