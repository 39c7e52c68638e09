"""Credentials of programs as they are stored: a hash, what it is for, how long, and who made it with what.

`mac` is over everything in a row but when it was used last, under a key that the database does not hold: a row that
somebody wrote or widened here opens nothing (ledger.service.credentials).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, func, or_, select, union_all, update

from ledger.projection.database import upsert
from ledger.projection.ground import API_KEY
from ledger.projection.ground_providers import PROVIDER_LINK, SIGN_IN_PROVIDER
from ledger.projection.ground_sign_in import INVITATION, PASSWORD
from ledger.projection.ground_work import WEBHOOK

_BY_ID = select(API_KEY).where(API_KEY.c.key_id == bindparam("given"))  # built once: every request asks it

API_KEYS_LISTED_MAX = 1_000  # keys of one party in one answer; those that work stand first, so none is left out
ENDED_KEPT_MAX = 500  # keys of one party that ended; the audit log remembers the older ones
FORGOTTEN_MAX = 500  # rows deleted in one go


@dataclass(frozen=True)
class StoredApiKey:
    """An API key at rest: the SHA-256 of its secret, the party (identity hash) it acts as. Times in seconds, UTC."""

    key_id: str
    secret_hash: bytes
    identity: bytes
    label: str
    created_at: int
    revoked_at: int | None
    scopes: str  # names with a blank between them, as ledger.identity.scopes writes them
    expires_at: int | None  # None: a key made before keys had an end
    last_used_at: int | None  # at most an hour old, kept beside what requests do
    made_by: int | None  # party that made it; None: whoever holds the data directory, or an enrolment
    made_with: str | None  # key it was made with: it ends with that one
    made_in: str | None  # session it was made in: it ends with the password that opened that one
    challenge: bytes | None  # 32 bytes: nonce of the challenge that it answers
    mac: bytes

    @property
    def text(self) -> str:
        """What `mac` is over."""
        parts = (
            self.key_id,
            self.secret_hash.hex(),
            self.identity.hex(),
            self.created_at,
            self.revoked_at,
            self.scopes,
            self.expires_at,
            self.made_by,
            self.made_with,
            self.made_in,
            self.challenge.hex() if self.challenge is not None else None,
            self.label,
        )
        return "|".join("" if part is None else str(part) for part in parts)


def put_api_key(connection: Connection, key: StoredApiKey) -> None:
    """Stores a credential; the same id again replaces it."""
    upsert(connection, API_KEY, [{column.name: getattr(key, column.name) for column in API_KEY.c}])


def api_key(connection: Connection, key_id: str) -> StoredApiKey | None:
    """The credential with that id, ended ones included."""
    row = connection.execute(_BY_ID, {"given": key_id}).one_or_none()
    return None if row is None else StoredApiKey(**row._mapping)


def api_keys(connection: Connection, identity: bytes, now_s: int) -> list[StoredApiKey]:
    """Credentials of a party, those that work before those that ended, each newest first; API_KEYS_LISTED_MAX."""
    rows = connection.execute(
        select(API_KEY)
        .where(API_KEY.c.identity == identity)
        .order_by(case((_alive(now_s), 0), else_=1), API_KEY.c.created_at.desc(), API_KEY.c.key_id)
        .limit(API_KEYS_LISTED_MAX)
    )
    return [StoredApiKey(**row._mapping) for row in rows]


def unended(connection: Connection, identity: bytes, *, in_sessions: bool = False) -> list[StoredApiKey]:
    """Every credential of a party that was not ended, with `in_sessions` those made in one; however many they are."""
    statement = select(API_KEY).where(API_KEY.c.identity == identity, API_KEY.c.revoked_at.is_(None))
    if in_sessions:
        statement = statement.where(API_KEY.c.made_in.is_not(None))
    return [StoredApiKey(**row._mapping) for row in connection.execute(statement.order_by(API_KEY.c.key_id))]


def made_with(connection: Connection, key_id: str) -> list[StoredApiKey]:
    """Credentials made with that one that were not ended."""
    rows = connection.execute(
        select(API_KEY).where(API_KEY.c.made_with == key_id, API_KEY.c.revoked_at.is_(None)).order_by(API_KEY.c.key_id)
    )
    return [StoredApiKey(**row._mapping) for row in rows]


def living_count(connection: Connection, identity: bytes, now_s: int, *, signed_in: bool) -> int:
    """How many credentials of a party work now: those that answer challenges, or the others."""
    of_kind = API_KEY.c.challenge.is_not(None) if signed_in else API_KEY.c.challenge.is_(None)
    wanted = select(func.count()).where(API_KEY.c.identity == identity, of_kind, _alive(now_s))
    return int(connection.execute(wanted).scalar_one())


def in_use(connection: Connection, identity: bytes, now_s: int) -> bool:
    """Whether a party has a credential that works now and was used."""
    mine = (API_KEY.c.identity == identity, _alive(now_s), API_KEY.c.last_used_at.is_not(None))
    return connection.execute(select(API_KEY.c.key_id).where(*mine).limit(1)).first() is not None


def forget_ended(connection: Connection, identity: bytes, now_s: int) -> int:
    """Deletes what ended of a party's credentials beyond the ENDED_KEPT_MAX made last; how many.

    Those of challenges stay for `forget_signed_in`: their rows tell that a challenge was answered.
    """
    ended = (
        select(API_KEY.c.key_id)
        .where(API_KEY.c.identity == identity, API_KEY.c.challenge.is_(None), ~_alive(now_s))
        .order_by(API_KEY.c.created_at.desc(), API_KEY.c.key_id)
        .offset(ENDED_KEPT_MAX)
        .limit(FORGOTTEN_MAX)
    )
    forgotten = list(connection.execute(ended).scalars())
    if forgotten:
        connection.execute(delete(API_KEY).where(API_KEY.c.key_id.in_(forgotten)))
    return len(forgotten)


def is_answered(connection: Connection, challenge: bytes) -> bool:
    """Whether a credential answers the challenge with that nonce."""
    return connection.execute(select(API_KEY.c.key_id).where(API_KEY.c.challenge == challenge)).first() is not None


def forget_signed_in(connection: Connection, identity: bytes, before_s: int) -> int:
    """Deletes a party's credentials that answered challenges and ended before `before_s`; how many.

    Those stay that a password, an invitation, a sign-in provider, a link to an account there or a webhook was made
    with: these end when the party's key is rotated.
    """
    kept = union_all(*(
        select(table.c.made_with).where(table.c.made_with.is_not(None))
        for table in (PASSWORD, INVITATION, SIGN_IN_PROVIDER, PROVIDER_LINK, WEBHOOK, API_KEY)
    ))  # fmt: skip
    result = connection.execute(
        delete(API_KEY).where(
            API_KEY.c.identity == identity,
            API_KEY.c.challenge.is_not(None),
            API_KEY.c.expires_at < before_s,
            API_KEY.c.key_id.not_in(kept),
        )
    )
    return int(result.rowcount)


def note_use(connection: Connection, key_id: str, now_s: int, since_s: int) -> bool:
    """Notes that a credential was used, unless that was noted since `since_s` by another process."""
    result = connection.execute(
        update(API_KEY)
        .where(API_KEY.c.key_id == key_id, or_(API_KEY.c.last_used_at.is_(None), API_KEY.c.last_used_at < since_s))
        .values(last_used_at=now_s)
    )
    return int(result.rowcount) == 1


def _alive(now_s: int) -> ColumnElement[bool]:
    return and_(API_KEY.c.revoked_at.is_(None), or_(API_KEY.c.expires_at.is_(None), API_KEY.c.expires_at > now_s))
