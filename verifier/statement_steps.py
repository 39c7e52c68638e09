"""Reading a statement file, and its steps: file, ledger, seal, witnesses, account, words, statement.

All but the last two are those of evidence: a statement is proven from the same header down the same tries.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.canonical import Json
from verifier.chain_checks import check_account, check_ledger, check_seal, check_witnesses
from verifier.checks import Check, report_of, unchecked_report
from verifier.errors import CheckError, ShapeError
from verifier.examination import ChainExamination
from verifier.parsing import chain_of, number_of, proof_of, witnessed
from verifier.reasons import Reason
from verifier.report import Compared, Report
from verifier.shape import fields, text, word_hex
from verifier.statement import (
    STATEMENT_FORMAT,
    STATEMENT_VERSION,
    Says,
    Statement,
    Word,
    contradiction,
    statement_key,
)
from verifier.trust import Trust
from verifier.words import NUMBER_SPACE_FIRST, NUMBER_SPACE_LAST, Claim, StateWord

STATEMENT_FIELDS = ("format", "version", "chain", "number", "says", "word", "proof", "checkpoint", "witnesses")
CHOICE_SIZE_MAX = 16  # characters of `says` and `word`
ABSENT = "absent"


@dataclass(slots=True)
class StatementExamination(ChainExamination[Statement]):
    """One statement under examination. `found`, the word on chain, stands once step `words` passed; 0 is absent."""

    found: int = 0


def check_statement_word(run: StatementExamination) -> Compared:
    """The storage proves the word that the statement follows, or that no contract holds it; no node is surplus."""
    assert run.words is not None, "step account runs first"
    found = run.words.word(statement_key(run.file.number, run.file.word))
    run.words.check_all_used()
    run.found = found
    return {run.file.word.value: word_hex(found) if found else ABSENT}


def check_statement(run: StatementExamination) -> Compared:
    """What is said follows from that word."""
    statement, found = run.file, run.found
    number = f"{statement.number:020d}"
    reason = contradiction(statement.says, found)
    if reason is not None:
        raise CheckError(reason, number)
    compared: dict[str, str | int] = {"says": statement.says.value, "number": number}
    if statement.says is Says.NOT_SETTLED:
        return compared | {"claim": Claim(StateWord.unpack(found).claim).name.lower()}
    is_own = NUMBER_SPACE_FIRST <= statement.number <= NUMBER_SPACE_LAST
    return compared | {"number_space": "this_ledger" if is_own else "elsewhere"}


STATEMENT_CHECKS: tuple[Check[StatementExamination], ...] = (
    Check("ledger", (), check_ledger),
    Check("seal", ("ledger",), check_seal),
    Check("witnesses", ("seal",), check_witnesses),
    Check("account", ("seal",), check_account),
    Check("words", ("account",), check_statement_word),
    Check("statement", ("words",), check_statement),
)
STATEMENT_STEP_NAMES = ("file", *(check.name for check in STATEMENT_CHECKS))


def is_statement(value: Json) -> bool:
    """Whether a file's JSON calls itself a statement."""
    return isinstance(value, dict) and value.get("format") == STATEMENT_FORMAT


def parse_statement(value: Json) -> Statement:
    """The statement that a file's JSON is, by its shape; nothing it says is checked yet.

    Raises: ShapeError when it is not this format.
    """
    if not is_statement(value):
        raise ShapeError(Reason.NOT_EVIDENCE, "format")
    assert isinstance(value, dict), "is_statement"
    if value.get("version") != STATEMENT_VERSION or isinstance(value.get("version"), bool):
        raise ShapeError(Reason.UNKNOWN_VERSION, "version")
    found = fields(value, STATEMENT_FIELDS, "")
    chain_id, contracts, genesis = chain_of(found["chain"])
    checkpoint, witnesses = witnessed(found["checkpoint"], found["witnesses"])
    says, word = _said(found["says"], found["word"])
    return Statement(
        chain_id=chain_id,
        contracts=contracts,
        genesis=genesis,
        number=number_of(found["number"]),
        says=says,
        word=word,
        proof=proof_of(found["proof"]),
        checkpoint=checkpoint,
        witnesses=witnesses,
    )


def examine_statement(value: Json, size: int, trust: Trust) -> Report:
    """What is proven by a statement of `size` bytes, given `trust`."""
    try:
        statement = parse_statement(value)
    except ShapeError as err:
        return unchecked_report(STATEMENT_STEP_NAMES, "file", err.reason, err.at)
    run = StatementExamination(statement, trust)
    return report_of(STATEMENT_CHECKS, run, size, number=statement.number, says=statement.says.value)


def _said(says: Json, word: Json) -> tuple[Says, Word]:
    try:
        found = Says(text(says, CHOICE_SIZE_MAX, "says")), Word(text(word, CHOICE_SIZE_MAX, "word"))
    except ValueError as err:
        if isinstance(err, ShapeError):
            raise
        raise ShapeError(Reason.NOT_EVIDENCE, "says or word: unknown") from err
    if found == (Says.NOT_SETTLED, Word.HEAD):
        raise ShapeError(Reason.NOT_EVIDENCE, "word: a claim stands in the state")
    return found
