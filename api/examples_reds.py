"""Examples of red letters, risk flags and exceptions; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_NUMBER = "94403260911000000001"
_RED_NUMBER = "94403260911000000002"
_DIGEST = "5b" * 32
_TIME = "2026-11-05T02:30:00Z"
_LAPSES = "2026-11-08T02:30:00Z"

_RED: dict[str, Json] = {
    "kind": "ordinary",
    "colour": "red",
    "seller": {"name": "深圳市南山区示例餐厅", "tax_id": "91440300MA5E0000AB"},
    "buyer": {"name": "深圳市示例科技有限公司", "tax_id": "91440300MA5F0000X1"},
    "lines": [{"name": "*餐饮服务*餐费", "net_fen": -5000, "rate_bp": 600, "tax_fen": -300}],
    "net_fen": -5000,
    "tax_fen": -300,
    "gross_fen": -5300,
    "original": {"number": _NUMBER},
    "red_reason": 4,
}
_SLIP: dict[str, Json] = {
    "slip_id": _DIGEST,
    "number": _NUMBER,
    "state": "seller_opened",
    "state_text": "opened by the seller, waits for the buyer's side",
    "state_text_zh": "销方录入待购方确认",
    "reason": "allowance",
    "reason_text": "sales allowance",
    "reason_text_zh": "销售折让",
    "seller": 5,
    "seller_name": "深圳市南山区示例餐厅",
    "opener": 5,
    "opener_name": "深圳市南山区示例餐厅",
    "other_side": 7,
    "other_side_name": "深圳市示例科技有限公司",
    "answerer": 7,
    "gross_fen": 5300,
    "tax_fen": 300,
    "opened_at": _TIME,
    "lapses_at": _LAPSES,
    "seconds_left": 258_300,
    "answered_at": None,
    "changed_at": _TIME,
    "red": None,
    "document": _RED,
}
_OUTLOOK: dict[str, Json] = {
    "number": _NUMBER,
    "way": "waiting",
    "other_side": 7,
    "other_side_name": "深圳市示例科技有限公司",
    "gross_fen": 10600,
    "credited_fen": 0,
    "left_fen": 10600,
    "lines": [{"line": 1, "name": "*餐饮服务*餐费", "net_fen": 10000, "tax_fen": 600, "quantity": ""}],
    "reds": [],
    "slip": _SLIP,
    "refusal": None,
}
_EXCEPTION: dict[str, Json] = {
    "exception_id": "1a500000",
    "number": _NUMBER,
    "kinds": ["reddened_after_settlement"],
    "text": "red-lettered after it was reimbursed; take the money back or correct the claim",
    "text_zh": "报销后被红冲，请追回款项或更正报销",
    "operation": "issue_red",
    "red": _RED_NUMBER,
    "party": 7,
    "party_name": "深圳市示例科技有限公司",
    "claimant": 12,
    "claimant_name": "李明",
    "claim_id": "7f" * 16,
    "gross_fen": 10600,
    "raised_at": _TIME,
    "block": 421,
    "digest": _DIGEST,
    "answerable": True,
    "officer_at": None,
    "party_at": None,
}
_PARTS: list[Json] = [{"line": 1, "net_fen": 5000}]


def red_examples(read: Callable[..., T], write: Callable[..., T]) -> dict[str, T]:
    """By operation id; `read` makes an example of an answer, `write` of a request and what changes in its answer."""
    return {
        "read_red_outlook": read(_OUTLOOK),
        "issue_red": write({"reason": "allowance", "parts": _PARTS, "subject": 5}, numbers=[_RED_NUMBER]),
        "list_slips": read({"items": [{**_SLIP, "document": None}], "next_cursor": "1f3"}),
        "read_slips": read({"items": [_SLIP], "next_cursor": None}),
        "open_slip": write({"reason": "allowance", "parts": _PARTS}),
        "confirm_slip": write({"note": "agreed by telephone"}),
        "refuse_slip": write({"note": "the goods were not sent back", "subject": 7}),
        "withdraw_slip": write({}),
        "void_slip": write({"reason": "the invoice is under investigation"}),
        "clear_risk_flag": write({"reason": "the seller was found"}),
        "force_unlock": write({"reason": "the employer has closed down"}),
        "lift_block": write({"month": "2026-11", "reason": "its return is being mended"}, numbers=[]),
        "list_exceptions": read({"items": [_EXCEPTION], "next_cursor": None}),
        "acknowledge_exception": write({"note": "money taken back", "subject": 7}),
    }
