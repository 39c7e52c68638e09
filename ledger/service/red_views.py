"""What callers read of red letters and exceptions; amounts in fen and positive, times aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.service.views import Refusal
from verifier.canonical import Json


@dataclass(frozen=True)
class SlipView:
    """One red slip at the moment it was read. `slip_id` is the digest of the group that opened it.

    `seconds_left` counts down while it waits for `answerer` and is 0 otherwise. `document` is the draft of the red that
    was agreed on, None once erased or where the opener keeps it himself.
    """

    slip_id: str
    number: str  # the blue invoice
    state: str  # seller_opened, buyer_opened, confirmed, refused_by_buyer, ..., lapsed, used
    state_text: str
    state_text_zh: str
    reason: str  # issued_in_error, return, service_ended, allowance
    reason_text: str
    reason_text_zh: str
    seller: int
    seller_name: str
    opener: int
    opener_name: str
    other_side: int
    other_side_name: str
    answerer: int | None
    gross_fen: int
    tax_fen: int
    opened_at: datetime
    lapses_at: datetime
    seconds_left: int
    answered_at: datetime | None
    changed_at: datetime
    red: str | None
    document: dict[str, Json] | None


@dataclass(frozen=True)
class SlipPage:
    """One page of slips; `next_cursor` is None on the last."""

    items: tuple[SlipView, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class LineLeftView:
    """What is left to credit of one line of a blue invoice, its discount taken off; `line` counts from 1."""

    line: int
    name: str
    net_fen: int
    tax_fen: int
    quantity: str  # decimal text, "" where the line prints none


@dataclass(frozen=True)
class RedOf:
    """One red invoice of a blue one."""

    number: str
    reason: str
    gross_fen: int
    tax_fen: int
    issued_at: datetime


@dataclass(frozen=True)
class RedOutlook:
    """How a blue invoice can be reddened now, which signs nothing.

    `way`: `alone` the seller may, `agreement` a slip is needed that `other_side` confirms, `waiting` for the answer
    to a slip, `confirmed` the seller may issue what the slip says, `none` for what `refusal` says. `lines` is empty
    once the document was erased.
    """

    number: str
    way: str
    other_side: int | None
    other_side_name: str
    gross_fen: int
    credited_fen: int
    left_fen: int
    lines: tuple[LineLeftView, ...]
    reds: tuple[RedOf, ...]
    slip: SlipView | None
    refusal: Refusal | None


@dataclass(frozen=True)
class ExceptionView:
    """What happened to an invoice after it was settled, deducted or claimed, and who acknowledged it since."""

    exception_id: str
    number: str
    kinds: tuple[str, ...]  # reddened_after_settlement, reddened_after_deduction, flagged_after_use, ...
    text: str
    text_zh: str
    operation: str
    red: str | None  # the red that raised it
    party: int | None  # company told
    party_name: str
    claimant: int | None
    claimant_name: str
    claim_id: str | None
    gross_fen: int
    raised_at: datetime
    block: int
    digest: str
    answerable: bool  # the company told can still acknowledge
    officer_at: datetime | None
    party_at: datetime | None


@dataclass(frozen=True)
class ExceptionPage:
    """One page of exceptions; `next_cursor` is None on the last."""

    items: tuple[ExceptionView, ...]
    next_cursor: str | None
