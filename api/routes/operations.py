"""Where a 202 says to look, the trust file, the public check, and how the installation stands."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.endpoint import LedgerRoute
from api.pools import public, reads
from api.render import answer, public_invoice_json, written_json
from api.routes.declared import Authenticated, Door, public_answers, read_answers, router
from api.schemas import answers
from api.schemas.requests import VerifyRequest
from api.schemas.values import Hash

MATCH = ("An invoice matches all three.", "有一张发票三项均相符。")
NO_MATCH = ("No invoice matches all three.", "没有三项均相符的发票。")

routes = router("operations")
health_routes = APIRouter(route_class=LedgerRoute, tags=["operations"])


@routes.get("/operations/{digest}", responses=read_answers(answers.Written), summary="Outcome of an accepted write")
@reads
def read_operation(ledger: Door, caller: Authenticated, digest: Hash) -> Response:
    """How far a write has come; a refusal is in `refusal`."""
    return answer(written_json(ledger.operation(caller, digest)))


@routes.get("/trust", responses=public_answers(answers.Trust), summary="Trust file of this ledger")
@public
def read_trust(ledger: Door) -> Response:
    """What the offline verifier pins. Get it once, compare it with what the operator publishes elsewhere, keep it."""
    return answer(ledger.trust())


@routes.post("/verify", responses=public_answers(answers.Verdict, body=True), summary="Check an invoice")
@public
def verify_invoice(ledger: Door, body: VerifyRequest) -> Response:
    """Public check: number, gross and commitment together. When they do not match, nothing is told of why."""
    found = ledger.public_check(body.number, body.gross_fen, body.commitment)
    message, message_zh = NO_MATCH if found is None else MATCH
    return answer(
        {
            "matches": found is not None,
            "message": message,
            "message_zh": message_zh,
            "invoice": None if found is None else public_invoice_json(found),
        }
    )


@health_routes.get("/healthz", responses=public_answers(answers.Health), summary="Health")
@public
def read_health(ledger: Door) -> Response:
    """Head of the chain, what readers see of it, and what waits."""
    health = ledger.health()
    return answer(
        {
            "status": "ok",
            "chain_block": health.chain_block,
            "projected_block": health.projected_block,
            "waiting_groups": health.waiting_groups,
        }
    )
