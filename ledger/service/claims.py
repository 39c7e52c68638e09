"""Claims: lock several invoices in one atomic group, then withdraw, approve or reject them, one line or all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ledger.domain.numbers import format_number
from ledger.projection import Connection, NewClaimRequest, claim_queries, claims, districts, invoices, parties
from ledger.projection.claims import ClaimRecord
from ledger.projection.districts import District, Sight
from ledger.projection.invoices import InvoiceRecord
from ledger.service import approval_rules, instructions
from ledger.service.claim_lines import CLAIM_LINES_MAX, claim_page_of, claim_views, lines_of
from ledger.service.context import INDEXED_PAYMENT, Context
from ledger.service.drafts import Draft, SettledPayment
from ledger.service.errors import NotFound
from ledger.service.external_ids import CLAIM_ID, SETTLEMENT_ID, checked_id, new_id
from ledger.service.forms import (
    checked_cursor,
    checked_numbers,
    checked_page_size,
    checked_party,
    checked_text,
    salted,
)
from ledger.service.outside import registration_reason, registrations
from ledger.service.outside_facts import OutsideItem, fingerprint
from ledger.service.people import GRANT_NAMES, itself_and, need_party, overseen_by
from ledger.service.problems import invalid
from ledger.service.refusals import refusal_of
from ledger.service.salted_texts import sealed_claim_reference
from ledger.service.views import (
    Caller,
    ClaimPage,
    ClaimView,
    ClaimWritten,
    LineRefusal,
    WriteStatus,
    Written,
)
from ledger.service.writing import request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import Code, Operation, Reason
from verifier.words import LOCK_LIFETIME_S, Claim, Colour, Entry, Grant, PartyKind

OUTSIDE_ITEMS_MAX = 20  # invoices of elsewhere in one claim: each is a file to read and to seal
REFERENCE_LENGTH_MAX = 128


def open_claim(
    context: Context, caller: Caller, numbers: list[str], *, employer: int, reference: str, idempotency_key: str,
    items: Sequence[OutsideItem] = (), external_id: str | None = None,
) -> ClaimWritten:  # fmt: skip
    """Locks the invoices for `employer` under a new claim id, all or none; `items` are registered in the same group.

    When the contract refuses, the answer names each invoice and offers those that alone would be taken.
    """
    keys = _keys(numbers, items)
    outside = {int(item.read.number): item for item in items}
    text = checked_text("reference", reference, REFERENCE_LENGTH_MAX)
    checked_party("employer", employer)
    own_id = checked_id(external_id)
    claim_id = secrets.token_hex(16)
    sealed_words = sealed_claim_reference(context, claim_id, text)

    def prepare(connection: Connection) -> Draft:
        own_ids = new_id(connection, caller, caller.party, CLAIM_ID, own_id, claim_id)
        need_party(connection, employer, path="employer", kind=PartyKind.ENTERPRISE)
        known = invoices.invoices(connection, tuple(key for key in keys if key not in outside))
        _need_of_company(caller, keys, known)
        operations, references = [], []
        registered = registrations(context, connection, caller, list(items), employer, int(claim_id, 16))
        for number in keys:
            if number in outside:
                continue
            record = known.get(number)
            reference_row = salted(context, caller, "claim", text)
            references.append(reference_row)
            # an invoice that belongs to the employer is claimed on its behalf, one's own for oneself
            for_employer = record is not None and record.holder == employer
            operations.append(
                instructions.on_invoice(
                    Code.LOCK,
                    subject=employer if for_employer else caller.party,
                    number=number,
                    version=record.version if record is not None else 0,
                    party=employer,
                    terms=int(claim_id, 16),
                    ref=reference_row.ref,
                )
            )
        operations += [one.operation for one in registered]
        return Draft(
            tuple(sorted(operations, key=lambda operation: operation.number)),
            references=tuple(references),
            claim_requests=(NewClaimRequest(claim_id, caller.party, employer, sealed_words),),
            outside_documents=tuple(one.document for one in registered),
            external_ids=own_ids,
        )

    request: dict[str, Json] = {
        "numbers": [format_number(number) for number in keys],
        "employer": employer,
        "reference": text,
    }
    if own_id is not None:
        request["external_id"] = own_id
    if items:
        request["outside"] = [fingerprint(item) for item in sorted(items, key=lambda item: item.read.number)]
    submitted = submit(context, caller, idempotency_key, request_hash("claim", request), prepare)
    answer = written(context, caller, submitted)
    if answer.status is not WriteStatus.REFUSED:
        return _opened(context, answer, keys, outside)
    lines = _line_refusals(context, caller, keys, employer, answer, outside)
    remaining = tuple(line.number for line in lines if line.refusal is None)
    return ClaimWritten(replace(answer, claim_id=None), lines, remaining)


def _need_of_company(caller: Caller, keys: Sequence[int], known: Mapping[int, InvoiceRecord]) -> None:
    """Raises: InvalidRequest at `numbers` for what a company must not have its employee claim: invoices in which it has
    no part. It could book its people's private invoices as costs."""
    if caller.company is None:
        return
    for number in keys:
        record = known.get(number)
        if record is None or caller.company not in (record.buyer, record.holder):
            raise invalid("numbers", "not_of_company", number=format_number(number))


