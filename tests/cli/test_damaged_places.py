"""Data directories that are damaged or belong to somebody else: every command says so in a line."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.town import OFFICER, Shell, Town, draft_file

pytestmark = pytest.mark.slow


@pytest.fixture
def shell(town: Town, tmp_path: Path) -> Shell:
    return town.shell.copy_to(tmp_path / "copy")


def every_answer(shell: Shell, town: Town, tmp_path: Path, **settings: str) -> list[str]:
    """What commands that read and commands that write say; each must fail."""
    said = []
    for arguments in (
        ("audit",),
        ("rebuild",),
        ("party", "list", "--as", OFFICER),
        ("party", "enrol", "李四", "--as", OFFICER),
        ("issue", draft_file(tmp_path / "draft.json"), "--as", town.seller),
        ("evidence", town.number, "--as", town.seller, "-o", tmp_path / "evidence.json"),
        ("backup", tmp_path / "backup"),
    ):
        answer = shell.run(*arguments, **settings)
        assert (answer.code, answer.out) == (1, ""), arguments
        assert answer.err.startswith("einvoice: "), arguments
        said.append(answer.err)
    assert not (tmp_path / "backup").exists()
    assert not (tmp_path / "evidence.json").exists()
    return said


def test_without_its_master_key_nothing_opens(shell: Shell, town: Town, tmp_path: Path) -> None:
    (shell.data_dir / "master.key").unlink()
    for said in every_answer(shell, town, tmp_path):
        assert "master.key does not exist" in said


def test_a_master_key_others_can_read_is_refused(shell: Shell, town: Town, tmp_path: Path) -> None:
    (shell.data_dir / "master.key").chmod(0o644)
    for said in every_answer(shell, town, tmp_path):
        assert "chmod 600" in said
    (shell.data_dir / "master.key").chmod(0o600)
    shell.done("audit")


@pytest.mark.parametrize("key", ["ab" * 32, "ab", "", "zz" * 32])
def test_another_master_key_is_refused(shell: Shell, town: Town, key: str, tmp_path: Path) -> None:
    for said in every_answer(shell, town, tmp_path, EINVOICE_MASTER_KEY=key):
        assert "master key" in said


def test_without_its_chain_nothing_opens(shell: Shell, town: Town, tmp_path: Path) -> None:
    shutil.rmtree(shell.data_dir / "chain")
    for said in every_answer(shell, town, tmp_path):
        assert "chain" in said
    assert not (shell.data_dir / "chain").exists()


def test_without_its_database_nothing_opens_and_none_is_made(shell: Shell, town: Town, tmp_path: Path) -> None:
    (shell.data_dir / "ledger.sqlite").unlink()
    for said in every_answer(shell, town, tmp_path):
        assert "ledger.sqlite is missing" in said
    assert not (shell.data_dir / "ledger.sqlite").exists()
    assert shell.run("upgrade").code == 1


@pytest.mark.parametrize("content", [b"", b"x", b"not a database, whatever its name says" * 1_000, None])
def test_a_damaged_database_is_said_to_be(shell: Shell, town: Town, content: bytes | None, tmp_path: Path) -> None:
    path = shell.data_dir / "ledger.sqlite"
    path.write_bytes(path.read_bytes()[:4096] + bytes(8192) if content is None else content)
    for said in every_answer(shell, town, tmp_path):
        assert "database" in said or "ledger.sqlite" in said
    assert shell.run("upgrade").code == 1


@pytest.mark.parametrize("content", [b"", b"x" * 100_000])
def test_a_damaged_chain_is_said_to_be(shell: Shell, town: Town, content: bytes, tmp_path: Path) -> None:
    (shell.data_dir / "chain" / "data.mdb").write_bytes(content)
    for said in every_answer(shell, town, tmp_path):
        assert "chain" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where modes forbid it")
def test_a_directory_that_cannot_be_written_is_read_all_the_same(shell: Shell, town: Town, tmp_path: Path) -> None:
    shell.data_dir.chmod(0o500)
    try:
        answer = shell.run("issue", draft_file(tmp_path / "draft.json"), "--as", town.seller)
        assert answer.code == 1
        assert answer.err.startswith("einvoice: ")
    finally:
        shell.data_dir.chmod(0o700)
