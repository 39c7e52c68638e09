"""One worked example for every operation of the API, as OpenAPI shows it. A test holds each against its schema."""

from __future__ import annotations

from dataclasses import dataclass

from api.examples_api_keys import api_key_examples
from api.examples_approvals import approval_examples
from api.examples_audit_log import audit_log_examples
from api.examples_bulk import bulk_examples
from api.examples_checkpoints import checkpoint_examples
from api.examples_drafts import draft_examples
from api.examples_enrolment import enrolment_examples
from api.examples_events import event_examples
from api.examples_months import month_examples
from api.examples_offices import office_examples
from api.examples_outside import outside_examples
from api.examples_proposals import proposal_examples
from api.examples_reds import red_examples
from api.examples_registers import register_examples
from api.examples_sign_in import sign_in_examples
from api.examples_tills import till_examples
from verifier.canonical import Json

_NUMBER = "94403260911000000001"
_OTHER_NUMBER = "94403260911000000002"
_DIGEST = "5b" * 32
_COMMITMENT = "c3" * 32
_CLAIM_ID = "7f" * 16
_TIME = "2026-11-05T02:30:00Z"
_BY = "2026-11-05T03:30:00Z"

_DOCUMENT: dict[str, Json] = {
    "kind": "ordinary",
    "buyer": {"name": "深圳市示例科技有限公司", "tax_id": "91440300MA5F0000X1"},
    "lines": [
        {"name": "*餐饮服务*餐费", "quantity": "1", "price": "100", "net_fen": 10000, "rate_bp": 600, "tax_fen": 600}
    ],
    "net_fen": 10000,
    "tax_fen": 600,
    "gross_fen": 10600,
}
_RECEIPT: dict[str, Json] = {"digest": _DIGEST, "accepted_at": _TIME, "by": _BY, "signature": "1c" * 65}
_HOLD: dict[str, Json] = {
    "claim_id": _CLAIM_ID,
    "since": _TIME,
    "claimant": 12,
    "claimant_name": "李明",
    "employer": 7,
    "employer_name": "深圳市示例科技有限公司",
    "reference": "BX-2026-0311",
}
_REFUSAL: dict[str, Json] = {
    "reason": "locked",
    "code": 18,
    "number": _NUMBER,
    "message": "The invoice is in a claim already and cannot be claimed again or handed on.",
    "message_zh": "发票已在报销中，不能重复报销或转交。",
    "action": "See in its history which claim holds it, whose and since when.",
    "action_zh": "请在历史记录中查看由谁、何时、在哪张报销单中锁定。",
    "hold": _HOLD,
}
_RECORDED: dict[str, Json] = {
    "status": "recorded",
    "digest": _DIGEST,
    "receipt": _RECEIPT,
    "numbers": [_NUMBER],
    "claim_id": None,
    "party": None,
    "block": 421,
    "recorded_at": _TIME,
    "refusal": None,
}
_ACCEPTED: dict[str, Json] = {**_RECORDED, "status": "accepted", "block": None, "recorded_at": None}
_INVOICE: dict[str, Json] = {
    "number": _NUMBER,
    "kind": "ordinary",
    "colour": "normal",
    "claim_state": "locked",
    "entry": "not_booked",
    "seller": 5,
    "buyer": 7,
    "holder": 12,
    "seller_name": "深圳市南山区示例餐厅",
    "buyer_name": "深圳市示例科技有限公司",
    "holder_name": "李明",
    "gross_fen": 10600,
    "tax_fen": 600,
    "month": "2026-11",
    "issued_at": _TIME,
    "changed_at": _TIME,
    "issued_block": 421,
    "version": 2,
    "commitment": _COMMITMENT,
    "hold": _HOLD,
    "document": {**_DOCUMENT, "number": _NUMBER, "issued_on": "2026-11-05"},
    "credited_fen": 0,
    "left_fen": 10600,
    "reds": [],
    "blue": None,
    "red_reason": None,
    "risk": False,
    "risk_reason": None,
    "use": "none",
    "issued_here": True,
    "erased": False,
    "strength": "issued_here",
    "issued_on": "2026-11-05",
}
_HISTORY: dict[str, Json] = {
    "operation": "issue",
    "outcome": "applied",
    "reason": None,
    "at": _TIME,
    "block": 421,
    "actor": 5,
    "actor_name": "深圳市南山区示例餐厅",
    "subject": 5,
    "subject_name": "深圳市南山区示例餐厅",
    "party": 12,
    "party_name": "李明",
    "digest": _DIGEST,
    "version": 1,
    "claim_state": "free",
    "holder": 12,
    "red": None,
    "blue": None,
    "gross_fen": None,
    "red_reason": None,
    "note": None,
    "proposer": None,
    "proposer_name": "",
}
_CLAIM: dict[str, Json] = {
    "claim_id": _CLAIM_ID,
    "reference": "BX-2026-0311",
    "claimant": 12,
    "claimant_name": "李明",
    "employer": 7,
    "employer_name": "深圳市示例科技有限公司",
    "opened_at": _TIME,
    "locked_count": 1,
    "settled_count": 0,
    "released_count": 0,
    "locked_fen": 10600,
    "settled_fen": 0,
    "lines": [
        {
            "number": _NUMBER,
            "state": "locked",
            "gross_fen": 10600,
            "ended": None,
            "ended_at": None,
            "reason": None,
            "payment_reference": None,
            "decision": None,
            "issued_here": True,
            "strength": "issued_here",
        }
    ],
    "approval": {"state": "waiting", "required": True, "decisions": []},
}
_PARTY: dict[str, Json] = {
    "party": 7,
    "kind": "enterprise",
    "name": "深圳市示例科技有限公司",
    "tax_id": "91440300MA5F0000X1",
    "enrolled": True,
    "suspended": False,
    "quota_fen": 1000000000,
    "filed_through": "2026-10",
    "version": 3,
    "identity_hash": "a1" * 32,
    "certificate_hash": "b2" * 32,
    "grants": [{"person": 12, "grants": ["claim"]}],
    "segments": [{"first": "94403260911000000000", "last": "94403260911000009999"}],
    "district": "440300",
}
_OFFICER: dict[str, Json] = {
    **_PARTY,
    "party": 9,
    "kind": "officer",
    "name": "陈税官",
    "tax_id": None,
    "quota_fen": 0,
    "filed_through": None,
    "grants": [],
    "segments": [],
    "district": "4403",
}
_CERTIFICATE: dict[str, Json] = {
    "certificate_hash": "b2" * 32,
    "state": "former",
    "made_at": "2026-10-05T02:30:00Z",
    "ends_at": "2031-10-04T02:30:00Z",
    "revoked_at": "2026-11-05T02:30:00Z",
    "revoked_by": 2,
    "reason": "key_compromise",
}
_MONTH: dict[str, Json] = {
    "party": 5,
    "month": "2026-11",
    "blue_gross_fen": 10600,
    "blue_tax_fen": 600,
    "red_gross_fen": 0,
    "red_tax_fen": 0,
    "quota_fen": 1000000000,
    "quota_used_fen": 10600,
    "count": 1,
    "open_for_issue": True,
    "filed_at": None,
    "report_hash": None,
    "quota_left_fen": 999989400,
    "quota_returned_fen": 0,
    "lifted": False,
}
_PUBLIC: dict[str, Json] = {
    "number": _NUMBER,
    "kind": "ordinary",
    "colour": "normal",
    "claim_state": "free",
    "seller_name": "深圳市南山区示例餐厅",
    "seller_tax_id": "91440300MA5E0000AB",
    "buyer_name": "深圳市示例科技有限公司",
    "net_fen": 10000,
    "tax_fen": 600,
    "gross_fen": 10600,
    "issued_on": "2026-11-05",
    "commitment": _COMMITMENT,
    "block": 421,
    "timeline": [{"at": _TIME, "operation": "issue"}],
}
_LIST_ROWS: list[Json] = [
    {
        "index": 0,
        "status": "recorded",
        "number": _NUMBER,
        "commitment": _COMMITMENT,
        "errors": [],
        "refusal": None,
    },
    {
        "index": 1,
        "status": "invalid",
        "number": None,
        "commitment": None,
        "errors": [
            {
                "path": "documents.1.gross_fen",
                "code": "total_gross",
                "message": "is 10700, net + tax is 10600; correct one",
                "message_zh": "为 10700，金额加税额为 10600，请更正",
            }
        ],
        "refusal": None,
    },
]


