"""The steps in order: what each needs, and how a check's outcome becomes a line of the report."""

from __future__ import annotations

from dataclasses import replace

from verifier.canonical import loads
from verifier.chain_checks import check_account, check_ledger, check_seal, check_witnesses
from verifier.checks import Check, report_of, unchecked_report
from verifier.document_checks import check_document, check_fields
from verifier.erasure_checks import check_erased_fields, check_erasure
from verifier.errors import CanonicalError, ShapeError
from verifier.examination import Examination
from verifier.history_checks import check_history, check_rules
from verifier.parsing import FILE_SIZE_MAX, parse_bundle
from verifier.reasons import Reason
from verifier.report import Compared, Report, Result, Step
from verifier.shape import utc_text
from verifier.signer_checks import check_certificates, check_revocations, check_signatures
from verifier.statement import STATEMENT_FORMAT
from verifier.statement_steps import STATEMENT_STEP_NAMES, examine_statement, is_statement
from verifier.trust import Trust
from verifier.word_checks import check_words

CHAIN_CHECKS: tuple[Check[Examination], ...] = (
    Check("ledger", (), check_ledger),
    Check("seal", ("ledger",), check_seal),
    Check("witnesses", ("seal",), check_witnesses),
    Check("account", ("seal",), check_account),
    Check("words", ("account",), check_words),
    Check("certificates", ("ledger",), check_certificates),
    Check("revocations", ("words", "certificates"), check_revocations),
    Check("signatures", ("certificates",), check_signatures),
    Check("history", ("words", "certificates"), check_history),
    Check("rules", ("certificates",), check_rules),
)
CHECKS = (
    *CHAIN_CHECKS,
    Check("document", ("ledger",), check_document),
    Check("fields", ("ledger",), check_fields),
)
ERASED_CHECKS = (  # of a file without its document
    *CHAIN_CHECKS,
    Check("document", ("ledger",), check_erasure, Result.ERASED, Reason.DOCUMENT_ERASED),
    Check("fields", ("document",), check_erased_fields, Result.ERASED, Reason.DOCUMENT_ERASED),
)
STEP_NAMES = ("file", *(check.name for check in CHECKS))
AGE = "age"  # one step more, made only when somebody asks for it
STATEMENT_MARK = f'"format":"{STATEMENT_FORMAT}"'.encode()  # in canonical JSON never inside a text: quotes are escaped


def verify(data: bytes, trust: Trust) -> Report:
    """What is proven by the evidence or statement file `data`, given `trust`; no network, no clock, no other file.

    Total: any bytes give a report. A fault of the verifier itself is reported as could not check.
    """
    try:
        return examine(data, trust)
    except Exception as err:  # noqa: BLE001 - any bytes give a report; tests call `examine`, which hides nothing
        return unchecked("file", Reason.INTERNAL_FAULT, type(err).__name__)


def examine(data: bytes, trust: Trust) -> Report:
    """`verify` without its last guard."""
    try:
        value = loads(data, FILE_SIZE_MAX)
        if is_statement(value):
            return examine_statement(value, len(data), trust)
        bundle = parse_bundle(value)
    except (CanonicalError, ShapeError) as err:
        return unchecked("file", err.reason, err.at, data)
    checks = CHECKS if bundle.erasure is None else ERASED_CHECKS
    return report_of(checks, Examination(bundle, trust), len(data), number=bundle.number)


def not_older_than(report: Report, time_s: int) -> Report:
    """The report with step `age`: whether its block was sealed at `time_s` (seconds since 1970, UTC) or later.

    An older file is as valid as of its block as it was; it only cannot tell what was so since.
    """
    number, block_time_s = report.steps[-1].number + 1, report.block_time_s
    compared: Compared = {"not_older_than": utc_text(time_s), "block_time": utc_text(block_time_s)}
    if not report.block:
        step = Step(number, AGE, Result.UNCHECKED, Reason.EARLIER_STEP, "seal")
    elif block_time_s < time_s:
        step = Step(number, AGE, Result.UNCHECKED, Reason.TOO_OLD, utc_text(block_time_s), compared)
    else:
        step = Step(number, AGE, Result.VALID, Reason.OK, compared=compared)
    return replace(report, steps=(*report.steps, step))


def unchecked(name: str, reason: Reason, at: str = "", data: bytes = b"") -> Report:
    """A report of a file whose step `name` could not be made; none of the later ones was tried.

    The later ones are those of a statement when the file's bytes `data` call it one.
    """
    names = STATEMENT_STEP_NAMES if STATEMENT_MARK in data else STEP_NAMES
    return unchecked_report(names, name, reason, at)
