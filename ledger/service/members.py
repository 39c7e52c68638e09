"""A member leaves: every grant is taken away on chain with one signature, and what would let it in again ends."""

from __future__ import annotations

from ledger.projection import Connection, offices, parties, sign_in
from ledger.projection.offices import OfficeKind
from ledger.service import registry
from ledger.service.context import Context
from ledger.service.office_seals import seal_office, standing_offices
from ledger.service.people import GRANT_NAMES
from ledger.service.views import Caller, Written
from ledger.service.writing import run_write


def remove_member(
    context: Context, caller: Caller, person: int, *, subject: int | None = None, idempotency_key: str
) -> Written:
    """The enterprise (or its administrator, naming it as `subject`) ends what a person may do for it.

    The person's sessions stay its own: rights are read at every request, so none of them acts for the enterprise once
    the group is recorded. An invitation the enterprise made for the person ends; so does the office of administrator,
    when the enterprise itself asks: administrators do not unmake each other.

    Raises: InvalidRequest at `person`, and the errors of a write.
    """
    # all grants, not those it has now: one that is on its way must not survive
    done = registry.change_grants(
        context, caller, person, list(GRANT_NAMES), give=False, subject=subject, idempotency_key=idempotency_key
    )
    enterprise = subject or caller.party

    def end(connection: Connection) -> None:
        record = parties.party(connection, person)
        if record is None:
            return
        sign_in.end_invitation(connection, record.identity, invited_by=enterprise)
        if caller.party != enterprise:
            return
        for held in standing_offices(context, connection, person):
            if held.kind == OfficeKind.ADMINISTRATOR and held.principal == enterprise:
                ended = offices.end_office(connection, held.seq, ended_by=caller.party, now_s=context.now_s())
                seal_office(context, connection, ended)

    run_write(context, end)
    return done
