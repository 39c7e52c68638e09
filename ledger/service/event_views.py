"""What the feed of events tells, frozen, and as the plain JSON that the API and webhooks send alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.service.views import Refusal
from verifier.canonical import Json
from verifier.operations import Code

OPERATION_TEXTS_ZH: dict[Code, str] = {
    Code.ENROL: "登记",
    Code.SUSPEND: "暂停",
    Code.REINSTATE: "恢复",
    Code.ALLOT_SEGMENT: "分配号段",
    Code.SET_QUOTA: "核定额度",
    Code.LIFT_BLOCK: "解除未申报限制",
    Code.SET_RISK_FLAG: "列为异常凭证",
    Code.CLEAR_RISK_FLAG: "解除异常",
    Code.FORCE_UNLOCK: "强制解锁",
    Code.VOID_SLIP: "作废红字确认单",
    Code.APPOINT_OFFICER: "任命税务人员",
    Code.DISMISS_OFFICER: "免去税务人员",
    Code.RECOVER_KEY: "找回密钥",
    Code.RETIRE: "停用合约",
    Code.OPEN_MONTH: "开放月份",
    Code.ROTATE_KEY: "更换密钥",
    Code.GRANT: "授权",
    Code.REVOKE: "撤销授权",
    Code.ISSUE: "开具",
    Code.OPEN_SLIP: "发起红字确认单",
    Code.CONFIRM_SLIP: "确认红字确认单",
    Code.REFUSE_SLIP: "拒绝红字确认单",
    Code.WITHDRAW_SLIP: "撤销红字确认单",
    Code.ISSUE_RED: "开具红字发票",
    Code.TRANSFER: "转交",
    Code.REGISTER_OUTSIDE: "登记外部发票并锁定",
    Code.LOCK: "报销锁定",
    Code.UNLOCK: "解除报销锁定",
    Code.SETTLE: "报销结清",
    Code.BOOK: "入账",
    Code.WITHDRAW_BOOKING: "撤回入账",
    Code.SELECT: "勾选抵扣",
    Code.UNSELECT: "取消勾选",
    Code.CONFIRM_MONTH: "确认抵扣",
    Code.FILE: "申报",
    Code.REFILE: "更正申报",
    Code.ANCHOR: "锚定审计日志",
    Code.ACKNOWLEDGE_EXCEPTION: "确认异常事项",
    Code.REVOKE_CERTIFICATE: "吊销证书",
}


@dataclass(frozen=True)
class EventState:
    """An invoice right after an operation."""

    colour: str
    claim_state: str
    entry: str
    risk: bool
    holder: int
    gross_fen: int
    credited_fen: int
    version: int
    issued_here: bool = True  # False: registered from elsewhere, its issue was not seen here
    strength: str = "issued_here"  # else signed_original, original, qr, typed: what its registration proves


@dataclass(frozen=True)
class EventView:
    """One operation as its reader may know it.

    `cursor` says where to go on after it. `number`: the invoice, of a red letter the red one, whose blue is `blue`
    with `blue_state`. `party`: the other party it names. `state` is told while the reader takes part still.
    `exception_kinds` are told to the company concerned and to officers.
    """

    cursor: str
    at: datetime
    block: int
    digest: str
    operation: str
    text: str
    text_zh: str
    outcome: str  # applied, refused
    roles: tuple[str, ...]
    actor: int
    subject: int
    party: int | None
    number: str | None
    month: str | None
    claim_id: str | None
    state: EventState | None
    blue: str | None
    blue_state: EventState | None
    exception_kinds: tuple[str, ...]
    exception_text: str
    exception_text_zh: str
    refusal: Refusal | None


@dataclass(frozen=True)
class EventPage:
    """Events in chain order. `next_cursor` is where to go on, also when there was none; `more` wait already."""

    items: tuple[EventView, ...]
    next_cursor: str
    more: bool


def event_json(event: EventView) -> dict[str, Json]:
    """One event as plain values; the bytes of a webhook's body are the canonical form of what this returns."""
    return {
        "cursor": event.cursor,
        "at": event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "block": event.block,
        "digest": event.digest,
        "operation": event.operation,
        "text": event.text,
        "text_zh": event.text_zh,
        "outcome": event.outcome,
        "roles": list(event.roles),
        "actor": event.actor,
        "subject": event.subject,
        "party": event.party,
        "number": event.number,
        "month": event.month,
        "claim_id": event.claim_id,
        "state": _state_json(event.state),
        "blue": event.blue,
        "blue_state": _state_json(event.blue_state),
        "exception_kinds": list(event.exception_kinds),
        "exception_text": event.exception_text,
        "exception_text_zh": event.exception_text_zh,
        "refusal": _refusal_json(event.refusal),
    }


def _state_json(state: EventState | None) -> Json:
    if state is None:
        return None
    return {
        "colour": state.colour,
        "claim_state": state.claim_state,
        "entry": state.entry,
        "risk": state.risk,
        "holder": state.holder,
        "gross_fen": state.gross_fen,
        "credited_fen": state.credited_fen,
        "version": state.version,
        "issued_here": state.issued_here,
        "strength": state.strength,
    }


def _refusal_json(refusal: Refusal | None) -> Json:
    """Without the claim that holds an invoice: who wants that asks for the operation."""
    if refusal is None:
        return None
    return {
        "reason": refusal.reason,
        "code": refusal.code,
        "number": refusal.number,
        "message": refusal.message,
        "message_zh": refusal.message_zh,
        "action": refusal.action,
        "action_zh": refusal.action_zh,
    }
