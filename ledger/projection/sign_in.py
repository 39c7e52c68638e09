"""Stored passwords, sessions, invitations and attempts. Plain values in and out; the caller hashes and seals."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, delete, select, update

from ledger.projection.database import upsert
from ledger.projection.ground_sign_in import INVITATION, PASSWORD, SESSION, SIGN_IN_ATTEMPT
from ledger.projection.providers import end_links, end_links_made_with, end_providers_made_with

SESSIONS_KEPT_MAX = 20  # of one party: beyond, signing in ends the oldest
ATTEMPT_KEPT_S = 86_400  # how long attempts are remembered after the last
PRUNED_MAX = 1_000  # rows forgotten in one go

_SESSION = select(SESSION).where(SESSION.c.session_id == bindparam("session_id"))  # every request of a session asks


@dataclass(frozen=True)
class StoredPassword:
    """A party's (identity hash) sign-in name as keyed hash, and its sealed argon2id hash; time in seconds.

    `made_with` is the API key that its invitation was made with.
    """

    identity: bytes
    name_index: bytes
    sealed_hash: bytes
    changed_at: int
    made_with: str | None = None


@dataclass(frozen=True)
class StoredSession:
    """A session; `token_hash` is a keyed hash of its secret, `proof` one of that and the row. Times in seconds."""

    session_id: str
    identity: bytes
    token_hash: bytes
    proof: bytes
    created_at: int
    password_at: int
    last_used_at: int
    while_suspended: bool
    agent: str
    made_with: str | None = None
    provider_id: str | None = None


@dataclass(frozen=True)
class StoredInvitation:
    """An invitation not accepted yet."""

    invitation_id: str
    identity: bytes
    token_hash: bytes
    proof: bytes
    invited_by: int
    acted_by: int
    created_at: int
    expires_at: int
    refused_names: int
    made_with: str | None = None


@dataclass(frozen=True)
class StoredAttempts:
    """Attempts of one subject (keyed hash) that failed."""

    subject: bytes
    count: int
    next_at: int
    last_at: int


def password_of(connection: Connection, identity: bytes) -> StoredPassword | None:
    """A party's password, None when it has none."""
    row = connection.execute(select(PASSWORD).where(PASSWORD.c.identity == identity)).one_or_none()
    return None if row is None else StoredPassword(**row._mapping)


def password_named(connection: Connection, name_index: bytes) -> StoredPassword | None:
    """The password of the sign-in name with that keyed hash."""
    row = connection.execute(select(PASSWORD).where(PASSWORD.c.name_index == name_index)).one_or_none()
    return None if row is None else StoredPassword(**row._mapping)


def put_password(connection: Connection, stored: StoredPassword) -> None:
    """Stores a party's password, in place of the one it had."""
    upsert(connection, PASSWORD, [asdict(stored)])


def end_password(connection: Connection, identity: bytes) -> None:
    """Takes a party's sign-in name and password away, what they linked, and every session."""
    connection.execute(delete(PASSWORD).where(PASSWORD.c.identity == identity))
    end_links(connection, identity)
    end_sessions(connection, identity)


def end_made_with(connection: Connection, key_id: str) -> tuple[bytes, ...]:
    """Ends what people sign in with that was made with a key; identity hashes of whose passwords ended."""
    connection.execute(delete(INVITATION).where(INVITATION.c.made_with == key_id))
    end_providers_made_with(connection, key_id)
    end_links_made_with(connection, key_id)
    ended = tuple(connection.execute(select(PASSWORD.c.identity).where(PASSWORD.c.made_with == key_id)).scalars())
    for identity in ended:
        end_password(connection, identity)
    return ended


def session(connection: Connection, session_id: str) -> StoredSession | None:
    """The session with that id."""
    row = connection.execute(_SESSION, {"session_id": session_id}).one_or_none()
    return None if row is None else StoredSession(**row._mapping)


def sessions(connection: Connection, identity: bytes) -> tuple[StoredSession, ...]:
    """Sessions of a party, newest first; at most SESSIONS_KEPT_MAX of its password, and of each provider, are kept."""
    statement = select(SESSION).where(SESSION.c.identity == identity).order_by(SESSION.c.created_at.desc())
    return tuple(StoredSession(**row._mapping) for row in connection.execute(statement))


