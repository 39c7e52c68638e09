"""People sign in: a name and a password begin a session, which then authenticates as an API key does.

Who has no account and who mistypes hears the same, after the same work. A session ends with its time, with sign-out,
with a new password, and with the suspension or dismissal of its party; its rights are read anew at every request.
"""

from __future__ import annotations

import hmac
import unicodedata
from contextlib import suppress
from dataclasses import replace

from ledger.domain.identities import Identity
from ledger.domain.times import utc_time
from ledger.identity import hash_password, is_outdated, new_token, parse_token, password_fault, password_matches
from ledger.identity.session_tokens import Token
from ledger.projection import Connection, keystore, parties, providers, sign_in
from ledger.projection.parties import PartyRecord
from ledger.projection.sign_in import SESSIONS_KEPT_MAX, StoredPassword, StoredSession
from ledger.service import attempts, people
from ledger.service.agents import agent_name
from ledger.service.audit_log import AuditKind, note
from ledger.service.company_links import company_of, company_refusal, confined
from ledger.service.context import Context
from ledger.service.credentials import end_keys, stands
from ledger.service.errors import Busy, NotAuthenticated, NotFound, NotPermitted, NotReady, SignInFailed
from ledger.service.problems import invalid
from ledger.service.sign_in_views import SessionView, SignedIn
from ledger.service.views import Caller
from ledger.service.writing import run_write
from verifier.words import PartyKind

NAME_LENGTH_MAX = 128  # characters of a sign-in name that are looked at
PASSWORD_FRESH_S = 300  # how long after the password was given a session may do what cannot be undone
CONFIRMED_AGAIN_S = 60  # a password given again so soon changes nothing: whoever repeats it does not fill the audit log
USE_NOTED_S = 60  # last use of a session is written this seldom: a write a request would be too many
SEALED_PASSWORD = "password"  # noqa: S105  a kind of sealed item
INDEXED_NAME = "sign-in name"
INDEXED_SESSION = "session"
INDEXED_TOKEN = "token"  # noqa: S105  a kind of keyed hash
INDEXED_DEVICE = "device"


