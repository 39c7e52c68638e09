"""Examples of the feed of events and of webhooks; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_TIME = "2026-11-05T02:30:00Z"
_WEBHOOK_ID = "9d" * 16

_STATE: dict[str, Json] = {
    "colour": "normal",
    "claim_state": "locked",
    "entry": "not_booked",
    "risk": False,
    "holder": 12,
    "gross_fen": 10600,
    "credited_fen": 0,
    "version": 2,
    "issued_here": True,
    "strength": "issued_here",
}
_EVENT: dict[str, Json] = {
    "cursor": "1a500000",
    "at": _TIME,
    "block": 421,
    "digest": "5b" * 32,
    "operation": "lock",
    "text": "lock",
    "text_zh": "报销锁定",
    "outcome": "applied",
    "roles": ["signer", "holder", "claimant"],
    "actor": 12,
    "subject": 12,
    "party": 7,
    "number": "94403260911000000001",
    "month": None,
    "claim_id": "7f" * 16,
    "state": _STATE,
    "blue": None,
    "blue_state": None,
    "exception_kinds": [],
    "exception_text": "",
    "exception_text_zh": "",
    "refusal": None,
}
_WEBHOOK: dict[str, Json] = {
    "webhook_id": _WEBHOOK_ID,
    "url": "https://erp.example.com/einvoice",
    "state": "active",
    "waiting_count": 0,
    "created_at": _TIME,
    "updated_at": _TIME,
    "secret": "",
}
_TOLD: dict[str, Json] = {**_WEBHOOK, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDd1xF3Q0N3tA="}
_DELIVERY: dict[str, Json] = {
    "delivery_id": "1f",
    "cursor": "1a500000",
    "state": "dead",
    "attempts": 9,
    "next_try_at": None,
    "last_status": 500,
    "last_error": "answered 500",
    "created_at": _TIME,
    "finished_at": _TIME,
}


def event_examples(example: Callable[..., T]) -> dict[str, T]:
    """By operation id; `example` takes the answers by status, and the request."""
    return {
        "read_events": example({200: {"items": [_EVENT], "next_cursor": "1a500000", "more": False}}),
        "register_webhook": example({201: _TOLD}, {"url": "https://erp.example.com/einvoice"}),
        "list_webhooks": example({200: {"items": [_WEBHOOK]}}),
        "read_webhook": example({200: _WEBHOOK}),
        "set_webhook_state": example({201: {**_WEBHOOK, "state": "paused"}}, {"state": "paused"}),
        "rotate_webhook": example({201: _TOLD}, {}),
        "list_deliveries": example({200: {"items": [_DELIVERY], "next_cursor": None}}),
        "redeliver": example({201: {**_WEBHOOK, "waiting_count": 1}}, {"delivery_id": "1f"}),
    }
