"""An enterprise's own sign-in providers: registering, listing, removing."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ledger.domain.times import utc_time
from ledger.projection import Connection, providers
from ledger.projection.ground_providers import CLIENT_ID_LENGTH_MAX, ISSUER_LENGTH_MAX
from ledger.projection.providers import StoredProvider
from ledger.service.audit_log import note_change
from ledger.service.company_links import SEALED_SECRET, need_own_credential
from ledger.service.context import Context
from ledger.service.errors import NotFound, NotPermitted, ProviderFailed
from ledger.service.people import need_active
from ledger.service.problems import invalid
from ledger.service.provider_talk import read_metadata
from ledger.service.provider_views import ProviderView, answer_address, sign_in_address
from ledger.service.views import Caller
from ledger.service.webhook_posts import UrlRefusedError, checked_url
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json

PROVIDERS_PER_ENTERPRISE_MAX = 4  # one, and another while changing over, for two branches of a company
SECRET_LENGTH_MAX = 512  # characters of a client secret


class SignInProviders:
    """Sign-in providers of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def register(
        self, caller: Caller, *, issuer: str, client_id: str, client_secret: str, idempotency_key: str
    ) -> ProviderView:
        """Registers a provider of the calling enterprise, once its metadata could be read.

        Raises: NotPermitted unless the caller is an enterprise itself; InvalidRequest at `issuer`, `client_id`,
        `client_secret`; IdempotencyConflict; Busy.
        """
        context = self._context
        _need_enterprise(caller)
        self._check(issuer, client_id, client_secret)
        try:
            read_metadata(issuer, private=context.settings.provider_private)
        except ProviderFailed as err:
            raise invalid("issuer", "issuer_unusable", reason=err.reason) from err
        made_id = secrets.token_hex(16)
        request: Json = {"issuer": issuer, "client_id": client_id, "client_secret": client_secret}

        def write(connection: Connection) -> str:
            def take() -> dict[str, Json]:
                if len(providers.providers_of(connection, caller.party)) >= PROVIDERS_PER_ENTERPRISE_MAX:
                    raise invalid("issuer", "providers_max", high=PROVIDERS_PER_ENTERPRISE_MAX)
                row = StoredProvider(
                    made_id, caller.party, issuer, client_id, b"", context.now_s(), made_with=caller.key_id
                )
                sealed = context.seal(client_secret.encode(), SEALED_SECRET, row.text)
                providers.add_provider(connection, replace(row, sealed_secret=sealed))
                note_change(context, connection, caller, "sign-in provider", about=made_id)
                return {"provider_id": made_id}

            hashed = request_hash("sign-in provider", request)
            return str(remembered(context, connection, caller, idempotency_key, hashed, take)["provider_id"])

        known_id = run_write(context, write)
        with context.reading() as connection:
            return self._view(connection, _own(connection, caller, known_id))

    def providers(self, caller: Caller) -> tuple[ProviderView, ...]:
        """Providers of the calling enterprise, oldest first; of anybody else none."""
        need_own_credential(caller)
        with self._context.reading() as connection:
            return tuple(self._view(connection, one) for one in providers.providers_of(connection, caller.party))

    def remove(self, caller: Caller, provider_id: str, *, idempotency_key: str) -> int:
        """Removes a provider with every link to it and every session it opened; how many links there were.

        Raises: NotFound for any but an own one.
        """
        context = self._context
        _need_enterprise(caller)

        def write(connection: Connection) -> int:
            def take() -> dict[str, Json]:
                _own(connection, caller, provider_id)
                links = providers.remove_provider(connection, provider_id)
                note_change(context, connection, caller, "sign-in provider removed", about=provider_id, links=links)
                return {"links": links}

            hashed = request_hash("remove sign-in provider", {"provider_id": provider_id})
            return int(str(remembered(context, connection, caller, idempotency_key, hashed, take)["links"]))

        return run_write(context, write)

    def _check(self, issuer: str, client_id: str, client_secret: str) -> None:
        """Raises: InvalidRequest naming the field."""
        if not 1 <= len(issuer) <= ISSUER_LENGTH_MAX:
            raise invalid("issuer", "url_form")
        try:
            parts = checked_url(issuer, private=self._context.settings.provider_private)
        except UrlRefusedError as err:
            raise invalid("issuer", "issuer_form") from err
        if parts.query:
            raise invalid("issuer", "issuer_form")
        for name, text, longest in (
            ("client_id", client_id, CLIENT_ID_LENGTH_MAX), ("client_secret", client_secret, SECRET_LENGTH_MAX),
        ):  # fmt: skip
            if not 1 <= len(text) <= longest or not all("!" <= one <= "~" for one in text):
                raise invalid(name, "client_form", high=longest)

    def _view(self, connection: Connection, stored: StoredProvider) -> ProviderView:
        public_url = str(self._context.settings.public_url)
        return ProviderView(
            provider_id=stored.provider_id,
            enterprise=stored.enterprise,
            issuer=stored.issuer,
            client_id=stored.client_id,
            created_at=utc_time(stored.created_at),
            sign_in=sign_in_address(public_url, stored.provider_id),
            redirect_uri=answer_address(public_url, stored.provider_id),
            linked_count=providers.linked_count(connection, stored.provider_id),
        )


def _need_enterprise(caller: Caller) -> None:
    need_own_credential(caller)
    need_active(caller)
    if caller.kind != "enterprise":
        raise NotPermitted(
            "only an enterprise itself registers and removes its sign-in providers, with its own credential",
            "登录服务只能由企业本身使用其凭证登记或移除",
        )


def _own(connection: Connection, caller: Caller, provider_id: str) -> StoredProvider:
    known = providers.provider(connection, provider_id)
    if known is None or known.enterprise != caller.party:
        raise NotFound("sign-in provider", provider_id[:40])
    return known
