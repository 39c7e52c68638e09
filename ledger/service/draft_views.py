"""What the service shows of a group that waits for its party's signature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from verifier.canonical import Json


@dataclass(frozen=True)
class DraftView:
    """A draft: `digest` (64 hex digits) is what a wallet computes from `typed_data` and signs.

    `says` tells in words what is signed, a line an operation and one of who signs; `numbers` are held until `sign_by`.
    """

    digest: str
    created_at: datetime
    sign_by: datetime
    says: tuple[str, ...]
    numbers: tuple[str, ...]
    typed_data: dict[str, Json]
