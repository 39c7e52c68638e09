"""Which rows of every ground table are about one person; a table that nobody decided about fails a test.

What an enterprise keeps of its own business is not about the clerk who typed it: only what the person wrote, holds,
claimed or decided is, and who the person is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.sql.elements import ColumnElement

from ledger.projection.columns import METADATA
from ledger.projection.derived import INVOICE
from ledger.projection.ground import (
    API_KEY,
    CERTIFICATE,
    CLAIM_REQUEST,
    DOCUMENT,
    IDEMPOTENCY,
    OPERATION,
    PARTY_NAME,
    REFERENCE,
    SIGNING_KEY,
)
from ledger.projection.ground_audit import AUDIT_ENTRY
from ledger.projection.ground_claims import CLAIM_PAYMENT
from ledger.projection.ground_districts import OFFICER_DISTRICT
from ledger.projection.ground_enrolment import ENROLMENT_REQUEST, SIGNING_DRAFT
from ledger.projection.ground_offices import OFFICE, OFFICE_USE
from ledger.projection.ground_privacy import ERASURE, ErasedKind
from ledger.projection.ground_proposals import PROPOSAL, ProposalState
from ledger.projection.ground_providers import PROVIDER_LINK
from ledger.projection.ground_sign_in import INVITATION, PASSWORD, SESSION
from ledger.projection.ground_tills import BUYER_TITLE, TILL
from ledger.projection.ground_work import (
    BULK_JOB,
    CLAIM_APPROVAL,
    CLAIM_APPROVER,
    CLAIM_POLICY,
    EXTERNAL_ID,
    MONTH_DECLARATION,
    MONTH_REPORT,
    OUTSIDE_DOCUMENT,
    TILL_ORDER,
    WEBHOOK,
    WEBHOOK_DELIVERY,
)

ROWS_MAX = 10_000  # rows of one table in one export: some tens of MB
ROWS_AT_ONCE = 32  # rows read ahead: a document has up to 1 MiB


@dataclass(frozen=True)
class Person:
    """Whom rows are about: party id, identity hash (32 bytes) and text, addresses it ever had (20 bytes each)."""

    party: int
    identity: bytes
    identity_text: str
    addresses: frozenset[bytes]


@dataclass(frozen=True)
class About:
    """Which rows of a table are about a person, and which columns are no answer: keys, secrets, others' data."""

    where: Callable[[Person], ColumnElement[bool]]
    left_out: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class RowsAbout:
    """Rows of one table about a person, to be read before the next table's; never all of them in memory.

    At most ROWS_MAX + 1: the last one of so many only says that there are others.
    """

    table: str
    rows: Iterator[Any]
    left_out: tuple[str, ...]


def _out(*names: str) -> frozenset[str]:
    return frozenset(names)