@dataclass(frozen=True)
class Example:
    """A request body, if the operation has one, and its answers by status."""

    answers: dict[int, Json]
    request: Json = None


def _read(value: Json, request: Json = None) -> Example:
    return Example({200: value}, request)


def _write(request: Json, **changes: Json) -> Example:
    return Example({201: {**_RECORDED, **changes}, 202: {**_ACCEPTED, **changes}}, request)


_COUNTS: dict[str, Json] = {"issued_count": 1, "invalid_count": 1}
_API_KEY = f"einv_{'0a' * 8}_{'0b' * 32}"

_ERASE: Json = {"reason": "request 2026-17 of the buyer"}
_ERASED: dict[str, Json] = {
    "kind": "invoice",
    "target": _NUMBER,
    "by": 1,
    "reason": "request 2026-17 of the buyer",
    "at": "2026-11-21T08:00:00Z",
    "attested": True,
}
EXAMPLES: dict[str, Example] = {
    "issue_invoice": _write({"document": _DOCUMENT, "subject": 5, "first_holder": 12}),
    "issue_list": _write(
        {"documents": [_DOCUMENT, {**_DOCUMENT, "gross_fen": 10700}], "subject": 5}, **_COUNTS, rows=_LIST_ROWS
    ),
    "search_invoices": _read({"items": [_INVOICE], "next_cursor": None}),
    "read_invoice": _read(_INVOICE),
    "read_history": _read({"number": _NUMBER, "items": [_HISTORY]}),
    "read_evidence": _read({"format": "einvoice evidence 1"}),
    "read_statement": _read({"format": "einvoice-statement", "version": 1, "says": "not_issued", "number": _NUMBER}),
    "transfer_invoice": _write({"to": 12}),
    "book_invoice": _write({"deductible": True, "subject": 7}),
    "withdraw_booking": _write({"reason": "booked to the wrong account", "subject": 7}),
    "reserve_numbers": Example(
        {201: {"numbers": [_NUMBER, _OTHER_NUMBER], "expires_at": _BY}}, {"count": 2, "subject": 5}
    ),
    "open_claim": _write(
        {"numbers": [_NUMBER], "employer": 7, "reference": "BX-2026-0311"}, claim_id=_CLAIM_ID, disputed=[]
    ),
    "list_claims": _read({"items": [_CLAIM], "next_cursor": "1f3"}),
    "read_claim": _read(_CLAIM),
    "withdraw_claim": _write({"numbers": [_NUMBER]}, claim_id=_CLAIM_ID),
    "approve_claim": _write({"payment_reference": "FK-2026-1102"}, claim_id=_CLAIM_ID),
    "reject_claim": _write({"reason": "not a business meal", "numbers": [_NUMBER]}, claim_id=_CLAIM_ID),
    "read_month": _read(_MONTH),
    "open_month": _write({}, numbers=[]),
    "list_parties": _read({"items": [_PARTY], "next_cursor": None}),
    "enrol_party": _write(
        {
            "kind": "enterprise",
            "name": "深圳市示例科技有限公司",
            "tax_id": "91440300MA5F0000X1",
            "quota_fen": 1000000000,
            "first_month": "2026-11",
        },
        numbers=[],
        party=7,
        api_key=_API_KEY,
    ),
    "read_party": _read(_PARTY),
    "set_quota": _write({"quota_fen": 2000000000}, numbers=[]),
    "allot_segment": _write({"blocks": 1, "area": "4403"}, numbers=[]),
    "reinstate_party": _write({"reason": "found at its address"}, numbers=[]),
    "list_certificates": _read({"items": [_CERTIFICATE]}),
    "erase_invoice": Example({201: _ERASED}, _ERASE),
    "erase_person": Example({201: {**_ERASED, "kind": "person", "target": "12", "attested": False}}, _ERASE),
    "list_erasures": _read({"items": [_ERASED]}),
    "read_record": _read(
        {
            "format": "einvoice-person-1",
            "party": 12,
            "made_at": "2026-11-21T08:00:00Z",
            "tables": {"party_name": [{"identity": _DIGEST, "sealed": "张三"}]},
            "left_out": {"signing_key": ["sealed_key"]},
            "more_rows_in": [],
        }
    ),
    "revoke_certificate": _write({"reason": "key_compromise", "certificate_hash": "b2" * 32}, numbers=[]),
    "recover_key": _write({}, numbers=[]),
    "rotate_key": _write({}, numbers=[]),
    "renew_certificate": _write({}, numbers=[]),
    "set_district": Example({201: _OFFICER}, {"district": "4403"}),
    "appoint_officer": _write({"name": "陈税官", "district": "4403"}, numbers=[], party=9, api_key=_API_KEY),
    "dismiss_officer": _write({"reason": "moved to another bureau"}, numbers=[]),
    "grant": _write({"person": 12, "grants": ["claim"]}, numbers=[]),
    "revoke": _write({"person": 12, "grants": ["claim"]}, numbers=[]),
    "read_operation": _read(_RECORDED),
    "read_trust": _read({"format": "einvoice trust 1"}),
    "verify_invoice": _read(
        {
            "matches": True,
            "message": "An invoice matches all three.",
            "message_zh": "有一张发票三项均相符。",
            "invoice": _PUBLIC,
        },
        {"number": _NUMBER, "gross_fen": 10600, "commitment": _COMMITMENT},
    ),
    **api_key_examples(Example),
    **approval_examples(_read, lambda value, request: Example({201: value}, request), _CLAIM),
    **proposal_examples(_read, lambda value, request: Example({201: value}, request), _write),
    **red_examples(_read, _write),
    **draft_examples(_read, _write),
    **enrolment_examples(_read, lambda value, request: Example({201: value}, request), _write),
    **audit_log_examples(_read),
    **office_examples(_read, lambda value, request: Example({201: value}, request)),
    **month_examples(_read, _write, lambda value, request: Example({201: value}, request)),
    **bulk_examples(Example),
    **register_examples(Example),
    **sign_in_examples(Example, _write),
    **event_examples(Example),
    **checkpoint_examples(Example),
    **till_examples(Example, _write),
    **outside_examples(_read, _write),
    "read_health": _read({"status": "ok", "chain_block": 421, "projected_block": 421, "waiting_groups": 0}),
}
"""By operation id, the endpoint's name."""


