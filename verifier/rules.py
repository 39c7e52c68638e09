"""The ledger's rules, a second time: the state an operation leads to, from the state before it.

The contract enforces these rules when it writes; this module re-derives them from docs/OPERATIONS.md alone, so
that a history which no contract with these rules could have written is not called valid. What only the
contract can see at that block (grants, quotas, open months, suspensions, frozen periods, who is enrolled) is not
part of it; where the next state hangs on such a thing, the recorded state says which of the allowed ones it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from verifier.errors import CheckError
from verifier.first_rules import issued, red, registered
from verifier.later_rules import OFFICER_CODES, RULES
from verifier.operations import INVOICE_CODES, RED_TERMS_LAYOUT, Code, Operation
from verifier.reasons import Reason
from verifier.rule_state import BOOKED, TAXPAYERS, InvoiceState, Step, require, require_version, terms_of
from verifier.words import Claim, StateWord, Use


def first(step: Step, number: int, parties: Mapping[bytes, int]) -> InvoiceState:
    """State of the invoice `number` after its first operation; `parties` finds a party by its identity hash.

    Raises: CheckError when it is none that begins a history, or one the rules do not allow.
    """
    operation = step.operation
    require(operation.number == number, "a history starts with an operation of its own number")
    require_version(operation, 0)
    require(step.kind in TAXPAYERS, "neither an enterprise nor a person")
    if operation.code == Code.ISSUE:
        return issued(operation, parties)
    if operation.code == Code.ISSUE_RED:
        return red(step)
    require(operation.code == Code.REGISTER_OUTSIDE, "a history starts with issue, issue red or register outside")
    return registered(None, step, parties)


def after(before: InvoiceState, step: Step, number: int, parties: Mapping[bytes, int]) -> InvoiceState:
    """State of the invoice `number` after a later operation.

    Raises: CheckError when the rules do not allow it.
    """
    operation = step.operation
    if operation.code not in INVOICE_CODES:
        raise CheckError(Reason.OPERATION_UNKNOWN, f"code {operation.code}")
    require(operation.code != Code.ISSUE, "issued a second time")
    if operation.code not in {*OFFICER_CODES, Code.ACKNOWLEDGE_EXCEPTION}:
        require(step.kind in TAXPAYERS, "neither an enterprise nor a person")
    if operation.code == Code.ISSUE_RED:
        require(operation.number != number, "issued a second time")
        version = terms_of(RED_TERMS_LAYOUT, operation)["blue_version"]
        if version != before.word.version:
            raise CheckError(Reason.VERSION_BROKEN, f"{version} after {before.word.version}")
        require(operation.reserved == 0, "reserved bits")
    else:
        require_version(operation, before.word.version)
    word = replace(before.word, version=before.word.version + 1)
    if word.use == Use.SELECTED and step.recorded.use == Use.CONFIRMED:
        word = replace(word, use=Use.CONFIRMED)  # the period was frozen meanwhile, which its own word on chain says
    raised = replace(before, word=word)
    if operation.code == Code.REGISTER_OUTSIDE:
        return registered(raised, step, parties)
    return RULES[Code(operation.code)](raised, step)


def source_of(history: Sequence[tuple[Operation, int]]) -> int:
    """Index of the operation whose document stands, of (operation, state word after) pairs: the issue, the red, or the
    last registration that took effect."""
    source, before = 0, StateWord.unpack(history[0][1])
    for at, (operation, word) in enumerate(history):
        if (
            at
            and operation.code == Code.REGISTER_OUTSIDE
            and before.claim != Claim.SETTLED
            and before.entry not in BOOKED
        ):
            source = at
        before = StateWord.unpack(word)
    return source
