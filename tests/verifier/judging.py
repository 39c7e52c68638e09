"""What the tests of evidence share: one valid file, and how a change to it is judged."""

from __future__ import annotations

from dataclasses import replace

from tests.verifier.bundle_factory import (
    MOVES,
    Scenario,
)
from verifier.reasons import Reason
from verifier.report import Report, Result
from verifier.steps import examine

WHOLE = Scenario()
SHORT = Scenario(moves=MOVES[:1], others=4)
TRUST = WHOLE.trust


def judge(scenario: Scenario) -> Report:
    return examine(scenario.data, TRUST)


def failure(report: Report, name: str) -> Reason:
    step = next(step for step in report.steps if step.name == name)
    assert step.result is Result.INVALID, report.to_text("en")
    assert report.verdict is Result.INVALID
    return step.reason


def bundle_with(**changes: object) -> Report:
    return examine(replace(WHOLE.bundle, **changes).to_bytes(), TRUST)


def event_with(at: int, **changes: object) -> Report:
    history = list(WHOLE.bundle.history)
    history[at] = replace(history[at], **changes)
    return bundle_with(history=tuple(history))


def proof_with(**changes: object) -> Report:
    return bundle_with(proof=replace(WHOLE.bundle.proof, **changes))


def moves_with(at: int, **changes: object) -> Scenario:
    moves = list(MOVES)
    moves[at] = replace(moves[at], **changes)
    return Scenario(moves=tuple(moves[: at + 1]))
