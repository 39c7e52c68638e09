"""Groups that wait for the signature of whoever keeps its own key."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from ledger.projection.ground_enrolment import SIGNING_DRAFT
from ledger.projection.ground_work import BULK_ROW, RowState

DRAFTS_OF_PARTY_MAX = 32  # waiting drafts of one party: a screen of work for whoever signs by hand
DRAFT_SIZE_MAX = 8 * 1024 * 1024  # sealed bytes of one draft: a list of 256 invoices takes 4 MB


@dataclass(frozen=True)
class SigningDraft:
    """A waiting group by its 32-byte digest; `sealed` is the service's. Times are seconds since 1970, UTC."""

    digest: bytes
    actor: int
    key: str
    request_hash: bytes
    sealed: bytes
    created_at: int
    valid_until: int


def put_draft(connection: Connection, draft: SigningDraft) -> None:
    """Stores a draft. Raises: ValueError when it is larger than DRAFT_SIZE_MAX."""
    if len(draft.sealed) > DRAFT_SIZE_MAX:
        raise ValueError(f"a draft has at most {DRAFT_SIZE_MAX} bytes")
    connection.execute(SIGNING_DRAFT.insert(), {name: getattr(draft, name) for name in _FIELDS})


def draft(connection: Connection, digest: bytes) -> SigningDraft | None:
    """The draft with that digest, also one that ended and was not swept yet."""
    row = connection.execute(select(SIGNING_DRAFT).where(SIGNING_DRAFT.c.digest == digest)).one_or_none()
    return None if row is None else SigningDraft(**row._mapping)


def draft_of_key(connection: Connection, actor: int, key: str) -> SigningDraft | None:
    """The draft of the request with that Idempotency-Key."""
    statement = select(SIGNING_DRAFT).where(SIGNING_DRAFT.c.actor == actor, SIGNING_DRAFT.c.key == key)
    row = connection.execute(statement).one_or_none()
    return None if row is None else SigningDraft(**row._mapping)


def drafts_of(connection: Connection, actor: int, now_s: int) -> tuple[SigningDraft, ...]:
    """What waits for the signature of `actor`, oldest first."""
    rows = connection.execute(
        select(SIGNING_DRAFT)
        .where(SIGNING_DRAFT.c.actor == actor, SIGNING_DRAFT.c.valid_until >= now_s)
        .order_by(SIGNING_DRAFT.c.created_at, SIGNING_DRAFT.c.digest)
        .limit(DRAFTS_OF_PARTY_MAX)
    )
    return tuple(SigningDraft(**row._mapping) for row in rows)


def count_of(connection: Connection, actor: int) -> int:
    """Drafts of `actor` that are stored."""
    statement = select(func.count()).where(SIGNING_DRAFT.c.actor == actor)
    return int(connection.execute(statement).scalar_one())


def remove(connection: Connection, digest: bytes) -> None:
    """Deletes a draft that was signed or is of no use any more."""
    _end(connection, SIGNING_DRAFT.c.digest == digest)


def remove_of(connection: Connection, actor: int) -> int:
    """Deletes every draft of one party; how many."""
    return _end(connection, SIGNING_DRAFT.c.actor == actor)


def expire(connection: Connection, now_s: int, *, actor: int | None = None) -> int:
    """Deletes drafts whose time has passed, of one party or of all; how many. Their numbers come back by themselves."""
    ended = SIGNING_DRAFT.c.valid_until < now_s
    if actor is not None:
        ended = ended & (SIGNING_DRAFT.c.actor == actor)
    return _end(connection, ended)


def _end(connection: Connection, which: ColumnElement[bool]) -> int:
    """Deletes drafts; rows of sheets that they hold are ready again, those that were signed stay so."""
    of_drafts = BULK_ROW.c.digest.in_(select(SIGNING_DRAFT.c.digest).where(which))
    held = of_drafts & (BULK_ROW.c.state == RowState.DRAFTED.value)
    connection.execute(update(BULK_ROW).where(held).values(state=RowState.READY.value, number=None, digest=None))
    return int(connection.execute(delete(SIGNING_DRAFT).where(which)).rowcount)


_FIELDS = tuple(SigningDraft.__dataclass_fields__)
