"""Ground rows that stand beside groups, held against the chain, the queue and each other.

What people put into the database themselves (a policy, a webhook's address, a till's goods) nothing else repeats; of
such rows only what is sealed is opened. docs/THREATS.md lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, and_, case, exists, func, or_, select

from ledger.domain.identifiers import USCC_LENGTH
from ledger.domain.identities import enrolment_order
from ledger.projection.audit_groups import Opened
from ledger.projection.audit_words import Difference
from ledger.projection.columns import METADATA, number_text
from ledger.projection.derived import CLAIM, INVOICE, OPERATION_RECORD, PARTY, SEGMENT
from ledger.projection.ground import (
    API_KEY,
    DOCUMENT,
    IDEMPOTENCY,
    META,
    NUMBER_RANGE,
    NUMBER_RESERVATION,
    OPERATION,
    PARTY_NAME,
    NumberState,
    QueueState,
)
from ledger.projection.ground_claims import CLAIM_PAYMENT
from ledger.projection.ground_enrolment import ENROLMENT_REQUEST
from ledger.projection.ground_offices import OFFICE, OFFICE_USE
from ledger.projection.ground_proposals import PROPOSAL, ProposalState
from ledger.projection.ground_work import (
    BULK_JOB,
    BULK_ROW,
    CLAIM_APPROVAL,
    EXTERNAL_ID,
    OUTSIDE_DOCUMENT,
    TILL_ORDER,
    WEBHOOK,
    WEBHOOK_DELIVERY,
    JobKind,
    RowState,
)
from verifier.operations import Code

ROWS_AT_A_TIME: Final = 500
SECOND_OFFICER_AFTER: Final = "second_officer_after"  # last group of the queue that one officer may have done alone
DIGEST_SIZE: Final = 32
INVOICE_ITEM: Final = "invoice"  # kind of a caller's own id of an invoice

SEALED_COLUMNS: Final = (
    ("outside_document", "sealed_original"),
    ("party_name", "sealed"),
    ("claim_approval", "sealed_note"),
    ("webhook", "sealed_secret"),
    ("bulk_row", "sealed_draft"),
    ("bulk_row", "problems"),
    ("buyer_title", "sealed_title"),
    ("month_declaration", "declared"),
    ("month_report", "report"),
    ("office", "sealed"),
    ("proposal", "sealed"),
    ("officer_district", "sealed"),
    ("claim_request", "sealed_reference"),
    ("bulk_job", "options"),
    ("signing_draft", "sealed"),
    ("enrolment_request", "sealed"),
    ("enrolment_request", "sealed_reason"),
    ("api_key", "mac"),
    ("password", "sealed_hash"),
    ("session", "proof"),
    ("invitation", "proof"),
    ("sign_in_provider", "sealed_secret"),
    ("provider_link", "proof"),
)
"""What must be what was sealed for its row, beside what is opened with its group (audit_groups.py)."""


def check_ground(connection: Connection, opened: Opened) -> Iterator[Difference | None]:
    """One item a question or sealed item: None when the rows agree."""
    for check in (*_CHECKS, _idempotency):
        yield from check(connection)
    for table_name, column in SEALED_COLUMNS:
        yield from _sealed(connection, METADATA.tables[table_name], column, opened)


def _sealed(connection: Connection, table: Table, column: str, opened: Opened) -> Iterator[Difference | None]:
    statement = select(table).where(table.c[column].is_not(None)).order_by(*table.primary_key)
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        try:
            opened(table.name, column, row)
        except ValueError as err:
            yield Difference(table.name, _key(table, row), column, str(err), "what was sealed for this row")
            return
        yield None


def _missing(
    connection: Connection, table: Table, column: str, unless: ColumnElement[bool], expected: str
) -> Iterator[Difference | None]:
    """The first row for which nothing else says what `unless` asks for."""
    row = connection.execute(select(table).where(~unless).order_by(*table.primary_key).limit(1)).one_or_none()
    if row is None:
        yield None
    else:
        yield Difference(table.name, _key(table, row), column, _text(getattr(row, column)), expected)


def _with_groups(connection: Connection) -> Iterator[Difference | None]:
    """Rows that name a group name one that was accepted here."""
    tables = (
        DOCUMENT,
        OUTSIDE_DOCUMENT,
        CLAIM_PAYMENT,
        EXTERNAL_ID,
        BULK_ROW,
        TILL_ORDER,
        NUMBER_RESERVATION,
        PROPOSAL,
        ENROLMENT_REQUEST,
    )
    for table in tables:
        known = exists(select(OPERATION.c.digest).where(OPERATION.c.digest == table.c.digest))
        fits = or_(table.c.digest.is_(None), known)
        if table is BULK_ROW:
            fits = or_(fits, table.c.state == RowState.DRAFTED.value)  # what nobody signed yet is no group
        yield from _missing(connection, table, "digest", fits, "an accepted group")


def _idempotency(connection: Connection) -> Iterator[Difference | None]:
    statement = select(IDEMPOTENCY).order_by(*IDEMPOTENCY.primary_key)
    accepted = OPERATION.c.accepted_at
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        places = range(0, len(row.digests) + DIGEST_SIZE, DIGEST_SIZE)
        digests = [row.digests[start:end] for start, end in pairwise(places)]
        found = connection.execute(select(OPERATION.c.digest, accepted).where(OPERATION.c.digest.in_(digests)))
        times = {one.digest: one.accepted_at for one in found}
        key = _key(IDEMPOTENCY, row)
        if set(digests) != set(times) or any(len(digest) != DIGEST_SIZE for digest in digests):
            yield Difference(IDEMPOTENCY.name, key, "digests", row.digests.hex(), "accepted groups")
            return
        wrong = next((time for time in times.values() if time != row.created_at), None)
        if wrong is not None:
            yield Difference(IDEMPOTENCY.name, key, "created_at", str(row.created_at), str(wrong))
            return
        yield None


def _numbers(connection: Connection) -> Iterator[Difference | None]:
    """Ranges are blocks of segments on the chain; a number they have yet to give out is on no invoice."""
    ranges, held = NUMBER_RANGE, NUMBER_RESERVATION
    of_segment = and_(
        SEGMENT.c.first_number <= ranges.c.first_number,
        SEGMENT.c.last_number >= ranges.c.last_number,
        SEGMENT.c.party == ranges.c.seller,
    )
    yield from _missing(
        connection, ranges, "seller", exists(select(SEGMENT.c.party).where(of_segment)), "its segment's"
    )
    order = and_(ranges.c.first_number <= ranges.c.last_number, ranges.c.next_number >= ranges.c.first_number)
    yield from _missing(connection, ranges, "next_number", order, "a number of the range")
    given = and_(INVOICE.c.number >= ranges.c.next_number, INVOICE.c.number <= ranges.c.last_number)
    yield from _missing(
        connection,
        ranges,
        "next_number",
        ~exists(select(INVOICE.c.number).where(given)),
        "after all numbers on the chain",
    )
    in_range = and_(
        held.c.number >= ranges.c.first_number, held.c.number < ranges.c.next_number, held.c.seller == ranges.c.seller
    )
    yield from _missing(
        connection, held, "seller", exists(select(ranges.c.seller).where(in_range)), "the seller of a range it left"
    )
    yield from _missing(
        connection, held, "state", held.c.state.in_([one.value for one in NumberState]), "reserved, used or free"
    )
    used = held.c.state == NumberState.USED.value
    yield from _missing(connection, held, "digest", or_(~used, held.c.digest.is_not(None)), "the group that uses it")
    issued = exists(select(INVOICE.c.number).where(INVOICE.c.number == held.c.number))
    yield from _missing(connection, held, "number", ~issued, "nothing: it is an invoice's by now")


def _tills(connection: Connection) -> Iterator[Difference | None]:
    """What a recorded order became is the invoice that its group issued, of its seller and sum."""
    orders = TILL_ORDER
    issued = and_(INVOICE.c.number == orders.c.number, INVOICE.c.digest == orders.c.digest)
    for column, same in (
        ("number", issued),
        ("seller", and_(issued, INVOICE.c.seller == orders.c.seller)),
        ("gross_fen", and_(issued, INVOICE.c.gross_fen == orders.c.gross_fen)),
    ):
        fits = or_(~_recorded(orders), exists(select(INVOICE.c.number).where(same)))
        yield from _missing(connection, orders, column, fits, "what was issued")


def _sheets(connection: Connection) -> Iterator[Difference | None]:
    """A signed row names its group; a recorded one is what this group did: an invoice of its sum, an enrolment."""
    rows = BULK_ROW
    kinds = [one.value for one in JobKind]
    yield from _missing(connection, BULK_JOB, "kind", BULK_JOB.c.kind.in_(kinds), " or ".join(kinds))
    registers = select(BULK_JOB.c.job_id).where(BULK_JOB.c.kind == JobKind.REGISTER.value)
    of_register = rows.c.job_id.in_(registers)
    held = rows.c.state.in_([RowState.SIGNED.value, RowState.DRAFTED.value])
    yield from _missing(connection, rows, "digest", held == rows.c.digest.is_not(None), "the group that holds it")
    accepted = exists(select(OPERATION.c.digest).where(OPERATION.c.digest == rows.c.digest))
    fits = or_(rows.c.state != RowState.DRAFTED.value, ~accepted)
    yield from _missing(connection, rows, "state", fits, "signed: its group was accepted")
    issued = and_(INVOICE.c.number == rows.c.number, INVOICE.c.digest == rows.c.digest)
    for column, same in (
        ("number", issued),
        ("gross_fen", and_(issued, INVOICE.c.gross_fen == rows.c.gross_fen)),
        ("tax_fen", and_(issued, INVOICE.c.tax_fen == rows.c.tax_fen)),
    ):
        fits = or_(of_register, ~_recorded(rows), exists(select(INVOICE.c.number).where(same)))
        yield from _missing(connection, rows, column, fits, "its invoice's")
    yield from _enrolled_rows(connection)
    count = select(func.count()).where(rows.c.job_id == BULK_JOB.c.job_id).scalar_subquery()
    yield from _missing(connection, BULK_JOB, "row_count", BULK_JOB.c.row_count == count, "as many as it has rows")
    of_job = exists(select(BULK_JOB.c.job_id).where(BULK_JOB.c.job_id == rows.c.job_id))
    yield from _missing(connection, rows, "job_id", of_job, "a sheet's")


def _enrolled_rows(connection: Connection) -> Iterator[Difference | None]:
    """A recorded row of a register stands for an enrolment that its group made: their orders are those of its parties.

    That no two rows stand for one enrolment follows from there being as many.
    """
    rows, done = BULK_ROW, OPERATION_RECORD
    registers = select(BULK_JOB.c.job_id).where(BULK_JOB.c.kind == JobKind.REGISTER.value)
    held = connection.execute(
        select(rows.c.digest, rows.c.job_id, rows.c.position, rows.c.number)
        .where(rows.c.job_id.in_(registers), _recorded(rows))
        .order_by(rows.c.digest, rows.c.position)
    )
    for digest, group in groupby(held, key=lambda row: row.digest):
        enrols = select(done.c.who).where(done.c.digest == digest, done.c.code == Code.ENROL)
        orders = {number_text(enrolment_order(who)) for who in connection.scalars(enrols)}
        for row in group:
            if row.number in orders:
                orders.remove(row.number)
                yield None
            else:
                key = f"{row.job_id} {row.position}"
                yield Difference(rows.name, key, "number", str(row.number), "an enrolment of its group")


def _external_ids(connection: Connection) -> Iterator[Difference | None]:
    """An invoice's own id names an invoice that its group issued, once that is on the chain."""
    ids = EXTERNAL_ID
    same = and_(INVOICE.c.number == ids.c.target, INVOICE.c.digest == ids.c.digest)
    fits = or_(ids.c.kind != INVOICE_ITEM, ~_recorded(ids), exists(select(INVOICE.c.number).where(same)))
    yield from _missing(connection, ids, "target", fits, "an invoice of its group")


