"""The feed of events for companies' own systems: every change a caller may know of, in the order of the chain.

At least once and resumable: who goes on from the last cursor he has worked off misses nothing.
"""

from __future__ import annotations

from ledger.domain.months import format_month
from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, CursorError, feed, queued
from ledger.projection.feed import FeedEvent, Role
from ledger.service.context import Context
from ledger.service.event_views import OPERATION_TEXTS_ZH, EventPage, EventState, EventView
from ledger.service.exception_texts import KIND_NAMES, kind_texts
from ledger.service.forms import checked_page_size
from ledger.service.people import seen_as, sides_of
from ledger.service.problems import invalid
from ledger.service.reading import CLAIMS, COLOURS, ENTRIES, NUMBER_MASK, PAGE_SIZE_DEFAULT, operation_name
from ledger.service.refusals import refusal_of
from ledger.service.views import Caller, Refusal
from verifier.operations import INVOICE_CODES, Code
from verifier.words import Claim, Colour, Entry, StateWord, Strength

NAMES_CLAIM = frozenset({Code.LOCK, Code.UNLOCK, Code.SETTLE})
CLAIM_ID_SHIFT = {Code.REGISTER_OUTSIDE: 96}  # where the terms word holds the claim id; 0 for the others
CLAIM_ID_MASK = (1 << 128) - 1
KNOWS_CLAIM = Role.CLAIMANT | Role.EMPLOYER | Role.HOLDER | Role.SIGNER
PARTICIPANT = Role.SELLER | Role.BUYER | Role.HOLDER | Role.CLAIMANT | Role.EMPLOYER | Role.SLIP_SIDE | Role.SIGNER


class Events:
    """The feed of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def page(self, caller: Caller, *, after: str | None = None, limit: int = PAGE_SIZE_DEFAULT) -> EventPage:
        """Events after the cursor `after` (None: from the first), oldest first.

        Raises: InvalidRequest at `after` or `limit`; Busy.
        """
        size = checked_page_size(self._context, limit)
        try:
            order = feed.order_of(after)
        except CursorError as err:
            raise invalid("after", "cursor_form") from err
        with self._context.reading() as connection:
            return events_after(self._context, connection, caller, order, size)


def events_after(context: Context, connection: Connection, caller: Caller, order: int, limit: int) -> EventPage:
    """Events after the order `order` for the eyes of `caller`."""
    found = feed.events_after(connection, visible_to=seen_as(caller), after=order, limit=limit)
    digests = tuple({one.step.digest for one in found.events if one.reason})
    refused = {digest: status.refused_number for digest, status in queued.statuses(connection, digests).items()}
    items = tuple(_view(context, connection, caller, one, refused) for one in found.events)
    return EventPage(items, feed.cursor_of(found.last_order), found.more)


def _view(
    context: Context, connection: Connection, caller: Caller, event: FeedEvent, refused: dict[bytes, int | None]
) -> EventView:
    step, operation = event.step, event.step.operation
    name = operation_name(operation.code)
    of_invoice = operation.code in INVOICE_CODES
    knows_exception = caller.oversees or bool(event.roles & Role.TOLD)
    kinds = event.kinds if knows_exception else 0
    text, text_zh = kind_texts(kinds)
    return EventView(
        cursor=feed.cursor_of(event.order),
        at=utc_time(step.time_s),
        block=step.block,
        digest=step.digest.hex(),
        operation=name,
        text=name.replace("_", " "),
        text_zh=OPERATION_TEXTS_ZH.get(Code(operation.code), name) if operation.code in list(Code) else name,
        outcome=step.outcome,
        roles=tuple(role.name.lower() for role in Role if event.roles & role and role.name),
        actor=step.actor,
        subject=operation.subject,
        party=operation.party or None,
        number=format_number(operation.number) if of_invoice else None,
        month=format_month(operation.month) if operation.month else None,
        claim_id=_claim_id(caller, event),
        state=_state(caller, event.roles, step.state) if of_invoice else None,
        blue=format_number(operation.terms >> 96 & NUMBER_MASK) if operation.code == Code.ISSUE_RED else None,
        blue_state=_state(caller, event.roles, event.blue_state),
        exception_kinds=tuple(KIND_NAMES[kind] for kind in KIND_NAMES if kinds & kind),
        exception_text=text,
        exception_text_zh=text_zh,
        refusal=_refusal(context, connection, caller, event, refused),
    )


def _claim_id(caller: Caller, event: FeedEvent) -> str | None:
    operation = event.step.operation
    if operation.code not in NAMES_CLAIM and operation.code not in CLAIM_ID_SHIFT:
        return None
    if not caller.oversees and not (event.roles & KNOWS_CLAIM and _is_own_claim(caller, event)):
        return None
    return f"{operation.terms >> CLAIM_ID_SHIFT.get(Code(operation.code), 0) & CLAIM_ID_MASK:032x}"


def _is_own_claim(caller: Caller, event: FeedEvent) -> bool:
    """Whether the claim is not another company's, which registered the same invoice of elsewhere over or after it."""
    operation = event.step.operation
    own = sides_of(caller) if not caller.oversees else frozenset()
    return operation.code != Code.REGISTER_OUTSIDE or not own.isdisjoint((event.step.actor, operation.party))


def _state(caller: Caller, roles: Role, word: int | None) -> EventState | None:
    """The state after it, for who takes part still: to a former holder it is as foreign as to anybody."""
    if word is None:
        return None
    if not caller.oversees and (roles & Role.FORMER or not roles & PARTICIPANT):
        return None
    state = StateWord.unpack(word)
    return EventState(
        colour=COLOURS.get(Colour(state.colour), "normal"),
        claim_state=CLAIMS[Claim(state.claim)],
        entry=ENTRIES[Entry(state.entry)],
        risk=bool(state.risk),
        holder=state.holder,
        gross_fen=state.gross,
        credited_fen=state.credited,
        version=state.version,
        issued_here=state.strength == Strength.ISSUED_HERE,
        strength=Strength(state.strength).name.lower(),
    )


def _refusal(
    context: Context, connection: Connection, caller: Caller, event: FeedEvent, refused: dict[bytes, int | None]
) -> Refusal | None:
    """Why a group was refused, in the words of who may hear it; it names the invoice that broke the rule."""
    if not event.reason:
        return None
    number = refused.get(event.step.digest)
    named = event.step.operation.code in INVOICE_CODES and number is not None
    return refusal_of(context, connection, caller, event.reason, number if named else None)
