"""Offices that count: those whose seal opens. Who can only write the database makes no auditor."""

from __future__ import annotations

from ledger.projection import Connection, offices
from ledger.projection.offices import Office
from ledger.service.context import Context

SEALED_OFFICE = "office"


def standing_offices(context: Context, connection: Connection, party: int) -> tuple[Office, ...]:
    """Offices a person holds now. Raises: NotReady when somebody changed a row of them."""
    found = offices.standing(connection, party)
    for one in found:
        checked_office(context, one)
    return found


def checked_office(context: Context, office: Office) -> Office:
    """The office when its row is what was written here. Raises: NotReady otherwise."""
    context.opened(office.sealed, SEALED_OFFICE, office.text)
    return office


def seal_office(context: Context, connection: Connection, office: Office) -> None:
    """Binds the row's seal to its columns as they are."""
    offices.put_seal(connection, office.seq, context.seal(b"", SEALED_OFFICE, office.text))
