"""Example of the audit log; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")


def audit_log_examples(read: Callable[..., T]) -> dict[str, T]:
    """Examples by operation id; `read` takes the answer."""
    looked: Json = {
        "seq": 97,
        "noted_at": "2026-11-05T02:30:00Z",
        "kind": "officer_query",
        "actor": 2,
        "about": "94403260911000000001",
        "detail": {"route": "read_invoice", "credential": "a1" * 8},
        "entry_hash": "5b" * 32,
    }
    return {"read_audit_log": read({"items": [looked], "next_cursor": None})}
