"""Refusals for people: the contract's reason, what to do, and which claim has the invoice."""

from __future__ import annotations

from ledger.domain.numbers import format_number
from ledger.domain.reasons import ReasonText, reason_text
from ledger.domain.times import utc_time
from ledger.projection import Connection, invoices
from ledger.projection.invoices import InvoiceRecord
from ledger.service.context import Context
from ledger.service.people import may_see_claim, names_of, seen_as
from ledger.service.salted_texts import claim_reference
from ledger.service.views import Caller, ClaimHold, Refusal
from verifier.operations import Reason
from verifier.words import Claim

# after a reimbursement the employer holds: claimed at another company, the contract says only that
HELD_REASONS = frozenset({Reason.LOCKED, Reason.SETTLED, Reason.NOT_HOLDER})
# what the contract says of an invoice that one may not see: that it exists, and, tried party by party, who holds it
TELLING_REASONS = HELD_REASONS | {Reason.UNKNOWN_INVOICE, Reason.NOT_PERMITTED}
NOT_YOURS = ReasonText(
    "You hold no invoice with this number.",
    "Check the 20 digits; if it is yours, ask who holds it to transfer it to you.",
    "您未持有该号码的发票。",
    "请核对 20 位号码；如属于您，请联系持有人转交。",
)


def refusal_of(context: Context, connection: Connection, caller: Caller, code: int, number: int | None) -> Refusal:
    """The refusal with reason `code` of the operation on invoice `number` (None: on none), for the eyes of `caller`."""
    text = reason_text(code)
    hold = None
    if number is not None and code in TELLING_REASONS:
        record = invoices.invoice(connection, number)
        if _tells_too_much(connection, code, record, caller):
            code, text = Reason.NOT_HOLDER, NOT_YOURS
        if record is not None and code in HELD_REASONS:
            hold = hold_of(context, connection, caller, record)
    return Refusal(
        reason=Reason(code).name.lower(),
        code=code,
        number=format_number(number) if number is not None else None,
        message=text.what_en,
        message_zh=text.what_zh,
        action=text.next_en,
        action_zh=text.next_zh,
        hold=hold,
    )


def _tells_too_much(connection: Connection, code: int, record: InvoiceRecord | None, caller: Caller) -> bool:
    """Whether a refusal would let `caller` tell an invoice it may not see from one that was never issued."""
    if record is None:
        return code == Reason.UNKNOWN_INVOICE and not caller.oversees_all
    if invoices.sees(connection, record, seen_as(caller)) or record.holder in caller.grants:  # the holder's own people
        return False
    return code in (Reason.NOT_HOLDER, Reason.NOT_PERMITTED)


def hold_of(context: Context, connection: Connection, caller: Caller, record: InvoiceRecord) -> ClaimHold | None:
    """Which claim has an invoice, None when none has or the caller may not know."""
    if record.claim not in (Claim.LOCKED, Claim.SETTLED) or record.claim_id is None:
        return None
    if record.claimant is None or record.employer is None or record.claimed_at is None:
        return None
    if not may_see_claim(caller, record.claimant, record.employer, record.holder):
        return None
    names = names_of(context, connection, [record.claimant, record.employer])
    return ClaimHold(
        claim_id=record.claim_id,
        since=utc_time(record.claimed_at),
        claimant=record.claimant,
        claimant_name=names[record.claimant],
        employer=record.employer,
        employer_name=names[record.employer],
        reference=claim_reference(context, connection, record.claim_id),
    )
