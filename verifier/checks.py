"""How checks become a report: in order, each needing earlier ones, each outcome one numbered step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from verifier.errors import CheckError, EvidenceError
from verifier.examination import ChainExamination
from verifier.reasons import Reason
from verifier.report import Compared, Report, Result, Step

RunT = TypeVar("RunT", bound=ChainExamination[Any])


@dataclass(frozen=True, slots=True)
class Check(Generic[RunT]):
    """One step: its name, the steps that must have passed before, and what it compares.

    `result` and `reason` are what the step is when all agrees: valid, or erased.
    """

    name: str
    needs: tuple[str, ...]
    run: Callable[[RunT], Compared]
    result: Result = Result.VALID
    reason: Reason = Reason.OK


def report_of(checks: Sequence[Check[RunT]], run: RunT, size: int, *, number: int, says: str = "") -> Report:
    """The report of a readable file of `size` bytes: step `file`, then every check."""
    compared: Compared = {"size_bytes": size, "format_version": 1}
    steps = [Step(1, "file", Result.VALID, Reason.OK, compared=compared)]
    passed: set[str] = set()
    for at, check in enumerate(checks, start=2):
        step = _step(at, check, run, is_ready=passed.issuperset(check.needs))
        if step.result is check.result:
            passed.add(check.name)
        steps.append(step)
    header = run.header
    return Report(
        tuple(steps),
        number=f"{number:020d}",
        says=says,
        block=header.number if header else 0,
        block_time_s=header.time_s if header else 0,
    )


def unchecked_report(names: tuple[str, ...], name: str, reason: Reason, at: str = "") -> Report:
    """A report of a file whose step `name`, of the steps `names`, could not be made; none of the later was tried."""
    reached = names.index(name)
    missed = Step(reached + 1, name, Result.UNCHECKED, reason, at)
    later = (
        Step(number, step, Result.UNCHECKED, Reason.EARLIER_STEP)
        for number, step in enumerate(names[reached + 1 :], start=reached + 2)
    )
    return Report((missed, *later))


def _step(number: int, check: Check[RunT], run: RunT, *, is_ready: bool) -> Step:
    if not is_ready:
        return Step(number, check.name, Result.UNCHECKED, Reason.EARLIER_STEP, " ".join(check.needs))
    try:
        compared = check.run(run)
    except CheckError as err:
        return Step(number, check.name, Result.INVALID, err.reason, err.at)
    except EvidenceError as err:
        return Step(number, check.name, Result.UNCHECKED, err.reason, err.at)
    return Step(number, check.name, check.result, check.reason, compared=compared)
