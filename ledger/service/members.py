"""A member leaves: every grant is taken away on chain with one signature, and what would let it in again ends."""

from __future__ import annotations

from ledger.service import registry
from ledger.service.context import Context
from ledger.service.drafts import EndedMembership
from ledger.service.people import GRANT_NAMES
from ledger.service.views import Caller, Written


def remove_member(
    context: Context, caller: Caller, person: int, *, subject: int | None = None, idempotency_key: str
) -> Written:
    """The enterprise (or its administrator, naming it as `subject`) ends what a person may do for it.

    The person's sessions stay its own: rights are read at every request, so none of them acts for the enterprise once
    the group is recorded. An invitation the enterprise made for the person ends; so does the office of administrator,
    when the enterprise itself asks: administrators do not unmake each other. Both end when the group is accepted, which
    is with the signature of an enterprise that keeps its key itself.

    Raises: InvalidRequest at `person`, and the errors of a write.
    """
    # all grants, not those it has now: one that is on its way must not survive
    ended = EndedMembership(person, subject or caller.party, caller.party)
    return registry.change_grants(
        context, caller, person, list(GRANT_NAMES), give=False, subject=subject, kept=(ended,),
        idempotency_key=idempotency_key,
    )  # fmt: skip
