"""The audit log: entries bound to each other by hashes, appended in the transaction of what they tell.

An entry's hash covers the hash before it, so one entry's hash stands for all of them. The first has the hash of the
ledger itself before it: entries of another ledger do not fit. Who can write SQL can also write hashes; so each carries
a MAC whose key is in no database, and the newest hash goes on chain now and then (ledger.service.anchoring).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, func, select, text

from ledger.projection.errors import DatabaseUnavailableError
from ledger.projection.ground_audit import AUDIT_ENTRY
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from verifier.canonical import dumps
from verifier.hashing import keccak256

_TAG = b"einvoice audit entry\0"
_ORIGIN_TAG = b"einvoice audit log\0"
_LOCK = 0x6C6F67  # of PostgreSQL's advisory locks: two writers must not take the same number
_LAST = select(AUDIT_ENTRY.c.seq, AUDIT_ENTRY.c.noted_at, AUDIT_ENTRY.c.entry_hash).order_by(
    AUDIT_ENTRY.c.seq.desc()
).limit(1)  # fmt: skip
_INSERT = AUDIT_ENTRY.insert().execution_options(preserve_rowcount=True)

Mac = Callable[[bytes], bytes]
"""32 bytes that only who has the key can make for an entry's hash."""


@dataclass(frozen=True)
class AuditEntry:
    """One entry. `noted_at` in seconds since 1970, `actor` a party id, `detail` a canonical JSON object."""

    seq: int
    noted_at: int
    kind: str
    actor: int | None
    about: str
    detail: str
    entry_hash: bytes
    mac: bytes


@dataclass(frozen=True)
class LogHead:
    """The newest entry: how many there are, when it was noted, and the hash that stands for all."""

    seq: int
    noted_at: int
    entry_hash: bytes


def origin_of(separator: bytes) -> bytes:
    """32 bytes that stand before the first entry of the ledger founded under that domain separator."""
    return keccak256(_ORIGIN_TAG + separator)


def hash_of(
    previous: bytes, *, seq: int, noted_at: int, kind: str, actor: int | None, about: str, detail: str
) -> bytes:
    """32-byte hash of an entry that follows the one with the hash `previous`.

    Keccak-256 over a tag, `previous` and the canonical JSON of the list of the other fields, in the order of the
    arguments. Raises: verifier.errors.CanonicalError for what has no canonical form (a row that somebody edited).
    """
    return keccak256(_TAG + previous + dumps([seq, noted_at, kind, actor, about, detail]))


def append_entry(
    connection: Connection, *, origin: bytes, mac: Mac, now_s: int, kind: str, actor: int | None, about: str,
    detail: str,
) -> LogHead:  # fmt: skip
    """Appends one entry in the caller's write transaction, which holds the one lock there is.

    Raises: DatabaseUnavailableError when the database did not keep it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = log_head(connection)
    seq = last.seq + 1 if last is not None else 1
    noted_at = max(now_s, last.noted_at) if last is not None else now_s  # a clock set back does not reorder the log
    previous = last.entry_hash if last is not None else origin
    hashed = hash_of(previous, seq=seq, noted_at=noted_at, kind=kind, actor=actor, about=about, detail=detail)
    stored = connection.execute(
        _INSERT,
        {
            "seq": seq,
            "noted_at": noted_at,
            "kind": kind,
            "actor": actor,
            "about": about,
            "detail": detail,
            "entry_hash": hashed,
            "mac": mac(hashed),
        },
    )
    if stored.rowcount != 1:  # a trigger that somebody put there took it; what it tells must not happen either
        raise DatabaseUnavailableError(
            "an entry of the audit log was not stored: is there a trigger on audit_entry?", cause="corrupt"
        )
    return LogHead(seq, noted_at, hashed)


def log_head(connection: Connection) -> LogHead | None:
    """The newest entry; None while there is none."""
    row = connection.execute(_LAST).one_or_none()
    return None if row is None else LogHead(row.seq, row.noted_at, row.entry_hash)


def entry(connection: Connection, seq: int) -> AuditEntry | None:
    """The entry with that number."""
    row = connection.execute(select(AUDIT_ENTRY).where(AUDIT_ENTRY.c.seq == seq)).one_or_none()
    return None if row is None else _entry(row)


def entries(
    connection: Connection, *, limit: int, cursor: str | None = None, kind: str | None = None,
    actor: int | None = None, about: str | None = None, since_s: int | None = None, until_s: int | None = None,
) -> Page[AuditEntry]:  # fmt: skip
    """Entries that match all that is given, newest first; `since_s` <= noted_at < `until_s`.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    statement: Select[tuple[object, ...]] = select(AUDIT_ENTRY)
    for column, wanted in ((AUDIT_ENTRY.c.kind, kind), (AUDIT_ENTRY.c.actor, actor), (AUDIT_ENTRY.c.about, about)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if since_s is not None:
        statement = statement.where(AUDIT_ENTRY.c.seq >= _first_since(connection, since_s))
    if until_s is not None:
        statement = statement.where(AUDIT_ENTRY.c.seq < _first_since(connection, until_s))
    if before is not None:
        statement = statement.where(AUDIT_ENTRY.c.seq < before)
    rows = connection.execute(statement.order_by(AUDIT_ENTRY.c.seq.desc()).limit(size + 1))
    return page_of([(row.seq, _entry(row)) for row in rows], size)


def was_linked(connection: Connection, person: int) -> bool:
    """Whether a person was ever linked to an account at a sign-in provider: the log outlives the link's row."""
    linked = AUDIT_ENTRY.c.detail.contains('"change":"account linked"', autoescape=True)
    told = (AUDIT_ENTRY.c.about == str(person), AUDIT_ENTRY.c.actor == person, linked)
    return connection.execute(select(AUDIT_ENTRY.c.seq).where(*told).limit(1)).first() is not None


def _first_since(connection: Connection, time_s: int) -> int:
    """Number of the first entry noted at `time_s` or later, one after the last where there is none.

    Times ascend with the numbers, so halving finds it with 40 look-ups and needs no index of times.
    """
    newest = connection.execute(select(func.max(AUDIT_ENTRY.c.seq))).scalar() or 0
    low, high = 1, newest + 1
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(
            select(AUDIT_ENTRY.c.noted_at).where(AUDIT_ENTRY.c.seq >= middle).order_by(AUDIT_ENTRY.c.seq).limit(1)
        ).scalar()
        if found is not None and found < time_s:
            low = middle + 1
        else:
            high = middle
    return low


def _entry(row: Row[tuple[object, ...]]) -> AuditEntry:
    return AuditEntry(**row._mapping)
