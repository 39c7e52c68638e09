"""Red slips (红字信息确认单): why a blue invoice is credited, and what became of the two sides' agreement.

The numbers are those of the national platform and of the chain's slip word (docs/OPERATIONS.md). Two states are never
stored: 1, because an invoice that needs no confirmation has no slip, and 7, because nobody writes when time runs out.
"""

from __future__ import annotations

from enum import IntEnum

from ledger.domain.terms import Term
from verifier.words import SLIP_LIFETIME_S


class RedReason(IntEnum):
    """Why an invoice is credited. `ISSUED_IN_ERROR` credits the whole of it, the others may credit a part."""

    ISSUED_IN_ERROR = 1
    RETURN = 2
    SERVICE_ENDED = 3
    ALLOWANCE = 4

    @property
    def is_full_only(self) -> bool:
        """Whether the red must credit the whole blue invoice: what was issued in error is wrong as a whole."""
        return self is RedReason.ISSUED_IN_ERROR

    @property
    def text(self) -> Term:
        """The reason in both languages."""
        return RED_REASON_TEXTS[self]


class SlipState(IntEnum):
    """State of a red slip at a moment, as `slip_state` tells it."""

    NOT_NEEDED = 1
    SELLER_OPENED = 2
    BUYER_OPENED = 3
    CONFIRMED = 4
    REFUSED_BY_BUYER = 5
    REFUSED_BY_SELLER = 6
    LAPSED = 7
    WITHDRAWN = 8
    WITHDRAWN_AFTER_CONFIRMATION = 9
    VOID = 10
    USED = 11

    @property
    def is_waiting(self) -> bool:
        """Whether the other side has still to answer."""
        return self in (SlipState.SELLER_OPENED, SlipState.BUYER_OPENED)

    @property
    def is_standing(self) -> bool:
        """Whether it waits or is confirmed: no second slip beside it."""
        return self.is_waiting or self is SlipState.CONFIRMED

    @property
    def allows_red(self) -> bool:
        """Whether the seller may issue the red now."""
        return self in (SlipState.NOT_NEEDED, SlipState.CONFIRMED)

    @property
    def text(self) -> Term:
        """The state in both languages."""
        return SLIP_STATE_TEXTS[self]


RED_REASON_TEXTS = {
    RedReason.ISSUED_IN_ERROR: Term("issued in error", "开票有误"),
    RedReason.RETURN: Term("goods returned", "销货退回"),
    RedReason.SERVICE_ENDED: Term("service ended", "服务中止"),
    RedReason.ALLOWANCE: Term("sales allowance", "销售折让"),
}

SLIP_STATE_TEXTS = {
    SlipState.NOT_NEEDED: Term("no confirmation needed", "无需确认"),
    SlipState.SELLER_OPENED: Term("opened by the seller, waits for the buyer's side", "销方录入待购方确认"),
    SlipState.BUYER_OPENED: Term("opened by the buyer's side, waits for the seller", "购方录入待销方确认"),
    SlipState.CONFIRMED: Term("confirmed by both sides", "购销双方已确认"),
    SlipState.REFUSED_BY_BUYER: Term("refused by the buyer's side", "作废（销方录入购方否认）"),
    SlipState.REFUSED_BY_SELLER: Term("refused by the seller", "作废（购方录入销方否认）"),
    SlipState.LAPSED: Term("void: not confirmed within 72 hours", "作废（超过 72 小时未确认）"),
    SlipState.WITHDRAWN: Term("withdrawn by its opener", "作废（发起方已撤销）"),
    SlipState.WITHDRAWN_AFTER_CONFIRMATION: Term("withdrawn after confirmation", "作废（确认后撤销）"),
    SlipState.VOID: Term("void by an officer: abnormal voucher", "作废（异常凭证）"),
    SlipState.USED: Term("used: the red invoice is issued", "已开具红字发票"),
}


def slip_state(stored: int, opened_at_s: int, now_s: int) -> SlipState | None:
    """State of a slip at `now_s`; None when the chain has no slip (`stored` is 0).

    `stored` and `opened_at_s` are `state` and `time` of the slip word; times in seconds since 1970, UTC, of a block. A
    slip waits for less than 72 h: at exactly 72 h it has lapsed, as a lock has at its end.

    Raises: ValueError for a number that no slip word holds.
    """
    if stored == 0:
        return None
    state = SlipState(stored)
    if state in (SlipState.NOT_NEEDED, SlipState.LAPSED):
        raise ValueError(f"slip state {stored} is never stored")
    if state.is_waiting and now_s >= opened_at_s + SLIP_LIFETIME_S:
        return SlipState.LAPSED
    return state


def seconds_left(stored: int, opened_at_s: int, now_s: int) -> int:
    """Seconds until a waiting slip lapses, 0 when it does not wait."""
    state = slip_state(stored, opened_at_s, now_s)
    return opened_at_s + SLIP_LIFETIME_S - now_s if state is not None and state.is_waiting else 0
