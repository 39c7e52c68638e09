"""The committed artifact is what the source compiles to, with its words where everybody looks for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts import ARTIFACT_PATH, load_artifact
from contracts.build import BuildError, artifact_text, compile_contract, words_first
from contracts.build import main as build
from verifier.words import WORDS_SLOT

SOURCE = Path(ARTIFACT_PATH).parent.parent / "InvoiceLedger.vy"


@pytest.mark.slow
def test_the_committed_artifact_is_what_the_source_compiles_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert build(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.slow
def test_another_source_is_noticed(tmp_path: Path) -> None:
    changed = tmp_path / SOURCE.name
    changed.write_text(SOURCE.read_text(encoding="utf-8") + "\n# another\n", encoding="utf-8")
    assert artifact_text(compile_contract(changed)) != ARTIFACT_PATH.read_text(encoding="utf-8")


def test_words_lie_at_the_slot_the_verifier_uses() -> None:
    assert load_artifact().storage_layout["words"]["slot"] == WORDS_SLOT
    moved = words_first(
        {
            "$.nonreentrant_key": {"slot": 0, "n_slots": 1},
            "other": {"slot": 1, "n_slots": 2},
            "words": {"slot": 3, "n_slots": 1},
        }
    )
    assert {name: entry["slot"] for name, entry in moved.items()} == {"words": 0, "other": 1}
    with pytest.raises(BuildError, match="words"):
        words_first({"other": {"slot": 0, "n_slots": 1}})


def test_the_artifact_names_compiler_and_source() -> None:
    content = json.loads(ARTIFACT_PATH.read_text(encoding="utf-8"))
    assert content["compiler"] == {"name": "vyper", "version": "0.4.3", "evm_version": "london"}
    assert content["runtime_size"] == len(load_artifact().runtime) < 24_576
