"""Exceptions, acknowledgements, refusals and second claims: p_exception, p_refusal, p_duplicate."""

from __future__ import annotations

from ledger.domain.blocks import ExceptionRaised
from ledger.projection.columns import number_text
from ledger.projection.draft import Changes
from ledger.projection.step import Change, Step
from verifier.operations import INVOICE_CODES, Code, Reason
from verifier.words import ExceptionKind, PartyKind

FEN_MASK = (1 << 48) - 1
WITH_GROSS = frozenset({Code.ISSUE, Code.ISSUE_RED, Code.OPEN_SLIP, Code.REGISTER_OUTSIDE})
_SECOND = {Reason.LOCKED: "locked", Reason.SETTLED: "settled", Reason.ALREADY_SO: "booked"}


def raise_exceptions(step: Step, change: Change, raised: tuple[ExceptionRaised, ...]) -> None:
    """Writes the exception an operation raised, and the second claim it may tell of.

    Raises: ProjectionError when it is of another invoice, or more than one.
    """
    if not raised:
        return
    event, invoice = raised[0], change.after
    if len(raised) > 1 or number_text(event.number) != invoice["number"]:
        raise step.contradiction()
    standing = invoice if change.before is None else change.before
    row: Changes = {
        "order": step.order,
        "number": invoice["number"],
        "kinds": event.kinds,
        "party": event.party,
        "claimant": standing["claimant"],
        "claim_id": standing["claim_id"],
        "gross_fen": standing["gross_fen"],
        "code": step.operation.code,
        "digest": step.group.digest,
        "block": step.head.number,
        "raised_at": step.time_s,
        "month": step.month,
        "answerable": event.party != 0,
        "previous": invoice["exception_order"],
        "officer": None,
        "officer_at": None,
        "party_actor": None,
        "party_at": None,
    }
    for earlier in _earlier(step, row["previous"]):
        if earlier["answerable"] and earlier["party"] != event.party:
            earlier["answerable"] = False  # the contract asks the company told last
            step.draft.exceptions.put(earlier)
    step.draft.exceptions.put(row)
    invoice["exception_order"] = step.order
    step.draft.invoices.put(invoice)
    if event.kinds & ExceptionKind.CLAIM_DISPLACED:
        _add_duplicate(step, standing, "displaced")
    elif event.kinds & ExceptionKind.SETTLEMENT_DISPUTED:
        _add_duplicate(step, standing, "disputed")


def acknowledge(step: Step, invoice: Changes) -> None:
    """An acknowledgement holds for every exception of the invoice so far: all by an officer, its own by a company."""
    by_officer = _is_officer(step)
    for row in _earlier(step, invoice["exception_order"]):
        if by_officer and row["officer_at"] is None:
            row.update(officer=step.actor, officer_at=step.time_s)
        elif not by_officer and row["party"] == step.operation.subject and row["party_at"] is None:
            row.update(party_actor=step.actor, party_at=step.time_s)
        else:
            continue
        step.draft.exceptions.put(row)


def apply_refusal(step: Step, reason: int) -> None:
    """A refused group by the operation that broke a rule, and as a second claim where it was one."""
    operation = step.operation
    number = number_text(operation.number) if operation.code in INVOICE_CODES else None
    known = None if number is None else step.draft.invoices.get(number)
    gross_fen = None if known is None else known["gross_fen"]
    if operation.code in WITH_GROSS:
        gross_fen = operation.terms & FEN_MASK
    step.draft.refusals.append(
        {
            "order": step.order,
            "month": step.month,
            "refused_at": step.time_s,
            "actor": step.actor,
            "subject": operation.subject,
            "party": operation.party or None,
            "code": operation.code,
            "number": number,
            "reason": reason,
            "gross_fen": gross_fen,
            "digest": step.group.digest,
        }
    )
    kind = _SECOND.get(Reason(reason)) if reason in list(Reason) else None
    if known is not None and kind is not None and operation.code in (Code.LOCK, Code.REGISTER_OUTSIDE):
        _add_duplicate(step, known, kind)


def _add_duplicate(step: Step, first: Changes, kind: str) -> None:
    operation = step.operation
    claim_id = operation.terms if operation.code == Code.LOCK else operation.terms >> 96
    step.draft.duplicates.append(
        {
            "order": step.order,
            "month": step.month,
            "happened_at": step.time_s,
            "number": first["number"],
            "kind": kind,
            "gross_fen": first["gross_fen"],
            "first_claimant": first["claimant"],
            "first_employer": first["employer"],
            "first_claim_id": first["claim_id"],
            "first_at": first["claimed_at"],
            "second_claimant": step.actor,
            "second_employer": operation.party,
            "second_claim_id": f"{claim_id & (1 << 128) - 1:032x}",
            "digest": step.group.digest,
        }
    )


def _earlier(step: Step, order: int | None) -> list[Changes]:
    """The invoice's exceptions from the one of that order back, as they are by now."""
    found: list[Changes] = []
    while order is not None:
        row = step.draft.exceptions.get(order)
        if row is None:
            raise step.contradiction()
        found.append(row)
        order = row["previous"]
    return found


def _is_officer(step: Step) -> bool:
    actor = step.draft.parties.get(step.actor)
    if actor is None or step.operation.subject != step.actor:
        return False
    return actor["kind"] in (PartyKind.OFFICER, PartyKind.AUTHORITY)
