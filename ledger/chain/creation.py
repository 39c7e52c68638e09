"""Creating a contract of the ledger: its address, its creation code, and what a compiled one must offer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import rlp

from contracts import Artifact, load_artifact
from ledger.chain.calldata import APPLY_SIGNATURE
from ledger.chain.errors import ArtifactUnfitError
from ledger.chain.events import EVENT_TOPICS
from verifier.canonical import check_depth
from verifier.errors import EvidenceError
from verifier.hashing import keccak256
from verifier.words import SUCCESSOR_SLOT, WORDS_SLOT

WORDS_SELECTOR: Final = keccak256(b"words(uint256)")[:4]
ARTIFACT_SIZE_MAX: Final = 1 << 20
"""Bytes of a compiled contract's file: twice its code in hex, and its interface, are under 200 KB."""

RUNTIME_SIZE_MAX: Final = 24_576
"""Bytes of code a contract may have (EIP-170)."""

_FUNCTIONS: Final = frozenset({APPLY_SIGNATURE, "words(uint256)", "successor()"})
_CONSTRUCTOR: Final = "constructor(address,address)"


def contract_address(sealer: bytes, nonce: int = 0) -> bytes:
    """20-byte address of the contract that `sealer` creates with `nonce`."""
    return keccak256(rlp.encode([sealer, nonce]))[12:]


def creation_code(artifact: Artifact, *, authority: bytes = bytes(20), predecessor: bytes = bytes(20)) -> bytes:
    """Creation code with its arguments, 20-byte addresses: of a first contract the authority counts, of a successor the
    predecessor."""
    return artifact.bytecode + authority.rjust(32, b"\0") + predecessor.rjust(32, b"\0")


@dataclass(frozen=True)
class CompiledContract:
    """A compiled contract that may carry a ledger on.

    `runtime` is its code without the immutables that follow it once created; `source_sha256` names its source;
    `of_this_release` says whether this release's node goes on with it.
    """

    artifact: Artifact
    of_this_release: bool

    @property
    def runtime(self) -> bytes:
        return self.artifact.runtime

    @property
    def source_sha256(self) -> str:
        return self.artifact.source_sha256

    def creation(self, predecessor: bytes) -> bytes:
        """Creation code of the successor of the contract at a 20-byte address."""
        return creation_code(self.artifact, predecessor=predecessor)


def load_successor(path: Path | None = None) -> CompiledContract:
    """The compiled contract in a file as `python -m contracts.build` writes it, or this release's own.

    Raises: ArtifactUnfitError, also for a contract that reader, writer and verifier of this release could not use.
    """
    own = load_artifact()
    if path is None:
        return CompiledContract(own, of_this_release=True)
    try:
        if path.stat().st_size > ARTIFACT_SIZE_MAX:
            raise ArtifactUnfitError(f"{path} is over {ARTIFACT_SIZE_MAX} bytes: no compiled contract is")
        check_depth(path.read_text(encoding="utf-8"))  # the parser of deeper ones would end the process
        artifact = load_artifact(path)
        _require_fit(artifact)
    except OSError as err:
        raise ArtifactUnfitError(f"{path} cannot be read: {err.strerror}") from err
    except (ValueError, KeyError, TypeError, AttributeError, EvidenceError) as err:
        raise ArtifactUnfitError(
            f"{path} is no compiled contract; `python -m contracts.build` writes one ({type(err).__name__})"
        ) from err
    return CompiledContract(artifact, of_this_release=artifact.runtime == own.runtime)


def _require_fit(artifact: Artifact) -> None:
    """Holds a compiled contract against what this release uses of one. Raises: ArtifactUnfitError."""
    if not 0 < len(artifact.runtime) <= RUNTIME_SIZE_MAX:
        raise ArtifactUnfitError(f"its code has {len(artifact.runtime)} bytes; a contract has 1..{RUNTIME_SIZE_MAX}")
    declared = {_signature(item) for item in artifact.abi}
    missing = sorted({*_FUNCTIONS, _CONSTRUCTOR} - declared)
    if missing:
        raise ArtifactUnfitError(f"it has no {missing[0]}")
    topics = {keccak256(_signature(item).encode()) for item in artifact.abi if item.get("type") == "event"}
    if topics != EVENT_TOPICS:
        raise ArtifactUnfitError("its events are not those this release reads")
    slots = (_slot(artifact, "storage", "slots"), _slot(artifact, "parties", "successor"))
    if slots != (WORDS_SLOT, SUCCESSOR_SLOT):
        raise ArtifactUnfitError("it keeps its words or its successor in other storage slots than proofs show")


def _signature(item: dict[str, Any]) -> str:
    types = ",".join(_type(given) for given in item.get("inputs", ()))
    return f"{item.get('name', item.get('type', ''))}({types})"


def _type(given: dict[str, Any]) -> str:
    kind = str(given.get("type", ""))
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(part) for part in given.get('components', ()))}){kind.removeprefix('tuple')}"


def _slot(artifact: Artifact, module: str, name: str) -> Any:
    return artifact.storage_layout.get(module, {}).get(name, {}).get("slot")
