"""The contract and its compiled artifact. Reading the artifact needs no compiler."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARTIFACT_PATH = Path(__file__).parent / "artifacts" / "InvoiceLedger.json"


@dataclass(frozen=True)
class Artifact:
    """The compiled contract as committed.

    `bytecode` is the creation code, without constructor arguments. `runtime` is the deployed code without the
    immutables the constructor appends; the code hash of a deployed contract is therefore known only after creation.
    """

    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    runtime: bytes
    storage_layout: dict[str, Any]
    compiler_version: str
    source_sha256: str


def load_artifact(path: Path = ARTIFACT_PATH) -> Artifact:
    """The committed artifact.

    Raises: FileNotFoundError when it was never built (run `python -m contracts.build`).
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    return Artifact(
        abi=tuple(content["abi"]),
        bytecode=bytes.fromhex(content["bytecode"].removeprefix("0x")),
        runtime=bytes.fromhex(content["bytecode_runtime"].removeprefix("0x")),
        storage_layout=content["storage_layout"],
        compiler_version=content["compiler"]["version"],
        source_sha256=content["source_sha256"],
    )