ABOUT: dict[str, About] = {
    "operation": About(lambda one: OPERATION.c.actor == one.party, _out("signed")),
    "document": About(
        lambda one: DOCUMENT.c.number.in_(
            select(INVOICE.c.number).where(or_(INVOICE.c.holder == one.party, INVOICE.c.claimant == one.party))
        ),
        _out("sealed_seed"),
    ),
    "reference": About(lambda one: REFERENCE.c.party == one.party),
    "claim_request": About(lambda one: CLAIM_REQUEST.c.claimant == one.party),
    "claim_payment": About(
        lambda one: CLAIM_PAYMENT.c.digest.in_(select(OPERATION.c.digest).where(OPERATION.c.actor == one.party))
    ),
    "idempotency": About(lambda one: IDEMPOTENCY.c.party == one.party),
    "signing_key": About(lambda one: SIGNING_KEY.c.identity == one.identity, _out("sealed_key")),
    "certificate": About(lambda one: CERTIFICATE.c.identity_text == one.identity_text),
    "party_name": About(lambda one: PARTY_NAME.c.identity == one.identity),
    "api_key": About(lambda one: API_KEY.c.identity == one.identity, _out("secret_hash", "mac")),
    "outside_document": About(
        lambda one: OUTSIDE_DOCUMENT.c.party == one.party, _out("sealed_original", "sealed_seed")
    ),
    "external_id": About(lambda one: EXTERNAL_ID.c.party == one.party),
    "claim_policy": About(lambda one: CLAIM_POLICY.c.updated_by == one.party),
    "claim_approver": About(
        lambda one: or_(CLAIM_APPROVER.c.person == one.party, CLAIM_APPROVER.c.added_by == one.party)
    ),
    "claim_approval": About(lambda one: CLAIM_APPROVAL.c.approver == one.party),
    "webhook": About(lambda one: WEBHOOK.c.party == one.party, _out("sealed_secret")),
    "webhook_delivery": About(
        lambda one: WEBHOOK_DELIVERY.c.webhook_id.in_(select(WEBHOOK.c.webhook_id).where(WEBHOOK.c.party == one.party))
    ),
    "bulk_job": About(lambda one: BULK_JOB.c.party == one.party),
    "till": About(lambda one: or_(TILL.c.clerk == one.party, TILL.c.created_by == one.party)),
    "till_order": About(lambda one: TILL_ORDER.c.picked_by == one.party),
    "buyer_title": About(lambda one: BUYER_TITLE.c.party == one.party),
    "month_declaration": About(lambda one: MONTH_DECLARATION.c.updated_by == one.party, _out("declared")),
    "month_report": About(lambda one: MONTH_REPORT.c.stored_by == one.party, _out("report")),
    "audit_entry": About(lambda one: AUDIT_ENTRY.c.actor == one.party, _out("entry_hash", "mac")),
    "password": About(lambda one: PASSWORD.c.identity == one.identity, _out("sealed_hash")),
    "session": About(lambda one: SESSION.c.identity == one.identity, _out("proof")),
    "invitation": About(
        lambda one: or_(INVITATION.c.identity == one.identity, INVITATION.c.invited_by == one.party), _out("proof")
    ),
    "provider_link": About(lambda one: PROVIDER_LINK.c.identity == one.identity, _out("proof")),
    "signing_draft": About(lambda one: SIGNING_DRAFT.c.actor == one.party, _out("sealed")),
    "enrolment_request": About(
        lambda one: ENROLMENT_REQUEST.c.address.in_(one.addresses),
        _out("token_hash", "proof", "sealed_reason", "network", "tax_index"),
    ),
    "office": About(lambda one: OFFICE.c.party == one.party, _out("sealed")),
    "office_use": About(lambda one: OFFICE_USE.c.office.in_(select(OFFICE.c.seq).where(OFFICE.c.party == one.party))),
    "officer_district": About(lambda one: OFFICER_DISTRICT.c.officer == one.identity, _out("sealed")),
    "proposal": About(  # what officers consider of somebody is theirs to know until it was done
        lambda one: or_(
            and_(PROPOSAL.c.party == one.party, PROPOSAL.c.state == ProposalState.CONFIRMED.value),
            PROPOSAL.c.proposer == one.party,
        )
    ),
    "erasure": About(lambda one: and_(ERASURE.c.kind == ErasedKind.PERSON.value, ERASURE.c.target == str(one.party))),
}
"""Tables that hold something about people."""

NOT_ABOUT_PEOPLE: dict[str, str] = {
    "number_range": "numbers of a seller",
    "number_reservation": "numbers of a seller",
    "bulk_row": "an enterprise's sheet: what it says of its buyers becomes their invoices' documents",
    "sign_in_attempt": "keyed hashes of what was tried, which name nobody",
    "sign_in_provider": "where an enterprise's own sign-in stands",
    "provider_answer": "random ids of sign-ins that were answered",
    "meta": "facts of the installation",
    "witness_key": "a witness's key as the authority admitted it",
    "witness_policy": "the authority's wish",
    "cosignature": "a witness's signature",
    "witness_alarm": "a witness's signature",
}
"""Tables that hold nothing about people, and why."""


def rows_about(connection: Connection, person: Person) -> Iterator[RowsAbout]:
    """Every ground row about a person, table by table; sealed columns as they are stored."""
    for name, about in ABOUT.items():
        table = METADATA.tables[name]
        shown = [column for column in table.c if column.name not in about.left_out]
        statement = select(*shown).where(about.where(person)).order_by(*table.primary_key).limit(ROWS_MAX + 1)
        left_out = tuple(sorted(about.left_out & set(table.c.keys())))
        with connection.execute(statement.execution_options(yield_per=ROWS_AT_ONCE)) as rows:
            yield RowsAbout(name, iter(rows), left_out)
