"""Uploaded sheets as plain JSON values."""

from __future__ import annotations

from api.problems import (
    GROUP_EXPIRED,
    GROUP_MALFORMED,
    NO_SIGNING_KEY,
    NOT_PERMITTED,
    NUMBERS_EXHAUSTED,
    QUEUE_FULL,
    REFUSED,
    ProblemError,
    error_json,
)
from api.render import optional_refusal, time_text
from ledger.service import bulk_views as views
from verifier.canonical import Json
from verifier.operations import Reason

_STOPS = {
    "malformed": GROUP_MALFORMED,
    "expired": GROUP_EXPIRED,
    "numbers_exhausted": NUMBERS_EXHAUSTED,
    "no_signing_key": NO_SIGNING_KEY,
    "drafts_full": QUEUE_FULL,
}


def job_json(view: views.BulkJobView) -> dict[str, Json]:
    """A sheet."""
    return {
        "job": view.job,
        "state": view.state,
        "subject": view.subject,
        "uploaded_by": view.uploaded_by,
        "file_name": view.file_name,
        "file_sha256": view.file_sha256,
        "first_holder": view.first_holder,
        "row_count": view.row_count,
        "group_count": view.group_count,
        "drafts": [
            {
                "digest": one.digest,
                "signer": one.signer,
                "count": one.count,
                "gross_fen": one.gross_fen,
                "first_number": one.first_number,
                "last_number": one.last_number,
                "sign_by": time_text(one.sign_by),
            }
            for one in view.drafts
        ],
        "sums": [
            {
                "status": one.status,
                "count": one.count,
                "net_fen": one.net_fen,
                "tax_fen": one.tax_fen,
                "gross_fen": one.gross_fen,
            }
            for one in view.sums
        ],
        "warnings": [error_json(one) for one in view.warnings],
        "same_file": list(view.same_file),
        "stopped": stop_json(view.stopped),
        "created_at": time_text(view.created_at),
        "updated_at": time_text(view.updated_at),
    }


def stop_json(stop: views.BulkStop | None) -> dict[str, Json] | None:
    """Why signing stopped."""
    if stop is None:
        return None
    return {"code": stop.code, "message": stop.message, "message_zh": stop.message_zh, "row": stop.row}


def row_json(view: views.BulkRowView) -> dict[str, Json]:
    """One invoice of a sheet."""
    return {
        "row": view.row,
        "row_count": view.row_count,
        "reference": view.reference,
        "external_id": view.external_id,
        "status": view.status,
        "buyer_name": view.buyer_name,
        "gross_fen": view.gross_fen,
        "tax_fen": view.tax_fen,
        "number": view.number,
        "block": view.block,
        "problems": [
            {
                "row": one["row"],
                "column": one["column"],
                "value": one["value"],
                "path": one["path"],
                "code": one["code"],
                "message": one["message_en"],
                "message_zh": one["message_zh"],
            }
            for one in view.problems
        ],
        "refusal": optional_refusal(view.refusal),
    }


def check_not_stopped(state: str, stop: views.BulkStop | None, location: str) -> None:
    """Raises: ProblemError of what stopped the signing of a sheet; it says which row the contract named."""
    if stop is None or state != "draft":
        return
    where, where_zh = (f" (row {stop.row})", f"（第 {stop.row} 行）") if stop.row is not None else ("", "")
    kind = REFUSED.get(stop.code) or _STOPS.get(stop.code, NOT_PERMITTED)
    members: dict[str, Json] = {}
    if stop.code in REFUSED:
        members = {"reason": stop.code, "code": Reason[stop.code.upper()].value}
    raise ProblemError(
        kind,
        f"{stop.message}{where}",
        f"{stop.message_zh}{where_zh}",
        extra=members,
        headers={"location": location},
    )
