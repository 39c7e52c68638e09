"""Examples of claim policies, decisions and own ids; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_NUMBER = "94403260911000000001"
_POLICY: dict[str, Json] = {
    "enterprise": 7,
    "approval_required": True,
    "from_fen": 100_000,
    "approvers": [{"party": 15, "name": "钱经理"}],
    "updated_at": "2026-11-05T02:30:00Z",
}
_TARGET: dict[str, Json] = {
    "external_id": "SO-2026-0311",
    "party": 5,
    "kind": "invoice",
    "number": _NUMBER,
    "numbers": [_NUMBER],
    "claim_id": None,
    "digest": "5b" * 32,
    "status": "recorded",
    "created_at": "2026-11-05T02:30:00Z",
}


def approval_examples(read: Callable[..., T], made: Callable[[Json, Json], T], claim: dict[str, Json]) -> dict[str, T]:
    """Examples by operation id; `read` takes the answer, `made` answer and request, `claim` is one as it is read."""
    request: dict[str, Json] = {"approval_required": True, "from_fen": 100_000, "approvers": [15]}
    decision: dict[str, Json] = {"decision": "approved", "note": "同意"}
    return {
        "read_claim_policy": read(_POLICY),
        "set_claim_policy": made(_POLICY, request),
        "decide_claim": made(claim, decision),
        "read_external_id": read({"items": [_TARGET]}),
    }