def _recorded(table: Table) -> ColumnElement[bool]:
    """Whether the group that a row names was applied by the contract."""
    applied = and_(OPERATION.c.digest == table.c.digest, OPERATION.c.state == QueueState.RECORDED.value)
    return exists(select(OPERATION.c.digest).where(applied))


def _claims(connection: Connection) -> Iterator[Difference | None]:
    """Decisions are on claims of the employer they name."""
    claim = and_(CLAIM.c.claim_id == CLAIM_APPROVAL.c.claim_id, CLAIM.c.employer == CLAIM_APPROVAL.c.employer)
    yield from _missing(
        connection,
        CLAIM_APPROVAL,
        "claim_id",
        exists(select(CLAIM.c.claim_id).where(claim)),
        "a claim at that employer",
    )


def _webhooks(connection: Connection) -> Iterator[Difference | None]:
    deliveries = WEBHOOK_DELIVERY
    happened = exists(select(OPERATION_RECORD.c.order).where(OPERATION_RECORD.c.order == deliveries.c.event_order))
    yield from _missing(connection, deliveries, "event_order", happened, "an operation's")
    hooked = exists(select(WEBHOOK.c.webhook_id).where(WEBHOOK.c.webhook_id == deliveries.c.webhook_id))
    yield from _missing(connection, deliveries, "webhook_id", hooked, "a webhook's")


