"""Checkpoints: what a witness signs about the head of a chain, in the form of C2SP tlog-checkpoint.

The form is a transparency log's, the content a hash chain's: the "tree" of size n is the chain of blocks 0 to n - 1,
and its "root hash" is the hash of block n - 1, which commits to all before it through the parents' hashes. It is not
the root of a Merkle tree (RFC 6962): there are no inclusion proofs below it, the headers themselves are the proof.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from ledger.witness.errors import NoteError
from verifier.canonical import INTEGER_MAX
from verifier.errors import ShapeError
from verifier.shape import based

ORIGIN_PREFIX: Final = "einvoice.example"
HASH_SIZE: Final = 32
_DIGITS: Final = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Head of one chain as its note says it."""

    origin: str
    size: int  # blocks, genesis counted: height of the head + 1
    block_hash: bytes  # 32 bytes, of the head
    state_root: bytes  # 32 bytes, of the head's header
    time_s: int  # of the head's header, seconds since 1970, UTC: the operator's clock, not the witness's

    @property
    def height(self) -> int:
        """Number of the head."""
        return self.size - 1

    def to_text(self) -> str:
        """The note's text."""
        lines = (
            self.origin,
            str(self.size),
            base64.b64encode(self.block_hash).decode(),
            f"state-root {base64.b64encode(self.state_root).decode()}",
            f"block-time {self.time_s}",
        )
        return "\n".join(lines) + "\n"


def origin_of(chain_id: int, genesis: bytes) -> str:
    """The origin line of a chain; its genesis names it, so that it outlives a succession of contracts."""
    return f"{ORIGIN_PREFIX}/{chain_id}/{genesis.hex()}"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is.

    Raises: NoteError.
    """
    lines = text.split("\n")
    if len(lines) != 6 or lines[5] or not lines[0]:
        raise NoteError("a checkpoint of this ledger has five lines: origin, size, hash, state-root, block-time")
    state_word, _, state_root = lines[3].partition(" ")
    time_word, _, time_s = lines[4].partition(" ")
    if (state_word, time_word) != ("state-root", "block-time"):
        raise NoteError("the fourth and fifth line of a checkpoint are state-root and block-time")
    size = _number(lines[1])
    if size < 1:
        raise NoteError("a checkpoint's size is at least 1: genesis counts")
    return Checkpoint(lines[0], size, _hash(lines[2]), _hash(state_root), _number(time_s))


def _number(digits: str) -> int:
    if not _DIGITS.fullmatch(digits) or int(digits) > INTEGER_MAX:
        raise NoteError(f"no number in decimal digits: {digits[:40]!r}")
    return int(digits)


def _hash(text: str) -> bytes:
    try:
        value = based(text, HASH_SIZE, "hash")
    except ShapeError as err:
        raise NoteError(f"no hash in base64: {text[:60]!r}") from err
    if len(value) != HASH_SIZE:
        raise NoteError(f"a hash has {HASH_SIZE} bytes, not {len(value)}")
    return value