def _opened(context: Context, answer: Written, keys: Sequence[int], outside: Mapping[int, OutsideItem]) -> ClaimWritten:
    """A claim that was taken; without its id when all it brought had been paid before, so that there is no claim."""
    if answer.status is not WriteStatus.RECORDED or not outside:
        return ClaimWritten(answer)
    with context.reading() as connection:
        disputed = claim_queries.disputed_numbers(connection, bytes.fromhex(answer.digest), tuple(outside))
    kept = answer if len(disputed) < len(keys) else replace(answer, claim_id=None)
    return ClaimWritten(kept, disputed=tuple(format_number(number) for number in disputed))


def _keys(numbers: list[str], items: Sequence[OutsideItem]) -> tuple[int, ...]:
    """Keys of all lines of a new claim, ascending. Raises: InvalidRequest at `numbers` or `outside.N`."""
    if len(items) > OUTSIDE_ITEMS_MAX:
        raise invalid("outside", "count_range", low=0, high=OUTSIDE_ITEMS_MAX, given=len(items))
    keys = set(checked_numbers(numbers, CLAIM_LINES_MAX)) if numbers or not items else set()
    for index, item in enumerate(items):
        if not item.read.number:
            raise invalid(f"outside.{index}.number", "outside_number_part")
        key = int(item.read.number)
        if key in keys:
            raise invalid(f"outside.{index}.number", "number_twice", number=item.read.number)
        keys.add(key)
    if len(keys) > CLAIM_LINES_MAX:
        raise invalid("numbers", "count_range", low=1, high=CLAIM_LINES_MAX, given=len(keys))
    return tuple(sorted(keys))


def withdraw_claim(
    context: Context, caller: Caller, claim_id: str, *, numbers: list[str] | None, idempotency_key: str
) -> Written:
    """The claimant takes invoices of a claim back; None means every line still locked."""
    return _release(context, caller, claim_id, numbers, Code.UNLOCK, "withdraw", "", idempotency_key)


def reject_claim(
    context: Context, caller: Caller, claim_id: str, *, numbers: list[str] | None, reason: str, idempotency_key: str
) -> Written:
    """The employer's finance gives invoices of a claim back; None means every line still locked."""
    text = checked_text("reason", reason, REFERENCE_LENGTH_MAX)
    return _release(context, caller, claim_id, numbers, Code.UNLOCK, "reject", text, idempotency_key)


def approve_claim(
    context: Context, caller: Caller, claim_id: str, *, numbers: list[str] | None, payment_reference: str,
    idempotency_key: str, external_id: str | None = None,
) -> Written:  # fmt: skip
    """The employer's finance settles invoices of a claim under a payment reference; irreversible.

    Raises: ApprovalMissing where the employer wants approvers' decisions first and they are not there.
    """
    text = checked_text("payment_reference", payment_reference, REFERENCE_LENGTH_MAX)
    own_id = checked_id(external_id)
    return _release(context, caller, claim_id, numbers, Code.SETTLE, "approve", text, idempotency_key, own_id)


def claim(context: Context, caller: Caller, claim_id: str) -> ClaimView:
    """One claim with its lines. Raises: NotFound, also for one the caller may not see."""
    with context.reading() as connection:
        return claim_views(context, connection, [need_claim(caller, connection, claim_id)])[0]


def claims_page(
    context: Context, caller: Caller, *, payment_reference: str | None = None, cursor: str | None, limit: int
) -> ClaimPage:
    """Claims the caller made, or its enterprise's finance received, newest first; those a payment settled, with it.

    Raises: InvalidRequest.
    """
    size = checked_page_size(context, limit)
    seen = _seen_as(caller)
    paid = None
    if payment_reference is not None:
        paid = checked_text("payment_reference", payment_reference, REFERENCE_LENGTH_MAX)
    with context.reading() as connection:
        with checked_cursor():
            if paid is None and caller.company is not None and not seen:
                own = frozenset({caller.party})
                page = claims.claims(connection, visible_to=own, employer=caller.company, limit=size, cursor=cursor)
            elif paid is None:
                page = claims.claims(connection, visible_to=seen, limit=size, cursor=cursor)
            else:
                index = context.vault.index(paid, INDEXED_PAYMENT)
                page = claim_queries.claims_paid(connection, index, visible_to=seen, limit=size, cursor=cursor)
        return claim_page_of(context, connection, caller, page)


def need_claim(caller: Caller, connection: Connection, claim_id: str) -> ClaimRecord:
    """The claim when the caller may see it. Raises: NotFound."""
    seen = _seen_as(caller)
    for record in claims.claim(connection, claim_id):
        sides = {record.claimant, record.employer}
        if isinstance(seen, District):
            if districts.any_enterprise(connection, sides, seen):
                return record
        elif seen is None or seen & sides or (caller.party, caller.company) == (record.claimant, record.employer):
            return record
        if approval_rules.may_decide(connection, caller, record):
            return record
    raise NotFound("claim", claim_id)