def _offices(connection: Connection) -> Iterator[Difference | None]:
    """What was signed for an administrator is a group of the enterprise that gave the office."""
    signed = exists(
        select(OPERATION.c.digest)
        .join(OFFICE, OFFICE.c.principal == OPERATION.c.actor)
        .where(OPERATION.c.digest == OFFICE_USE.c.digest, OFFICE.c.seq == OFFICE_USE.c.office)
    )
    yield from _missing(connection, OFFICE_USE, "digest", signed, "a group of who gave the office")


def _credentials(connection: Connection) -> Iterator[Difference | None]:
    """A credential acts as a party whose name is known here; whether the party wanted it nothing tells."""
    named = exists(select(PARTY_NAME.c.identity).where(PARTY_NAME.c.identity == API_KEY.c.identity))
    yield from _missing(connection, API_KEY, "identity", named, "a known party's")


def _names(connection: Connection) -> Iterator[Difference | None]:
    """Every party with a key of its own has a name here."""
    named = exists(select(PARTY_NAME.c.identity).where(PARTY_NAME.c.identity == PARTY.c.identity))
    keyless = func.length(PARTY.c.signer) == 0
    row = connection.execute(select(PARTY).where(~named, ~keyless).order_by(PARTY.c.id).limit(1)).one_or_none()
    yield None if row is None else Difference(PARTY_NAME.name, row.identity.hex(), "", "no row", "a row")


