"""Signing by parties that keep their key themselves: what waits, what to sign, and the signature."""

from __future__ import annotations

from fastapi import Response

from api.pools import personal, reads
from api.render import answer, written_answer
from api.render_drafts import draft_json, draft_summary_json
from api.routes.declared import Authenticated, Door, read_answers, router, write_answers
from api.schemas import drafts
from api.schemas.values import Hash

routes = router("keys")


@routes.get("/drafts", responses=read_answers(drafts.DraftList), summary="List what waits for your signature")
@reads
def list_drafts(ledger: Door, caller: Authenticated) -> Response:
    """Groups that the caller asked for and has yet to sign, because it keeps its key itself."""
    return answer({"items": [draft_summary_json(one) for one in ledger.drafts.drafts(caller)]})


@routes.get("/drafts/{digest}", responses=read_answers(drafts.Draft), summary="What to sign")
@reads
def read_draft(ledger: Door, caller: Authenticated, digest: Hash) -> Response:
    """A draft of the caller's own with its EIP-712 typed data, for any wallet or `einvoice key sign`."""
    return answer(draft_json(ledger.drafts.draft(caller, digest)))


@routes.post("/drafts/{digest}/signature", status_code=201, responses=write_answers(), summary="Sign a draft")
@personal
def sign_draft(ledger: Door, caller: Authenticated, digest: Hash, body: drafts.SignatureRequest) -> Response:
    """Accepts the draft under this signature; what follows is as with every write. Sent twice it is done once."""
    return written_answer(ledger.drafts.sign(caller, digest, body.signature))
