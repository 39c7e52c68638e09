"""Single operations on invoices in every situation: what the ledger applies the rules of the verifier derive, word for
word; what it refuses for a reason that a history shows, they refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.machine_comparison import Comparison, Group
from tests.contract.machine_world import CASES, prepared
from tests.contract.model import Model, refused_operation
from tests.contract.model_words import Words
from tests.contract.test_every_combination import (
    MOMENTS,
    SETTINGS,
    TIMED_CODES,
    bent_operations,
    by_everybody,
    by_who_has_the_right,
)
from tests.projection.test_on_contract import ContractSource
from tests.verifier.contract_histories import histories_of
from verifier.errors import CheckError
from verifier.operations import INVOICE_CODES, Code, Operation, Reason, numbers_written
from verifier.rule_state import InvoiceState, Step
from verifier.rules import after, first
from verifier.words import PartyKind, StateWord, Table, Use

UNSEEN = frozenset(
    {
        Reason.NOT_PERMITTED,  # grants
        Reason.SUSPENDED,
        Reason.UNKNOWN_PARTY,
        Reason.MONTH_NOT_OPEN,
        Reason.MONTHS_UNFILED,
        Reason.MONTH_FILED,
        Reason.QUOTA_EXCEEDED,
        Reason.NOT_IN_SEGMENT,
        Reason.PERIOD_CONFIRMED,
    }
)
"""Reasons that need words of the contract which no invoice's history shows."""
DRAWS = 60


@dataclass
class Judged:
    """How often rules and model agreed, by reason, and what the rules let pass."""

    agreed: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)


@cache
def replayed() -> dict[int, InvoiceState]:
    """What the rules know of every invoice of the prepared ledger."""
    world, words = prepared()
    source = ContractSource(world)
    found = {}
    for number, written in histories_of(source.block(at) for at in range(source.head().number + 1)).items():
        state: InvoiceState | None = None
        for one in written:
            recorded = StateWord.unpack(one.state)
            step = Step(
                one.operation,
                one.group.signed.group.actor,
                kind_of(words, one.group.signed.group.actor),
                one.time_s,
                recorded,
            )
            parties = known_parties(words)
            state = first(step, number, parties) if state is None else after(state, step, number, parties)
        assert state is not None
        found[number] = state
    return found


def known_parties(words: Words) -> dict[bytes, int]:
    """Party numbers by identity hash, of everybody the ledger knows."""
    count = words[Table.PARTY_COUNT, 0]
    return {words[Table.IDENTITY, party].to_bytes(32, "big"): party for party in range(2, count + 1)}


def kind_of(words: Words, actor: int) -> str:
    return PartyKind(words.party(actor).kind).name.lower() if words.party(actor).kind else ""


def derived(words: Words, number: int, step: Step) -> InvoiceState:
    """What the rules derive of the prepared invoice `number`. Raises: CheckError."""
    before = replayed().get(number)
    if before is None:
        return first(step, number, known_parties(words))
    return after(before, step, number, known_parties(words))


def judge(comparison: Comparison, group: Group, judged: Judged) -> None:
    """Requires of the rules what the ledger answers to one operation on its prepared invoices."""
    actor, operation = comparison.id_of(group[0]), group[1][0]
    words, now = comparison.model.words.copy(), comparison.now
    kind = kind_of(words, actor)
    refused = refused_operation(words, actor, [operation], now)
    if refused is None:
        Model(comparison.model.separator, words).write(operation, actor, bytes(32), bytes(32), bytes(20), now)
        for number in numbers_written(operation):
            step = Step(operation, actor, kind, now, words.state(number))
            hold_words(words, number, derived(words, number, step))
        judged.agreed["applied"] += 1
        return
    reason = refused[0]
    if all(passes(comparison, number, operation, actor) for number in numbers_written(operation)):
        judged.passed[reason.name] += 1
        assert reason in UNSEEN, (reason.name, group)
    else:
        judged.agreed[reason.name] += 1


def passes(comparison: Comparison, number: int, operation: Operation, actor: int) -> bool:
    """Whether a forger can make the rules take it, by any state word said to be recorded."""
    words = comparison.model.words
    stored = words.state(number)
    for use in (stored.use, Use.CONFIRMED):
        step = Step(operation, actor, kind_of(words, actor), comparison.now, replace(stored, use=use))
        try:
            derived(words, number, step)
        except CheckError:
            continue
        return True
    return False


def hold_words(words: Words, number: int, state: InvoiceState) -> None:
    """The state word and every word beside it are what the ledger has."""
    assert state.word == words.state(number)
    claim, slip = words.claim(number), words.slip(number)
    if state.lock is not None:
        lock = (claim.claimant, claim.employer, claim.time, claim.claim_id)
        assert lock == (state.lock.claimant, state.lock.employer, state.lock.time_s, state.lock.claim_id)
    if state.slip is not None:
        assert replace(slip, other=0) == state.slip
        assert slip.other in state.slip_sides
    assert (state.slip is None, state.lock is None) == (not slip.state, not claim.claimant)
    assert (state.deduction.pack() if state.deduction else 0) == words[Table.DEDUCTION, number]
    assert (state.exception.pack() if state.exception else 0) == words[Table.EXCEPTION, number]


@pytest.fixture
def comparison() -> Iterator[Comparison]:
    with prepared()[0].scratch() as world:
        yield Comparison.on(world)


def walk(comparison: Comparison, groups: Iterable[Group]) -> Judged:
    judged = Judged()
    for group in dict.fromkeys(groups):
        judge(comparison, group, judged)
    return judged


CODES = [pytest.param(code, id=code.name.lower()) for code in sorted(INVOICE_CODES)]


def test_every_invoice_replays_into_the_words_of_the_ledger() -> None:
    words = prepared()[1]
    for number, state in replayed().items():
        hold_words(words, number, state)
    assert set(replayed()) >= {number for name, number in CASES.items() if words[Table.STATE, number]}


@pytest.mark.parametrize("code", CODES)
def test_rules_agree_with_the_ledger_on_the_right_operation(code: Code, comparison: Comparison) -> None:
    judged = walk(comparison, by_who_has_the_right(comparison, code))
    assert judged.agreed["applied"] > 0
    assert len(judged.agreed) > 1, judged.agreed


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_rules_agree_with_the_ledger_whoever_signs(code: Code, comparison: Comparison) -> None:
    judged = walk(comparison, by_everybody(comparison, code))
    assert judged.agreed["applied"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_rules_agree_with_the_ledger_on_bent_operations(code: Code, comparison: Comparison) -> None:
    @SETTINGS
    @given(st.lists(bent_operations(comparison, code), min_size=DRAWS, max_size=DRAWS))
    def draw(groups: list[Group]) -> None:
        walk(comparison, groups)

    draw()


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_rules_agree_with_the_ledger_at_every_boundary_of_time(moment: str, comparison: Comparison) -> None:
    for code in TIMED_CODES:
        alone = Comparison.on(comparison.world, MOMENTS[moment](comparison.model.words))
        assert sum(walk(alone, by_who_has_the_right(alone, code)).agreed.values()) > 0
