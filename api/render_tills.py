"""Tills, collected invoices and uploads as plain JSON values."""

from __future__ import annotations

from api.render import optional_refusal, time_text
from ledger.service import till_views as views
from verifier.canonical import Json


def till_json(view: views.TillView) -> dict[str, Json]:
    return {
        "till_id": view.till_id,
        "seller": view.seller,
        "clerk": view.clerk,
        "name": view.name,
        "public_key": view.public_key,
        "items": [{"name": item.name, "rate_bp": item.rate_bp} for item in view.items],
        "state": view.state,
        "created_at": time_text(view.created_at),
    }


def collected_members(view: views.Collected) -> dict[str, Json]:
    """What a collection tells beside the write."""
    return {
        "number": view.number,
        "commitment": view.commitment,
        "gross_fen": view.gross_fen,
        "held": view.held,
        "replayed": view.replayed,
    }


def upload_json(rows: tuple[views.UploadRow, ...]) -> dict[str, Json]:
    return {"items": [_row_json(row) for row in rows]}


def _row_json(row: views.UploadRow) -> dict[str, Json]:
    return {
        "index": row.index,
        "number": row.number,
        "status": row.status,
        "commitment": row.commitment,
        "duplicate": row.duplicate,
        "problems": [
            {"path": path, "code": code, "message": message, "message_zh": message_zh}
            for path, code, message, message_zh in row.problems
        ],
        "refusal": optional_refusal(row.refusal),
    }
