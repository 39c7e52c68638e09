"""Views of the service as plain JSON values: the one place that knows both sides' field names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from starlette.responses import Response

from api.fields import below
from api.problems import GROUP_EXPIRED, GROUP_MALFORMED, REFUSED, ProblemError, error_json
from ledger.domain.errors import FieldProblem
from ledger.service import views
from ledger.service.views import WriteStatus
from verifier.canonical import Json

JSON = "application/json"


def answer(value: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers, JSON)


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def written_answer(
    written: views.Written, *, location: str | None = None, extra: Mapping[str, Json] | None = None
) -> Response:
    """201 for recorded, 202 for accepted with where to look; everything else is a problem.

    Raises: ProblemError.
    """
    check_written(written)
    value: dict[str, Json] = written_json(written)
    value.update(extra or {})
    operation = f"/v1/operations/{written.digest}"
    if written.status is WriteStatus.RECORDED:
        return answer(value, 201, {"location": location or operation})
    return answer(value, 202, {"location": operation})


def check_written(written: views.Written, extra: Mapping[str, Json] | None = None) -> None:
    """Nothing for a write that is recorded or accepted.

    Raises: ProblemError for one that is refused, malformed or expired; `extra` becomes part of it.
    """
    if written.status in (WriteStatus.RECORDED, WriteStatus.ACCEPTED):
        return
    members: dict[str, Json] = {"digest": written.digest, "receipt": receipt_json(written.receipt), **(extra or {})}
    refusal = written.refusal
    if refusal is not None:
        members = {**_refusal_members(refusal), **members}
        raise ProblemError(
            REFUSED[refusal.reason],
            f"{refusal.message} {refusal.action}",
            f"{refusal.message_zh}{refusal.action_zh}",
            extra=members,
        )
    kind = GROUP_EXPIRED if written.status is WriteStatus.EXPIRED else GROUP_MALFORMED
    raise ProblemError(
        kind, kind.meaning, f"{kind.title_zh}。未上链，请用新的 Idempotency-Key 重新提交。", extra=members
    )


def _refusal_members(refusal: views.Refusal) -> dict[str, Json]:
    members = refusal_json(refusal)
    del members["message"], members["message_zh"]
    return members


def written_json(written: views.Written) -> dict[str, Json]:
    return {
        "status": written.status.value,
        "digest": written.digest,
        "receipt": receipt_json(written.receipt),
        "numbers": list(written.numbers),
        "claim_id": written.claim_id,
        "party": written.party,
        "block": written.block,
        "recorded_at": _optional_time(written.recorded_at),
        "refusal": optional_refusal(written.refusal),
    }


def receipt_json(receipt: views.Receipt) -> dict[str, Json]:
    return {
        "digest": receipt.digest,
        "accepted_at": time_text(receipt.accepted_at),
        "by": time_text(receipt.by),
        "signature": receipt.signature,
    }


def refusal_json(refusal: views.Refusal) -> dict[str, Json]:
    return {
        "reason": refusal.reason,
        "code": refusal.code,
        "number": refusal.number,
        "message": refusal.message,
        "message_zh": refusal.message_zh,
        "action": refusal.action,
        "action_zh": refusal.action_zh,
        "hold": _optional_hold(refusal.hold),
    }


def optional_refusal(refusal: views.Refusal | None) -> Json:
    return None if refusal is None else refusal_json(refusal)


def _optional_hold(hold: views.ClaimHold | None) -> Json:
    if hold is None:
        return None
    return {
        "claim_id": hold.claim_id,
        "since": time_text(hold.since),
        "claimant": hold.claimant,
        "claimant_name": hold.claimant_name,
        "employer": hold.employer,
        "employer_name": hold.employer_name,
        "reference": hold.reference,
    }


def rows_json(rows: Iterable[views.IssueRow]) -> list[Json]:
    """Rows of an issued list; error paths start with `documents.<index>`."""
    return [
        {
            "index": row.index,
            "status": row.status,
            "number": row.number,
            "commitment": row.commitment,
            "errors": [error_json(one) for one in row_problems(row)],
            "refusal": optional_refusal(row.refusal),
        }
        for row in rows
    ]


def row_problems(row: views.IssueRow) -> tuple[FieldProblem, ...]:
    """Problems of one row, at paths of the request's body."""
    return below(f"documents.{row.index}", (FieldProblem(*one) for one in row.problems))


def invoice_json(view: views.InvoiceView) -> dict[str, Json]:
    return {
        "number": view.number,
        "kind": view.kind,
        "colour": view.colour,
        "claim_state": view.claim_state,
        "entry": view.entry,
        "seller": view.seller,
        "buyer": view.buyer,
        "holder": view.holder,
        "seller_name": view.seller_name,
        "buyer_name": view.buyer_name,
        "holder_name": view.holder_name,
        "gross_fen": view.gross_fen,
        "tax_fen": view.tax_fen,
        "month": view.month,
        "issued_at": time_text(view.issued_at),
        "changed_at": time_text(view.changed_at),
        "issued_block": view.issued_block,
        "version": view.version,
        "commitment": view.commitment,
        "hold": _optional_hold(view.hold),
        "document": view.document,
        "credited_fen": view.credited_fen,
        "left_fen": view.left_fen,
        "reds": list(view.reds),
        "blue": view.blue,
        "red_reason": view.red_reason or None,
        "risk": view.risk,
        "risk_reason": view.risk_reason,
        "use": view.use,
        "erased": view.erased,
        "issued_here": view.issued_here,
        "strength": view.strength,
        "issued_on": view.issued_on.isoformat() if view.issued_on is not None else None,
    }


