"""Export: whole or not at all, of one moment, while the writer goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.chain import BlockUnknownError, ChainExistsError, ChainMissingError, export, export_chain
from tests.chain.world import Ledger


def test_an_export_says_what_it_holds(issuing: Ledger, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    exported = export_chain(issuing.directory, tmp_path / "out", lambda done, of: seen.append((done, of)))
    head = issuing.reader.head()
    assert (exported.block, exported.block_hash) == (head.number, head.hash)
    assert exported.size == (tmp_path / "out" / "blocks.rlp").stat().st_size
    assert seen == [(number, head.number) for number in range(1, head.number + 1)]
    genesis = json.loads((tmp_path / "out" / "genesis.json").read_text())
    assert genesis["config"]["chainId"] == issuing.identity.chain_id
    assert genesis["config"]["clique"]["period"] == 0
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"genesis.json", "blocks.rlp"}


def test_a_directory_with_anything_in_it_is_left_as_it_is(issuing: Ledger, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    export_chain(issuing.directory, other)
    kept = (other / "blocks.rlp").read_bytes()
    with pytest.raises(ChainExistsError):
        export_chain(issuing.directory, other)
    assert (other / "blocks.rlp").read_bytes() == kept
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(ChainExistsError):
        export_chain(issuing.directory, file)
    assert file.read_text() == "mine"


def test_an_export_that_fails_leaves_nothing(issuing: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(done: int, _of: int) -> None:
        if done == 2:
            raise BlockUnknownError(3)

    with pytest.raises(BlockUnknownError):
        export_chain(issuing.directory, tmp_path / "out", fail)
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine").mkdir()
    monkeypatch.setattr(export, "BLOCKS_FILE", "no/such/blocks.rlp")
    with pytest.raises(OSError, match="No such file"):
        export_chain(issuing.directory, tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []
    with pytest.raises(ChainMissingError):
        export_chain(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()
