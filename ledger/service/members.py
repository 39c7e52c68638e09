"""A member leaves: every grant is taken away on chain with one signature, and what would let it in again ends."""

from __future__ import annotations

from ledger.projection import Connection, parties, sign_in
from ledger.service import registry
from ledger.service.context import Context
from ledger.service.people import GRANT_NAMES
from ledger.service.views import Caller, Written
from ledger.service.writing import run_write


def remove_member(
    context: Context, caller: Caller, person: int, *, subject: int | None = None, idempotency_key: str
) -> Written:
    """The enterprise (or its administrator, naming it as `subject`) ends what a person may do for it.

    The person's sessions stay its own: rights are read at every request, so none of them acts for the enterprise once
    the group is recorded. An invitation the enterprise made for the person ends.

    Raises: InvalidRequest at `person`, and the errors of a write.
    """
    # all grants, not those it has now: one that is on its way must not survive
    done = registry.change_grants(
        context, caller, person, list(GRANT_NAMES), give=False, subject=subject, idempotency_key=idempotency_key
    )

    def end(connection: Connection) -> None:
        record = parties.party(connection, person)
        if record is not None:
            sign_in.end_invitation(connection, record.identity, invited_by=subject or caller.party)

    run_write(context, end)
    return done
