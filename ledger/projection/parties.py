"""Questions about parties, grants, numbers, months, totals and filings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, select

from ledger.projection.columns import number_text
from ledger.projection.derived import CONTRACT, FILING, GRANT, MONTH, PARTY, SEGMENT, TOTALS
from ledger.projection.derived_rules import ANCHOR, LIFT, REVOCATION
from ledger.projection.districts import District, overseen
from ledger.projection.pages import Page, page_of, page_size, parse_cursor

IDENTITIES_MAX = 1_000  # in one question: a page of rows
ROWS_MAX = 10_000  # grants, segments or filings of one party in one answer

# Every request asks these. Built once: building and caching a statement costs more than running it.
_BY_ID = select(PARTY).where(PARTY.c.id == bindparam("id"))
_BY_IDENTITY = select(PARTY).where(PARTY.c.identity == bindparam("identity")).limit(1)
_BY_IDENTITIES = select(PARTY).where(PARTY.c.identity.in_(bindparam("identities", expanding=True)))
_BY_IDS = select(PARTY).where(PARTY.c.id.in_(bindparam("ids", expanding=True)))
_GRANTS = select(GRANT).where(GRANT.c.bits != 0).order_by(GRANT.c.enterprise, GRANT.c.person).limit(ROWS_MAX)
_GRANTS_OF_PERSON = _GRANTS.where(GRANT.c.person == bindparam("person"))


@dataclass(frozen=True)
class PartyRecord:
    """One party as it is now. `signer` is 20 bytes, empty for one that was named but not enrolled."""

    id: int
    kind: int
    signer: bytes
    suspended: bool
    filed_through: int
    quota_fen: int
    version: int
    word: int
    identity: bytes
    certificate_hash: bytes
    recovery_signer: bytes | None
    recovery_at: int | None
    recovery_certificate: bytes | None
    named_at: int


@dataclass(frozen=True)
class GrantRecord:
    """Bits an enterprise granted a person (verifier.words.Grant)."""

    enterprise: int
    person: int
    bits: int


@dataclass(frozen=True)
class SegmentRecord:
    """Numbers allotted to a party, first and last included."""

    first_number: int
    last_number: int
    party: int
    allotted_at: int


@dataclass(frozen=True)
class MonthRecord:
    """A month opened for issuing; times are seconds since 1970, UTC."""

    month: int
    opens_at: int
    closes_at: int
    digest: bytes


@dataclass(frozen=True)
class TotalsRecord:
    """An enterprise's month in fen, and the count of its invoices."""

    party: int
    month: int
    blue_gross_fen: int = 0
    red_gross_fen: int = 0
    blue_tax_fen: int = 0
    red_tax_fen: int = 0
    quota_used_fen: int = 0
    count: int = 0


@dataclass(frozen=True)
class FilingRecord:
    """A month an enterprise filed; `totals` is the totals word it signed.

    `revision` counts refilings from 0; `replaced_hash` is the report hash of the revision before.
    """

    party: int
    month: int
    totals: int
    report_hash: bytes
    actor: int
    digest: bytes
    block: int
    filed_at: int
    revision: int = 0
    replaced_hash: bytes | None = None


@dataclass(frozen=True)
class RevocationRecord:
    """A revoked certificate by its 32-byte hash; `reason` as in RFC 5280."""

    certificate_hash: bytes
    party: int
    reason: int
    revoked_by: int
    revoked_at: int
    block: int
    digest: bytes


@dataclass(frozen=True)
class AnchorRecord:
    """A head of `party`'s audit log, put on chain at `anchored_at`."""

    order: int
    party: int
    log_head: bytes
    anchored_at: int
    digest: bytes


@dataclass(frozen=True)
class LiftRecord:
    """A month `party` may issue in although months before it are not filed."""

    party: int
    month: int
    lifted_by: int
    lifted_at: int
    digest: bytes


def party(connection: Connection, party_id: int) -> PartyRecord | None:
    """The party with that id."""
    return _party(connection.execute(_BY_ID, {"id": party_id}).one_or_none())


def party_of_identity(connection: Connection, identity: bytes) -> PartyRecord | None:
    """The party with that 32-byte identity hash."""
    return _party(connection.execute(_BY_IDENTITY, {"identity": identity}).one_or_none())


