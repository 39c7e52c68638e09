"""People sign in through their company's own provider, link an account there, and confirm who they are again.

What a browser that is sent away has to bring back is sealed in a cookie of its own: state, nonce, PKCE verifier, for
what, and until when. So a sign-in that nobody finishes leaves nothing here, and one that began in another browser is
not taken. Its answer is taken once.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from ledger.domain.times import utc_time
from ledger.identity import EVERYTHING, SealError, new_token
from ledger.identity.id_tokens import IdToken
from ledger.projection import Connection, parties, providers, sign_in
from ledger.projection.parties import PartyRecord
from ledger.projection.providers import StoredProvider
from ledger.service import attempts
from ledger.service.audit_log import AuditKind, note
from ledger.service.company_links import (
    company_of,
    is_genuine_link,
    need_own_credential,
    new_link,
    opened_secret,
    standing_provider,
    subject_index,
    works_for,
)
from ledger.service.context import Context
from ledger.service.errors import NotAuthenticated, NotFound, ProviderFailed, ProviderRefused
from ledger.service.invitations import Invitations
from ledger.service.provider_talk import Asked, authorization_address, read_metadata, who_came_back
from ledger.service.provider_views import Choice, Leaving, answer_address
from ledger.service.sign_in import SignIn, begin_session, identity_of, renew_asked
from ledger.service.sign_in_views import SignedIn
from ledger.service.views import Caller
from ledger.service.writing import run_write
from verifier.canonical import Json, dumps, loads
from verifier.errors import CanonicalError

FLOW_LIFETIME_S = 600  # to sign in at the provider, with a second factor and a mistyped password
FLOW_SIZE_MAX = 4_096  # characters of the cookie; browsers keep no longer one
NEXT_LENGTH_MAX = 1_000
SEALED_FLOW = "sign-in flow"


class Purpose(StrEnum):
    """What somebody is sent to a provider for."""

    SIGN_IN = "sign-in"
    LINK = "link"  # from the person's own session
    AGAIN = "again"  # from a session of the same provider, which then may do what cannot be undone
    INVITATION = "invitation"  # of the provider's own enterprise


@dataclass(frozen=True)
class Answer:
    """What a browser brings from a provider, as it came."""

    code: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    iss: str = ""
    error: str = ""


@dataclass(frozen=True)
class Arrived:
    """A sign-in that was finished: where it goes on, and the session when one began."""

    purpose: Purpose
    following: str
    language: str
    signed_in: SignedIn | None = None


@dataclass(frozen=True)
class _Flow:
    """What a browser's cookie holds."""

    flow_id: str
    provider_id: str
    purpose: Purpose
    asked: Asked
    begun_at: int
    session_id: str
    invitation: str = field(repr=False)
    following: str
    language: str


