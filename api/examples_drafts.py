"""Examples of drafts to be signed; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ledger.domain.groups import ChainDomain, Group
from ledger.domain.operation_texts import group_texts
from ledger.domain.typed_data import group_typed_data
from verifier.canonical import Json
from verifier.operations import Code, Operation

T = TypeVar("T")
_NUMBER = "94403260911000000001"
_GROUP = Group(
    5,
    1_793_851_800,
    (
        Operation(
            code=Code.ISSUE,
            subject=5,
            number=int(_NUMBER),
            month=322,
            option=4,
            terms=10_600 | 600 << 48,
            who=b"\xa1" * 32,
            ref=b"\xc3" * 32,
        ),
    ),
)
_DOMAIN = ChainDomain(1_316_190_437, b"\x5f" * 20)
_SUMMARY: dict[str, Json] = {
    "digest": _GROUP.digest(_DOMAIN).hex(),
    "created_at": "2026-11-05T02:30:00Z",
    "sign_by": "2026-11-05T03:30:00Z",
    "says": list(group_texts(_GROUP)),
    "numbers": [_NUMBER],
}


def draft_examples(read: Callable[[dict[str, Json]], T], write: Callable[[Json], T]) -> dict[str, T]:
    """Examples by operation id; `read` makes one of an answer, `write` one of a request."""
    return {
        "list_drafts": read({"items": [_SUMMARY]}),
        "read_draft": read({**_SUMMARY, "typed_data": group_typed_data(_GROUP, _DOMAIN)}),
        "sign_draft": write({"signature": "0x" + "1c" * 65}),
    }
