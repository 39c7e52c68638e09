"""Uploaded sheets as plain JSON values."""

from __future__ import annotations

from api.problems import (
    GROUP_EXPIRED,
    GROUP_MALFORMED,
    NO_SIGNING_KEY,
    NOT_PERMITTED,
    NUMBERS_EXHAUSTED,
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
}


def job_json(view: views.BulkJobView) -> dict[str, Json]:
    """A sheet."""
    stopped = view.stopped
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
        "stopped": None
        if stopped is None
        else {
            "code": stopped.code,
            "message": stopped.message,
            "message_zh": stopped.message_zh,
            "row": stopped.row,
        },
        "created_at": time_text(view.created_at),
        "updated_at": time_text(view.updated_at),
    }


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


def check_not_stopped(view: views.BulkJobView) -> None:
    """Raises: ProblemError of what stopped the signing of a sheet; it says which row the contract named."""
    stop = view.stopped
    if stop is None or view.state != "draft":
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
        headers={"location": f"/v1/bulk/{view.job}"},
    )
