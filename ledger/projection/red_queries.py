"""Questions a red letter asks: who must agree, who may answer, what stands behind an operation, which reds there are.

Every function takes a connection and gives plain values; times are seconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, false, or_, select

from ledger.projection import parties
from ledger.projection.columns import number_text
from ledger.projection.derived import OPERATION_RECORD
from ledger.projection.derived_rules import EXCEPTION, RED, SLIP
from ledger.projection.invoice_filter import VISIBLE_PARTIES_MAX
from ledger.projection.invoices import REDS_MAX, InvoiceRecord
from ledger.projection.pages import Page, page_size, parse_cursor
from ledger.projection.slips import SlipRecord, page_of_slips
from verifier.operations import Code
from verifier.words import LOCK_LIFETIME_S, SLIP_LIFETIME_S, Claim, Entry, SlipState

BLUES_MAX = 1_000  # blue invoices in one question: a page of them
_WAITING = (SlipState.SELLER_OPENED.value, SlipState.BUYER_OPENED.value)