def _problem(name: str, status: int, title: str, detail: str, detail_zh: str, **members: Json) -> Json:
    return {
        "type": f"/problems/{name}",
        "title": title,
        "status": status,
        "detail": detail,
        "detail_zh": detail_zh,
        "instance": "urn:uuid:0b6f4f0e-6c1e-4b7e-9d57-1d0c2f4a9e11",
        **members,
    }


_FIELD_ERROR: dict[str, Json] = {
    "path": "document.lines.0.net_fen",
    "code": "float_refused",
    "message": "a number with a fraction is not accepted",
    "message_zh": "不接受带小数的数值",
}

PROBLEM_EXAMPLES: dict[int, Json] = {
    400: _problem(
        "invalid-json",
        400,
        "The body is not acceptable JSON",
        "a key occurs twice in one object",
        "同一对象中有重复的键",
    ),
    401: _problem(
        "not-authenticated", 401, "A valid API key is needed", "send a valid API key", "请发送有效的 API 密钥"
    ),
    403: _problem("not-permitted", 403, "Not permitted", "only an officer may do this", "仅税务人员可操作"),
    404: _problem("not-found", 404, "Not found", "no such invoice that you may see", "没有您可查看的发票"),
    409: _problem(
        "refused/locked",
        409,
        "The invoice is in a claim already and cannot be claimed again or handed on.",
        "The invoice is in a claim already.",
        "发票已在报销中。",
        **{key: value for key, value in _REFUSAL.items() if not key.startswith("message")},
        digest=_DIGEST,
        receipt=_RECEIPT,
        lines=[{"number": _NUMBER, "refusal": _REFUSAL}, {"number": _OTHER_NUMBER, "refusal": None}],
        remaining={"numbers": [_OTHER_NUMBER], "employer": 7, "reference": "BX-2026-0311"},
    ),
    410: _problem(
        "erased", 410, "The invoice's document was erased", "the document of the invoice was erased", "票面信息已删除"
    ),
    413: _problem(
        "body-too-large",
        413,
        "The body is too large",
        "a request body has at most 2097152 bytes",
        "请求体最多 2097152 字节",
    ),
    415: _problem(
        "unsupported-media-type",
        415,
        "The body has another media type",
        "send application/json",
        "请发送 application/json",
    ),
    422: _problem(
        "invalid-request",
        422,
        "Some fields are wrong",
        "document.lines.0.net_fen: a number with a fraction is not accepted",
        "document.lines.0.net_fen：不接受带小数的数值",
        errors=[_FIELD_ERROR],
    ),
    429: _problem(
        "queue-full", 429, "Too many of your operations wait", "2000 of your operations wait", "已有 2000 个操作等待"
    ),
    500: _problem(
        "internal", 500, "The server failed", "The server failed; its log has this instance.", "服务器出错。"
    ),
    503: _problem("busy", 503, "The server is busy", "nothing was stored; send it again", "未保存任何内容，请重发"),
}
"""One example for each status that routes declare."""
