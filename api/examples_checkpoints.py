"""Examples of checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")


def checkpoint_examples(made: Callable[[dict[int, Json]], T]) -> dict[str, T]:
    """By operation; a note is no JSON, so that neither request nor download has one."""
    taken: Json = {
        "block": 812,
        "block_hash": "5f" * 32,
        "taken": ["witness.example/w1"],
        "unknown_count": 0,
        "signature_count": 2,
    }
    return {"take_checkpoint": made({200: taken}), "read_checkpoint": made({})}
