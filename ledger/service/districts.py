"""Officers' districts: given by the authority, sealed in their row, read with every request of an officer."""

from __future__ import annotations

from ledger.domain.districts import WHOLE_LEDGER, district_of, is_district
from ledger.projection import Connection, districts, parties
from ledger.projection.districts import OfficerDistrict
from ledger.service.context import Context
from ledger.service.errors import NotPermitted, NotReady
from ledger.service.problems import invalid
from ledger.service.views import Caller
from verifier.canonical import Json, dumps

SEALED_DISTRICT = "officer district"


def checked_district(text: str) -> str:
    """A district of 2, 4 or 6 digits, "" for the whole ledger. Raises: InvalidRequest at `district`."""
    if not is_district(text):
        raise invalid("district", "district_form")
    return text


def need_own_district(caller: Caller, tax_id: str) -> None:
    """An officer enrols enterprises of its own district. Raises: InvalidRequest at `tax_id` for another's."""
    if caller.district and not (district_of(tax_id) or "").startswith(caller.district):
        raise invalid("tax_id", "tax_id_district", district=caller.district)


def district_row(context: Context, officer: bytes, district: str, set_by: int) -> OfficerDistrict:
    """What is stored of the district of an officer (identity hash)."""
    now_s = context.now_s()
    sealed = context.seal(sealed_terms(district, set_by, now_s), SEALED_DISTRICT, officer.hex())
    return OfficerDistrict(officer, district, set_by, now_s, sealed)


def district_of_officer(context: Context, connection: Connection, officer: bytes) -> str:
    """District of an officer (identity hash). Raises: NotReady when somebody changed the row it stands in."""
    found = districts.officer_district(connection, officer)
    if found is None:
        return WHOLE_LEDGER
    said = context.opened(found.sealed, SEALED_DISTRICT, officer.hex())
    if said != sealed_terms(found.district, found.set_by, found.set_at):
        raise NotReady(
            "an officer's district was changed in the database; run `einvoice audit`, restore from a backup",
            "税务人员的辖区记录被改动，请运行 einvoice audit 并从备份恢复",
        )
    return found.district


def need_present_district(context: Context, connection: Connection, caller: Caller) -> None:
    """Raises: NotPermitted for an officer that was moved after its request began."""
    if caller.kind != "officer":
        return
    record = parties.party(connection, caller.party)
    if record is None or district_of_officer(context, connection, record.identity) != caller.district:
        raise NotPermitted("you were just appointed for another district; ask again", "您的辖区刚刚变更，请重新提交")


def sealed_terms(district: str, set_by: int, set_at: int) -> bytes:
    """What is sealed with an officer's district."""
    terms: dict[str, Json] = {"district": district, "set_by": set_by, "set_at": set_at}
    return dumps(terms)
