"""Sign-in providers of the calling enterprise: register, list, remove. Its people's pages are api/web/providers.py."""

from __future__ import annotations

from fastapi import Response

from api.pools import reads, waits_for_provider, writes
from api.render import answer, time_text
from api.routes.declared import Authenticated, Door, IdempotencyKey, read_answers, router, write_answers
from api.schemas import providers as schemas
from ledger.service.provider_views import ProviderView
from verifier.canonical import Json

routes = router("sign-in")


@routes.post(
    "/sign-in-providers", status_code=201, responses=write_answers(schemas.Provider, waits=False),
    summary="Register a sign-in provider",
)  # fmt: skip
@waits_for_provider
def register_provider(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, body: schemas.ProviderRequest
) -> Response:
    """The calling enterprise's own OpenID Connect provider, once its metadata could be read."""
    view = ledger.sign_in_providers.register(
        caller, issuer=body.issuer, client_id=body.client_id, client_secret=body.client_secret, idempotency_key=key
    )
    return answer(provider_json(view), 201, {"location": "/v1/sign-in-providers"})


@routes.get("/sign-in-providers", responses=read_answers(schemas.ProviderList), summary="List sign-in providers")
@reads
def list_providers(ledger: Door, caller: Authenticated) -> Response:
    """Providers of the calling enterprise, without their secrets."""
    return answer({"items": [provider_json(one) for one in ledger.sign_in_providers.providers(caller)]})


@routes.post(
    "/sign-in-providers/{provider_id}/removal", status_code=201,
    responses=write_answers(schemas.ProviderRemoved, waits=False), summary="Remove a sign-in provider",
)  # fmt: skip
@writes
def remove_provider(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, provider_id: schemas.ProviderId,
    body: schemas.ProviderRemoval,  # noqa: ARG001 - an empty object, as every write
) -> Response:  # fmt: skip
    """Ends every link to it and every session it opened, at once."""
    return answer({"links": ledger.sign_in_providers.remove(caller, provider_id, idempotency_key=key)}, 201)


def provider_json(view: ProviderView) -> dict[str, Json]:
    """A provider as its enterprise sees it."""
    return {
        "provider_id": view.provider_id,
        "enterprise": view.enterprise,
        "issuer": view.issuer,
        "client_id": view.client_id,
        "created_at": time_text(view.created_at),
        "sign_in": view.sign_in,
        "redirect_uri": view.redirect_uri,
        "linked_count": view.linked_count,
    }
