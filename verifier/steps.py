"""The steps in order: what each needs, and how a check's outcome becomes a line of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from verifier.chain_checks import check_account, check_ledger, check_seal, check_witnesses
from verifier.document_checks import check_document, check_fields
from verifier.errors import CanonicalError, CheckError, EvidenceError, ShapeError
from verifier.examination import Examination
from verifier.history_checks import check_history, check_rules
from verifier.parsing import parse
from verifier.reasons import Reason
from verifier.report import Compared, Report, Result, Step
from verifier.shape import utc_text
from verifier.signer_checks import check_certificates, check_revocations, check_signatures
from verifier.trust import Trust
from verifier.word_checks import check_words


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    needs: tuple[str, ...]
    run: Callable[[Examination], Compared]


CHECKS = (
    _Check("ledger", (), check_ledger),
    _Check("seal", ("ledger",), check_seal),
    _Check("witnesses", ("seal",), check_witnesses),
    _Check("account", ("seal",), check_account),
    _Check("words", ("account",), check_words),
    _Check("certificates", ("ledger",), check_certificates),
    _Check("revocations", ("words", "certificates"), check_revocations),
    _Check("signatures", ("certificates",), check_signatures),
    _Check("history", ("words", "certificates"), check_history),
    _Check("rules", ("certificates",), check_rules),
    _Check("document", ("ledger",), check_document),
    _Check("fields", ("ledger",), check_fields),
)
STEP_NAMES = ("file", *(check.name for check in CHECKS))
AGE = "age"  # one step more, made only when somebody asks for it


def verify(data: bytes, trust: Trust) -> Report:
    """What is proven by the evidence file `data`, given `trust`; no network, no clock, no other file.

    Total: any bytes give a report. A fault of the verifier itself is reported as could not check.
    """
    try:
        return examine(data, trust)
    except Exception as err:  # noqa: BLE001 - any bytes give a report; tests call `examine`, which hides nothing
        return unchecked("file", Reason.INTERNAL_FAULT, type(err).__name__)


def examine(data: bytes, trust: Trust) -> Report:
    """`verify` without its last guard."""
    try:
        bundle = parse(data)
    except (CanonicalError, ShapeError) as err:
        return unchecked("file", err.reason, err.at)
    run = Examination(bundle, trust)
    size: Compared = {"size_bytes": len(data), "format_version": 1}
    steps = [Step(1, "file", Result.VALID, Reason.OK, compared=size)]
    passed: set[str] = set()
    for number, check in enumerate(CHECKS, start=2):
        step = _step(number, check, run, is_ready=passed.issuperset(check.needs))
        if step.result is Result.VALID:
            passed.add(check.name)
        steps.append(step)
    header = run.header
    return Report(
        tuple(steps),
        number=f"{bundle.number:020d}",
        block=header.number if header else 0,
        block_time_s=header.time_s if header else 0,
    )


def not_older_than(report: Report, time_s: int) -> Report:
    """The report with step `age`: whether its block was sealed at `time_s` (seconds since 1970, UTC) or later.

    An older file is as valid as of its block as it was; it only cannot tell what was so since.
    """
    number, block_time_s = len(STEP_NAMES) + 1, report.block_time_s
    compared: Compared = {"not_older_than": utc_text(time_s), "block_time": utc_text(block_time_s)}
    if not report.block:
        step = Step(number, AGE, Result.UNCHECKED, Reason.EARLIER_STEP, "seal")
    elif block_time_s < time_s:
        step = Step(number, AGE, Result.UNCHECKED, Reason.TOO_OLD, utc_text(block_time_s), compared)
    else:
        step = Step(number, AGE, Result.VALID, Reason.OK, compared=compared)
    return replace(report, steps=(*report.steps, step))


def unchecked(name: str, reason: Reason, at: str = "") -> Report:
    """A report of a file whose step `name` could not be made; none of the later ones was tried."""
    reached = STEP_NAMES.index(name)
    steps = [
        Step(number, step, Result.UNCHECKED, reason if index == reached else Reason.EARLIER_STEP)
        for number, (index, step) in enumerate(enumerate(STEP_NAMES[reached:], start=reached), start=reached + 1)
    ]
    steps[0] = Step(reached + 1, name, Result.UNCHECKED, reason, at)
    return Report(tuple(steps))


def _step(number: int, check: _Check, run: Examination, *, is_ready: bool) -> Step:
    if not is_ready:
        return Step(number, check.name, Result.UNCHECKED, Reason.EARLIER_STEP, " ".join(check.needs))
    try:
        compared = check.run(run)
    except CheckError as err:
        return Step(number, check.name, Result.INVALID, err.reason, err.at)
    except EvidenceError as err:
        return Step(number, check.name, Result.UNCHECKED, err.reason, err.at)
    return Step(number, check.name, Result.VALID, Reason.OK, compared=compared)
