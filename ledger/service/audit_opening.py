"""Opening what is sealed in a row, for an audit: it must be what was sealed there, and hash to what stands beside."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from ledger.domain.references import SALT_SIZE
from ledger.identity import SealError
from ledger.projection.api_keys import StoredApiKey
from ledger.projection.offices import Office
from ledger.projection.proposals import record_of
from ledger.projection.providers import StoredLink, StoredProvider
from ledger.projection.sign_in import StoredInvitation, StoredPassword, StoredSession
from ledger.service.bulk_rows import SEALED_DRAFT, SEALED_ROW, changed_column, sheet_value
from ledger.service.claim_lines import SEALED_NOTE
from ledger.service.collecting import SEALED_TITLE
from ledger.service.company_links import is_genuine_link, is_genuine_provider
from ledger.service.context import INDEXED_PAYMENT, SEALED_CLAIM, SEALED_NAME, SEALED_REFERENCE, SEALED_SHEET, Context
from ledger.service.credentials import is_genuine
from ledger.service.declarations import SEALED_DECLARATION
from ledger.service.districts import SEALED_DISTRICT, sealed_terms
from ledger.service.drafts import SEALED_SIGNING_DRAFT
from ledger.service.enrolment import SEALED_REFUSAL, SEALED_REQUEST
from ledger.service.filing import SEALED_REPORT
from ledger.service.invitations import is_genuine_invitation
from ledger.service.office_seals import SEALED_OFFICE
from ledger.service.outside_papers import SEALED_OUTSIDE_ORIGINAL
from ledger.service.proposals import SEALED_PROPOSAL, reason_of
from ledger.service.sign_in import is_genuine_password, is_genuine_session
from ledger.service.webhooks import SEALED_WEBHOOK
from verifier.hashing import keccak256

SEALED_ITEMS: dict[tuple[str, str], tuple[str, Callable[[Any], str]]] = {
    ("reference", "sealed"): (SEALED_REFERENCE, lambda row: row.ref.hex()),
    ("month_report", "report"): (SEALED_REPORT, lambda row: row.report_hash.hex()),
    ("outside_document", "sealed_original"): (SEALED_OUTSIDE_ORIGINAL, lambda row: row.number),
    ("party_name", "sealed"): (SEALED_NAME, lambda row: row.identity.hex()),
    ("claim_approval", "sealed_note"): (SEALED_NOTE, lambda row: row.claim_id),
    ("claim_request", "sealed_reference"): (SEALED_CLAIM, lambda row: row.claim_id),
    ("bulk_job", "options"): (SEALED_SHEET, lambda row: row.job_id),
    ("signing_draft", "sealed"): (SEALED_SIGNING_DRAFT, lambda row: row.digest.hex()),
    ("enrolment_request", "sealed"): (SEALED_REQUEST, lambda row: row.request_id),
    ("enrolment_request", "sealed_reason"): (SEALED_REFUSAL, lambda row: row.request_id),
    ("webhook", "sealed_secret"): (SEALED_WEBHOOK, lambda row: row.webhook_id),
    ("bulk_row", "sealed_draft"): (SEALED_DRAFT, lambda row: f"{row.job_id}:{row.position}"),
    ("bulk_row", "problems"): (SEALED_ROW, lambda row: f"{row.job_id}:{row.position}"),
    ("buyer_title", "sealed_title"): (SEALED_TITLE, lambda row: f"{row.party}-{row.title_hash.hex()}"),
    ("proposal", "sealed"): (SEALED_PROPOSAL, lambda row: row.proposal_id),
    ("officer_district", "sealed"): (SEALED_DISTRICT, lambda row: row.officer.hex()),
    ("office", "sealed"): (SEALED_OFFICE, lambda row: Office(**row._mapping).text),
    ("month_declaration", "declared"): (SEALED_DECLARATION, lambda row: f"{row.party} {row.month}"),
}
"""By table and column: the kind an item was sealed as, and its id out of the row."""
_GENUINE: dict[str, Callable[[Context, Any], bool]] = {
    "password": lambda context, row: is_genuine_password(context, StoredPassword(**row._mapping)),
    "session": lambda context, row: is_genuine_session(context, StoredSession(**row._mapping)),
    "invitation": lambda context, row: is_genuine_invitation(context, StoredInvitation(**row._mapping)),
    "sign_in_provider": lambda context, row: is_genuine_provider(context, StoredProvider(**row._mapping)),
    "provider_link": lambda context, row: is_genuine_link(context, StoredLink(**row._mapping)),
}
"""What people sign in with: a row is what was written here, or signs nobody in."""


def open_item(context: Context, table: str, column: str, row: Any) -> bytes:
    """What was sealed in a row's column, without the salt where it has one. Raises: ValueError when it is not that.

    For a payment's `reference_index`, `row` is the reference whose text is hashed there.
    """
    if (table, column) == ("claim_payment", "reference_index"):
        return context.vault.index(open_item(context, "reference", "sealed", row).decode(), INDEXED_PAYMENT)
    if (table, column) == ("api_key", "mac"):
        if not is_genuine(context, StoredApiKey(**row._mapping)):
            raise ValueError("a code of another row")
        return bytes(row.mac)
    if table in _GENUINE:
        if not _GENUINE[table](context, row):
            raise ValueError("a code of another row")
        return bytes(getattr(row, column))
    kind, item_id = SEALED_ITEMS[table, column]
    try:
        plain = context.vault.open(getattr(row, column), kind, item_id(row))
    except SealError as err:
        raise ValueError(str(err)) from err
    if (table, column) == ("outside_document", "sealed_original"):
        if hashlib.sha256(plain).digest() != row.original_hash:
            raise ValueError("a file of another hash")
        return plain
    _check_repeated(table, row, plain)
    hashed = {"reference": "ref", "month_report": "report_hash"}.get(table)
    if hashed is None:
        return plain
    if keccak256(plain) != getattr(row, hashed):
        raise ValueError("a text of another hash")
    return plain[SALT_SIZE:]


def _check_repeated(table: str, row: Any, plain: bytes) -> None:
    """Holds the columns that a sealed item repeats against it. Raises: ValueError."""
    if table == "bulk_job":
        changed = changed_column(sheet_value(plain), subject=row.subject, party=row.party)
        if changed is not None:
            raise ValueError(f"another {changed}")
    if table == "proposal":
        reason_of(plain, record_of(row._mapping))
    if table == "officer_district" and plain != sealed_terms(row.district, row.set_by, row.set_at):
        raise ValueError("another district")