class SignIn:
    """Passwords and sessions of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def begin(self, name: str, password: str, *, address: str = "", agent: str = "", device: str = "") -> SignedIn:
        """Signs in. `address` is the caller's, `device` what an earlier sign-in gave this browser.

        Raises: SignInFailed, one answer for every cause; TooManyAttempts.
        """
        context = self._context
        shown = normal_name(name)
        with context.reading() as connection:
            stored = sign_in.password_named(connection, context.vault.index(shown, INDEXED_NAME))
            record = parties.party_of_identity(connection, stored.identity) if stored is not None else None
            counts = stored is not None and stands(context, connection, stored.made_with)
        known = stored is not None and _is_device_of(context, device, stored.identity)
        mine = attempts.by_device(context, device) if known else attempts.by_name(context, shown)
        subjects = (mine,) if known else (mine, attempts.by_address(context, address))
        counted = run_write(context, lambda connection: attempts.count_attempt(context, connection, *subjects))
        hashed = opened_hash(context, stored) if stored is not None else None
        matches = password_matches(hashed, password)
        if not matches or stored is None or hashed is None or record is None or not (counts and _may_sign_in(record)):
            actor = record.id if record is not None else None
            run_write(context, lambda connection: note(context, connection, AuditKind.SIGN_IN_FAILED, actor=actor))
            raise SignInFailed
        renewed = hash_password(password) if is_outdated(hashed) else None

        def write(connection: Connection) -> SignedIn:
            if sign_in.password_of(connection, stored.identity) != stored:
                raise SignInFailed  # changed meanwhile
            sign_in.forget_attempts(connection, mine.index)
            attempts.give_back(connection, *counted[1:])
            if renewed is not None:
                keep_password(context, connection, replace(stored, changed_at=context.now_s()), renewed)
            return begin_session(context, connection, record, agent)

        return run_write(context, write)

    def authenticate(self, text: str) -> Caller:
        """The party a session acts as. Raises: NotAuthenticated for one that is unknown or ended."""
        context, now_s = self._context, self._context.now_s()
        with context.reading() as connection:
            _, stored = self._need_session(connection, text)
            party = parties.party_of_identity(connection, stored.identity)
            if party is None or not _may_sign_in(party) or (party.suspended and not stored.while_suspended):
                raise NotAuthenticated
            caller = _caller(context, connection, party, stored)  # of a company's provider: raises when it ended
        if now_s - stored.last_used_at >= min(USE_NOTED_S, context.settings.session_idle_s // 2):
            with suppress(Busy):  # the next request notes it; this one may only read
                run_write(context, lambda connection: sign_in.touch_session(connection, stored.session_id, now_s))
        return caller

    def confirm(self, text: str, password: str) -> Caller:
        """Notes that the password was given in this session just now. Raises: NotAuthenticated, SignInFailed,
        TooManyAttempts."""
        token, stored = self._check_again(text, password)

        def write(connection: Connection) -> Caller:
            party = parties.party_of_identity(connection, stored.identity)
            if party is None or sign_in.session(connection, token.id) is None:
                raise NotAuthenticated
            now_s = self._context.now_s()
            if now_s - stored.password_at < CONFIRMED_AGAIN_S:
                return _caller(self._context, connection, party, stored)
            changed = replace(stored, password_at=now_s, last_used_at=now_s)
            changed = replace(changed, proof=_proof(self._context, changed))
            sign_in.put_session(connection, changed)
            note(self._context, connection, AuditKind.SIGN_IN, actor=party.id, detail={"again": 1})
            return _caller(self._context, connection, party, changed)

        return run_write(self._context, write)

    def change_password(self, text: str, password: str, new_password: str, *, agent: str = "") -> SignedIn:
        """Changes the password of a session's party: its sessions and the keys made in any end, a new one begins.

        Raises: InvalidRequest at `new_password`; NotAuthenticated, SignInFailed, TooManyAttempts.
        """
        context = self._context
        _, stored = self._check_again(text, password)
        with context.reading() as connection:
            check_password(context, connection, stored.identity, new_password, "new_password")
        hashed = hash_password(new_password)

        def write(connection: Connection) -> SignedIn:
            party = parties.party_of_identity(connection, stored.identity)
            known = sign_in.password_of(connection, stored.identity)
            if party is None or known is None or sign_in.session(connection, stored.session_id) is None:
                raise NotAuthenticated
            keep_password(context, connection, replace(known, changed_at=context.now_s()), hashed)
            sign_in.end_sessions(connection, stored.identity)
            sign_in.end_invitation(connection, stored.identity)
            providers.end_links(connection, stored.identity)
            keys = end_keys(context, connection, stored.identity, in_sessions=True)
            note(context, connection, AuditKind.PERMISSION_CHANGED, actor=party.id,
                 detail={"change": "password", "keys_ended": keys})  # fmt: skip
            return begin_session(context, connection, party, agent)

        return run_write(context, write)

    def sessions(self, caller: Caller) -> tuple[SessionView, ...]:
        """Sessions of the caller's party, newest first."""
        with self._context.reading() as connection:
            found = sign_in.sessions(connection, identity_of(caller))
            return tuple(
                session_view(self._context, connection, one, current=one.session_id == caller.session)
                for one in found
                if self._is_open(one) and _is_told(connection, caller, one)
            )

    def end(self, caller: Caller, session_id: str) -> None:
        """Ends a session of the caller's party. Raises: NotFound for any other."""

        def write(connection: Connection) -> None:
            stored = sign_in.session(connection, session_id)
            if stored is None or stored.identity != identity_of(caller) or not _is_told(connection, caller, stored):
                raise NotFound("session", session_id[:40])
            sign_in.end_session(connection, session_id)
            note(self._context, connection, AuditKind.SIGN_OUT, actor=caller.party, about=session_id)

        run_write(self._context, write)

    def end_all(self, caller: Caller) -> int:
        """Ends every session of the caller's party, this one too, and what was made in any; how many sessions.

        From a session of a company's provider it ends those of that provider alone.
        """

        def write(connection: Connection) -> int:
            identity = identity_of(caller)
            current = sign_in.session(connection, caller.session) if caller.company is not None else None
            if current is not None:
                count = sign_in.end_sessions(connection, identity, provider_id=current.provider_id)
                note(self._context, connection, AuditKind.SIGN_OUT, actor=caller.party, detail={"sessions": count})
                return count
            count = sign_in.end_sessions(connection, identity)
            providers.end_links(connection, identity)
            keys = end_keys(self._context, connection, identity, in_sessions=True)
            note(self._context, connection, AuditKind.SIGN_OUT, actor=caller.party,
                 detail={"sessions": count, "keys_ended": keys})  # fmt: skip
            return count

        return run_write(self._context, write)

    def needs_password(self, caller: Caller) -> bool:
        """Whether a caller by session gave its password too long ago for what cannot be undone."""
        return bool(caller.session) and self._context.now_s() - caller.password_at >= PASSWORD_FRESH_S

    def _check_again(self, text: str, password: str) -> tuple[Token, StoredSession]:
        """The session whose party's password that is. Raises: NotAuthenticated, SignInFailed, TooManyAttempts."""
        context = self._context
        with context.reading() as connection:
            token, stored = self._need_session(connection, text)
            known = sign_in.password_of(connection, stored.identity)
            party = parties.party_of_identity(connection, stored.identity)
            company = _company(context, connection, stored, party) if party is not None else None
        if company is not None:
            raise company_refusal(company)  # whoever runs the provider must not try passwords in here
        if known is None or party is None:
            raise NotAuthenticated
        subject = attempts.by_session(context, token.id)
        run_write(context, lambda connection: attempts.count_attempt(context, connection, subject))
        if not password_matches(opened_hash(context, known), password):
            run_write(context, lambda connection: note(context, connection, AuditKind.SIGN_IN_FAILED, actor=party.id))
            raise SignInFailed
        run_write(context, lambda connection: sign_in.forget_attempts(connection, subject.index))
        return token, stored

    def _need_session(self, connection: Connection, text: str) -> tuple[Token, StoredSession]:
        token = parse_token(text)
        stored = sign_in.session(connection, token.id) if token is not None else None
        if token is None or stored is None or not self._is_open(stored):
            raise NotAuthenticated
        if not hmac.compare_digest(stored.token_hash, token_hash(self._context, token)):
            raise NotAuthenticated
        if not is_genuine_session(self._context, stored) or not stands(self._context, connection, stored.made_with):
            raise NotAuthenticated
        return token, stored

    def _is_open(self, stored: StoredSession) -> bool:
        settings, now_s = self._context.settings, self._context.now_s()
        return (
            now_s < stored.created_at + settings.session_lifetime_s
            and now_s < stored.last_used_at + settings.session_idle_s
        )


