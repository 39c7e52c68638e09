"""What callers read of red letters: slips, how an invoice can be reddened, what is left of it."""

from __future__ import annotations

from ledger.domain.credits import LineLeft
from ledger.domain.decimals import unscaled
from ledger.domain.numbers import format_number
from ledger.domain.slips import RedReason, SlipState, seconds_left
from ledger.domain.times import utc_time
from ledger.projection import Connection, invoice_sight, invoices, red_queries, slips
from ledger.projection.districts import District, Sight
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.slips import SlipRecord
from ledger.service.context import Context
from ledger.service.forms import checked_cursor, checked_number, checked_page_size
from ledger.service.people import acts_for, itself_and, names_of, seen_as, seen_invoice
from ledger.service.red_drafts import left_of, slip_draft
from ledger.service.red_views import LineLeftView, RedOf, RedOutlook, SlipPage, SlipView
from ledger.service.refusals import refusal_of
from ledger.service.views import Caller
from verifier.operations import Reason
from verifier.words import LOCK_LIFETIME_S, Claim, Colour, Entry, Grant, Kind

ALONE, AGREEMENT, WAITING, CONFIRMED, NONE = "alone", "agreement", "waiting", "confirmed", "none"


def slips_page(
    context: Context, caller: Caller, *, number: str | None, waiting: bool, cursor: str | None, limit: int
) -> SlipPage:
    """Slips, newest first: all of one invoice, or a page of the caller's sides; `waiting`: those it may answer now.

    Raises: NotFound for a number that is none; InvalidRequest.
    """
    size = checked_page_size(context, limit)
    key = None if number is None else checked_number(number)
    now_s = context.now_s()
    sides = seen_as(caller)
    with context.reading() as connection:
        if key is not None:
            found = _of_number(connection, key, sides)
            next_cursor = None
        else:
            with checked_cursor():
                if waiting:
                    page = slips.slips_to_answer(connection, _asked(caller), now_s=now_s, limit=size, cursor=cursor)
                else:
                    page = slips.slips(connection, visible_to=sides, limit=size, cursor=cursor)
            found, next_cursor = page.items, page.next_cursor
        if waiting:
            found = tuple(one for one in found if _may_answer(caller, one, now_s))
        views = tuple(slip_view(context, connection, caller, one, now_s, drafts=key is not None) for one in found)
    return SlipPage(views, next_cursor)


def _of_number(connection: Connection, key: int, sides: Sight) -> tuple[SlipRecord, ...]:
    """Slips of an invoice, newest first: all to who sees it, else those of the caller's own sides."""
    record = invoice_sight.invoice_for(connection, key, sides)
    seen = record is not None and invoices.sees(connection, record, sides)
    if not seen and isinstance(sides, District):
        return ()
    return slips.slips_of_number(connection, key, of=None if seen or isinstance(sides, District) else sides)[::-1]


def slip_view(
    context: Context, connection: Connection, caller: Caller, slip: SlipRecord, now_s: int, *, drafts: bool = True
) -> SlipView:
    """A slip as it stands at `now_s`; without `drafts` the draft is not opened."""
    state = slip.state(now_s)
    reason = RedReason(slip.reason)
    names = names_of(context, connection, (slip.seller, slip.opener, slip.other), caller=caller)
    draft = slip_draft(context, connection, slip) if drafts else None
    return SlipView(
        slip_id=slip.digest.hex(),
        number=format_number(slip.number),
        state=state.name.lower(),
        state_text=state.text.en,
        state_text_zh=state.text.zh,
        reason=reason.name.lower(),
        reason_text=reason.text.en,
        reason_text_zh=reason.text.zh,
        seller=slip.seller,
        seller_name=names.get(slip.seller, ""),
        opener=slip.opener,
        opener_name=names.get(slip.opener, ""),
        other_side=slip.other,
        other_side_name=names.get(slip.other, ""),
        answerer=slip.answerer if state.is_waiting else None,
        gross_fen=slip.gross_fen,
        tax_fen=slip.tax_fen,
        opened_at=utc_time(slip.opened_at),
        lapses_at=utc_time(slip.void_at),
        seconds_left=seconds_left(slip.stored, slip.opened_at, now_s),
        answered_at=utc_time(slip.answered_at) if slip.answered_at is not None else None,
        changed_at=utc_time(slip.changed_at),
        red=format_number(slip.red) if slip.red is not None else None,
        document=draft.to_json() if draft is not None else None,
    )