def _districts(connection: Connection) -> Iterator[Difference | None]:
    """An enterprise's district is the one in its tax id."""
    names = PARTY_NAME
    written = case((func.length(names.c.tax_id) == USCC_LENGTH, func.substr(names.c.tax_id, 3, 6)), else_="")
    fits = func.coalesce(names.c.district, "") == written
    yield from _missing(connection, names, "district", fits, "digits 3 to 8 of its tax id")


def _proposals(connection: Connection) -> Iterator[Difference | None]:
    """Who is said to have confirmed signed the group; and what takes two officers was proposed by another one."""
    table, done = PROPOSAL, OPERATION_RECORD
    confirmed = table.c.state == ProposalState.CONFIRMED.value
    yield from _missing(
        connection, table, "state", table.c.state.in_([one.value for one in ProposalState]), "a state of a proposal"
    )
    yield from _missing(connection, table, "digest", confirmed == table.c.digest.is_not(None), "the group that does it")
    signed = and_(OPERATION.c.digest == table.c.digest, OPERATION.c.actor == table.c.decided_by)
    fits = or_(~confirmed, exists(select(OPERATION.c.digest).where(signed)))
    yield from _missing(connection, table, "decided_by", fits, "who signed it")
    facts = select(META.c.value).where(META.c.name == SECOND_OFFICER_AFTER)
    after = int(connection.execute(facts).scalar_one_or_none() or 0)
    last = select(OPERATION.c.accepted_at).where(OPERATION.c.seq == after).scalar_subquery()
    since = connection.execute(select(func.min(table.c.proposed_at)).where(table.c.proposed_at < last)).scalar_one()
    if since is not None:  # the row that says from when on two are needed was moved
        yield Difference(META.name, SECOND_OFFICER_AFTER, "value", str(after), "a group before the first proposal")
        return
    about = or_(
        and_(done.c.code == Code.SUSPEND, done.c.party == table.c.party),
        and_(done.c.code == Code.SET_RISK_FLAG, done.c.number == table.c.number),
    )
    proposed = exists(
        select(table.c.seq).where(table.c.digest == done.c.digest, table.c.proposer != done.c.actor, about)
    )
    before = exists(select(OPERATION.c.seq).where(OPERATION.c.digest == done.c.digest, OPERATION.c.seq <= after))
    alone = and_(done.c.code.in_([Code.SUSPEND, Code.SET_RISK_FLAG]), done.c.outcome == "applied", ~proposed, ~before)
    row = connection.execute(select(done).where(alone).order_by(done.c.order).limit(1)).one_or_none()
    yield (
        None
        if row is None
        else Difference(table.name, row.digest.hex(), "", "no row", "what a second officer confirmed")
    )


def _key(table: Table, row: Any) -> str:
    return " ".join(_text(getattr(row, column.name)) for column in table.primary_key)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


_CHECKS: tuple[Callable[[Connection], Iterator[Difference | None]], ...] = (
    _with_groups,
    _numbers,
    _tills,
    _sheets,
    _external_ids,
    _claims,
    _offices,
    _webhooks,
    _names,
    _districts,
    _proposals,
    _credentials,
)
