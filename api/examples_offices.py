"""Examples of offices; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_OFFICE: dict[str, Json] = {
    "office": 3,
    "kind": "administrator",
    "party": 15,
    "name": "钱经理",
    "principal": 7,
    "principal_name": "示例公司",
    "appointed_at": "2026-11-05T02:30:00Z",
    "ended_at": None,
    "ended_by": None,
}
_AUDITOR: dict[str, Json] = {
    **_OFFICE, "kind": "auditor", "party": 21, "name": "孙审计", "principal": 1, "principal_name": "深圳市税务局",
}  # fmt: skip


def office_examples(read: Callable[..., T], made: Callable[[Json, Json], T]) -> dict[str, T]:
    """Examples by operation id; `read` takes the answer, `made` answer and request."""
    use: Json = {"digest": "5b" * 32, "used_at": "2026-11-05T02:30:00Z"}
    return {
        "appoint_to_office": made(_AUDITOR, {"kind": "auditor", "party": 21}),
        "list_offices": read({"items": [_OFFICE], "next_cursor": None}),
        "end_office": made({**_OFFICE, "ended_at": "2026-11-06T02:30:00Z", "ended_by": 7}, {}),
        "list_office_uses": read({"items": [use], "next_cursor": None}),
    }
