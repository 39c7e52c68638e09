"""The artifact is the source's alone, wherever that lies, with its words where everybody looks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts import ARTIFACT_PATH, load_artifact
from contracts.build import artifact_text, compile_contract
from verifier.words import WORDS_SLOT

SOURCE = Path(ARTIFACT_PATH).parent.parent / "InvoiceLedger.vy"


@pytest.mark.slow
def test_the_artifact_is_the_same_wherever_the_source_lies_and_another_of_another_source(tmp_path: Path) -> None:
    for module in SOURCE.parent.glob("*.vy"):
        (tmp_path / module.name).write_bytes(module.read_bytes())
    changed = tmp_path / SOURCE.name
    assert artifact_text(compile_contract(changed)) == ARTIFACT_PATH.read_text(encoding="utf-8")
    changed.write_text(SOURCE.read_text(encoding="utf-8") + "\n# another\n", encoding="utf-8")
    assert artifact_text(compile_contract(changed)) != ARTIFACT_PATH.read_text(encoding="utf-8")


def test_words_lie_at_the_slot_the_verifier_uses() -> None:
    assert WORDS_SLOT in slots(load_artifact().storage_layout)
    assert slots({"module": {"words": {"slot": 4, "type": "HashMap[uint256, uint256]"}, "other": {"slot": 5}}}) == [4]


def slots(layout: dict[str, Any]) -> list[int]:
    """Slots of the maps of words in a storage layout, whatever module holds them."""
    if layout.get("type") == "HashMap[uint256, uint256]":
        return [layout["slot"]]
    return [slot for part in layout.values() if isinstance(part, dict) for slot in slots(part)]


def test_the_artifact_names_compiler_and_source() -> None:
    content = json.loads(ARTIFACT_PATH.read_text(encoding="utf-8"))
    assert content["compiler"] == {"name": "vyper", "version": "0.4.3", "evm_version": "london"}
    assert content["runtime_size"] == len(load_artifact().runtime) < 24_576
