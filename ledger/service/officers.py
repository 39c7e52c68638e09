"""What the authority keeps of its officers beside the chain: where each is appointed for."""

from __future__ import annotations

from ledger.projection import Connection
from ledger.projection.districts import put_officer_district
from ledger.service.audit_log import AuditKind, note
from ledger.service.context import Context
from ledger.service.districts import checked_district, district_row
from ledger.service.drafts import end_begun_work
from ledger.service.people import need_authority, need_party
from ledger.service.reading import party_view
from ledger.service.views import Caller, PartyView
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json
from verifier.words import PartyKind


def change_district(context: Context, caller: Caller, party: int, district: str, *, idempotency_key: str) -> PartyView:
    """The authority appoints an officer for another district, "" for the whole ledger, at once.

    What it proposed and nobody confirmed ends, and so do drafts that wait for its signature.

    Raises: NotPermitted for anybody else; InvalidRequest for a party that is no officer, or no district.
    """
    need_authority(caller)
    checked_district(district)

    def write(connection: Connection) -> None:
        def take() -> dict[str, Json]:
            record = need_party(connection, party, kind=PartyKind.OFFICER)
            put_officer_district(connection, district_row(context, record.identity, district, caller.party))
            end_begun_work(connection, party, by=caller.party, now_s=context.now_s())
            note(
                context, connection, AuditKind.PERMISSION_CHANGED, actor=caller.party, about=str(party),
                detail={"change": "district", "district": district},
            )  # fmt: skip
            return {}

        hashed = request_hash("district", {"party": party, "district": district})
        remembered(context, connection, caller, idempotency_key, hashed, take)

    run_write(context, write)
    return party_view(context, caller, party)
