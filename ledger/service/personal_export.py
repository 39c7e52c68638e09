"""Everything held about one person, opened: what the person, or the tax authority on its behalf, is given."""

from __future__ import annotations

from typing import Any

from ledger.domain.references import SALT_SIZE
from ledger.domain.times import utc_time
from ledger.projection import keystore, parties
from ledger.projection.enrolment_requests import addresses_of
from ledger.projection.personal import ROWS_MAX, Person, rows_about
from ledger.service.attesting import SEALED_ERASURE
from ledger.service.audit_log import AuditKind, note_alone
from ledger.service.audit_opening import SEALED_ITEMS
from ledger.service.context import SEALED_DOCUMENT, Context
from ledger.service.errors import NotFound, NotPermitted
from ledger.service.forms import checked_party
from ledger.service.outside_papers import SEALED_OUTSIDE_DOCUMENT
from ledger.service.people import PEOPLE
from ledger.service.problems import invalid
from ledger.service.views import Caller
from verifier.canonical import Json, loads
from verifier.errors import EvidenceError

EXPORT_FORMAT = "einvoice-person-1"
PLAIN_SIZE_MAX = 16 << 20  # bytes of one opened item
ANSWER_SIZE_MAX = 4 << 20  # bytes of values in one answer over HTTP: 3,000 invoices of a few lines, a second of a core
_SALT_SIZES = {"reference": SALT_SIZE}
_OPENED = {
    **SEALED_ITEMS,
    ("document", "sealed_document"): (SEALED_DOCUMENT, lambda row: row.number),
    ("outside_document", "sealed_document"): (SEALED_OUTSIDE_DOCUMENT, lambda row: row.number),
    ("erasure", "sealed_reason"): (SEALED_ERASURE, lambda row: f"{row.kind} {row.target}"),
}


def personal_export(context: Context, caller: Caller, party: int, *, size_max: int | None = None) -> dict[str, Json]:
    """Rows of every table about a person: {"tables": {name: [rows]}}, sealed texts opened, bytes in hex.

    Keys and secrets are left out and named. An export is noted in the audit log before it is given; what is refused
    here was not exported. With `size_max` it ends at the row with which its values are more than so many bytes;
    whoever has no such limit holds as much in memory as there is.

    Raises: NotPermitted but for the person and the authority; NotFound; InvalidRequest at `party` for an enterprise,
    or for a person about whom more is kept than `size_max`; Busy when it cannot be noted.
    """
    checked_party("party", party)
    if caller.party != party and caller.kind != "authority":
        raise NotPermitted(
            "only the person and the tax authority may have what is kept about a person",
            "仅本人和税务机关可获取个人信息副本",
        )
    tables: dict[str, Json] = {}
    left_out: dict[str, Json] = {}
    more: list[Json] = []
    held = 0
    with context.reading() as connection:
        record = parties.party(connection, party)
        if record is None:
            raise NotFound("party", str(party))
        if record.kind not in PEOPLE:
            raise invalid("party", "erase_people_only", party=party)
        known = keystore.party_name(connection, record.identity)
        addresses = addresses_of(connection, party, record.identity)
        person = Person(party, record.identity, known.identity_text if known is not None else "", addresses)
        for found in rows_about(connection, person):
            rows: list[Json] = []
            for row in found.rows:
                if len(rows) == ROWS_MAX:
                    more.append(found.table)
                    break
                shown, size = _row(context, found.table, row)
                held += size
                if size_max is not None and held > size_max:
                    raise invalid("party", "export_too_large", limit=size_max, party=party)
                rows.append(shown)
            tables[found.table] = rows
            if found.left_out:
                left_out[found.table] = list(found.left_out)
    # only what is handed out was exported; without the entry nothing is
    note_alone(context, AuditKind.EXPORTED, actor=caller.party, about=str(party))
    return {
        "format": EXPORT_FORMAT,
        "party": party,
        "made_at": utc_time(context.now_s()).isoformat().replace("+00:00", "Z"),
        "tables": tables,
        "left_out": left_out,
        "more_rows_in": more,
    }


def _row(context: Context, table: str, row: Any) -> tuple[dict[str, Json], int]:
    """A row as it is shown, and the bytes of its names and values."""
    shown: dict[str, Json] = {}
    size = 0
    for name, value in row._mapping.items():
        if isinstance(value, bytes):
            sealed = _OPENED.get((table, name))
            if sealed is None:
                shown[name] = text = value.hex()
                size += len(text)
            else:
                plain = context.opened(value, sealed[0], sealed[1](row))[_SALT_SIZES.get(table, 0) :]
                shown[name] = _read(plain)
                size += len(plain)
        else:
            shown[name] = value
            size += len(str(value).encode())
        size += len(name)
    return shown, size


def _read(plain: bytes) -> Json:
    try:
        return loads(plain, PLAIN_SIZE_MAX)
    except EvidenceError:
        return plain.decode(errors="replace")