def parties_of_identities(connection: Connection, identities: Sequence[bytes]) -> dict[bytes, PartyRecord]:
    """Parties by identity hash, at most IDENTITIES_MAX; those nobody named are left out."""
    if len(identities) > IDENTITIES_MAX:
        raise ValueError(f"at most {IDENTITIES_MAX} identities are asked for at a time")
    rows = connection.execute(_BY_IDENTITIES, {"identities": list(identities)})
    return {row.identity: _party_of(row) for row in rows}


def parties_of_signer(connection: Connection, address: bytes) -> tuple[PartyRecord, ...]:
    """Parties whose signer is that 20-byte address; normally one."""
    rows = connection.execute(select(PARTY).where(PARTY.c.signer == address).order_by(PARTY.c.id).limit(ROWS_MAX))
    return tuple(_party_of(row) for row in rows)


def parties_by_id(connection: Connection, ids: frozenset[int]) -> dict[int, PartyRecord]:
    """Those parties by id, a page of them; unknown ones are left out."""
    rows = connection.execute(_BY_IDS, {"ids": sorted(ids)})
    return {row.id: _party_of(row) for row in rows}


def parties(
    connection: Connection, *, kind: int | None = None, district: District | None = None, limit: int,
    cursor: str | None = None,
) -> Page[PartyRecord]:  # fmt: skip
    """Parties by ascending id, of one kind or all, of a district or all.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, after = page_size(limit), parse_cursor(cursor)
    statement = select(PARTY).order_by(PARTY.c.id).limit(size + 1)
    if kind is not None:
        statement = statement.where(PARTY.c.kind == kind)
    if district is not None:
        statement = statement.where(overseen(PARTY.c.id, district))
    if after is not None:
        statement = statement.where(PARTY.c.id > after)
    return page_of([(row.id, _party_of(row)) for row in connection.execute(statement)], size)


def grants(
    connection: Connection, *, enterprise: int | None = None, person: int | None = None
) -> tuple[GrantRecord, ...]:
    """Grants an enterprise gave, or a person holds, without those revoked altogether."""
    if enterprise is None and person is not None:
        rows = connection.execute(_GRANTS_OF_PERSON, {"person": person})
        return tuple(GrantRecord(**row._mapping) for row in rows)
    statement = _GRANTS
    if enterprise is not None:
        statement = statement.where(GRANT.c.enterprise == enterprise)
    if person is not None:
        statement = statement.where(GRANT.c.person == person)
    return tuple(GrantRecord(**row._mapping) for row in connection.execute(statement))


def grant_bits(connection: Connection, enterprise: int, person: int) -> int:
    """What `person` may do for `enterprise`, 0 for nothing."""
    bits = connection.execute(
        select(GRANT.c.bits).where(GRANT.c.enterprise == enterprise, GRANT.c.person == person)
    ).scalar_one_or_none()
    return bits or 0


def segments(connection: Connection, party_id: int) -> tuple[SegmentRecord, ...]:
    """Numbers allotted to a party, ascending."""
    rows = connection.execute(
        select(SEGMENT).where(SEGMENT.c.party == party_id).order_by(SEGMENT.c.first_number).limit(ROWS_MAX)
    )
    return tuple(SegmentRecord(int(row.first_number), int(row.last_number), row.party, row.allotted_at) for row in rows)


def last_segment(connection: Connection, first_number: int, last_number: int) -> SegmentRecord | None:
    """The highest segment allotted to anyone between two numbers: the next one may begin after it."""
    row = connection.execute(
        select(SEGMENT)
        .where(SEGMENT.c.first_number.between(number_text(first_number), number_text(last_number)))
        .order_by(SEGMENT.c.first_number.desc())
        .limit(1)
    ).one_or_none()
    return (
        None if row is None else SegmentRecord(int(row.first_number), int(row.last_number), row.party, row.allotted_at)
    )


def months(connection: Connection) -> tuple[MonthRecord, ...]:
    """Every month that was opened, newest first."""
    rows = connection.execute(select(MONTH).order_by(MONTH.c.month.desc()).limit(ROWS_MAX))
    return tuple(MonthRecord(**row._mapping) for row in rows)


def totals(connection: Connection, party_id: int, month: int) -> TotalsRecord:
    """One enterprise's month; zeros when it issued nothing."""
    row = connection.execute(select(TOTALS).where(TOTALS.c.party == party_id, TOTALS.c.month == month)).one_or_none()
    return TotalsRecord(party_id, month) if row is None else TotalsRecord(**row._mapping)