def history_json(entry: views.HistoryEntry) -> dict[str, Json]:
    return {
        "operation": entry.operation,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "at": time_text(entry.at),
        "block": entry.block,
        "actor": entry.actor,
        "actor_name": entry.actor_name,
        "subject": entry.subject,
        "subject_name": entry.subject_name,
        "party": entry.party,
        "party_name": entry.party_name,
        "digest": entry.digest,
        "version": entry.version,
        "claim_state": entry.claim_state,
        "holder": entry.holder,
        "red": entry.red,
        "blue": entry.blue,
        "gross_fen": entry.gross_fen,
        "red_reason": entry.red_reason,
        "note": entry.note,
        "proposer": entry.proposer,
        "proposer_name": entry.proposer_name,
    }


def claim_json(view: views.ClaimView) -> dict[str, Json]:
    return {
        "claim_id": view.claim_id,
        "reference": view.reference,
        "claimant": view.claimant,
        "claimant_name": view.claimant_name,
        "employer": view.employer,
        "employer_name": view.employer_name,
        "opened_at": time_text(view.opened_at),
        "locked_count": view.locked_count,
        "settled_count": view.settled_count,
        "released_count": view.released_count,
        "locked_fen": view.locked_fen,
        "settled_fen": view.settled_fen,
        "lines": [_claim_line_json(one) for one in view.lines],
        "approval": {
            "state": view.approval.state,
            "required": view.approval.required,
            "decisions": [
                {
                    "decision": one.decision,
                    "number": one.number,
                    "approver": one.approver,
                    "approver_name": one.approver_name,
                    "note": one.note,
                    "decided_at": time_text(one.decided_at),
                }
                for one in view.approval.decisions
            ],
        },
    }


def _claim_line_json(line: views.ClaimLine) -> dict[str, Json]:
    return {
        "number": line.number,
        "state": line.state,
        "gross_fen": line.gross_fen,
        "ended": line.ended,
        "ended_at": time_text(line.ended_at) if line.ended_at is not None else None,
        "reason": line.reason,
        "payment_reference": line.payment_reference,
        "decision": line.decision,
        "issued_here": line.strength == "issued_here",
        "strength": line.strength,
    }


def party_json(view: views.PartyView) -> dict[str, Json]:
    return {
        "party": view.party,
        "kind": view.kind,
        "name": view.name,
        "tax_id": view.tax_id,
        "enrolled": view.enrolled,
        "suspended": view.suspended,
        "quota_fen": view.quota_fen,
        "filed_through": view.filed_through,
        "version": view.version,
        "identity_hash": view.identity_hash,
        "certificate_hash": view.certificate_hash,
        "grants": [{"person": person, "grants": list(names)} for person, names in view.grants],
        "segments": [{"first": first, "last": last} for first, last in view.segments],
        "district": view.district,
    }


def certificate_json(view: views.CertificateView) -> dict[str, Json]:
    return {
        "certificate_hash": view.certificate_hash,
        "state": view.state,
        "made_at": time_text(view.made_at),
        "ends_at": time_text(view.ends_at),
        "revoked_at": _optional_time(view.revoked_at),
        "revoked_by": view.revoked_by,
        "reason": view.reason,
    }


def month_json(view: views.MonthView) -> dict[str, Json]:
    return {
        "party": view.party,
        "month": view.month,
        "blue_gross_fen": view.blue_gross_fen,
        "blue_tax_fen": view.blue_tax_fen,
        "red_gross_fen": view.red_gross_fen,
        "red_tax_fen": view.red_tax_fen,
        "quota_fen": view.quota_fen,
        "quota_used_fen": view.quota_used_fen,
        "count": view.count,
        "open_for_issue": view.open_for_issue,
        "filed_at": _optional_time(view.filed_at),
        "report_hash": view.report_hash,
        "quota_left_fen": view.quota_left_fen,
        "quota_returned_fen": view.quota_returned_fen,
        "lifted": view.lifted,
    }


def public_invoice_json(view: views.PublicInvoice) -> dict[str, Json]:
    return {
        "number": view.number,
        "kind": view.kind,
        "colour": view.colour,
        "claim_state": view.claim_state,
        "seller_name": view.seller_name,
        "seller_tax_id": view.seller_tax_id,
        "buyer_name": view.buyer_name,
        "net_fen": view.net_fen,
        "tax_fen": view.tax_fen,
        "gross_fen": view.gross_fen,
        "issued_on": view.issued_on,
        "commitment": view.commitment,
        "block": view.block,
        "timeline": [{"at": time_text(at), "operation": operation} for at, operation in view.timeline],
    }


def _optional_time(moment: datetime | None) -> Json:
    return None if moment is None else time_text(moment)