def outlook(context: Context, caller: Caller, number: str) -> RedOutlook:
    """How an invoice can be reddened now, why not, and what is left of it. Raises: NotFound."""
    key = checked_number(number)
    now_s = context.now_s()
    with context.reading() as connection:
        record = seen_invoice(connection, caller, key)
        slip = slips.slip(connection, key)
        other = red_queries.other_side(connection, record, now_s)
        way, refused = _way(record, slip, other, now_s)
        names = names_of(context, connection, (other,), caller=caller)
        reddable = record.kind != Kind.RED and not record.is_outside
        return RedOutlook(
            number=number,
            way=way,
            other_side=other,
            other_side_name=names.get(other or 0, ""),
            gross_fen=record.gross_fen,
            credited_fen=record.credited_fen,
            left_fen=record.gross_fen - record.credited_fen if reddable else 0,
            lines=tuple(_line(one) for one in left_of(context, connection, record)) if reddable else (),
            reds=reds_of(connection, record),
            slip=slip_view(context, connection, caller, slip, now_s) if slip is not None else None,
            refusal=refusal_of(context, connection, caller, refused, key) if refused is not None else None,
        )


def reds_of(connection: Connection, record: InvoiceRecord) -> tuple[RedOf, ...]:
    """The reds of a blue, oldest first."""
    if record.colour == Colour.NORMAL:
        return ()
    return tuple(
        RedOf(
            format_number(one.number),
            red_reason(connection, one.number),
            one.gross_fen,
            one.tax_fen,
            utc_time(one.issued_at),
        )
        for one in invoices.reds_of(connection, record.number)
    )


def red_reason(connection: Connection, number: int) -> str:
    """Name of the reason a red was issued for, "" for a number that is no red."""
    reason = red_queries.reason_of_red(connection, number)
    return "" if reason is None else RedReason(reason).name.lower()


def _way(record: InvoiceRecord, slip: SlipRecord | None, other: int | None, now_s: int) -> tuple[str, Reason | None]:
    """The way that is open, and the reason the contract would give where none is."""
    if record.is_outside:
        return NONE, Reason.OUTSIDE
    if record.kind == Kind.RED:
        return NONE, Reason.IS_RED
    if record.colour == Colour.FULLY_RED:
        return NONE, Reason.REDDENED
    state = slip.state(now_s) if slip is not None else None
    if slip is not None and state is not None and state.is_waiting:
        return WAITING, None
    if slip is not None and state is SlipState.CONFIRMED:
        return (CONFIRMED, None) if slip.other == other else (NONE, Reason.SLIP_NEEDED)
    if not _is_used(record, now_s):
        return ALONE, None
    return (AGREEMENT, None) if other else (NONE, Reason.SLIP_NEEDED)


def _is_used(record: InvoiceRecord, now_s: int) -> bool:
    """Whether somebody beside the seller relies on it: claimed, settled, booked or selected."""
    stands = record.claimed_at is not None and now_s < record.claimed_at + LOCK_LIFETIME_S
    claimed = record.claim == Claim.SETTLED or (record.claim == Claim.LOCKED and stands)
    return claimed or record.entry in (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE) or bool(record.usage)


def _asked(caller: Caller) -> frozenset[int]:
    """Parties the caller might answer for; which of their slips it may is seen slip by slip."""
    return itself_and(caller, Grant.ISSUE | Grant.FINANCE)


def _may_answer(caller: Caller, slip: SlipRecord, now_s: int) -> bool:
    """Whether the slip waits and the caller acts for the side that is asked: a seller by issuing, others by finance."""
    if slip.answerer is None or not slip.state(now_s).is_waiting:
        return False
    return acts_for(caller, slip.answerer, Grant.ISSUE if slip.answerer == slip.seller else Grant.FINANCE)


def _line(left: LineLeft) -> LineLeftView:
    quantity = unscaled(left.quantity) if left.quantity is not None else ""
    return LineLeftView(left.number, left.line.name, left.net_fen, left.tax_fen, quantity)
