"""Months: opening them, and an enterprise's totals."""

from __future__ import annotations

from ledger.domain.months import format_month, month_end, month_start
from ledger.domain.times import utc_time
from ledger.projection import parties
from ledger.service import instructions
from ledger.service.context import Context
from ledger.service.errors import NotFound
from ledger.service.forms import checked_month, salted
from ledger.service.people import is_overseen, need_party, subject_for
from ledger.service.views import Caller, MonthView, Written
from ledger.service.writing import Draft, request_hash, submit, written
from verifier.words import MONTH_GRACE_S, Grant, PartyKind

MONTH_FEN_MAX = 2**44 - 1  # a month's sums have 44 bits on chain


def open_month(context: Context, caller: Caller, month: str, *, idempotency_key: str) -> Written:
    """Opens a month for issuing, from its first to its last moment in China Standard Time."""
    index = checked_month(month)
    reference = salted(context, caller, "open month", month)
    operation = instructions.open_month(
        actor=caller.party,
        month=index,
        opens_at=int(month_start(index).timestamp()),
        closes_at=int(month_end(index).timestamp()),
        ref=reference.ref,
    )
    hashed = request_hash("open month", {"month": month})
    submitted = submit(context, caller, idempotency_key, hashed, lambda _: Draft((operation,), references=(reference,)))
    return written(context, caller, submitted)


def month_view(context: Context, caller: Caller, month: str, *, subject: int | None) -> MonthView:
    """An enterprise's month. Raises: NotFound for an enterprise the caller does not act for."""
    index = checked_month(month)
    party = subject_for(caller, subject, Grant.FINANCE)
    acts = caller.party == party or caller.grants.get(party, 0) & (Grant.FINANCE | Grant.ISSUE)
    if not acts and not is_overseen(context, caller, party):
        raise NotFound("enterprise", str(party))
    with context.reading() as connection:
        record = need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
        totals = parties.totals(connection, party, index)
        filing = next((filed for filed in parties.filings(connection, party) if filed.month == index), None)
        opened = next((opened for opened in parties.months(connection) if opened.month == index), None)
        lifted = any(lift.month == index for lift in parties.lifts(connection, party))
    now_s = context.now_s()
    open_now = opened is not None and opened.opens_at <= now_s < opened.closes_at + MONTH_GRACE_S
    return MonthView(
        party=party,
        month=format_month(index),
        blue_gross_fen=totals.blue_gross_fen,
        blue_tax_fen=totals.blue_tax_fen,
        red_gross_fen=totals.red_gross_fen,
        red_tax_fen=totals.red_tax_fen,
        quota_fen=record.quota_fen,
        quota_used_fen=totals.quota_used_fen,
        count=totals.count,
        open_for_issue=open_now and filing is None and index > record.filed_through,
        filed_at=utc_time(filing.filed_at) if filing is not None else None,
        report_hash=filing.report_hash.hex() if filing is not None else None,
        quota_left_fen=max(0, min(record.quota_fen - totals.quota_used_fen, MONTH_FEN_MAX - totals.blue_gross_fen)),
        quota_returned_fen=totals.blue_gross_fen - totals.quota_used_fen,
        lifted=lifted,
    )
