"""Examples of officers' proposals; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_ID = "4e" * 16
_FLAG: dict[str, Json] = {
    "proposal_id": _ID,
    "kind": "set_risk_flag",
    "party": None,
    "party_name": "",
    "number": "94403260911000000001",
    "reason": "the seller has moved away",
    "proposer": 2,
    "proposer_name": "王税官",
    "proposed_at": "2026-11-05T02:30:00Z",
    "expires_at": "2026-11-08T02:30:00Z",
    "state": "open",
    "decided_by": None,
    "decided_by_name": "",
    "decided_at": None,
    "digest": None,
}
_SUSPENSION: dict[str, Json] = {
    **_FLAG,
    "kind": "suspend",
    "party": 5,
    "party_name": "深圳市南山区示例餐厅",
    "number": None,
    "reason": "returns overdue",
}
_REFUSED: dict[str, Json] = {
    **_SUSPENSION,
    "state": "refused",
    "decided_by": 3,
    "decided_by_name": "李税官",
    "decided_at": "2026-11-05T03:00:00Z",
}


def proposal_examples(read: Callable[..., T], made: Callable[[Json, Json], T], write: Callable[..., T]) -> dict[str, T]:
    """By operation id; `read` takes the answer, `made` answer and request, `write` the request of a signed write."""
    return {
        "propose_suspension": made(_SUSPENSION, {"reason": "returns overdue"}),
        "propose_risk_flag": made(_FLAG, {"reason": "the seller has moved away"}),
        "list_proposals": read({"items": [_FLAG, _REFUSED], "next_cursor": None}),
        "read_proposal": read(_FLAG),
        "confirm_proposal": write({}),
        "refuse_proposal": made(_REFUSED, {}),
    }
