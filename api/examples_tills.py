"""Examples of tills and collecting; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_NUMBER = "94403260911000000001"
_COMMITMENT = "c3" * 32
_TITLE: dict[str, Json] = {"name": "深圳市示例科技有限公司", "tax_id": "91440300MA5F0000X1"}
_ITEMS: list[Json] = [{"name": "*餐饮服务*餐费", "rate_bp": 600}]
_TILL: dict[str, Json] = {
    "till_id": "0f" * 8,
    "seller": 5,
    "clerk": 12,
    "name": "一号收银台",
    "public_key": "ab" * 32,
    "items": _ITEMS,
    "state": "open",
    "created_at": "2026-11-05T02:30:00Z",
}
_DOCUMENT: dict[str, Json] = {
    "kind": "ordinary",
    "buyer": _TITLE,
    "lines": [{"name": "*餐饮服务*餐费", "net_fen": 10000, "rate_bp": 600, "tax_fen": 600}],
    "net_fen": 10000,
    "tax_fen": 600,
    "gross_fen": 10600,
}
_UPLOADED: dict[str, Json] = {
    "index": 0,
    "number": _NUMBER,
    "status": "recorded",
    "commitment": _COMMITMENT,
    "duplicate": False,
    "problems": [],
    "refusal": None,
}
_PAYMENT: dict[str, Json] = {
    "order_id": "P20261105-0001",
    "gross_fen": 10600,
    "lines": [{"name": "*停车服务*停车费", "rate_bp": 600, "gross_fen": 10600}],
    "subject": 5,
}


def till_examples(example: Callable[..., T], write: Callable[..., T]) -> dict[str, T]:
    """By operation id; `example` takes answers by status and the request, `write` the request and what changes."""
    return {
        "register_till": example(
            {201: _TILL}, {"name": "一号收银台", "public_key": "ab" * 32, "clerk": 12, "items": _ITEMS, "subject": 5}
        ),
        "list_tills": example({200: {"items": [_TILL]}}),
        "read_till": example({200: _TILL}),
        "close_till": example({201: {**_TILL, "state": "closed"}}, {}),
        "upload_offline": example(
            {201: {"items": [_UPLOADED]}},
            {"invoices": [{"number": _NUMBER, "issued_at": "2026-11-05T10:30:00+08:00", "document": _DOCUMENT}]},
        ),
        "collect": write(
            {"payment": _PAYMENT, "title": _TITLE},
            number=_NUMBER,
            commitment=_COMMITMENT,
            gross_fen=10600,
            held=True,
            replayed=False,
        ),
        "pick_up": write({"number": _NUMBER, "commitment": _COMMITMENT}),
        "list_titles": example({200: {"items": [_TITLE]}}),
    }
