"""Examples of uploaded sheets and of files written out; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_TIME = "2026-11-05T02:30:00Z"

_JOB: dict[str, Json] = {
    "job": "7f" * 16,
    "state": "draft",
    "subject": 5,
    "uploaded_by": 12,
    "file_name": "五月.xlsx",
    "file_sha256": "ab" * 32,
    "first_holder": None,
    "row_count": 2,
    "group_count": 1,
    "drafts": [],
    "sums": [
        {"status": "invalid", "count": 1, "net_fen": 0, "tax_fen": 0, "gross_fen": 0},
        {"status": "ready", "count": 1, "net_fen": 10000, "tax_fen": 600, "gross_fen": 10600},
    ],
    "warnings": [],
    "same_file": [],
    "stopped": None,
    "created_at": _TIME,
    "updated_at": _TIME,
}
_ROW: dict[str, Json] = {
    "row": 3,
    "row_count": 1,
    "reference": "R2",
    "external_id": "ERP-2",
    "status": "invalid",
    "buyer_name": "",
    "gross_fen": None,
    "tax_fen": None,
    "number": None,
    "block": None,
    "problems": [
        {
            "row": 3,
            "column": "金额",
            "value": "x",
            "path": "",
            "code": "cell_amount",
            "message": "row 3, 金额: “x” no amount in yuan with at most two decimals; write it like 1234.50",
            "message_zh": "第 3 行 金额：“x” 不是最多两位小数的金额（元），请写作 1234.50",
        }
    ],
    "refusal": None,
}
_DONE: dict[str, Json] = {
    **_JOB,
    "state": "done",
    "group_count": 0,
    "sums": [{"status": "recorded", "count": 2, "net_fen": 20000, "tax_fen": 1200, "gross_fen": 21200}],
}


_WAITING: dict[str, Json] = {
    **_JOB,
    "sums": [{"status": "drafted", "count": 2, "net_fen": 20000, "tax_fen": 1200, "gross_fen": 21200}],
    "drafts": [
        {
            "digest": "5b" * 32,
            "signer": 5,
            "count": 2,
            "gross_fen": 21200,
            "first_number": "94403260911000000001",
            "last_number": "94403260911000000002",
            "sign_by": "2026-11-05T03:30:00Z",
        }
    ],
}


def bulk_examples(made: Callable[..., T]) -> dict[str, T]:
    """Examples by operation id; `made` takes (answers by status, request)."""
    return {
        "upload_sheet": made({201: _JOB}, None),
        "list_sheets": made({200: {"items": [_JOB], "next_cursor": None}}, None),
        "sheet_template": made({}, None),
        "read_sheet": made({200: {"job": _JOB, "items": [_ROW], "next_cursor": None}}, None),
        "sign_sheet": made({201: _DONE, 202: _WAITING}, {"again": False}),
        "cancel_sheet": made({201: {**_JOB, "state": "cancelled", "group_count": 0}}, {}),
        "sheet_results": made({}, None),
        "export_invoices": made({}, None),
        "read_document": made({}, None),
        "read_original": made({}, None),
        "read_archive": made({}, None),
    }
