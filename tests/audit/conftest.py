"""One ledger that did a little of everything, and a copy of it for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.lived import Place, lived


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The ledger at rest; never damaged."""
    return lived(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def place(untouched: Place, tmp_path: Path) -> Place:
    """A copy of it."""
    return untouched.copy(tmp_path / "copy")
