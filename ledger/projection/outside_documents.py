"""Originals and read fields of outside invoices, one row a registration.

Two companies may register one number with different files; each keeps what it read under its own group's digest, and
`p_invoice.digest` says whose counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from ledger.projection.columns import number_text
from ledger.projection.ground_work import OUTSIDE_DOCUMENT

SAME_ORIGINAL_MAX = 100  # registrations of one file in one answer


@dataclass(frozen=True)
class OutsideDocument:
    """What one registration was made from; sealed bytes are None once forgotten, or when there was no file.

    `digest` is the group that registers it, `kind` the form it came in, `original_hash` the file's SHA-256.
    """

    number: int
    digest: bytes
    party: int
    kind: str
    original_hash: bytes | None
    sealed_original: bytes | None
    sealed_document: bytes | None
    sealed_seed: bytes | None
    commitment: bytes
    stored_at: int


def put_outside_document(connection: Connection, document: OutsideDocument) -> None:
    """Stores what a registration was made from, once; number and digest again change nothing."""
    if outside_document(connection, document.number, document.digest) is None:
        values = {column.name: getattr(document, column.name) for column in OUTSIDE_DOCUMENT.c}
        connection.execute(OUTSIDE_DOCUMENT.insert(), {**values, "number": number_text(document.number)})


def outside_document(connection: Connection, number: int, digest: bytes) -> OutsideDocument | None:
    """What the registration of `number` by the group `digest` was made from."""
    row = connection.execute(
        select(OUTSIDE_DOCUMENT).where(
            OUTSIDE_DOCUMENT.c.number == number_text(number), OUTSIDE_DOCUMENT.c.digest == digest
        )
    ).one_or_none()
    return None if row is None else OutsideDocument(**{**row._mapping, "number": int(row.number)})


def outside_fields(connection: Connection, number: int, digest: bytes) -> bytes | None:
    """What was read for the registration of `number` by the group `digest`, sealed, without its original."""
    table = OUTSIDE_DOCUMENT
    return connection.execute(
        select(table.c.sealed_document).where(table.c.number == number_text(number), table.c.digest == digest)
    ).scalar_one_or_none()


def numbers_of_original(connection: Connection, original_hash: bytes, *, party: int) -> tuple[int, ...]:
    """Numbers that `party` registered from a file with that SHA-256, ascending: the same file sent twice."""
    rows = connection.execute(
        select(OUTSIDE_DOCUMENT.c.number)
        .where(OUTSIDE_DOCUMENT.c.original_hash == original_hash, OUTSIDE_DOCUMENT.c.party == party)
        .distinct()
        .order_by(OUTSIDE_DOCUMENT.c.number)
        .limit(SAME_ORIGINAL_MAX)
    ).scalars()
    return tuple(int(number) for number in rows)


def forget_outside_document(connection: Connection, number: int) -> int:
    """Deletes the sealed bytes, and with them the wrapped keys, of a number's registrations; how many."""
    result = connection.execute(
        update(OUTSIDE_DOCUMENT)
        .where(OUTSIDE_DOCUMENT.c.number == number_text(number))
        .values(sealed_original=None, sealed_document=None, sealed_seed=None)
    )
    return int(result.rowcount)