def begin_session(
    context: Context, connection: Connection, party: PartyRecord, agent: str, *, provider_id: str | None = None,
    asked_at: int | None = None,
) -> SignedIn:  # fmt: skip
    """A new session of a party, in the caller's transaction; the oldest ends when there are too many.

    Through `provider_id` it is that of a company, whose provider asked who it is at `asked_at` (seconds).
    """
    now_s, token = context.now_s(), new_token()
    known = sign_in.password_of(connection, party.identity) if provider_id is None else None
    stored = StoredSession(
        session_id=token.id,
        identity=party.identity,
        token_hash=token_hash(context, token),
        proof=b"",
        created_at=now_s,
        password_at=now_s if provider_id is None else asked_at or 0,
        last_used_at=now_s,
        while_suspended=party.suspended,
        agent=agent_name(agent),
        made_with=known.made_with if known is not None else None,
        provider_id=provider_id,
    )
    stored = replace(stored, proof=_proof(context, stored))
    sign_in.end_old_sessions(
        connection,
        party.identity,
        keep=SESSIONS_KEPT_MAX - 1,
        created_after=now_s - context.settings.session_lifetime_s,
        provider_id=provider_id,
    )
    sign_in.put_session(connection, stored)
    caller = _caller(context, connection, party, stored)
    through = {} if caller.company is None else {"company": caller.company}
    note(context, connection, AuditKind.SIGN_IN, actor=party.id, about=token.id, detail=through)
    return SignedIn(
        caller=caller,
        session=session_view(context, connection, stored, current=True),
        token=token.text,
        device=_device_of(context, party.identity, new_token()) if provider_id is None else "",
    )


def renew_asked(context: Context, connection: Connection, stored: StoredSession, asked_at: int) -> None:
    """Notes that a company's provider asked anew, at `asked_at` (seconds), who a session of it is."""
    changed = replace(stored, password_at=asked_at, last_used_at=context.now_s())
    sign_in.put_session(connection, replace(changed, proof=_proof(context, changed)))


def check_password(
    context: Context, connection: Connection, identity: bytes, password: str, path: str, *own: str
) -> None:
    """Raises: InvalidRequest at `path` for a password that is refused; `own` are further texts it may not hold."""
    known = keystore.party_name(connection, identity)
    party = parties.party_of_identity(connection, identity)
    personal = [*own]
    if party is not None:
        personal.append(people.names_of(context, connection, [party.id])[party.id])
    if known is not None and known.tax_id is not None:
        personal.append(known.tax_id)
    fault = password_fault(password, personal)
    if fault is not None:
        raise invalid(path, f"password_{fault}")


def keep_password(context: Context, connection: Connection, row: StoredPassword, hashed: str) -> None:
    """Stores a party's password in `row`, sealed for its party, sign-in name and key: it opens in no other row."""
    sealed = context.seal(hashed.encode(), SEALED_PASSWORD, _bound_to(row))
    sign_in.put_password(connection, replace(row, sealed_hash=sealed))


