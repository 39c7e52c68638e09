"""Examples of enrolment by request; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ledger.domain.groups import ChainDomain
from ledger.domain.key_proof import KeyProof, Purpose
from verifier.canonical import Json

T = TypeVar("T")
_ID = "7f" * 16
_TIME = "2026-11-05T02:30:00Z"
_ADDRESS = "0x" + "5f" * 20
_OWN: dict[str, Json] = {"address": _ADDRESS, "time": 1793845800, "signature": "0x" + "1c" * 65}
_PROOF = KeyProof(Purpose.ENROL, "enterprise:91440300MA5F0000X1", "深圳市示例科技有限公司", b"\x5f" * 20, 1793845800)
_REQUEST: dict[str, Json] = {
    "request_id": _ID,
    "kind": "enterprise",
    "name": "深圳市示例科技有限公司",
    "tax_id": "91440300MA5F0000X1",
    "address": _ADDRESS,
    "state": "waiting",
    "created_at": _TIME,
    "decided_by": None,
    "decided_at": None,
    "reason": None,
    "party": None,
    "employer": None,
}


def enrolment_examples(
    read: Callable[[dict[str, Json]], T], made: Callable[[Json, Json], T], write: Callable[[Json], T]
) -> dict[str, T]:
    """Examples by operation id; `made` makes one of an answer and a request."""
    status: dict[str, Json] = {
        "request_id": _ID,
        "state": "enrolled",
        "created_at": _TIME,
        "decided_at": _TIME,
        "reason": None,
        "party": 7,
        "certificate": "MIIBpTCCAUqgAwIBAgIU",
    }
    asked: Json = {"request_id": _ID, "token": "d4" * 32, "created_at": _TIME}
    request: Json = {
        "kind": "enterprise", "name": "深圳市示例科技有限公司", "tax_id": "91440300MA5F0000X1", "own": _OWN,
    }  # fmt: skip
    return {
        "read_key_proof": read(_PROOF.typed_data(ChainDomain(1_316_190_437, b"\x5f" * 20))),
        "ask_enrolment": made(asked, request),
        "read_enrolment_status": read(status),
        "list_enrolment_requests": read({"items": [_REQUEST], "next_cursor": None}),
        "read_enrolment_request": read(_REQUEST),
        "approve_enrolment": write({"quota_fen": 2_000_000_000}),
        "refuse_enrolments": made({"request_ids": [_ID]}, {"request_ids": [_ID], "reason": "执照未核实"}),
        "refuse_enrolment": made({**_REQUEST, "state": "refused", "reason": "执照未核实"}, {"reason": "执照未核实"}),
    }