def _seen_as(caller: Caller) -> Sight:
    """Whose claims the caller sees: its own, those at employers it does finance for, of its district; None = all."""
    if caller.oversees:
        return overseen_by(caller)
    return itself_and(caller, Grant.FINANCE)


def _release(
    context: Context, caller: Caller, claim_id: str, numbers: list[str] | None, code: Code, kind: str, text: str,
    idempotency_key: str, external_id: str | None = None,
) -> Written:  # fmt: skip
    chosen = None if numbers is None else checked_numbers(numbers, CLAIM_LINES_MAX)

    def prepare(connection: Connection) -> Draft:
        record = need_claim(caller, connection, claim_id)
        locked = {line.number: line for line in lines_of(connection, record) if line.claim == Claim.LOCKED}
        if not locked and chosen is None:
            raise invalid("numbers", "claim_lines_none")
        subject = caller.party if kind == "withdraw" and caller.party == record.claimant else record.employer
        operations, references = [], []
        for number in sorted(locked) if chosen is None else chosen:
            line = locked.get(number)
            if line is None:
                line = invoices.invoice(connection, number)
                if line is None or line.claim_id != claim_id:
                    raise invalid("numbers", "claim_line_foreign", number=format_number(number))
            row = salted(context, caller, kind, text)
            references.append(row)
            operations.append(_end_of_line(code, subject, line, claim_id, row.ref))
        draft = Draft(tuple(operations), references=tuple(references))
        return (
            draft if code != Code.SETTLE else _settling(context, connection, caller, record, draft, text, external_id)
        )

    wanted: Json = None if chosen is None else [format_number(number) for number in chosen]
    request: dict[str, Json] = {"claim": claim_id, "numbers": wanted, "text": text}
    if external_id is not None:
        request["external_id"] = external_id
    hashed = request_hash(kind, request)
    return written(context, caller, submit(context, caller, idempotency_key, hashed, prepare))


def _settling(
    context: Context, connection: Connection, caller: Caller, record: ClaimRecord, draft: Draft, text: str,
    external_id: str | None,
) -> Draft:  # fmt: skip
    """A settling with its payment noted, once the company's approvers said yes."""
    approval_rules.need_approval(connection, record, [operation.number for operation in draft.operations])

    payment = SettledPayment(record.claim_id, record.employer, context.vault.index(text, INDEXED_PAYMENT))
    own_ids = new_id(connection, caller, record.employer, SETTLEMENT_ID, external_id)
    return replace(draft, external_ids=own_ids, kept=(payment,))


def _end_of_line(code: Code, subject: int, line: InvoiceRecord, claim_id: str, ref: bytes) -> Operation:
    return instructions.on_invoice(
        code, subject=subject, number=line.number, version=line.version, terms=int(claim_id, 16), ref=ref
    )


def _line_refusals(
    context: Context, caller: Caller, keys: tuple[int, ...], employer: int, answer: Written,
    outside: Mapping[int, OutsideItem],
) -> tuple[LineRefusal, ...]:  # fmt: skip
    """Each invoice of a refused claim and why it alone would be refused now."""
    lines = []
    with context.reading() as connection:
        known = invoices.invoices(connection, keys)
        bits = parties.grant_bits(connection, employer, caller.party)
        granted = caller.party == employer or bool(bits & GRANT_NAMES["claim"])
        for number in keys:
            text = format_number(number)
            if number in outside:
                strength = outside[number].read.strength or 0
                reason = registration_reason(known.get(number), number, strength, context.now_s())
            else:
                reason = lock_reason(known.get(number), caller.party, employer, granted=granted, now_s=context.now_s())
            if reason is not None:
                lines.append(LineRefusal(text, refusal_of(context, connection, caller, reason, number)))
            elif answer.refusal is not None and answer.refusal.number == text:
                lines.append(LineRefusal(text, answer.refusal))  # what the contract said of it, though it changed since
            else:
                lines.append(LineRefusal(text, None))
    return tuple(lines)


def lock_reason(record: InvoiceRecord | None, actor: int, employer: int, *, granted: bool, now_s: int) -> Reason | None:
    """Why the contract would refuse to lock an invoice, None if it would take it: the rules of `lock`, for one line.

    Only for telling people; what counts is what the contract said.
    """
    if record is None:
        return Reason.UNKNOWN_INVOICE
    if record.holder not in (actor, employer):
        return Reason.NOT_HOLDER
    if not granted:
        return Reason.NOT_PERMITTED
    lapsed = record.claimed_at is not None and now_s >= record.claimed_at + LOCK_LIFETIME_S
    if record.claim == Claim.LOCKED and not lapsed:
        return Reason.LOCKED
    if record.claim == Claim.SETTLED:
        return Reason.SETTLED
    if record.colour == Colour.FULLY_RED:
        return Reason.REDDENED
    if record.risk:
        return Reason.FLAGGED
    if record.entry in (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE):
        return Reason.ALREADY_SO
    if record.seller in (record.holder, employer):
        return Reason.OWN_INVOICE
    if record.buyer not in (0, employer):
        return Reason.WRONG_BUYER
    return None