def put_session(connection: Connection, stored: StoredSession) -> None:
    """Stores a session, new or changed."""
    upsert(connection, SESSION, [asdict(stored)])


def touch_session(connection: Connection, session_id: str, now_s: int) -> None:
    """Notes that a session was used."""
    connection.execute(update(SESSION).where(SESSION.c.session_id == session_id).values(last_used_at=now_s))


def end_session(connection: Connection, session_id: str) -> bool:
    """Ends a session; whether there was one."""
    return connection.execute(delete(SESSION).where(SESSION.c.session_id == session_id)).rowcount > 0


def end_sessions(connection: Connection, identity: bytes, *, provider_id: str | None = None) -> int:
    """Ends every session of a party, with `provider_id` those that provider opened; how many there were."""
    statement = delete(SESSION).where(SESSION.c.identity == identity)
    if provider_id is not None:
        statement = statement.where(SESSION.c.provider_id == provider_id)
    return connection.execute(statement).rowcount


def end_old_sessions(
    connection: Connection, identity: bytes, *, keep: int, created_after: int, provider_id: str | None = None
) -> None:
    """Ends sessions of a party that are over their lifetime, and the oldest beyond `keep`.

    Sessions of each provider are counted by themselves: no company's provider ends what the password opened.
    """
    same = [one for one in sessions(connection, identity) if one.provider_id == provider_id]
    ended = [one.session_id for index, one in enumerate(same) if index >= keep or one.created_at <= created_after]
    if ended:
        connection.execute(delete(SESSION).where(SESSION.c.session_id.in_(ended)))


def invitation(connection: Connection, invitation_id: str) -> StoredInvitation | None:
    """The invitation with that id, while it is not accepted and no other took its place."""
    row = connection.execute(select(INVITATION).where(INVITATION.c.invitation_id == invitation_id)).one_or_none()
    return None if row is None else StoredInvitation(**row._mapping)


def put_invitation(connection: Connection, stored: StoredInvitation) -> None:
    """Stores an invitation in place of the party's last one."""
    end_invitation(connection, stored.identity)
    connection.execute(INVITATION.insert(), asdict(stored))


def refuse_name(connection: Connection, invitation_id: str) -> None:
    """Counts a sign-in name that an invitation could not have."""
    connection.execute(
        update(INVITATION)
        .where(INVITATION.c.invitation_id == invitation_id)
        .values(refused_names=INVITATION.c.refused_names + 1)
    )


def end_invitation(connection: Connection, identity: bytes, *, invited_by: int | None = None) -> None:
    """Ends a party's invitation, with `invited_by` only one of that party's."""
    statement = delete(INVITATION).where(INVITATION.c.identity == identity)
    if invited_by is not None:
        statement = statement.where(INVITATION.c.invited_by == invited_by)
    connection.execute(statement)


def attempts(connection: Connection, subject: bytes) -> StoredAttempts | None:
    """Failed attempts of a subject."""
    row = connection.execute(select(SIGN_IN_ATTEMPT).where(SIGN_IN_ATTEMPT.c.subject == subject)).one_or_none()
    return None if row is None else StoredAttempts(**row._mapping)


def put_attempts(connection: Connection, stored: StoredAttempts) -> None:
    """Stores a subject's attempts, and forgets some that are long past."""
    past = select(SIGN_IN_ATTEMPT.c.subject).where(SIGN_IN_ATTEMPT.c.last_at < stored.last_at - ATTEMPT_KEPT_S)
    connection.execute(delete(SIGN_IN_ATTEMPT).where(SIGN_IN_ATTEMPT.c.subject.in_(past.limit(PRUNED_MAX))))
    upsert(connection, SIGN_IN_ATTEMPT, [asdict(stored)])


def forget_attempts(connection: Connection, subject: bytes) -> None:
    """Forgets a subject's attempts: the password was right."""
    connection.execute(delete(SIGN_IN_ATTEMPT).where(SIGN_IN_ATTEMPT.c.subject == subject))