def totals_of(connection: Connection, party_id: int) -> tuple[TotalsRecord, ...]:
    """Every month of one enterprise, newest first."""
    rows = connection.execute(
        select(TOTALS).where(TOTALS.c.party == party_id).order_by(TOTALS.c.month.desc()).limit(ROWS_MAX)
    )
    return tuple(TotalsRecord(**row._mapping) for row in rows)


def filings(connection: Connection, party_id: int) -> tuple[FilingRecord, ...]:
    """Months one enterprise filed, newest first, each as it stands after its refilings."""
    later = FILING.alias()
    replaced = select(later.c.revision).where(
        later.c.party == FILING.c.party, later.c.month == FILING.c.month, later.c.revision == FILING.c.revision + 1
    )
    rows = connection.execute(
        select(FILING)
        .where(FILING.c.party == party_id, ~replaced.exists())
        .order_by(FILING.c.month.desc())
        .limit(ROWS_MAX)
    )
    return tuple(_filing(row) for row in rows)


def filings_of_month(connection: Connection, party_id: int, month: int) -> tuple[FilingRecord, ...]:
    """A month's filing and its refilings, oldest first; the last one stands."""
    rows = connection.execute(
        select(FILING)
        .where(FILING.c.party == party_id, FILING.c.month == month)
        .order_by(FILING.c.revision)
        .limit(ROWS_MAX)
    )
    return tuple(_filing(row) for row in rows)


def lifts(connection: Connection, party_id: int) -> tuple[LiftRecord, ...]:
    """Months an enterprise may issue in although it filed too late, newest first."""
    rows = connection.execute(
        select(LIFT).where(LIFT.c.party == party_id).order_by(LIFT.c.month.desc()).limit(ROWS_MAX)
    )
    return tuple(LiftRecord(**row._mapping) for row in rows)


def revocation(connection: Connection, certificate_hash: bytes) -> RevocationRecord | None:
    """The revocation of the certificate with that hash, None while it is good."""
    row = connection.execute(select(REVOCATION).where(REVOCATION.c.certificate_hash == certificate_hash)).one_or_none()
    return None if row is None else RevocationRecord(**row._mapping)


def revocations(connection: Connection, party_id: int) -> tuple[RevocationRecord, ...]:
    """Revoked certificates of a party, oldest first."""
    rows = connection.execute(
        select(REVOCATION)
        .where(REVOCATION.c.party == party_id)
        .order_by(REVOCATION.c.revoked_at, REVOCATION.c.certificate_hash)
        .limit(ROWS_MAX)
    )
    return tuple(RevocationRecord(**row._mapping) for row in rows)


def anchors(
    connection: Connection, *, party_id: int | None = None, limit: int, cursor: str | None = None
) -> Page[AnchorRecord]:
    """Anchored heads of one officer's audit log, or of all, newest first.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(ANCHOR)
    if party_id is not None:
        statement = statement.where(ANCHOR.c.party == party_id)
    if before is not None:
        statement = statement.where(ANCHOR.c.order < before)
    rows = connection.execute(statement.order_by(ANCHOR.c.order.desc()).limit(size + 1))
    return page_of([(row.order, AnchorRecord(**row._mapping)) for row in rows], size)


def successor(connection: Connection) -> bytes | None:
    """20-byte address of the contract that follows, None while this one is open."""
    return connection.execute(select(CONTRACT.c.successor)).scalars().first()


def _filing(row: Row[tuple[object, ...]]) -> FilingRecord:
    return FilingRecord(**{**row._mapping, "totals": int.from_bytes(row._mapping["totals"], "big")})


def _party(row: Row[tuple[object, ...]] | None) -> PartyRecord | None:
    return None if row is None else _party_of(row)


def _party_of(row: Row[tuple[object, ...]]) -> PartyRecord:
    return PartyRecord(**{**row._mapping, "word": int.from_bytes(row._mapping["word"], "big")})
