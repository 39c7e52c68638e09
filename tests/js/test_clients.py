"""Other people's programs are at fixed versions; without them a test skips where one works, and fails in CI."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.js import clients


def test_without_the_program_a_test_skips_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(clients, "GETH", tmp_path / "geth")
    monkeypatch.setattr(clients, "ETHERS", tmp_path / "ethers")
    for program in (clients.geth, clients.node_with_ethers, clients.node_with_provider):
        with pytest.raises(pytest.skip.Exception, match=r"make clients"):
            program()


def test_without_the_program_ci_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(clients, "GETH", tmp_path / "geth")
    monkeypatch.setattr(clients, "ETHERS", tmp_path / "ethers")
    for program in (clients.geth, clients.node_with_ethers, clients.node_with_provider):
        with pytest.raises(pytest.fail.Exception, match=r"make clients"):
            program()
    assert "export CI=true" in (clients.ROOT / ".ci" / "run").read_text()


def test_versions_are_exact_and_the_same_everywhere() -> None:
    makefile = (clients.ROOT / "Makefile").read_text()
    folder, name = clients.GETH.relative_to(clients.ROOT / "build").parts
    assert f"GETH := build/{folder}/{name}\n" in makefile
    assert f"cmd/geth@v{folder.removeprefix('geth-')} " in makefile
    package = json.loads((clients.ROOT / "tests" / "js" / "package.json").read_text())
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["dependencies"].values())
    assert not list((clients.ROOT / "tests" / "js").glob("*lock*"))
