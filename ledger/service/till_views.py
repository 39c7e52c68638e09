"""Tills, what can be collected there, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.service.views import Refusal, Written


@dataclass(frozen=True)
class TillItem:
    """Goods a till names by their place in its list, counted from 1."""

    name: str
    rate_bp: int


@dataclass(frozen=True)
class TillView:
    """A till. `public_key` is 64 hex digits."""

    till_id: str
    seller: int
    clerk: int
    name: str
    public_key: str
    items: tuple[TillItem, ...]
    state: str  # open, closed
    created_at: datetime


@dataclass(frozen=True)
class OrderLineView:
    """One line of an order, tax included."""

    name: str
    rate_bp: int
    gross_fen: int


@dataclass(frozen=True)
class OrderView:
    """What a signed order offers to whoever scanned it. Whose title it went to is not told."""

    seller_name: str
    seller_tax_id: str
    order_id: str
    gross_fen: int
    lines: tuple[OrderLineView, ...]
    expires_at: datetime
    expired: bool
    collected: bool


@dataclass(frozen=True)
class Title:
    """Whom an invoice is made out to; `tax_id` "" for a person."""

    name: str
    tax_id: str = ""


@dataclass(frozen=True)
class Collected:
    """The invoice of an order. `held`: it is kept for pickup by number and commitment."""

    written: Written
    number: str
    commitment: str
    gross_fen: int
    held: bool
    replayed: bool


@dataclass(frozen=True)
class UploadRow:
    """What became of one invoice issued off line. `status`: as of a write, or invalid with its problems."""

    index: int
    number: str
    status: str
    commitment: str | None
    duplicate: bool
    problems: tuple[tuple[str, str, str, str], ...] = ()
    refusal: Refusal | None = None
