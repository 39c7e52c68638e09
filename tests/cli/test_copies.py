"""`einvoice backup` and `restore`: a copy of one moment that is whole, or none."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.cli.town import Shell, Town, draft_file, founded_town


@pytest.fixture(scope="module")
def copy(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup without the master key."""
    target = tmp_path_factory.mktemp("backup") / "copy"
    answer = town.shell.done("backup", target)
    assert "master key is not in it" in answer.out
    return target


def key_of(town: Town) -> Path:
    return town.shell.data_dir / "master.key"


def test_a_restored_ledger_audits_clean_and_goes_on(town: Town, copy: Path, tmp_path: Path) -> None:
    restored = Shell(tmp_path / "data")
    restored.done("restore", copy, "--master-key-file", key_of(town))
    assert restored.done("audit", "--json").json["invoices"] == 1
    evidence, trust = tmp_path / "evidence.json", tmp_path / "trust.json"
    restored.done("evidence", town.number, "--as", town.seller, "-o", evidence)
    town.shell.done("trust", "-o", trust)
    restored.done("verify", evidence, "--trust", trust, "--offline")
    restored.done("issue", draft_file(tmp_path / "draft.json"), "--as", town.seller)


def test_a_backup_and_what_is_restored_are_the_owners_alone(town: Town, copy: Path, tmp_path: Path) -> None:
    assert sorted(item.name for item in copy.iterdir()) == ["chain", "ledger.sqlite", "manifest.json"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    restored = Shell(tmp_path / "data")
    restored.done("restore", copy, "--master-key-file", key_of(town))
    assert stat.S_IMODE(restored.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((restored.data_dir / "master.key").stat().st_mode) == 0o600
    assert not (restored.data_dir / "manifest.json").exists()


def test_the_master_key_comes_along_when_asked(town: Town, tmp_path: Path) -> None:
    answer = town.shell.done("backup", tmp_path / "copy", "--with-master-key", "--json").json
    assert answer["master_key"] is True
    assert stat.S_IMODE((tmp_path / "copy" / "master.key").stat().st_mode) == 0o600
    restored = Shell(tmp_path / "data")
    assert restored.done("restore", tmp_path / "copy", "--json").json["block"] == answer["block"]
    restored.done("audit")


def test_without_a_master_key_a_restore_says_where_it_belongs(town: Town, copy: Path, tmp_path: Path) -> None:
    restored = Shell(tmp_path / "data")
    assert str(restored.data_dir / "master.key") in restored.done("restore", copy).out
    assert restored.run("audit").code == 1
    shutil.copy2(key_of(town), restored.data_dir / "master.key")
    restored.done("audit")


def test_another_ledgers_master_key_is_refused(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text("ab" * 32)
    other.chmod(0o600)
    restored = Shell(tmp_path / "data")
    for changes in ({}, {"EINVOICE_MASTER_KEY": "cd" * 32}):
        answer = restored.run("restore", copy, *([] if changes else ["--master-key-file", other]), **changes)
        assert answer.code == 1
        assert "nothing was changed" in answer.err
        assert [item.name for item in tmp_path.iterdir()] == ["other.key"]


@pytest.mark.parametrize("content", [None, b"", b"not hexadecimal", b"ab" * 31, b"\xff"])
def test_a_master_key_file_that_is_none_is_named(copy: Path, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    answer = Shell(tmp_path / "data").run("restore", copy, "--master-key-file", path)
    assert answer.code == 1
    assert str(path) in answer.err
    assert not (tmp_path / "data").exists()


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["ledger.sqlite", "chain/data.mdb"])
@pytest.mark.parametrize("damage", ["altered", "cut", "missing"])
def test_a_damaged_file_of_a_backup_is_named(copy: Path, name: str, damage: str, tmp_path: Path) -> None:
    damaged = tmp_path / "copy"
    shutil.copytree(copy, damaged)
    if damage == "altered":
        flip(damaged / name, 5_000)
    elif damage == "cut":
        os.truncate(damaged / name, 4_096)
    else:
        (damaged / name).unlink()
    answer = Shell(tmp_path / "data").run("restore", damaged)
    assert answer.code == 1
    assert name in answer.err
    assert "备份" in answer.err
    assert [item.name for item in tmp_path.iterdir()] == ["copy"]


def test_a_file_the_backup_did_not_write_is_named(copy: Path, tmp_path: Path) -> None:
    shutil.copytree(copy, tmp_path / "copy")
    (tmp_path / "copy" / "chain" / "more.mdb").write_bytes(b"x")
    answer = Shell(tmp_path / "data").run("restore", tmp_path / "copy")
    assert answer.code == 1
    assert "chain/more.mdb" in answer.err


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b"null", b'{"files": []}', b'{"files": {}, "format": "einvoice-backup-2"}', b"[" * 200_000],
)
def test_a_manifest_that_cannot_be_read_is_refused(copy: Path, manifest: bytes, tmp_path: Path) -> None:
    shutil.copytree(copy, tmp_path / "copy")
    (tmp_path / "copy" / "manifest.json").write_bytes(manifest)
    answer = Shell(tmp_path / "data").run("restore", tmp_path / "copy")
    assert answer.code == 1
    assert "backup" in answer.err


def test_a_manifest_cannot_name_files_elsewhere(copy: Path, tmp_path: Path) -> None:
    shutil.copytree(copy, tmp_path / "copy")
    path = tmp_path / "copy" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../stolen"] = "00" * 32
    path.write_text(json.dumps(manifest))
    (tmp_path / "stolen").write_text("x")
    answer = Shell(tmp_path / "data").run("restore", tmp_path / "copy")
    assert answer.code == 1
    assert "../stolen" in answer.err


@pytest.mark.parametrize("source", ["absent", "empty", "file"])
def test_what_is_no_backup_is_refused(source: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    answer = Shell(tmp_path / "data").run("restore", tmp_path / source)
    assert answer.code == 1
    assert "is not a backup" in answer.err
    assert not (tmp_path / "data").exists()


def test_a_restore_never_overwrites(town: Town, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    restored = Shell(tmp_path / "data")
    restored.done("restore", copy, "--master-key-file", key_of(town))  # an empty directory will do
    answer = restored.run("restore", copy)
    assert answer.code == 1
    assert "is not empty" in answer.err
    restored.done("audit")


@pytest.mark.parametrize("kind", ["directory", "file", "ledger"])
def test_a_backup_never_overwrites(town: Town, kind: str, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    if kind == "directory":
        target.mkdir()
    elif kind == "file":
        target.write_text("mine")
    else:
        target = town.shell.data_dir
    answer = town.shell.run("backup", target)
    assert answer.code == 1
    assert "exists" in answer.err
    assert "已存在" in answer.err


def test_a_backup_that_cannot_be_written_leaves_nothing(town: Town, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    answer = town.shell.run("backup", tmp_path / "file" / "copy")
    assert answer.code == 1
    assert "nothing is left behind" in answer.err
    answer = town.shell.run("backup", tmp_path / "copy", "--with-master-key", EINVOICE_MASTER_KEY_FILE="/dev/null")
    assert answer.code == 1
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_two_ledgers_backups_do_not_mix(town: Town, copy: Path, tmp_path: Path) -> None:
    other = founded_town(tmp_path)
    shutil.rmtree(other.shell.data_dir / "chain")
    shutil.copytree(copy / "chain", other.shell.data_dir / "chain")
    answer = other.shell.run("audit")
    assert answer.code == 1
    assert "another ledger" in answer.err
    assert "不属于同一账本" in answer.err
