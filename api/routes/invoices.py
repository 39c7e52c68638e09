"""Invoices: issuing, finding, reading, handing on, booking, and the numbers held for tills."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.fields import below
from api.pools import reads, writes
from api.problems import INVALID_REQUEST, field_failure
from api.render import (
    answer,
    check_written,
    history_json,
    invoice_json,
    row_problems,
    rows_json,
    time_text,
    written_answer,
)
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    PageSize,
    read_answers,
    router,
    witnessed_answers,
    write_answers,
)
from api.schemas import answers
from api.schemas.requests import (
    BookingRequest,
    BookingWithdrawal,
    IssueListRequest,
    IssueRequest,
    NumbersRequest,
    TransferRequest,
)
from api.schemas.values import ClaimState, Cursor, Month, Number, PathParty, QueryFen
from ledger.domain.errors import FieldProblem
from ledger.domain.problems import PROBLEM_TEXTS
from ledger.service.errors import InvalidRequest
from ledger.service.views import WriteStatus
from ledger.service.witness_views import Witnessed

routes = router("invoices")


@routes.post("/invoices", status_code=201, responses=write_answers(), summary="Issue an invoice")
@writes
def issue_invoice(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: IssueRequest) -> Response:
    """Numbers, commits, signs and records one invoice; `numbers` of the answer holds its number."""
    try:
        written = ledger.issue(
            caller,
            body.document,
            subject=body.subject,
            first_holder=body.first_holder,
            number=body.number,
            external_id=body.external_id,
            idempotency_key=key,
        )
    except InvalidRequest as err:
        raise InvalidRequest(_issue_problems(err.problems, numbered=body.number is not None)) from err
    location = f"/v1/invoices/{written.numbers[0]}" if written.numbers else None
    return written_answer(written, location=location)


@routes.post(
    "/invoices/list",
    status_code=201,
    responses=write_answers(answers.IssueListWritten),
    summary="Issue a list of invoices",
)
@writes
def issue_list(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: IssueListRequest) -> Response:
    """Issues the valid rows as one signed group, all or none, and gives a result for every row of the list."""
    listed = ledger.issue_list(
        caller, body.documents, subject=body.subject, first_holder=body.first_holder, external_ids=body.external_ids,
        idempotency_key=key,
    )  # fmt: skip
    rows = rows_json(listed.rows)
    if listed.written is None:
        failure = field_failure(INVALID_REQUEST, [one for row in listed.rows for one in row_problems(row)])
        failure.extra["rows"] = rows
        raise failure
    check_written(listed.written, {"rows": rows})
    issued_count = sum(row.status in (WriteStatus.ACCEPTED, WriteStatus.RECORDED) for row in listed.rows)
    counts = {"issued_count": issued_count, "invalid_count": len(rows) - issued_count}
    return written_answer(listed.written, extra={**counts, "rows": rows})


@routes.get("/invoices", responses=read_answers(answers.InvoicePage), summary="Search invoices")
@reads
def search_invoices(
    ledger: Door, caller: Authenticated, limit: PageSize,
    number: Annotated[Number | None, Query()] = None,
    party: Annotated[PathParty | None, Query(description="Seller, buyer or holder.")] = None,
    month: Annotated[Month | None, Query()] = None,
    state: Annotated[ClaimState | None, Query(description="Claim state.")] = None,
    gross_min_fen: Annotated[QueryFen | None, Query()] = None,
    gross_max_fen: Annotated[QueryFen | None, Query()] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Invoices the caller may see, newest first, a page at a time."""
    page = ledger.search(
        caller,
        number=number,
        party=party,
        month=month,
        state=state,
        gross_min_fen=gross_min_fen,
        gross_max_fen=gross_max_fen,
        cursor=cursor,
        limit=limit,
    )
    return answer({"items": [invoice_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.get("/invoices/{number}", responses=read_answers(answers.Invoice), summary="Read an invoice")
@reads
def read_invoice(ledger: Door, caller: Authenticated, number: Number) -> Response:
    """One invoice as it is now, with its document, and with the claim that holds it where the caller may know."""
    return answer(invoice_json(ledger.invoice(caller, number)))


@routes.get("/invoices/{number}/history", responses=read_answers(answers.History), summary="History of an invoice")
@reads
def read_history(ledger: Door, caller: Authenticated, number: Number) -> Response:
    """Everything that happened to an invoice, refusals included, in chain order."""
    return answer({"number": number, "items": [history_json(one) for one in ledger.history(caller, number)]})


@routes.get(
    "/invoices/{number}/evidence",
    responses=witnessed_answers(answers.Evidence),
    summary="Evidence file of an invoice",
)
@reads
def read_evidence(
    ledger: Door, caller: Authenticated, number: Number,
    witnessed: Annotated[Witnessed, Query(description="With which witnesses' signatures.")] = Witnessed.PREFERRED,
) -> Response:  # fmt: skip
    """The file a stranger verifies offline: `python -m verifier FILE --trust trust.json`.

    Of an erased invoice it has the authority's signed erasure in the document's place; 410 where nobody signed that.
    """
    return evidence_answer(number, ledger.evidence(caller, number, witnessed=witnessed))


@routes.post(
    "/invoices/{number}/transfer",
    status_code=201,
    responses=write_answers(),
    summary="Hand an invoice to another party",
)
@writes
def transfer_invoice(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: TransferRequest
) -> Response:
    """Makes `to` the holder."""
    written = ledger.transfer(
        caller, number, body.to, subject=body.subject, external_id=body.external_id, idempotency_key=key
    )
    return written_answer(written)


@routes.post("/invoices/{number}/booking", status_code=201, responses=write_answers(), summary="Book an invoice")
@writes
def book_invoice(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: BookingRequest
) -> Response:
    """Enters the invoice into the holder's accounts."""
    written = ledger.book(
        caller, number, deductible=body.deductible, subject=body.subject, external_id=body.external_id,
        idempotency_key=key,
    )  # fmt: skip
    return written_answer(written)


@routes.post(
    "/invoices/{number}/booking/withdraw", status_code=201, responses=write_answers(), summary="Withdraw a booking"
)
@writes
def withdraw_booking(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: BookingWithdrawal
) -> Response:
    """Takes the booking back; the history keeps both."""
    written = ledger.withdraw_booking(caller, number, subject=body.subject, reason=body.reason, idempotency_key=key)
    return written_answer(written)


@routes.post(
    "/numbers",
    status_code=201,
    responses=write_answers(answers.NumbersReserved, waits=False),
    summary="Reserve invoice numbers",
)
@writes
def reserve_numbers(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: NumbersRequest) -> Response:
    """Holds the next free numbers of a seller until `expires_at`."""
    held = ledger.reserve_numbers(caller, body.count, subject=body.subject, idempotency_key=key)
    return answer({"numbers": list(held.numbers), "expires_at": time_text(held.expires_at)}, 201)


def evidence_answer(number: str, evidence: bytes) -> Response:
    """An evidence file as a download; its bytes are canonical and stay as they are."""
    headers = {"content-disposition": f'attachment; filename="invoice-{number}.evidence.json"'}
    return Response(evidence, 200, headers, "application/json")


def _issue_problems(problems: tuple[FieldProblem, ...], *, numbered: bool) -> tuple[FieldProblem, ...]:
    """The service's problems at paths of the body: the document's below `document`, the request's own as they are."""
    found: list[FieldProblem] = []
    for one in problems:
        of_request = one.code not in PROBLEM_TEXTS and (
            one.path in ("subject", "first_holder", "external_id") or (one.path == "number" and numbered)
        )
        found.extend((one,) if of_request else below("document", (one,)))
    return tuple(found)
