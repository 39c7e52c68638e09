"""Other people's programs that tests run: geth, ethers and a sign-in provider, where `make clients` puts them.

Without them a test skips on a newcomer's machine and says why; where CI is set it fails, so that nothing is lost there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GETH = ROOT / "build" / "geth-1.13.15" / "geth"
ETHERS = ROOT / "build" / "ethers"
START_LIMIT_S = 30


def geth() -> Path:
    """The geth program."""
    if not GETH.is_file():
        _missing("geth is not built: `make clients` builds it and needs go")
    return GETH


def node_with_ethers() -> tuple[str, Path]:
    """The node program, and the directory whose node_modules has ethers."""
    return _node_with("ethers")


def node_with_provider() -> tuple[str, Path]:
    """The node program, and the directory whose node_modules has oidc-provider."""
    return _node_with("oidc-provider")


@contextmanager
def sign_in_provider() -> Iterator[str]:
    """Issuer of a sign-in provider that runs meanwhile, with no accounts, clients or sessions of before."""
    node, directory = node_with_provider()
    script = ROOT / "tests" / "js" / "oidc_provider.mjs"
    process = subprocess.Popen([node, script, directory], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    timer = threading.Timer(START_LIMIT_S, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        timer.cancel()
        assert issuer.startswith("http://127.0.0.1:"), f"the provider did not start: {issuer!r}"
        yield issuer
    finally:
        timer.cancel()
        process.kill()
        process.communicate()


def _node_with(package: str) -> tuple[str, Path]:
    node = shutil.which("node")
    if node is None:
        _missing(f"node is not installed: {package} needs it, then `make clients`")
    if not (ETHERS / "node_modules" / package / "package.json").is_file():
        _missing(f"{package} is not installed: `make clients` installs it and needs npm")
    assert node is not None
    return node, ETHERS


def _missing(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
