"""The master key comes from the environment or a private file, and is made only on request."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.identity import MasterKeyError, create_master_key, load_master_key
from ledger.settings import Settings


def test_created_key_is_private_and_loads_again(tmp_path: Path) -> None:
    key = create_master_key(tmp_path / "master.key")
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert load_master_key(Settings(data_dir=tmp_path)) == key


def test_key_is_never_overwritten(tmp_path: Path) -> None:
    create_master_key(tmp_path / "master.key")
    with pytest.raises(MasterKeyError, match="never overwritten"):
        create_master_key(tmp_path / "master.key")


def test_missing_key_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyError, match="einvoice init"):
        load_master_key(Settings(data_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_key_open_to_others_is_refused(tmp_path: Path) -> None:
    create_master_key(tmp_path / "master.key")
    (tmp_path / "master.key").chmod(0o640)
    with pytest.raises(MasterKeyError, match="chmod 600"):
        load_master_key(Settings(data_dir=tmp_path))


def test_environment_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_master_key(tmp_path / "master.key")
    monkeypatch.setenv("EINVOICE_MASTER_KEY", "ab" * 32)
    settings = Settings(data_dir=tmp_path)
    assert load_master_key(settings) == b"\xab" * 32
    assert "abab" not in repr(settings)


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "zz" * 32])
def test_malformed_key_is_refused_without_repeating_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "master.key").write_text(text)
    (tmp_path / "master.key").chmod(0o600)
    with pytest.raises(MasterKeyError, match="64 hex digits") as caught:
        load_master_key(Settings(data_dir=tmp_path))
    assert not text or text not in str(caught.value)