def opened_hash(context: Context, stored: StoredPassword) -> str:
    """The argon2id hash in a row. Raises: NotReady when somebody changed the row."""
    return context.opened(stored.sealed_hash, SEALED_PASSWORD, _bound_to(stored)).decode()


def normal_name(name: str) -> str:
    """A sign-in name as it is compared: NFKC, without case or blanks around it."""
    text = name.encode("utf-8", "replace").decode()[:NAME_LENGTH_MAX]
    return unicodedata.normalize("NFKC", text).strip().casefold()


def identity_of(caller: Caller) -> bytes:
    """Identity hash of a caller. Raises: NotPermitted for one whose identity nobody wrote down."""
    if not caller.identity_text:
        raise NotPermitted("this party has no name here", "该参与方在本系统没有身份记录")
    return Identity.parse(caller.identity_text).hash


def session_view(context: Context, connection: Connection, stored: StoredSession, *, current: bool) -> SessionView:
    """A session as its owner sees it."""
    through = providers.provider(connection, stored.provider_id) if stored.provider_id is not None else None
    return SessionView(
        session_id=stored.session_id,
        created_at=utc_time(stored.created_at),
        last_used_at=utc_time(stored.last_used_at),
        expires_at=utc_time(stored.created_at + context.settings.session_lifetime_s),
        agent=stored.agent,
        current=current,
        company=through.enterprise if through is not None else None,
    )


def _caller(context: Context, connection: Connection, party: PartyRecord, stored: StoredSession) -> Caller:
    """The caller by a session. Raises: NotAuthenticated for one of a provider, a link or a job that ended."""
    found = people.caller_of(context, connection, party)
    caller = replace(
        found,
        session=stored.session_id,
        password_at=stored.password_at,
        credential=f"session {stored.session_id}",
        key_id=stored.made_with,
    )
    company = _company(context, connection, stored, party)
    return caller if company is None else confined(caller, company)


def _company(context: Context, connection: Connection, stored: StoredSession, party: PartyRecord) -> int | None:
    """The company a session is confined to; None for one that a password opened.

    Raises: NotAuthenticated for one of a provider, a link or a job that ended.
    """
    if stored.provider_id is None:
        return None
    company = company_of(context, connection, stored.provider_id, party)
    if company is None:
        raise NotAuthenticated
    return company


def _is_told(connection: Connection, caller: Caller, stored: StoredSession) -> bool:
    """Whether a caller may know of a session of its party: of a company's provider, only that provider's."""
    if caller.company is None:
        return True
    current = sign_in.session(connection, caller.session)
    return current is not None and current.provider_id == stored.provider_id


def _may_sign_in(party: PartyRecord) -> bool:
    """A dismissed officer is nobody's officer; others who are suspended may still look at what is theirs."""
    if not party.signer or party.kind == PartyKind.CALENDAR:
        return False
    return not (party.kind == PartyKind.OFFICER and party.suspended)


def token_hash(context: Context, token: Token) -> bytes:
    """What is stored of a token."""
    return context.vault.index(token.text, INDEXED_TOKEN)


def is_genuine_session(context: Context, stored: StoredSession) -> bool:
    """Whether a session's row says what was written here."""
    return hmac.compare_digest(stored.proof, _proof(context, stored))


def is_genuine_password(context: Context, stored: StoredPassword) -> bool:
    """Whether a password's row holds what was sealed for that party and name."""
    try:
        opened_hash(context, stored)
    except NotReady:
        return False
    return True


def _proof(context: Context, stored: StoredSession) -> bytes:
    facts = (stored.created_at, stored.password_at, int(stored.while_suspended))
    said = (stored.session_id, stored.identity.hex(), stored.token_hash.hex(), *map(str, facts), stored.made_with or "")
    if stored.provider_id is not None:
        said = (*said, stored.provider_id)
    return context.vault.index(":".join(said), INDEXED_SESSION)


def _bound_to(row: StoredPassword) -> str:
    return f"{row.identity.hex()}:{row.name_index.hex()}:{row.made_with or ''}"


def _device_of(context: Context, identity: bytes, token: Token) -> str:
    """What a browser keeps to show that somebody signed in with it: no credential, only its own count of attempts."""
    return f"{token.id}.{context.vault.index(f'{token.id}:{identity.hex()}', INDEXED_DEVICE).hex()}"


def _is_device_of(context: Context, text: str, identity: bytes) -> bool:
    token = parse_token(text)
    return token is not None and hmac.compare_digest(text.encode(), _device_of(context, identity, token).encode())
