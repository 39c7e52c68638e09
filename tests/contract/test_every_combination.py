"""Every operation by every actor on an invoice in every situation, right and bent: contract and model answer alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.machine_comparison import Comparison, Group
from tests.contract.machine_world import CASES, KINDS, NAMES, NOBODY, prepared
from tests.contract.model import refused_operation
from tests.contract.world import DAY_S, MONTH, identity_of
from verifier.hashing import ZERO_HASH
from verifier.operations import INVOICE_CODES, Code, Operation
from verifier.words import LOCK_LIFETIME_S, MONTH_GRACE_S, SLIP_LIFETIME_S, Table

SIGNERS = tuple(name for name in NAMES if name != "newcomer")  # it has no key
BATCHES = 8
BATCH_DRAWS = 24
GROUP_BATCHES = 40
UNKNOWN_CODES = (0, 40, 255)
QUICK_CODES = (Code.OPEN_SLIP, Code.REGISTER_OUTSIDE, Code.SELECT)
CLAIM_CODES = (Code.TRANSFER, Code.LOCK, Code.UNLOCK, Code.SETTLE, Code.FORCE_UNLOCK)
TIMED_CODES = (*CLAIM_CODES, Code.OPEN_SLIP, Code.CONFIRM_SLIP, Code.REFUSE_SLIP, Code.WITHDRAW_SLIP, Code.VOID_SLIP,
               Code.ISSUE, Code.ISSUE_RED, Code.REGISTER_OUTSIDE)  # fmt: skip
TERMS = (0, 1, 2**48 - 1, 2**48, 2**96, 2**128, 2**200, 2**224, 2**255)
OPTIONS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 18, 66, 98, 2**20 - 1)
BENT_FIELDS = ("actor", "subject", "version", "number", "party", "month", "option", "terms", "who", "reserved")
SETTINGS = settings(
    max_examples=BATCHES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def comparison() -> Iterator[Comparison]:
    with prepared()[0].scratch() as world:
        yield Comparison.on(world)


def targets(code: int) -> list[tuple[int, str]]:
    """(number, name) an operation of that code can be about: every case, or every party."""
    if code in INVOICE_CODES:
        return [(number, name) for number in CASES.values() for name in ("employer", "buyer")]
    return [(0, name) for name in KINDS]


def by_everybody(comparison: Comparison, code: int) -> Iterator[Group]:
    """Each right operation, signed by everybody, for the one it is for and for the signer itself."""
    for number, name in targets(code):
        for by_other in (False, True) if code in INVOICE_CODES else (False,):
            operation = comparison.drafting.right(code, number, name, by_other=by_other).operation
            for actor in SIGNERS:
                yield actor, (operation,)
                yield actor, (replace(operation, subject=comparison.id_of(actor)),)


def by_who_has_the_right(comparison: Comparison, code: int) -> Iterator[Group]:
    for number, name in targets(code):
        for by_other in (False, True):
            signing = comparison.drafting.right(code, number, name, by_other=by_other)
            yield comparison.name_of(signing.actor), (signing.operation,)


@pytest.mark.parametrize("code", [pytest.param(code, id=code.name.lower()) for code in QUICK_CODES])
def test_contract_and_model_answer_alike_to_the_party_with_the_right(code: Code, comparison: Comparison) -> None:
    comparison.compare(by_who_has_the_right(comparison, code))
    assert comparison.seen["Recorded"] > 0
    assert len(comparison.seen) > 2, comparison.seen


@pytest.mark.slow
@pytest.mark.parametrize("code", [pytest.param(code, id=code.name.lower()) for code in Code])
def test_contract_and_model_answer_alike_to_everybody(code: Code, comparison: Comparison) -> None:
    comparison.compare(by_everybody(comparison, code))
    assert comparison.seen["NOT_PERMITTED"] + comparison.seen["NOT_HOLDER"] + comparison.seen["NOT_BUYER"] > 0


def deep_targets(comparison: Comparison, code: int) -> list[tuple[int, str]]:
    """Those where the right operation is applied, so that what is bent is what decides; all when there are none."""
    if code not in comparison.deep:
        applied = []
        for number, name in targets(code):
            signing = comparison.drafting.right(code, number, name)
            if not refused_operation(comparison.model.words, signing.actor, [signing.operation], comparison.now):
                applied.append((number, name))
        comparison.deep[code] = applied or targets(code)
    return comparison.deep[code]


@st.composite
def bent_operations(draw: st.DrawFn, comparison: Comparison, code: int) -> Group:
    """A right operation with up to two fields bent, and who signs it."""
    number, name = draw(st.sampled_from(deep_targets(comparison, code) if draw(st.integers(0, 2)) else targets(code)))
    signing = comparison.drafting.right(code, number, name, by_other=draw(st.booleans()))
    actor, operation = comparison.name_of(signing.actor), signing.operation
    party = st.sampled_from([comparison.id_of(other) for other in NAMES] + [NOBODY, 0])
    for bent in draw(st.lists(st.sampled_from(BENT_FIELDS), max_size=2)):
        if bent == "actor":
            actor = draw(st.sampled_from(SIGNERS))
        elif bent == "subject":
            operation = replace(operation, subject=draw(party))
        elif bent == "version":
            operation = replace(operation, version=max(0, operation.version + draw(st.sampled_from([-1, 1]))))
        elif bent == "number":
            numbers = (*CASES.values(), 0, operation.number + 1, 10**20, 2**80 - 1, comparison.id_of(name), MONTH)
            operation = replace(operation, number=draw(st.sampled_from(numbers)))
        elif bent == "party":
            operation = replace(operation, party=draw(party))
        elif bent == "month":
            months = st.sampled_from([0, *range(MONTH - 2, MONTH + 8), 4095])
            operation = replace(operation, month=draw(months))
        elif bent == "option":
            operation = replace(operation, option=draw(st.sampled_from(OPTIONS)))
        elif bent == "terms":
            operation = replace(operation, terms=draw(bent_terms(operation)))
        elif bent == "who":
            identity = st.sampled_from([identity_of(other, kind) for other, kind in KINDS.items()])
            operation = replace(operation, who=draw(st.sampled_from([ZERO_HASH, b"\x07" * 32]) | identity))
        elif bent == "reserved":
            operation = replace(operation, reserved=draw(st.sampled_from([1, 2**47])))
    return actor if actor in SIGNERS else "employer", (operation,)


def bent_terms(operation: Operation) -> st.SearchStrategy[int]:
    """Terms near the right ones: a unit more or less in one of their parts, a bit beyond, or a plain other number."""
    one_off = [operation.terms + sign * step for step in (1, 2**48, 2**64, 2**96, 2**176) for sign in (1, -1)]
    beyond = [operation.terms | 1 << bit for bit in (47, 48, 64, 96, 128, 199, 200, 224, 255)]
    return st.sampled_from([terms for terms in (*one_off, *beyond, *TERMS) if 0 <= terms < 2**256])


@pytest.mark.slow
@pytest.mark.parametrize("code", [*(pytest.param(code, id=code.name.lower()) for code in Code), *UNKNOWN_CODES])
def test_contract_and_model_answer_alike_to_bent_operations(code: int, comparison: Comparison) -> None:
    @SETTINGS
    @given(st.lists(bent_operations(comparison, code), min_size=BATCH_DRAWS, max_size=BATCH_DRAWS))
    def walk(groups: list[Group]) -> None:
        comparison.compare(groups)

    walk()


@st.composite
def bent_groups(draw: st.DrawFn, comparison: Comparison) -> Group:
    """Two or three bent operations by one of their signers, mostly in the order of their numbers."""
    codes = draw(st.lists(st.sampled_from(list(Code)), min_size=2, max_size=3))
    drawn = [draw(bent_operations(comparison, code)) for code in codes]
    operations = [operation for _, (operation,) in drawn]
    if draw(st.integers(0, 7)):
        operations.sort(key=lambda operation: operation.number)
    return draw(st.sampled_from([actor for actor, _ in drawn])), tuple(operations)


@pytest.mark.slow
def test_contract_and_model_answer_alike_to_groups_of_bent_operations(comparison: Comparison) -> None:
    @settings(SETTINGS, max_examples=GROUP_BATCHES)
    @given(st.lists(bent_groups(comparison), min_size=BATCH_DRAWS, max_size=BATCH_DRAWS))
    def walk(groups: list[Group]) -> None:
        comparison.compare(groups)

    walk()


MOMENTS = {
    "a slip's last second": lambda words: words.slip(CASES["slip of seller"]).time + SLIP_LIFETIME_S,
    "a slip's first lapsed second": lambda words: words.slip(CASES["slip of seller"]).time + SLIP_LIFETIME_S + 1,
    "a lock's last second": lambda words: words.claim(CASES["locked"]).time + LOCK_LIFETIME_S - 1,
    "a lock's first lapsed second": lambda words: words.claim(CASES["locked"]).time + LOCK_LIFETIME_S,
    "a month's last second": lambda words: (words[Table.MONTH, MONTH] >> 64) + MONTH_GRACE_S - 1,
    "a month's first closed second": lambda words: (words[Table.MONTH, MONTH] >> 64) + MONTH_GRACE_S,
    "years after": lambda words: (words[Table.MONTH, MONTH] >> 64) + 900 * DAY_S,
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_contract_and_model_answer_alike_at_every_boundary_of_time(moment: str, comparison: Comparison) -> None:
    for code in TIMED_CODES:
        with comparison.world.scratch() as world:
            alone = Comparison.on(world, MOMENTS[moment](comparison.model.words))
            alone.compare(by_who_has_the_right(alone, code))
            assert sum(alone.seen.values()) > 0
