"""Which parties a district is: enterprises whose tax id names it, their people, and people who have their invoices.

An officer of a district sees no other, and acts on its enterprises and their people alone: an invoice that crosses
districts shows which person has it and hands nobody over. So every list an officer reads asks for the district in its
statement, never of the rows that came back: counts and pages then tell nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, or_, select

from ledger.projection.derived import GRANT, INVOICE, PARTY
from ledger.projection.ground import PARTY_NAME
from ledger.projection.ground_districts import DISTRICT_LENGTH_MAX, OFFICER_DISTRICT
from verifier.words import PartyKind

INVOICE_ROLES = ("seller", "buyer", "holder", "claimant", "employer")


@dataclass(frozen=True)
class OfficerDistrict:
    """Where an officer (identity hash) was appointed for, by whom, when; "" is the whole ledger."""

    officer: bytes
    district: str
    set_by: int
    set_at: int
    sealed: bytes


def put_officer_district(connection: Connection, new: OfficerDistrict) -> None:
    """Stores where an officer is appointed for from now on; earlier rows stay."""
    connection.execute(OFFICER_DISTRICT.insert(), {name: getattr(new, name) for name in new.__dataclass_fields__})


def officer_district(connection: Connection, officer: bytes) -> OfficerDistrict | None:
    """Where an officer is appointed for; None: nobody ever said."""
    table = OFFICER_DISTRICT
    row = connection.execute(
        select(table).where(table.c.officer == officer).order_by(table.c.seq.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return None
    return OfficerDistrict(**{name: getattr(row, name) for name in OfficerDistrict.__dataclass_fields__})


# -- whom a district is --------------------------------------------------------------------------


@dataclass(frozen=True)
class District:
    """An officer's reach: enterprises whose district begins with `prefix`, 2, 4 or 6 digits; their people, invoices."""

    prefix: str

    @property
    def first(self) -> str:
        """Lowest district in it."""
        return self.prefix.ljust(DISTRICT_LENGTH_MAX, "0")

    @property
    def last(self) -> str:
        """Highest district in it; digits alone, so that every collation orders them alike."""
        return self.prefix.ljust(DISTRICT_LENGTH_MAX, "9")


Sight = frozenset[int] | District | None
"""Whose invoices somebody sees: those of some parties, of a district's enterprises, or of everybody (None)."""


def enterprise_in(party: ColumnElement[Any], district: District) -> ColumnElement[bool]:
    """Condition that a column names an enterprise of the district; two look-ups by primary key a row."""
    record = PARTY.alias()
    return exists(
        select(record.c.id)
        .join(PARTY_NAME, PARTY_NAME.c.identity == record.c.identity)
        .where(record.c.id == party, PARTY_NAME.c.district.between(district.first, district.last))
    )


def person_of(party: ColumnElement[Any], district: District) -> ColumnElement[bool]:
    """Condition that an enterprise of the district lets the person in that column act."""
    grant = GRANT.alias()
    return exists(
        select(grant.c.person).where(
            grant.c.person == party, grant.c.bits != 0, enterprise_in(grant.c.enterprise, district)
        )
    )


def invoice_of(number: ColumnElement[Any], district: District) -> ColumnElement[bool]:
    """Condition that an enterprise of the district takes part in the invoice that a column names."""
    invoice = INVOICE.alias()
    return exists(select(invoice.c.number).where(invoice.c.number == number, takes_part_in(district, invoice)))


def takes_part_in(district: District, invoice: FromClause = INVOICE) -> ColumnElement[bool]:
    """Condition on an invoice that an enterprise of the district has a role in it."""
    return or_(*(enterprise_in(invoice.c[role], district) for role in INVOICE_ROLES))


def overseen(party: ColumnElement[Any], district: District) -> ColumnElement[bool]:
    """Condition that a column names a party the district's officers see: whom they govern, who has its invoices.

    The latter are people: an enterprise is seen in its own district alone, whatever it bought elsewhere.
    """
    held, record = INVOICE.alias(), PARTY.alias()
    holds = exists(
        select(held.c.number).where(
            or_(held.c.holder == party, held.c.claimant == party), takes_part_in(district, held)
        )
    )
    is_person = exists(select(record.c.id).where(record.c.id == party, record.c.kind == int(PartyKind.PERSON)))
    return or_(governed(party, district), and_(is_person, holds))


def governed(party: ColumnElement[Any], district: District) -> ColumnElement[bool]:
    """Condition that a column names a party the district's officers act on: an enterprise, or whom one lets act."""
    return or_(enterprise_in(party, district), person_of(party, district))


def any_governed(connection: Connection, ids: Iterable[int], district: District) -> bool:
    """Whether one of those parties is an enterprise of the district or somebody one lets act."""
    found = select(PARTY.c.id).where(PARTY.c.id.in_(sorted(set(ids))), governed(PARTY.c.id, district)).limit(1)
    return connection.execute(found).first() is not None


def acts_elsewhere(connection: Connection, person: int, district: District) -> bool:
    """Whether an enterprise of another district lets that person act: who signs in as it reaches there."""
    others = (GRANT.c.person == person, GRANT.c.bits != 0, ~enterprise_in(GRANT.c.enterprise, district))
    return connection.execute(select(GRANT.c.person).where(*others).limit(1)).first() is not None


def any_overseen(connection: Connection, ids: Iterable[int], district: District) -> bool:
    """Whether the district's officers see one of those parties."""
    found = select(PARTY.c.id).where(PARTY.c.id.in_(sorted(set(ids))), overseen(PARTY.c.id, district)).limit(1)
    return connection.execute(found).first() is not None


def any_enterprise(connection: Connection, ids: Iterable[int], district: District) -> bool:
    """Whether one of those parties is an enterprise of the district."""
    found = select(PARTY.c.id).where(PARTY.c.id.in_(sorted(set(ids))), enterprise_in(PARTY.c.id, district)).limit(1)
    return connection.execute(found).first() is not None


def few_enterprises(connection: Connection, district: District, most: int) -> frozenset[int] | None:
    """Enterprises of the district when they are at most `most`, so that a search goes along their own indexes."""
    rows = connection.execute(
        select(PARTY.c.id)
        .join(PARTY_NAME, PARTY_NAME.c.identity == PARTY.c.identity)
        .where(PARTY_NAME.c.district.between(district.first, district.last))
        .limit(most + 1)
    ).scalars()
    found = frozenset(rows)
    return found if len(found) <= most else None
