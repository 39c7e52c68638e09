"""Other people's programs that tests run: geth and ethers, where `make clients` puts them.

Without them a test skips on a newcomer's machine and says why; where CI is set it fails, so that nothing is lost there.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GETH = ROOT / "build" / "geth-1.13.15" / "geth"
ETHERS = ROOT / "build" / "ethers"


def geth() -> Path:
    """The geth program."""
    if not GETH.is_file():
        _missing("geth is not built: `make clients` builds it and needs go")
    return GETH


def node_with_ethers() -> tuple[str, Path]:
    """The node program, and the directory whose node_modules has ethers."""
    node = shutil.which("node")
    if node is None:
        _missing("node is not installed: ethers needs it, then `make clients`")
    if not (ETHERS / "node_modules" / "ethers" / "package.json").is_file():
        _missing("ethers is not installed: `make clients` installs it and needs npm")
    assert node is not None
    return node, ETHERS


def _missing(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
