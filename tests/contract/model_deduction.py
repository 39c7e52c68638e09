"""Deduction in the model: the section "Deduction" of docs/OPERATIONS.md and its rows of the order."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.model_refusal import may, require
from tests.contract.model_words import Words
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    Colour,
    DeductionWord,
    Grant,
    Kind,
    PartyKind,
    StateWord,
    Strength,
    Table,
    Use,
)

M64 = 2**64 - 1
NOT_DEDUCT = 2
PURPOSES = range(1, 4)
REASONS_OF_NOT_DEDUCTING = range(1, 6)


def check_selection(words: Words, op: Operation, actor: int, now: int, state: StateWord) -> None:
    """Select and unselect."""
    if op.code == Code.SELECT:
        require(state.strength == Strength.ISSUED_HERE, Reason.OUTSIDE)
        require(state.kind != Kind.RED, Reason.IS_RED)
        require(state.kind == Kind.SPECIAL, Reason.NOT_DEDUCTIBLE)
    require(op.subject == state.buyer, Reason.NOT_BUYER)
    require(may(words, state.buyer, actor, Grant.FINANCE), Reason.NOT_PERMITTED)
    if op.code == Code.UNSELECT:
        require(state.use != Use.NONE, Reason.NOT_SELECTED)
        period = words.deduction(op.number).month
        require(period > words.party(state.buyer).filed_through, Reason.MONTH_FILED)
        require(not words.deducted(state.buyer, period).confirmed, Reason.PERIOD_CONFIRMED)
        return
    require(state.colour != Colour.FULLY_RED, Reason.REDDENED)
    require(not state.risk, Reason.FLAGGED)
    require(state.use == Use.NONE, Reason.ALREADY_SO)
    require(op.month > words.party(state.buyer).filed_through, Reason.MONTH_FILED)
    require(is_opened(words, op.month, now) and op.month >= state.month, Reason.MONTH_NOT_OPEN)
    require(not words.deducted(state.buyer, op.month).confirmed, Reason.PERIOD_CONFIRMED)
    purpose, reason = op.option & 15, op.option >> 4
    require(purpose in PURPOSES, Reason.BAD_TERMS)
    if purpose == NOT_DEDUCT:
        require(reason in REASONS_OF_NOT_DEDUCTING and op.terms == 0, Reason.BAD_TERMS)
    else:
        require(reason == 0, Reason.BAD_TERMS)
    require(op.terms <= words.deduction(op.number).tax_left, Reason.EXCEEDS)


def is_opened(words: Words, month: int, now: int) -> bool:
    hours = words[Table.MONTH, month]
    return hours != 0 and now >= hours & M64


def selected(words: Words, op: Operation, state: StateWord) -> StateWord:
    before = words.deduction(op.number)
    words[Table.DEDUCTION, op.number] = DeductionWord(
        tax_left=before.tax_left,
        valid_tax=op.terms,
        month=op.month,
        purpose=op.option & 15,
        reason=op.option >> 4,
    ).pack()
    period = words.deducted(state.buyer, op.month)
    words[Table.DEDUCTED, state.buyer << 12 | op.month] = replace(
        period, valid_tax=period.valid_tax + op.terms, count=period.count + 1
    ).pack()
    return replace(state, use=Use.SELECTED)


def unselected(words: Words, number: int, state: StateWord) -> StateWord:
    """The state without its selection, which leaves its period's sums."""
    before = words.deduction(number)
    words[Table.DEDUCTION, number] = DeductionWord(tax_left=before.tax_left).pack()
    period = words.deducted(state.buyer, before.month)
    words[Table.DEDUCTED, state.buyer << 12 | before.month] = replace(
        period, valid_tax=period.valid_tax - before.valid_tax, count=period.count - 1
    ).pack()
    return replace(state, use=Use.NONE)


def check_month(words: Words, op: Operation, actor: int, now: int) -> None:
    """Confirm month; the party exists and its version is asked for by the caller."""
    word, period = words.party(op.subject), words.deducted(op.subject, op.month)
    require(may(words, op.subject, actor, Grant.FINANCE), Reason.NOT_PERMITTED)
    require(word.kind == PartyKind.ENTERPRISE and op.number == op.month, Reason.BAD_TERMS)
    require(op.month > word.filed_through, Reason.MONTH_FILED)
    require(is_opened(words, op.month, now), Reason.MONTH_NOT_OPEN)
    require(not period.confirmed, Reason.PERIOD_CONFIRMED)
    require(op.terms == period.valid_tax | period.count << 64, Reason.TOTALS_DIFFER)


def confirm_month(words: Words, op: Operation) -> None:
    period = words.deducted(op.subject, op.month)
    words[Table.DEDUCTED, op.subject << 12 | op.month] = replace(period, confirmed=1).pack()
