"""Claims as they are shown: each line with its state, who decided on it, why it went back, what paid it."""

from __future__ import annotations

from ledger.domain.numbers import format_number
from ledger.domain.references import SALT_SIZE
from ledger.domain.times import utc_time
from ledger.projection import Connection, approvals, claim_queries, invoices
from ledger.projection.approvals import ClaimDecision
from ledger.projection.claim_queries import LineEnding
from ledger.projection.claims import ClaimRecord
from ledger.projection.invoice_filter import InvoiceFilter
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.pages import Page
from ledger.service.approval_rules import approval_state, decided, decisions_on, needs_approval
from ledger.service.approval_views import ApprovalView, DecisionView
from ledger.service.context import SEALED_REFERENCE, Context
from ledger.service.people import names_of
from ledger.service.salted_texts import claim_reference
from ledger.service.views import Caller, ClaimLine, ClaimPage, ClaimView
from verifier.operations import Code
from verifier.words import Claim, StateWord, Strength

CLAIM_LINES_MAX = 100  # the batch of the model's reimbursement interface; one group takes 256
SEALED_NOTE = "claim note"
_LINE_STATES = {Claim.LOCKED: "locked", Claim.SETTLED: "settled", Claim.CANCELLED: "cancelled"}


def lines_of(connection: Connection, record: ClaimRecord) -> tuple[InvoiceRecord, ...]:
    """Invoices that are under a claim now."""
    wanted = InvoiceFilter(claim_id=record.claim_id, claimant=record.claimant, employer=record.employer)
    return invoices.search(connection, wanted, visible_to=None, limit=CLAIM_LINES_MAX).items


def claim_page_of(context: Context, connection: Connection, caller: Caller, page: Page[ClaimRecord]) -> ClaimPage:
    """A page of claims as it is shown; who oversees is told people's names masked, who pays them whole."""
    listed = caller if caller.oversees else None
    return ClaimPage(tuple(claim_views(context, connection, list(page.items), listed)), page.next_cursor)


def claim_views(
    context: Context, connection: Connection, records: list[ClaimRecord], listed: Caller | None = None
) -> list[ClaimView]:
    """Claims as they are shown to those who may see them; `listed` is who oversees and asks for a list."""
    decisions = {index: decisions_on(connection, record) for index, record in enumerate(records)}
    ids = {party for r in records for party in (r.claimant, r.employer)}
    ids |= {one.approver for found in decisions.values() for one in found}
    names = names_of(context, connection, ids, caller=listed, listed=listed is not None)
    return [_view(context, connection, record, decisions[index], names) for index, record in enumerate(records)]


def sealed_note(context: Context, claim_id: str, text: str) -> bytes:
    """An approver's own words, sealed."""
    return context.seal(text.encode(), SEALED_NOTE, claim_id)


def _view(
    context: Context, connection: Connection, record: ClaimRecord, decisions: list[ClaimDecision],
    names: dict[int, str],
) -> ClaimView:  # fmt: skip
    lines = _lines(context, connection, record, decisions)
    required = needs_approval(approvals.claim_policy(connection, record.employer), record)
    numbers = {state: [int(line.number) for line in lines if line.state == state] for state in ("locked", "settled")}
    ended = numbers["settled"] or [int(line.number) for line in lines]
    return ClaimView(
        claim_id=record.claim_id,
        reference=claim_reference(context, connection, record.claim_id),
        claimant=record.claimant,
        claimant_name=names[record.claimant],
        employer=record.employer,
        employer_name=names[record.employer],
        opened_at=utc_time(record.opened_at),
        locked_count=record.locked_count,
        settled_count=record.settled_count,
        released_count=record.released_count,
        locked_fen=record.locked_fen,
        settled_fen=record.settled_fen,
        lines=lines,
        approval=ApprovalView(
            approval_state(required=required, decisions=decisions, locked=numbers["locked"], ended=ended),
            required,
            tuple(_decision(context, one, names) for one in decisions),
        ),
    )


def _lines(
    context: Context, connection: Connection, record: ClaimRecord, decisions: list[ClaimDecision]
) -> tuple[ClaimLine, ...]:
    now = {line.number: line for line in lines_of(connection, record)}
    released: dict[int, StateWord] = {}  # as claimed here: by now an outside invoice may be another registration's
    if record.released_count:
        claimed = claim_queries.lines_claimed(connection, record)
        released = {number: state for number, state in claimed.items() if number not in now}
    ended = sorted(released) + [number for number, line in now.items() if line.claim == Claim.SETTLED]
    endings = claim_queries.line_endings(connection, record, ended) if ended else {}
    lines = []
    for number in sorted({*now, *released}):
        ending = endings.get(number)
        if number in now:
            line = now[number]
            state, gross_fen, strength = _LINE_STATES[Claim(line.claim)], line.gross_fen, line.strength
        else:
            state, gross_fen, strength = "released", released[number].gross, released[number].strength
        decision = decided(decisions, number)
        lines.append(
            ClaimLine(
                format_number(number),
                state,
                gross_fen,
                ended=None if ending is None else _way(ending, record),
                ended_at=None if ending is None else utc_time(ending.ended_at),
                reason=_text(context, ending) if state == "released" else None,
                payment_reference=_text(context, ending) if state == "settled" else None,
                decision=None if decision is None else decision.value,
                strength=Strength(strength).name.lower(),
            )
        )
    return tuple(lines)


def _way(ending: LineEnding, record: ClaimRecord) -> str:
    """How a line ended: settled, withdrawn, rejected, force_unlocked, or displaced by another claim of the invoice."""
    if ending.code == Code.UNLOCK:
        return "withdrawn" if ending.actor == record.claimant else "rejected"
    return {Code.SETTLE: "settled", Code.FORCE_UNLOCK: "force_unlocked"}.get(ending.code, "displaced")


def _text(context: Context, ending: LineEnding | None) -> str | None:
    """The words of who rejected, withdrew or paid; another company's claim keeps its own."""
    if ending is None or ending.sealed is None or ending.code not in (Code.UNLOCK, Code.SETTLE, Code.FORCE_UNLOCK):
        return None
    return context.opened(ending.sealed, SEALED_REFERENCE, ending.ref.hex())[SALT_SIZE:].decode() or None


def _decision(context: Context, one: ClaimDecision, names: dict[int, str]) -> DecisionView:
    note = b"" if one.sealed_note is None else context.opened(one.sealed_note, SEALED_NOTE, one.claim_id)
    return DecisionView(
        decision=one.decision.value,
        number=None if one.number is None else format_number(one.number),
        approver=one.approver,
        approver_name=names[one.approver],
        note=note.decode(),
        decided_at=utc_time(one.decided_at),
    )
