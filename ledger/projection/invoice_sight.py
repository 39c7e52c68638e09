"""One invoice for somebody who may not know of it: whether it is another's or never was, the database does the same.

Numbers are given out in order, so anybody can guess one that exists. Who may know of it is therefore part of the
statement that looks it up: no row comes back of another's invoice, and nothing further is asked about it. The
statements are made once: making one takes ten times as long as running it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, bindparam, exists, or_, select

from ledger.projection.columns import number_text
from ledger.projection.derived import INVOICE
from ledger.projection.districts import INVOICE_ROLES, District, Sight, takes_part_in
from ledger.projection.ground_work import CLAIM_APPROVER
from ledger.projection.invoices import InvoiceRecord, record_of

DISTRICTS_KEPT_MAX = 256  # statements of districts that are kept made
_BLUE = INVOICE.alias("blue")
_NUMBERED = select(INVOICE).where(INVOICE.c.number == bindparam("number"))


def invoice_for(connection: Connection, number: int, sight: Sight, *, person: int = 0) -> InvoiceRecord | None:
    """The invoice that may concern `sight` (None: every one) or `person`: one of them takes part in it or in its blue,
    or the person approves claims at its employer. None for any other and for a number that was never issued.

    Who is given it is still to be asked about it more closely: an approver does not see every claim.
    """
    given: dict[str, Any] = {"number": number_text(number)}
    if sight is None:
        statement = _NUMBERED
    elif isinstance(sight, District):
        statement = _of_district(sight)
    else:
        statement = _OF_PARTIES
        given |= {"named": sorted((sight | {person}) - {0}), "person": person}
    row = connection.execute(statement, given).one_or_none()
    return None if row is None else record_of({**row._mapping})


@lru_cache(DISTRICTS_KEPT_MAX)
def _of_district(district: District) -> Select[Any]:
    of_its_blue = exists(select(_BLUE.c.number).where(_BLUE.c.number == INVOICE.c.blue, takes_part_in(district, _BLUE)))
    return _NUMBERED.where(or_(takes_part_in(district, INVOICE), of_its_blue))


def _of_parties() -> Select[Any]:
    approves = exists(
        select(CLAIM_APPROVER.c.person).where(
            CLAIM_APPROVER.c.enterprise == INVOICE.c.employer, CLAIM_APPROVER.c.person == bindparam("person")
        )
    )
    of_its_blue = exists(select(_BLUE.c.number).where(_BLUE.c.number == INVOICE.c.blue, _has_part(_BLUE)))
    return _NUMBERED.where(or_(_has_part(INVOICE), of_its_blue, approves))


def _has_part(invoice: FromClause) -> ColumnElement[bool]:
    return or_(*(invoice.c[role].in_(bindparam("named", expanding=True)) for role in INVOICE_ROLES))


_OF_PARTIES = _of_parties()
