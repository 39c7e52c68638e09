"""Answer to a checkpoint that was brought here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.values import Hash, Strict


class CheckpointTaken(Strict):
    """Whose signatures on which block were taken, now or before."""

    block: int
    block_hash: Hash
    taken: Annotated[list[str], Field(description="Names of the admitted witnesses whose signatures it brought.")]
    unknown_count: Annotated[int, Field(description="Signature lines of keys that are not admitted here; not stored.")]
    signature_count: Annotated[int, Field(description="Admitted witnesses who have signed the block by now.")]
