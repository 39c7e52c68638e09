"""Examples of filing, deduction and officers' lists; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_NUMBER = "94403260911000000001"
_LAST_NUMBER = "94403260911000000003"
_GAP_NUMBER = "94403260911000000002"
_DIGEST = "5b" * 32
_HASH = "d4" * 32
_CLAIM_ID = "7f" * 16
_TIME = "2026-12-05T02:30:00Z"
_SELLER = "深圳市南山区示例餐厅"
_BUYER = "深圳市示例科技有限公司"

_UNINVOICED: list[Json] = [{"rate_bp": 600, "rate_mark": "rate", "net_fen": 250000, "tax_fen": 15000}]
_REPORT: dict[str, Json] = {
    "party": 5,
    "seller": "91440300MA5E0000AB",
    "month": "2026-11",
    "blue_gross_fen": 21200,
    "blue_net_fen": 20000,
    "blue_tax_fen": 1200,
    "blue_count": 2,
    "red_gross_fen": 0,
    "red_net_fen": 0,
    "red_tax_fen": 0,
    "red_count": 0,
    "total_gross_fen": 21200,
    "total_net_fen": 20000,
    "total_tax_fen": 1200,
    "quota_used_fen": 21200,
    "by_rate": [{"rate_bp": 600, "rate_mark": "rate", "net_fen": 20000, "tax_fen": 1200}],
    "first_number": _NUMBER,
    "last_number": _LAST_NUMBER,
    "gaps": [{"first": _GAP_NUMBER, "last": _GAP_NUMBER}],
    "gap_count": 1,
    "gap_numbers": 1,
    "deducted_tax_fen": 600,
    "deducted_count": 1,
    "transfer_out_fen": 0,
    "uninvoiced": _UNINVOICED,
}
_FILING: dict[str, Json] = {
    "revision": 0,
    "standing": True,
    "report_hash": _HASH,
    "replaced_hash": None,
    "filed_at": _TIME,
    "filed_by": 14,
    "filed_by_name": "吴会计",
    "block": 512,
    "digest": _DIGEST,
}
_DEDUCTION: dict[str, Json] = {
    "number": _NUMBER,
    "kind": "special",
    "seller": 5,
    "seller_name": _SELLER,
    "buyer": 7,
    "buyer_name": _BUYER,
    "month": "2026-11",
    "issued_at": _TIME,
    "gross_fen": 10600,
    "tax_fen": 600,
    "deductible": True,
    "tax_left_fen": 600,
    "use": "selected",
    "frozen": False,
    "period": "2026-11",
    "purpose": "deduct",
    "purpose_text": "deduct",
    "purpose_text_zh": "抵扣",
    "valid_tax_fen": 600,
    "reason": None,
    "reason_text": "",
    "reason_text_zh": "",
    "selected_at": _TIME,
    "transferred_fen": 0,
}
_SELECTABLE: dict[str, Json] = {
    **_DEDUCTION,
    "use": "none",
    "period": None,
    "purpose": None,
    "purpose_text": "",
    "purpose_text_zh": "",
    "valid_tax_fen": 0,
    "selected_at": None,
}
_PERIOD: dict[str, Json] = {
    "party": 7,
    "period": "2026-11",
    "state": "open",
    "frozen": False,
    "count": 1,
    "valid_tax_fen": 600,
    "deducted_tax_fen": 600,
    "by_purpose": [
        {
            "purpose": "deduct",
            "purpose_text": "deduct",
            "purpose_text_zh": "抵扣",
            "reason": None,
            "reason_text": "",
            "reason_text_zh": "",
            "count": 1,
            "valid_tax_fen": 600,
        }
    ],
    "confirmed_at": None,
    "confirmed_by": None,
    "digest": None,
}
_NONFILER: dict[str, Json] = {
    "party": 5,
    "name": _SELLER,
    "tax_id": "91440300MA5E0000AB",
    "area": "4403",
    "filed_through": "2026-09",
    "months_behind": 2,
    "suspended": False,
    "lifted": False,
    "count": 2,
    "blue_gross_fen": 21200,
    "red_gross_fen": 0,
    "gross_fen": 21200,
}
_EXCEPTION: dict[str, Json] = {
    "number": _NUMBER,
    "kinds": ["reddened_after_settlement"],
    "text": "red-lettered after it was reimbursed; take the money back or correct the claim",
    "text_zh": "报销后被红冲，请追回款项或更正报销",
    "operation": "issue_red",
    "party": 7,
    "party_name": _BUYER,
    "area": "4403",
    "claimant": 12,
    "claimant_name": "李明",
    "claim_id": _CLAIM_ID,
    "gross_fen": 10600,
    "raised_at": _TIME,
    "block": 512,
    "officer_at": None,
    "party_at": None,
}
_REFUSAL: dict[str, Json] = {
    "reason": "quota_exceeded",
    "reason_text": "The invoice exceeds what is left of the month's quota.",
    "reason_text_zh": "超出当月授信额度。",
    "operation": "issue",
    "number": _GAP_NUMBER,
    "party": 5,
    "party_name": _SELLER,
    "area": "4403",
    "actor": 13,
    "actor_name": "周开票",
    "gross_fen": 1060000,
    "refused_at": _TIME,
    "digest": _DIGEST,
}
_DUPLICATE: dict[str, Json] = {
    "number": _NUMBER,
    "kind": "locked",
    "gross_fen": 10600,
    "first_claimant": 12,
    "first_claimant_name": "李明",
    "first_employer": 7,
    "first_employer_name": _BUYER,
    "first_claim_id": _CLAIM_ID,
    "first_at": _TIME,
    "second_claimant": 15,
    "second_claimant_name": "王芳",
    "second_employer": 8,
    "second_employer_name": "深圳市另一示例公司",
    "area": "4403",
    "second_claim_id": "8e" * 16,
    "happened_at": _TIME,
    "digest": _DIGEST,
}


def month_examples(read: Callable[..., T], write: Callable[..., T], recorded: Callable[..., T]) -> dict[str, T]:
    """By operation id; `read` makes an example of an answer, `write` of a request and what changes in its answer.

    `recorded` makes one of an answer of its own shape to a write that signs nothing, and its request.
    """
    said: dict[str, Json] = {"month": "2026-11", "uninvoiced": _UNINVOICED, "unread": [], "note": ""}
    declared: dict[str, Json] = {"uninvoiced": _UNINVOICED, "note": "", "subject": 5}
    reported: dict[str, Json] = {
        "filed": True,
        "report": _REPORT,
        "uninvoiced_net_fen": 250000,
        "uninvoiced_tax_fen": 15000,
        "tax_due_fen": 15600,
        "filing": _FILING,
        "salt": "0f" * 16,
    }
    return {
        "read_report": read(reported),
        "list_filings": read({"month": "2026-11", "items": [_FILING]}),
        "read_declaration": read(said),
        "declare_month": recorded(said, {"uninvoiced": _UNINVOICED, "note": "", "subject": 5}),
        "file_month": write(declared, numbers=[]),
        "refile_month": write({**declared, "replaces": _HASH, "note": "un-invoiced sales were too low"}, numbers=[]),
        "read_deduction": read(_DEDUCTION),
        "list_selectable": read({"items": [_SELECTABLE], "next_cursor": "1f3"}),
        "list_selected": read({"items": [_DEDUCTION], "next_cursor": None}),
        "read_period": read(_PERIOD),
        "select_invoices": write(
            {
                "selections": [
                    {"number": _NUMBER, "purpose": "deduct", "valid_tax_fen": 600},
                    {"number": _LAST_NUMBER, "purpose": "not_deduct", "reason": "welfare_or_personal"},
                ],
                "subject": 7,
            },
            numbers=[_NUMBER, _LAST_NUMBER],
        ),
        "unselect_invoices": write({"numbers": [_NUMBER], "subject": 7}),
        "confirm_period": write({"subject": 7}, numbers=[]),
        "list_nonfilers": read({"items": [_NONFILER], "next_cursor": None}),
        "list_supervised_exceptions": read({"items": [_EXCEPTION], "next_cursor": None}),
        "list_refusals": read({"items": [_REFUSAL], "next_cursor": None}),
        "list_duplicates": read({"items": [_DUPLICATE], "next_cursor": None}),
    }
