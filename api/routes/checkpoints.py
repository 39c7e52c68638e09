"""Checkpoints: what witnesses signed of this chain, sent here by anybody and handed out to anybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from api.downloads import file_answer
from api.notes import NOTE_BODY, PLAIN, note_of
from api.pools import notes, public
from api.render import answer
from api.routes.declared import Door, note_answers, public_file_answers, router
from api.schemas.checkpoints import CheckpointTaken
from verifier.trust import WITNESSES_MAX

CHECKPOINT_NAME = "checkpoint.txt"

routes = router("checkpoints")


async def _note(request: Request) -> bytes:
    return note_of(request)


@routes.post(
    "/checkpoints",
    responses=note_answers(CheckpointTaken),
    openapi_extra=NOTE_BODY,
    summary="Bring witnesses' signatures",
)
@notes
def take_checkpoint(ledger: Door, note: Annotated[bytes, Depends(_note)]) -> Response:
    """Takes a C2SP checkpoint of this chain; what counts on it are the signatures of admitted witnesses."""
    taken = ledger.witnessing.take(note)
    return answer(
        {
            "block": taken.block,
            "block_hash": taken.block_hash,
            "taken": list(taken.taken),
            "unknown_count": taken.unknown_count,
            "signature_count": taken.signature_count,
        }
    )


@routes.get(
    "/checkpoints/latest",
    responses=public_file_answers(PLAIN),
    response_class=Response,
    summary="Newest witnessed checkpoint",
)
@public
def read_checkpoint(
    ledger: Door,
    signatures: Annotated[int, Query(ge=1, le=WITNESSES_MAX, description="Witnesses that must have signed it.")] = 1,
) -> Response:
    """The newest checkpoint that so many admitted witnesses signed, as a C2SP note with all their lines."""
    return file_answer(CHECKPOINT_NAME, PLAIN, ledger.witnessing.latest(signatures).encode())
