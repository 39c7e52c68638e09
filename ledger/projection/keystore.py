"""Stored keys, certificates and names, and the installation's own facts.

Plain values in and out; sealing and opening is done by the caller with ledger.identity, so this module never
sees a private key or a name of a person in the clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from sqlalchemy import Connection, Row, Select, Table, bindparam, or_, select, update

from ledger.domain.districts import district_of
from ledger.projection.database import upsert
from ledger.projection.derived import OPERATION_RECORD
from ledger.projection.derived_rules import RED
from ledger.projection.ground import (
    CERTIFICATE,
    CLAIM_REQUEST,
    DOCUMENT,
    META,
    PARTY_NAME,
    REFERENCE,
    SIGNING_KEY,
)
from verifier.operations import Code

_NAMES = select(PARTY_NAME).where(PARTY_NAME.c.identity.in_(bindparam("identities", expanding=True)))

DOCUMENTS_MAX = 200  # documents in one answer: some 4 MB of sealed bytes
CERTIFICATES_MAX = 1_000  # certificates of one party in one answer; a key a day for three years


@dataclass(frozen=True)
class SigningKey:
    """A sealed private key: 20-byte address, 32-byte identity hash of its party."""

    address: bytes
    identity: bytes
    sealed_key: bytes
    created_at: int


@dataclass(frozen=True)
class StoredCertificate:
    """A certificate by its 32-byte hash."""

    certificate_hash: bytes
    der: bytes
    identity_text: str
    created_at: int


@dataclass(frozen=True)
class PartyName:
    """Who an identity hash is: name and tax id in the clear for enterprises, sealed bytes for persons."""

    identity: bytes
    identity_text: str
    display_name: str | None
    tax_id: str | None
    sealed: bytes | None
    updated_at: int
    district: str | None = None  # follows from tax_id when it is stored


@dataclass(frozen=True)
class StoredReference:
    """Sealed salt and text behind a `ref`; None once forgotten."""

    ref: bytes
    kind: str
    party: int
    sealed: bytes | None
    created_at: int


@dataclass(frozen=True)
class ClaimRequest:
    """A claim as its claimant opened it."""

    claim_id: str
    claimant: int
    employer: int
    sealed_reference: bytes | None
    created_at: int


@dataclass(frozen=True)
class StoredDocument:
    """A sealed document of the group that issues it; sealed bytes are None once forgotten."""

    number: int
    seller: int
    sealed_document: bytes | None
    sealed_seed: bytes | None
    commitment: bytes
    digest: bytes
    stored_at: int


def put_signing_key(connection: Connection, key: SigningKey) -> None:
    """Stores a key; the same address again replaces it."""
    _put(connection, SIGNING_KEY, key)


def signing_key(connection: Connection, address: bytes) -> SigningKey | None:
    """The key of a 20-byte address, None when it is not in our keeping."""
    row = _one(connection, SIGNING_KEY, address)
    return None if row is None else SigningKey(**row._mapping)


def put_certificate(connection: Connection, certificate: StoredCertificate) -> None:
    """Stores a certificate by its hash."""
    _put(connection, CERTIFICATE, certificate)


def certificate(connection: Connection, certificate_hash: bytes) -> StoredCertificate | None:
    """The certificate with that hash."""
    row = _one(connection, CERTIFICATE, certificate_hash)
    return None if row is None else StoredCertificate(**row._mapping)


def certificates_of(connection: Connection, identity_text: str) -> list[StoredCertificate]:
    """Every certificate of a party, newest first; a party has one a key it ever had."""
    rows = connection.execute(
        select(CERTIFICATE)
        .where(CERTIFICATE.c.identity_text == identity_text)
        .order_by(CERTIFICATE.c.created_at.desc(), CERTIFICATE.c.certificate_hash)
        .limit(CERTIFICATES_MAX)
    )
    return [StoredCertificate(**row._mapping) for row in rows]


def put_party_name(connection: Connection, name: PartyName) -> None:
    """Stores who an identity hash is, replacing what was known."""
    _put(connection, PARTY_NAME, _placed(name))


def put_enrolled(connection: Connection, rows: Sequence[SigningKey | StoredCertificate | PartyName]) -> None:
    """Stores keys, certificates and names of many at once, one statement a kind."""
    upsert(connection, SIGNING_KEY, [_values(SIGNING_KEY, one) for one in rows if isinstance(one, SigningKey)])
    upsert(connection, CERTIFICATE, [_values(CERTIFICATE, one) for one in rows if isinstance(one, StoredCertificate)])
    names = [_values(PARTY_NAME, _placed(one)) for one in rows if isinstance(one, PartyName)]
    upsert(connection, PARTY_NAME, names)


def party_name(connection: Connection, identity: bytes) -> PartyName | None:
    """Who that identity hash is."""
    row = _one(connection, PARTY_NAME, identity)
    return None if row is None else PartyName(**row._mapping)


def party_names(connection: Connection, identities: list[bytes]) -> dict[bytes, PartyName]:
    """Who those identity hashes are; a page of them at most."""
    rows = connection.execute(_NAMES, {"identities": identities})
    return {row.identity: PartyName(**row._mapping) for row in rows}


def reference(connection: Connection, ref: bytes) -> StoredReference | None:
    """Sealed salt and text behind a 32-byte `ref`."""
    row = _one(connection, REFERENCE, ref)
    return None if row is None else StoredReference(**row._mapping)


def claim_request(connection: Connection, claim_id: str) -> ClaimRequest | None:
    """The claim with that id (32 hex digits) as it was opened."""
    row = _one(connection, CLAIM_REQUEST, claim_id)
    return None if row is None else ClaimRequest(**row._mapping)


def document(connection: Connection, number_text: str, digest: bytes) -> StoredDocument | None:
    """The document of an invoice and the group that issues it (`p_invoice.digest` for one on chain)."""
    row = connection.execute(
        select(DOCUMENT).where(DOCUMENT.c.number == number_text, DOCUMENT.c.digest == digest)
    ).one_or_none()
    return None if row is None else StoredDocument(**{**row._mapping, "number": int(row.number)})


def documents(connection: Connection, keys: Sequence[tuple[int, bytes]]) -> dict[int, StoredDocument]:
    """Documents by (number, digest of the issuing group), at most DOCUMENTS_MAX; missing ones are left out."""
    if len(keys) > DOCUMENTS_MAX:
        raise ValueError(f"at most {DOCUMENTS_MAX} documents are asked for at a time")
    wanted = {(number, digest) for number, digest in keys}
    numbers = [f"{number:020d}" for number, _ in keys]
    rows = connection.execute(select(DOCUMENT).where(DOCUMENT.c.number.in_(numbers)))
    return {
        int(row.number): StoredDocument(**{**row._mapping, "number": int(row.number)})
        for row in rows
        if (int(row.number), row.digest) in wanted
    }


def forget_document(connection: Connection, number_text: str) -> int:
    """Deletes the sealed bytes, and with them the wrapped keys, of a number's documents; how many.

    Its reds and the drafts of its slips repeat who bought what, so they go with it.
    """
    drafts = select(OPERATION_RECORD.c.ref).where(
        OPERATION_RECORD.c.number == number_text, OPERATION_RECORD.c.code == Code.OPEN_SLIP
    )
    connection.execute(update(REFERENCE).where(REFERENCE.c.ref.in_(drafts)).values(sealed=None))
    reds = select(RED.c.number).where(RED.c.blue == number_text)
    result = connection.execute(
        update(DOCUMENT)
        .where(or_(DOCUMENT.c.number == number_text, DOCUMENT.c.number.in_(reds)))
        .values(sealed_document=None, sealed_seed=None)
    )
    return int(result.rowcount)


def put_meta(connection: Connection, name: str, value: str) -> None:
    """Stores a fact of the installation."""
    upsert(connection, META, [{"name": name, "value": value}])


def meta(connection: Connection) -> dict[str, str]:
    """All facts of the installation."""
    return {row.name: row.value for row in connection.execute(select(META))}


def _put(connection: Connection, table: Table, item: object) -> None:
    upsert(connection, table, [_values(table, item)])


def _values(table: Table, item: object) -> dict[str, object]:
    return {column.name: getattr(item, column.name) for column in table.c}


def _placed(name: PartyName) -> PartyName:
    return replace(name, district=district_of(name.tax_id))


def _one(connection: Connection, table: Table, key: str | bytes) -> Row[tuple[object, ...]] | None:
    return connection.execute(_by_key(table), {"given": key}).one_or_none()


@cache
def _by_key(table: Table) -> Select[tuple[object, ...]]:
    """The row with a key: built once a table, as building a statement costs more than running it."""
    (column,) = table.primary_key
    return select(table).where(column == bindparam("given"))
