"""Compiles contracts/InvoiceLedger.vy into the committed artifact; needs the `contracts` dependency group.

    python -m contracts.build            writes contracts/artifacts/InvoiceLedger.json
    python -m contracts.build --check    compiles again and compares with what is committed

The optimisation mode and the compiler version are the source's own pragmas; the EVM version is london.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from contracts import ARTIFACT_PATH

SOURCE_PATH = Path(__file__).parent / "InvoiceLedger.vy"
EVM_VERSION = "london"
COMPILER_VERSION = "0.4.3"
RUNTIME_SIZE_MAX = 24_576  # EIP-170: a longer contract cannot be created


class BuildError(RuntimeError):
    """The contract cannot be built as the ledger needs it; the message says what to change."""


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m contracts.build", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed artifact, write nothing")
    check = parser.parse_args(arguments).check
    text = artifact_text(compile_contract(SOURCE_PATH))
    if not check:
        ARTIFACT_PATH.parent.mkdir(exist_ok=True)
        ARTIFACT_PATH.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {ARTIFACT_PATH}\n")
        return 0
    if not ARTIFACT_PATH.is_file() or ARTIFACT_PATH.read_text(encoding="utf-8") != text:
        sys.stderr.write(f"{ARTIFACT_PATH} is not what {SOURCE_PATH.name} compiles to: run python -m contracts.build\n")
        return 1
    sys.stdout.write("artifact is current\n")
    return 0


def artifact_text(artifact: dict[str, Any]) -> str:
    """The artifact as it is committed: JSON, sorted keys, one line an entry."""
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def compile_contract(source: Path) -> dict[str, Any]:
    """Artifact of the contract at `source`: abi, bytecode and code hash inputs, layout, compiler and source hash.

    Raises: BuildError for another compiler version or a contract too long.
    """
    from vyper.compiler import compile_from_file_input
    from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
    from vyper.compiler.settings import Settings

    if version("vyper") != COMPILER_VERSION:
        raise BuildError(f"vyper {version('vyper')} is installed; the artifact is built with {COMPILER_VERSION}")
    contents = source.read_text(encoding="utf-8")

    built: dict[str, Any] = compile_from_file_input(
        FileInput(0, Path(source.name), source, contents),  # relative: nothing of this machine enters the output
        input_bundle=FilesystemInputBundle([source.parent]),
        settings=Settings(evm_version=EVM_VERSION),
        output_formats=["abi", "bytecode", "bytecode_runtime", "layout"],
    )
    runtime_size = len(built["bytecode_runtime"]) // 2 - 1
    if runtime_size > RUNTIME_SIZE_MAX:
        raise BuildError(f"the contract has {runtime_size} bytes; the EVM takes {RUNTIME_SIZE_MAX} at most")
    return {
        "abi": built["abi"],
        "bytecode": built["bytecode"],
        "bytecode_runtime": built["bytecode_runtime"],
        "runtime_size": runtime_size,
        "storage_layout": json.loads(json.dumps(built["layout"]["storage_layout"])),
        "compiler": {"name": "vyper", "version": COMPILER_VERSION, "evm_version": EVM_VERSION},
        "source_sha256": source_sha256(source.parent),
    }


def source_sha256(directory: Path) -> str:
    """SHA-256 over every Vyper module, in order of name: each name, a zero byte, its text, a zero byte."""
    joined = hashlib.sha256()
    for module in sorted(directory.glob("*.vy")):
        joined.update(module.name.encode() + b"\0" + module.read_bytes() + b"\0")
    return joined.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
