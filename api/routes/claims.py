"""Claims: an employee opens one, the employer's finance approves or rejects it, in whole or line by line."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.pools import reads, writes
from api.render import answer, check_written, claim_json, optional_refusal, written_answer
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    PageSize,
    read_answers,
    router,
    write_answers,
)
from api.routes.outside import items_of
from api.schemas import answers
from api.schemas.requests import ClaimApproval, ClaimRejection, ClaimRequest, ClaimWithdrawal
from api.schemas.values import ClaimId, Cursor, Reference
from ledger.service.outside_facts import OutsideItem
from ledger.service.problems import invalid
from verifier.canonical import Json

routes = router("claims")


@routes.post("/claims", status_code=201, responses=write_answers(answers.ClaimOpened), summary="Claim invoices")
@writes
def open_claim(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: ClaimRequest) -> Response:
    """Locks all invoices for the employer, or none.

    When one cannot be claimed, the problem names each invoice with its reason in `lines`, and `remaining` is the
    body of a new claim of the others: send it as it is, with a new Idempotency-Key.
    """
    items = items_of(body.outside)
    claimed = ledger.open_claim(
        caller, body.numbers, employer=body.employer, reference=body.reference, outside=items,
        external_id=body.external_id, idempotency_key=key,
    )  # fmt: skip
    remaining: Json = None
    if claimed.remaining:
        remaining = _remaining(body, items, frozenset(claimed.remaining))
    lines: list[Json] = [{"number": line.number, "refusal": optional_refusal(line.refusal)} for line in claimed.lines]
    check_written(claimed.written, {"lines": lines, "remaining": remaining})
    claim_id = claimed.written.claim_id
    return written_answer(
        claimed.written, location=f"/v1/claims/{claim_id}" if claim_id else None,
        extra={"disputed": [*claimed.disputed]},
    )  # fmt: skip


def _remaining(body: ClaimRequest, items: list[OutsideItem], taken: frozenset[str]) -> dict[str, Json]:
    """Body of a claim of what alone would be taken: as it came, without the rest."""
    elsewhere = {item.read.number for item in items}
    outside: list[Json] = [
        one.model_dump(exclude_unset=True)
        for one, item in zip(body.outside, items, strict=True)
        if item.read.number in taken
    ]
    value: dict[str, Json] = {
        "numbers": [*sorted(taken - elsewhere)], "employer": body.employer, "reference": body.reference
    }  # fmt: skip
    if outside:
        value["outside"] = outside
    if body.external_id is not None:
        value["external_id"] = body.external_id
    return value


@routes.get("/claims", responses=read_answers(answers.ClaimPage), summary="List claims")
@reads
def list_claims(
    ledger: Door, caller: Authenticated, limit: PageSize,
    to_decide: Annotated[bool, Query(description="Those that wait for the caller's decision.")] = False,
    payment_reference: Annotated[Reference | None, Query(description="Those settled under it.")] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Claims the caller opened, or that were made to an enterprise whose finance the caller keeps; newest first."""
    if to_decide and payment_reference is not None:
        raise invalid("to_decide", "claims_filter")
    if to_decide:
        page = ledger.approvals.to_decide(caller, cursor=cursor, limit=limit)
    else:
        page = ledger.claims(caller, payment_reference=payment_reference, cursor=cursor, limit=limit)
    return answer({"items": [claim_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.get("/claims/{claim_id}", responses=read_answers(answers.Claim), summary="Read a claim")
@reads
def read_claim(ledger: Door, caller: Authenticated, claim_id: ClaimId) -> Response:
    """One claim with the state of each of its invoices."""
    return answer(claim_json(ledger.claim(caller, claim_id)))


@routes.post("/claims/{claim_id}/withdraw", status_code=201, responses=write_answers(), summary="Withdraw a claim")
@writes
def withdraw_claim(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, claim_id: ClaimId, body: ClaimWithdrawal
) -> Response:
    """Frees lines of the caller's own claim."""
    return written_answer(ledger.withdraw_claim(caller, claim_id, numbers=body.numbers, idempotency_key=key))


@routes.post("/claims/{claim_id}/approve", status_code=201, responses=write_answers(), summary="Approve a claim")
@writes
def approve_claim(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, claim_id: ClaimId, body: ClaimApproval
) -> Response:
    """Settles lines: reimbursed, irreversible, and the employer becomes the holder.

    Where the employer's claim policy wants an approver first, lines without that are refused with `approval-missing`.
    """
    written = ledger.approve_claim(
        caller, claim_id, numbers=body.numbers, payment_reference=body.payment_reference,
        external_id=body.external_id, idempotency_key=key,
    )  # fmt: skip
    return written_answer(written)


@routes.post("/claims/{claim_id}/reject", status_code=201, responses=write_answers(), summary="Reject a claim")
@writes
def reject_claim(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, claim_id: ClaimId, body: ClaimRejection
) -> Response:
    """Frees lines for the claimant to use again."""
    written = ledger.reject_claim(caller, claim_id, numbers=body.numbers, reason=body.reason, idempotency_key=key)
    return written_answer(written)
