"""Uploaded registers as plain JSON values."""

from __future__ import annotations

from api.problems import error_json
from api.render import time_text
from api.render_bulk import stop_json
from ledger.service import register_views as views
from verifier.canonical import Json


def register_json(view: views.RegisterView) -> dict[str, Json]:
    """A register."""
    return {
        "job": view.job,
        "state": view.state,
        "officer": view.officer,
        "file_name": view.file_name,
        "file_sha256": view.file_sha256,
        "quotas": dict(view.quotas),
        "first_month": view.first_month,
        "row_count": view.row_count,
        "counts": {status.value: count for status, count in view.counts.items()},
        "stopped": stop_json(view.stopped),
        "created_at": time_text(view.created_at),
        "updated_at": time_text(view.updated_at),
    }


def register_row_json(view: views.RegisterRowView) -> dict[str, Json]:
    """One row of a register."""
    return {
        "row": view.row,
        "name": view.name,
        "tax_id": view.tax_id,
        "quota_class": view.quota_class,
        "status": view.status.value,
        "party": view.party,
        "block": view.block,
        "problems": [error_json(one) for one in view.problems],
    }
