"""Examples of uploaded registers; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_TIME = "2026-11-05T02:30:00Z"

_JOB: dict[str, Json] = {
    "job": "5e" * 16,
    "state": "draft",
    "officer": 2,
    "file_name": "登记表.xlsx",
    "file_sha256": "ab" * 32,
    "quotas": {"A": 100_000_000, "B": 5_000_000},
    "first_month": "2026-11",
    "row_count": 2,
    "counts": {"ready": 1, "invalid": 1},
    "stopped": None,
    "created_at": _TIME,
    "updated_at": _TIME,
}
_ROW: dict[str, Json] = {
    "row": 3,
    "name": "某公司",
    "tax_id": "91440300MA5F0000XX",
    "quota_class": "A",
    "status": "invalid",
    "party": None,
    "block": None,
    "problems": [
        {
            "path": "tax_id",
            "code": "tax_id_form",
            "message": "not a tax id: the check character is wrong",
            "message_zh": "税号有误：校验位不正确",
        }
    ],
}
_DONE: dict[str, Json] = {**_JOB, "state": "done", "counts": {"enrolled": 1, "invalid": 1}}


def register_examples(made: Callable[..., T]) -> dict[str, T]:
    """Examples by operation id; `made` takes (answers by status, request)."""
    return {
        "upload_register": made({201: _JOB}, None),
        "list_registers": made({200: {"items": [_JOB], "next_cursor": None}}, None),
        "read_register": made({200: {"job": _JOB, "items": [_ROW], "next_cursor": None}}, None),
        "sign_register": made({201: _DONE, 202: {**_JOB, "state": "running"}}, {}),
        "cancel_register": made({201: {**_JOB, "state": "cancelled", "counts": {"cancelled": 1, "invalid": 1}}}, {}),
        "register_results": made({}, None),
    }
