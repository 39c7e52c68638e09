"""Removing what its time has ended of, some hundred rows at a time; what each kind's time is, ledger.service says.

Nothing here touches what the chain needs: rows of groups, numbers, certificates and the audit log stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from ledger.projection.ground import CLAIM_REQUEST, DOCUMENT, IDEMPOTENCY, IN_VAIN, OPERATION, REFERENCE
from ledger.projection.ground_enrolment import ENROLMENT_REQUEST, SIGNING_DRAFT
from ledger.projection.ground_providers import PROVIDER_ANSWER
from ledger.projection.ground_sign_in import INVITATION, SESSION, SIGN_IN_ATTEMPT
from ledger.projection.ground_tills import BUYER_TITLE
from ledger.projection.ground_work import (
    BULK_JOB,
    BULK_ROW,
    CLAIM_APPROVAL,
    OUTSIDE_DOCUMENT,
    WEBHOOK_DELIVERY,
    BulkState,
    DeliveryState,
)

ROWS_MAX = 500  # rows changed in one transaction, so that no write waits long

Ending = Callable[[Connection, int], int]
"""(connection, seconds since 1970): removes at most ROWS_MAX rows of before that moment; how many."""


def ended_invoices(connection: Connection, before_s: int) -> tuple[int, ...]:
    """Numbers whose documents were stored before that moment and are here still, at most ROWS_MAX."""
    found: list[str] = []
    for table in (DOCUMENT, OUTSIDE_DOCUMENT):
        statement = select(table.c.number).where(table.c.sealed_document.is_not(None), table.c.stored_at < before_s)
        found += connection.execute(statement.order_by(table.c.number).limit(ROWS_MAX)).scalars()
    return tuple(sorted({int(number) for number in found}))[:ROWS_MAX]


def _deleted(table: Table, ended: Callable[[int], ColumnElement[bool]]) -> Ending:
    """Deletes rows."""
    keys = list(table.primary_key)

    def end(connection: Connection, before_s: int) -> int:
        rows = connection.execute(select(*keys).where(ended(before_s)).limit(ROWS_MAX)).all()
        for row in rows:
            connection.execute(delete(table).where(*(key == value for key, value in zip(keys, row, strict=True))))
        return len(rows)

    return end


def _emptied(table: Table, column: str, ended: Callable[[int], ColumnElement[bool]], *beside: str) -> Ending:
    """Empties a sealed column, and those beside it that are empty with it; the rows stay."""
    keys = list(table.primary_key)

    def end(connection: Connection, before_s: int) -> int:
        wanted = select(*keys).where(table.c[column].is_not(None), ended(before_s)).limit(ROWS_MAX)
        rows = connection.execute(wanted).all()
        for row in rows:
            same = (key == value for key, value in zip(keys, row, strict=True))
            connection.execute(update(table).where(*same).values(dict.fromkeys((column, *beside))))
        return len(rows)

    return end


def _of_jobs(*states: BulkState) -> Callable[[int], ColumnElement[bool]]:
    def ended(before_s: int) -> ColumnElement[bool]:
        jobs = select(BULK_JOB.c.job_id).where(
            BULK_JOB.c.state.in_([one.value for one in states]), BULK_JOB.c.updated_at < before_s
        )
        return BULK_ROW.c.job_id.in_(jobs)

    return ended


def _signed_in_vain(before_s: int) -> ColumnElement[bool]:
    """Of documents: their group ended before that moment and issued nothing."""
    return DOCUMENT.c.digest.in_(select(OPERATION.c.digest).where(IN_VAIN, OPERATION.c.settled_at < before_s))


def cancel_old_sheets(connection: Connection, before_s: int) -> int:
    """Gives up sheets that nobody signed, and forgets their drafts."""
    old = and_(BULK_JOB.c.state == BulkState.DRAFT.value, BULK_JOB.c.updated_at < before_s)
    jobs = list(connection.execute(select(BULK_JOB.c.job_id).where(old).limit(ROWS_MAX)).scalars())
    if jobs:
        connection.execute(update(BULK_ROW).where(BULK_ROW.c.job_id.in_(jobs)).values(sealed_draft=None))
        connection.execute(update(BULK_JOB).where(BULK_JOB.c.job_id.in_(jobs)).values(state=BulkState.CANCELLED.value))
    return len(jobs)


def _before(column: Any) -> Callable[[int], ColumnElement[bool]]:
    return lambda before_s: column < before_s


ENDINGS: dict[str, Ending] = {
    "unissued": _emptied(DOCUMENT, "sealed_document", _signed_in_vain, "sealed_seed"),
    "references": _emptied(REFERENCE, "sealed", _before(REFERENCE.c.created_at)),
    "claim_words": _emptied(CLAIM_REQUEST, "sealed_reference", _before(CLAIM_REQUEST.c.created_at)),
    "approval_notes": _emptied(CLAIM_APPROVAL, "sealed_note", _before(CLAIM_APPROVAL.c.decided_at)),
    "unsigned_sheets": cancel_old_sheets,
    "sheet_results": _emptied(BULK_ROW, "problems", _of_jobs(BulkState.DONE, BulkState.CANCELLED)),
    "titles": _deleted(BUYER_TITLE, _before(BUYER_TITLE.c.used_at)),
    "idempotency": _deleted(IDEMPOTENCY, _before(IDEMPOTENCY.c.expires_at)),
    "signing_drafts": _deleted(SIGNING_DRAFT, _before(SIGNING_DRAFT.c.valid_until)),
    "enrolment_requests": _deleted(
        ENROLMENT_REQUEST,
        lambda before_s: or_(
            ENROLMENT_REQUEST.c.decided_at < before_s,
            and_(ENROLMENT_REQUEST.c.decided_at.is_(None), ENROLMENT_REQUEST.c.created_at < before_s),
        ),
    ),
    "sessions": _deleted(SESSION, _before(SESSION.c.created_at)),
    "idle_sessions": _deleted(SESSION, _before(SESSION.c.last_used_at)),
    "invitations": _deleted(INVITATION, _before(INVITATION.c.expires_at)),
    "provider_answers": _deleted(PROVIDER_ANSWER, _before(PROVIDER_ANSWER.c.expires_at)),
    "sign_in_attempts": _deleted(SIGN_IN_ATTEMPT, _before(SIGN_IN_ATTEMPT.c.last_at)),
    "deliveries": _deleted(
        WEBHOOK_DELIVERY,
        lambda before_s: and_(
            WEBHOOK_DELIVERY.c.state == DeliveryState.DELIVERED.value, WEBHOOK_DELIVERY.c.finished_at < before_s
        ),
    ),
    "dead_deliveries": _deleted(
        WEBHOOK_DELIVERY,
        lambda before_s: and_(
            WEBHOOK_DELIVERY.c.state == DeliveryState.DEAD.value, WEBHOOK_DELIVERY.c.finished_at < before_s
        ),
    ),
}
"""What ends, by the kind's name in the table of retention (ledger.service.retention)."""
