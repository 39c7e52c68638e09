"""API keys of the caller: make, list, end; officers list and end others'. Keys of an hour for a signed challenge."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.pools import asks, public, reads, writes
from api.render import answer, time_text
from api.render_api_keys import api_key_json, made_json
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    challenge_answers,
    public_answers,
    read_answers,
    router,
    write_answers,
)
from api.schemas import api_keys
from api.schemas.values import PathParty

routes = router("keys")


@routes.post(
    "/api-keys", status_code=201, responses=write_answers(api_keys.ApiKeyMade, waits=False), summary="Make an API key"
)
@writes
def make_api_key(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: api_keys.ApiKeyRequest) -> Response:
    """A key that acts as the caller, no wider than the one it is made with; `api_key` is in this answer alone."""
    view = ledger.api_keys.make(
        caller,
        label=body.label,
        scopes=None if body.scopes is None else list(body.scopes),
        lifetime_days=body.lifetime_days,
        idempotency_key=key,
    )
    return answer(made_json(view), 201, {"location": "/v1/api-keys"})


@routes.get("/api-keys", responses=read_answers(api_keys.ApiKeyList), summary="List API keys")
@reads
def list_api_keys(
    ledger: Door, caller: Authenticated,
    party: Annotated[PathParty | None, Query(description="For officers: whose; left out: the caller's.")] = None,
) -> Response:  # fmt: skip
    """Keys of the caller: those that work, then the last that ended, newest first; never their secrets."""
    return answer({"items": [api_key_json(one) for one in ledger.api_keys.keys(caller, party)]})


@routes.post(
    "/api-keys/{key_id}/revocation",
    status_code=201,
    responses=write_answers(api_keys.ApiKey, waits=False),
    summary="End an API key",
)
@writes
def revoke_api_key(
    ledger: Door,
    caller: Authenticated,
    key: IdempotencyKey,
    key_id: api_keys.ApiKeyId,
    body: api_keys.ApiKeyEnd,  # noqa: ARG001 - an empty object, as every write
) -> Response:
    """Ends a key and those made with it, at once. Officers end keys of enterprises and persons, the authority any."""
    return answer(api_key_json(ledger.api_keys.revoke(caller, key_id, idempotency_key=key)), 201)


@routes.post("/challenges", responses=public_answers(api_keys.ChallengeAsked, body=True), summary="Ask for a challenge")
@public
def ask_challenge(ledger: Door, body: api_keys.ChallengeRequest) -> Response:
    """EIP-712 typed data that a party's own key signs to sign in; the same for a party that is not there."""
    view = ledger.challenges.ask(body.party, None if body.scopes is None else list(body.scopes))
    return answer(
        {
            "challenge_id": view.challenge_id,
            "expires_at": time_text(view.expires_at),
            "typed_data": view.typed_data,
        }
    )


@routes.post(
    "/challenges/{challenge_id}/answer", responses=challenge_answers(api_keys.ApiKeyMade), summary="Answer a challenge"
)
@asks
def answer_challenge(ledger: Door, challenge_id: api_keys.ChallengeId, body: api_keys.ChallengeAnswer) -> Response:
    """An API key of an hour for who signed with the party's key. A challenge is answered once."""
    return answer(made_json(ledger.challenges.answer(challenge_id, body.signature)))
