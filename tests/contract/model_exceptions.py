"""Exceptions, risk flags and force-unlock in the model: the section "Exceptions" of docs/OPERATIONS.md."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.model_deduction import unselected
from tests.contract.model_refusal import by_officer, may, require
from tests.contract.model_words import Words
from tests.contract.wire import Event, as_int
from verifier.operations import Code, Operation, Reason
from verifier.words import Claim, ExceptionKind, ExceptionWord, Grant, StateWord, Table, Use

BY_OFFICER, BY_PARTY = 1, 2


def raised(words: Words, number: int, party: int, kinds: int, now: int, digest: bytes) -> list[Event]:
    """Gathers the kinds, names the company told last, and forgets who acknowledged what was there before."""
    kinds_before = words.exception(number).kinds
    words[Table.EXCEPTION, number] = ExceptionWord(kinds=kinds_before | kinds, party=party, time=now).pack()
    return [Event("ExceptionRaised", (number, party), (kinds, as_int(digest)))]


def acknowledgement(words: Words, op: Operation, actor: int) -> int:
    """Whose acknowledgement it is: 1 an officer's, 2 that of the party named, 0 nobody's."""
    if by_officer(words, op, actor):
        return BY_OFFICER
    named = words.exception(op.number).party
    return BY_PARTY if named and op.subject == named and may(words, named, actor, Grant.FINANCE) else 0


def check_acknowledgement(words: Words, op: Operation, actor: int) -> None:
    require(words[Table.EXCEPTION, op.number] != 0, Reason.NO_EXCEPTION)
    bit = acknowledgement(words, op, actor)
    require(bit != 0, Reason.NOT_PERMITTED)
    require(not words.exception(op.number).acknowledged & bit, Reason.ALREADY_SO)


def check_supervision(words: Words, op: Operation, actor: int, now: int, state: StateWord) -> None:
    """Set and clear flag, force-unlock."""
    require(by_officer(words, op, actor), Reason.NOT_PERMITTED)
    if op.code == Code.FORCE_UNLOCK:
        require(state.claim != Claim.SETTLED, Reason.SETTLED)
        require(words.is_locked(op.number, now), Reason.NOT_LOCKED)
    else:
        require(bool(state.risk) == (op.code == Code.CLEAR_RISK_FLAG), Reason.ALREADY_SO)


def write_acknowledgement(words: Words, op: Operation, actor: int) -> None:
    word = words.exception(op.number)
    bits = word.acknowledged | acknowledgement(words, op, actor)
    words[Table.EXCEPTION, op.number] = replace(word, acknowledged=bits).pack()


def flagged(words: Words, number: int, state: StateWord, now: int, digest: bytes) -> tuple[StateWord, list[Event]]:
    """The state under a flag: a selection that is not frozen is undone, what was paid or deducted is an exception."""
    state = replace(state, risk=1)
    told = words.claim(number).employer if state.claim == Claim.SETTLED else 0
    if state.use == Use.CONFIRMED:
        told = told or state.buyer
    elif state.use == Use.SELECTED:
        state = unselected(words, number, state)
    return state, raised(words, number, told, ExceptionKind.FLAGGED_AFTER_USE, now, digest) if told else []
