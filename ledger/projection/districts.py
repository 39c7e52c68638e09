"""Which parties a district is: enterprises whose tax id names it, and whom they let act."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from ledger.projection.ground_districts import OFFICER_DISTRICT


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