class ProviderSignIn:
    """Signing in through providers."""

    def __init__(self, context: Context, own: SignIn, invitations: Invitations) -> None:
        self._context = context
        self._own = own
        self._invitations = invitations

    def issuer(self, provider_id: str) -> tuple[int, str]:
        """Enterprise and issuer of a provider. Raises: NotFound for one that is not there or does not count."""
        with self._context.reading() as connection:
            found = self._need_provider(connection, provider_id)
            return found.enterprise, found.issuer

    def choices(self, caller: Caller) -> tuple[Choice, ...]:
        """Providers of the companies a person works for, and since when its accounts there are linked."""
        if caller.kind != "person" or caller.company is not None:
            return ()
        with self._context.reading() as connection:
            known = {one.provider_id: one for one in providers.links_of(connection, identity_of(caller))}
            found = [
                one
                for enterprise in sorted({*caller.grants, *caller.administers})
                for one in providers.providers_of(connection, enterprise)
            ]
        return tuple(
            Choice(
                one.provider_id, one.enterprise, one.issuer,
                utc_time(known[one.provider_id].linked_at) if one.provider_id in known else None,
            )
            for one in found
        )  # fmt: skip

    def provider_of(self, caller: Caller) -> str:
        """The provider that opened the caller's session, "" for another session or none."""
        if caller.company is None:
            return ""
        with self._context.reading() as connection:
            stored = sign_in.session(connection, caller.session)
        return (stored.provider_id or "") if stored is not None else ""

    def through(self, enterprise: int) -> tuple[Choice, ...]:
        """Providers of an enterprise, for the page of an invitation it made."""
        with self._context.reading() as connection:
            found = providers.providers_of(connection, enterprise)
        return tuple(Choice(one.provider_id, one.enterprise, one.issuer, None) for one in found)

    def leave(
        self, provider_id: str, purpose: Purpose, *, session: str = "", invitation: str = "", following: str = "",
        language: str = "zh",
    ) -> Leaving:  # fmt: skip
        """Sends a browser to the provider. `session` is its session's token, for LINK and AGAIN.

        Raises: NotFound; NotAuthenticated; NotPermitted; ProviderRefused; InvitationInvalid; ProviderFailed.
        """
        context = self._context
        with context.reading() as connection:
            provider = self._need_provider(connection, provider_id)
        session_id = ""
        if purpose is Purpose.LINK:
            session_id = self._need_own_session(session, provider).session
        elif purpose is Purpose.AGAIN:
            session_id = self._need_session_through(session, provider).session
        elif purpose is Purpose.INVITATION:
            self._invitations.need_of_enterprise(invitation, provider.enterprise)
        metadata = read_metadata(provider.issuer, private=context.settings.provider_private)
        asked = Asked(
            redirect_uri=answer_address(str(context.settings.public_url), provider_id),
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
        )
        flow = _Flow(
            new_token().id, provider_id, purpose, asked, context.now_s(), session_id,
            invitation, following[:NEXT_LENGTH_MAX], language,
        )  # fmt: skip
        again = purpose is Purpose.AGAIN
        return Leaving(authorization_address(metadata, provider.client_id, asked, again=again), self._sealed(flow))

    def arrive(
        self, provider_id: str, cookie: str, answer: Answer, *, session: str = "", address: str = "", agent: str = ""
    ) -> Arrived:
        """Takes what a browser brought from a provider, once.

        Raises: ProviderRefused, ProviderFailed, TooManyAttempts, NotFound, NotAuthenticated, NotPermitted,
        InvitationInvalid.
        """
        context = self._context
        flow = self._opened(provider_id, cookie, answer.state)
        subject = attempts.by_address(context, address)

        def take(connection: Connection) -> tuple[StoredProvider, tuple[sign_in.StoredAttempts, ...]] | None:
            counted = attempts.count_attempt(context, connection, subject)
            expires_at = flow.begun_at + FLOW_LIFETIME_S
            if not providers.take_answer(connection, flow.flow_id, now_s=context.now_s(), expires_at=expires_at):
                return None
            return self._need_provider(connection, provider_id), counted

        taken = run_write(context, take)
        if taken is None:
            raise ProviderRefused("lost")
        provider, counted = taken
        try:
            token = self._token(provider, flow, answer)
        except (ProviderFailed, ProviderRefused) as err:
            self._note_failed(provider, err.reason)
            raise
        arrived = self._act(flow, provider, token, session, agent)
        run_write(context, lambda connection: attempts.give_back(connection, *counted))
        return arrived

    def unlink(self, caller: Caller, provider_id: str) -> None:
        """Ends the caller's link to a provider and its sessions through it. Raises: NotFound when there is none."""
        need_own_credential(caller)

        def write(connection: Connection) -> None:
            if not providers.end_link(connection, provider_id, identity_of(caller)):
                raise NotFound("link", provider_id[:40])
            detail = {"change": "account unlinked", "provider": provider_id[:32]}
            note(self._context, connection, AuditKind.PERMISSION_CHANGED, actor=caller.party,
                 about=str(caller.party), detail=detail)  # fmt: skip

        run_write(self._context, write)

    def _token(self, provider: StoredProvider, flow: _Flow, answer: Answer) -> IdToken:
        """Whom the provider says came. Raises: ProviderRefused, ProviderFailed."""
        context = self._context
        if answer.error or not answer.code:
            raise ProviderRefused("declined")
        private = context.settings.provider_private
        metadata = read_metadata(provider.issuer, private=private)
        if (answer.iss or metadata.names_itself) and answer.iss != provider.issuer:
            raise ProviderFailed("provider_issuer")
        return who_came_back(
            metadata, provider.client_id, opened_secret(context, provider), answer.code, flow.asked,
            private=private, now_s=context.now_s(),
            authenticated_after=flow.begun_at if flow.purpose is Purpose.AGAIN else None,
        )  # fmt: skip

    def _act(self, flow: _Flow, provider: StoredProvider, token: IdToken, session: str, agent: str) -> Arrived:
        """What the sign-in was for, in one transaction."""
        context, begun = self._context, None
        if flow.purpose is Purpose.LINK:
            self._link(flow, provider, token, session)
        elif flow.purpose is Purpose.AGAIN:
            self._again(flow, provider, token, session)
        elif flow.purpose is Purpose.INVITATION:
            link = (provider.provider_id, token.subject, token.auth_time)
            begun = self._invitations.accept_through(flow.invitation, provider.enterprise, link, agent=agent)
        else:

            def begin(connection: Connection) -> SignedIn | None:
                person = self._linked(connection, provider, token)
                if person is None:
                    return None
                return begin_session(
                    context, connection, person, agent, provider_id=provider.provider_id, asked_at=token.auth_time
                )

            begun = run_write(context, begin)
            if begun is None:
                self._note_failed(provider, "unlinked")
                raise ProviderRefused("unlinked")
        return Arrived(flow.purpose, flow.following, flow.language, begun)

    def _link(self, flow: _Flow, provider: StoredProvider, token: IdToken, session: str) -> None:
        caller = self._need_own_session(session, provider)
        if caller.session != flow.session_id:
            raise ProviderRefused("lost")
        context, identity = self._context, identity_of(caller)

        def write(connection: Connection) -> bool:
            self._need_provider(connection, provider.provider_id)
            index = subject_index(context, provider.provider_id, token.subject)
            holder = providers.link_to(connection, provider.provider_id, index)
            if holder is not None and holder.identity != identity:
                return False
            if sign_in.session(connection, caller.session) is None:
                raise NotAuthenticated
            link = new_link(context, provider.provider_id, identity, token.subject, made_with=caller.key_id)
            providers.put_link(connection, link)
            detail: dict[str, str | int] = {
                "change": "account linked",
                "provider": provider.provider_id,
                "company": provider.enterprise,
            }
            note(context, connection, AuditKind.PERMISSION_CHANGED, actor=caller.party,
                 about=str(caller.party), detail={**detail, "company": provider.enterprise})  # fmt: skip
            return True

        if not run_write(context, write):
            raise ProviderRefused("taken")

    def _again(self, flow: _Flow, provider: StoredProvider, token: IdToken, session: str) -> None:
        caller = self._need_session_through(session, provider)
        if caller.session != flow.session_id:
            raise ProviderRefused("lost")

        def write(connection: Connection) -> bool:
            person = self._linked(connection, provider, token)
            stored = sign_in.session(connection, caller.session)
            if stored is None:
                raise NotAuthenticated
            if person is None or person.id != caller.party:
                return False
            renew_asked(self._context, connection, stored, token.auth_time or 0)
            detail = {"again": 1, "company": provider.enterprise}
            note(self._context, connection, AuditKind.SIGN_IN, actor=caller.party, detail=detail)
            return True

        if not run_write(self._context, write):
            self._note_failed(provider, "another")
            raise ProviderRefused("another")

    def _linked(self, connection: Connection, provider: StoredProvider, token: IdToken) -> PartyRecord | None:
        """The person who linked that account and still works for the provider's company."""
        index = subject_index(self._context, provider.provider_id, token.subject)
        link = providers.link_to(connection, provider.provider_id, index)
        if link is None or not is_genuine_link(self._context, link):
            return None
        person = parties.party_of_identity(connection, link.identity)
        if person is None or not person.signer:
            return None
        company = company_of(self._context, connection, provider.provider_id, person)
        return person if company == provider.enterprise else None

    def _need_provider(self, connection: Connection, provider_id: str) -> StoredProvider:
        found = standing_provider(self._context, connection, provider_id)
        if found is None:
            raise NotFound("sign-in provider", provider_id[:40])
        return found

    def _need_own_session(self, session: str, provider: StoredProvider) -> Caller:
        """A person's own session, its password just given, who works for the provider's company.

        Raises: NotAuthenticated, NotPermitted, NotFound, ProviderRefused.
        """
        caller = self._own.authenticate(session)
        need_own_credential(caller)
        with self._context.reading() as connection:
            person = parties.party_of_identity(connection, identity_of(caller))
            if person is None or person.suspended or caller.scopes != EVERYTHING:
                raise NotAuthenticated
            if not works_for(self._context, connection, person, provider.enterprise):
                raise NotFound("sign-in provider", provider.provider_id)
        if self._own.needs_password(caller):
            raise ProviderRefused("password")
        return caller

    def _need_session_through(self, session: str, provider: StoredProvider) -> Caller:
        """A session that this provider opened. Raises: NotAuthenticated, NotFound."""
        caller = self._own.authenticate(session)
        with self._context.reading() as connection:
            stored = sign_in.session(connection, caller.session)
        if stored is None or stored.provider_id != provider.provider_id:
            raise NotFound("sign-in provider", provider.provider_id)
        return caller

    def _note_failed(self, provider: StoredProvider, reason: str) -> None:
        detail: dict[str, str | int] = {"company": provider.enterprise, "reason": reason}
        run_write(
            self._context,
            lambda connection: note(
                self._context, connection, AuditKind.SIGN_IN_FAILED, actor=None,
                about=provider.provider_id, detail=detail,
            ),
        )  # fmt: skip

    def _sealed(self, flow: _Flow) -> str:
        said: dict[str, Json] = {
            "provider": flow.provider_id, "purpose": flow.purpose.value, "redirect_uri": flow.asked.redirect_uri,
            "state": flow.asked.state, "nonce": flow.asked.nonce, "verifier": flow.asked.verifier,
            "begun_at": flow.begun_at, "session": flow.session_id, "invitation": flow.invitation,
            "following": flow.following, "language": flow.language,
        }  # fmt: skip
        sealed = self._context.seal(dumps(said), SEALED_FLOW, flow.flow_id)
        return f"{flow.flow_id}.{base64.urlsafe_b64encode(sealed).decode()}"

    def _opened(self, provider_id: str, cookie: str, state: str) -> _Flow:
        """The flow of a cookie. Raises: ProviderRefused for another browser's, another provider's, or one too old."""
        flow_id, _, text = cookie.partition(".")
        if len(cookie) > FLOW_SIZE_MAX:
            raise ProviderRefused("lost")
        try:
            sealed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
            said = loads(self._context.vault.open(sealed, SEALED_FLOW, flow_id), FLOW_SIZE_MAX)
        except (ValueError, binascii.Error, SealError, CanonicalError) as err:
            raise ProviderRefused("lost") from err
        assert isinstance(said, dict), "sealed here"
        asked = Asked(*(str(said[name]) for name in ("redirect_uri", "state", "nonce", "verifier")))
        begun_at = int(str(said["begun_at"]))
        late = not 0 <= self._context.now_s() - begun_at < FLOW_LIFETIME_S
        if late or said["provider"] != provider_id or not hmac.compare_digest(asked.state.encode(), state.encode()):
            raise ProviderRefused("lost")
        return _Flow(
            flow_id, provider_id, Purpose(str(said["purpose"])), asked, begun_at, str(said["session"]),
            str(said["invitation"]), str(said["following"]), str(said["language"]),
        )  # fmt: skip
