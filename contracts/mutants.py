"""Removes each guard of the contract in turn and requires that a contract test notices.

    python -m contracts.mutants                     every mutant; exit code 1 if one survives
    python -m contracts.mutants --only check_lock   those whose description holds that text
    python -m contracts.mutants --new               those that no remembered test noticed, after an edit
    python -m contracts.mutants --list              describes them, runs nothing

A mutant is the contract with one condition changed: an `if` that never holds, an `assert` that always does, one side
of an `and` or `or` left out, `<` for `<=`. It is compiled to an artifact of its own and the contract suite runs on that
artifact (EINVOICE_CONTRACT_ARTIFACT), the tests of the changed function first, until one fails. What survives the quick
tests meets the slow ones. Needs the dependency groups `contracts` and `test`.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from contracts.build import SOURCE_PATH, artifact_text, compile_contract

ROOT = SOURCE_PATH.parents[1]
SUITE = ROOT / "tests" / "contract"
KILLS_PATH = SUITE / "kills.json"  # which test noticed which mutant: that test runs first the next time
SUITE_LIMIT_S = 900  # gas ends every loop of a mutant, so a suite that runs longer is on a busy machine
NO_SUCH_TEST = 4  # pytest's exit code when a test that noticed a mutant once has another name now
NO_TESTS_COLLECTED = 5  # pytest's exit code when the marks leave none of the files' tests
COMPILING = "test_artifact.py::test_artifact_is_what_the_sources_compile_to"  # notices what does not compile
JOBS = 2

MODULES = (
    "InvoiceLedger", "claims", "deductions", "exceptions", "filing", "invoices", "outside", "parties", "reds", "slips",
    "storage", "supervision",
)  # fmt: skip
"""Layout holds constants only."""
STATEMENT = re.compile(r"^( +)(if|elif|assert|return|\w+: bool =) (.*)$")
BOUNDARIES: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}

TESTS_FIRST = {
    "InvoiceLedger.apply": ("issue", "groups", "keys", "months", "supervision", "succession"),
    "InvoiceLedger._check_actor": ("supervision", "enrolment"),
    "InvoiceLedger._seller_month": ("issue", "supervision"),
    "InvoiceLedger._check": ("groups", "red_letters", "slips", "deduction", "exceptions", "risk"),
    "InvoiceLedger._signer": ("signatures", "succession"),
    "InvoiceLedger._write": ("words", "red_letters", "slips", "deduction", "risk", "exceptions", "outside"),
    "claims.check_free": ("claims", "transfer", "outside"),
    "claims.is_booked": ("booking", "coloured", "claims"),
    "claims.company": ("risk", "red_letters", "slips"),
    "deductions.check": ("deduction",),
    "deductions.check_select": ("deduction",),
    "deductions.check_period": ("deduction",),
    "deductions.has_opened": ("months", "deduction"),
    "deductions.present": ("deduction", "risk"),
    "deductions.undo": ("deduction", "red_letters", "slips", "risk"),
    "exceptions.check_acknowledged": ("exceptions",),
    "exceptions.write_acknowledged": ("exceptions",),
    "filing.check": ("months", "filing_corrections", "deduction"),
    "filing.write": ("months", "filing_corrections", "deduction"),
    "invoices.check_seller": ("issue", "supervision", "risk"),
    "invoices.check_issue": ("issue",),
    "invoices.check": ("claims", "transfer", "booking"),
    "invoices.check_movable": ("coloured", "claims"),
    "invoices.check_transfer": ("transfer",),
    "invoices.check_lock": ("claims", "coloured"),
    "invoices.check_release": ("claims", "coloured"),
    "invoices.check_booking": ("booking", "coloured"),
    "invoices.write": ("words",),
    "invoices.write_issue": ("words", "issue", "deduction"),
    "invoices.buyer_of": ("issue", "enrolment"),
    "outside.check": ("outside",),
    "outside.write": ("outside",),
    "parties.certify": ("anchor_and_revocation",),
    "parties.check": (
        "months",
        "grants",
        "keys",
        "supervision",
        "enrolment",
        "succession",
        "anchor_and_revocation",
        "deduction",
        "filing_corrections",
    ),
    "parties.check_own": ("grants", "keys"),
    "parties.check_by_officer": ("supervision", "enrolment", "keys"),
    "parties.check_made": ("enrolment",),
    "parties.check_segment": ("supervision",),
    "parties.check_revocation": ("anchor_and_revocation",),
    "parties.changed_party": ("grants", "months", "supervision", "deduction", "filing_corrections"),
    "parties.current": ("keys",),
    "parties.write": ("enrolment", "months", "succession"),
    "parties.write_made": ("enrolment", "keys"),
    "parties.write_changed": ("supervision", "keys", "grants", "months", "anchor_and_revocation", "risk"),
    "reds.check": ("red_letters", "slips"),
    "reds.check_agreed": ("red_letters", "slips"),
    "reds.write": ("red_letters", "slips"),
    "slips.other_side": ("red_letters", "slips"),
    "slips.status": ("red_letters", "slips"),
    "slips.may_side": ("red_letters", "slips"),
    "slips.exceeds": ("red_letters", "slips"),
    "slips.check": ("red_letters", "slips"),
    "slips.check_open": ("red_letters", "slips"),
    "slips.write": ("red_letters", "slips"),
    "storage.word": ("succession",),
    "storage.may_act": ("succession",),
    "storage.may": ("grants", "issue"),
    "storage.is_officer": ("risk", "anchor_and_revocation", "exceptions"),
    "supervision.check": ("risk",),
    "supervision.write": ("risk",),
}
"""Test files, without test_ and .py, that are most likely to notice a change of the module's function."""

EQUIVALENT: dict[str, str] = {
    "filing.check: if month > filed or report == 0 -> (report == 0)": "only filing a month stores its report",
    "InvoiceLedger._seller_month: if quota > used -> quota >= used": "both leave no room when they are equal",
}
"""Mutants nobody can tell from the contract, by description, with the reason why."""


@dataclass(frozen=True)
class Mutant:
    """One change: `text[start:end]` of a module becomes `replacement`."""

    module: str
    function: str
    line: int
    statement: str
    start: int
    end: int
    original: str
    replacement: str

    @property
    def place(self) -> str:
        """The module and function it changes."""
        return f"{self.module}.{self.function}"

    @property
    def description(self) -> str:
        """What changes, without line numbers, so that it names the same mutant after edits elsewhere."""
        before = " ".join(self.original.split())
        return f"{self.place}: {self.statement} {before} -> {self.replacement}"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: the test that noticed it, or none."""

    mutant: Mutant
    killed_by: str | None


class MutationError(RuntimeError):
    """The run itself is not in order; the message says what to change."""


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code: 0 when every mutant is killed or known to be equivalent."""
    parser = argparse.ArgumentParser(prog="python -m contracts.mutants", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help="part of the description of the mutants to try")
    parser.add_argument("--list", action="store_true", help="describe the mutants, run nothing")
    parser.add_argument("--new", action="store_true", help="only mutants that no remembered test noticed")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"how many suites run side by side ({JOBS})")
    parser.add_argument("--kills", type=Path, default=KILLS_PATH, help="file that remembers which test noticed which")
    options = parser.parse_args(arguments)
    known = all_mutants()
    unknown = EQUIVALENT.keys() - {mutant.description for mutant in known}
    if unknown:
        raise MutationError(f"remove from EQUIVALENT what the sources no longer hold: {sorted(unknown)}")
    kills: dict[str, str] = json.loads(options.kills.read_text(encoding="utf-8")) if options.kills.is_file() else {}
    chosen = [
        mutant
        for mutant in known
        if options.only in mutant.description and not (options.new and mutant.description in kills)
    ]
    if options.list:
        for mutant in chosen:
            sys.stdout.write(f"{mutant.module}.vy:{mutant.line} {mutant.description}\n")
        return 0
    survivors = []
    for outcome in run(chosen, options.jobs, kills):
        if outcome.killed_by is None:
            survivors.append(outcome)
        else:
            kills[outcome.mutant.description] = outcome.killed_by
            current = {text: kills[text] for text in sorted(kills.keys() & {mutant.description for mutant in known})}
            options.kills.write_text(json.dumps(current, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(chosen)} mutants, {len(survivors)} survived\n")
    for outcome in survivors:
        sys.stdout.write(f"survived: {outcome.mutant.module}.vy:{outcome.mutant.line} {outcome.mutant.description}\n")
    return 1 if survivors else 0


def all_mutants() -> list[Mutant]:
    """Every mutant of the contract's modules, in order of source."""
    return [
        mutant
        for module in MODULES
        for mutant in mutants_of(module, SOURCE_PATH.with_name(f"{module}.vy").read_text(encoding="utf-8"))
    ]


def mutants_of(module: str, text: str) -> Iterator[Mutant]:
    """The mutants of one module's source."""
    function = ""
    at = 0
    for line, content in enumerate(text.splitlines(keepends=True), start=1):
        found = STATEMENT.match(content.rstrip("\n"))
        if content.startswith("def "):
            function = content[4 : content.index("(")]
        elif found:
            keyword = found.group(2)
            start = at + found.start(3)
            condition = condition_at(text, start, keyword)
            for first, last, replacement in changes(condition, keyword):
                original = (
                    condition if (first, last) == (0, len(condition)) else f"{condition[first:last]} in {condition}"
                )
                name = keyword.removesuffix(":")
                yield Mutant(module, function, line, name, start + first, start + last, original, replacement)
        at += len(content)


def condition_at(text: str, start: int, keyword: str) -> str:
    """The expression that begins at `start`, over several lines while a bracket is open, without colon or comment."""
    depth = 0
    for at in range(start, len(text)):
        char = text[at]
        depth += (char in "([{") - (char in ")]}")
        ends = ":" if keyword in ("if", "elif") else "#\n"
        if depth == 0 and char in ends:
            return text[start:at].rstrip()
    raise MutationError(f"no end of the statement at {start}: {text[start : start + 60]}")


def changes(condition: str, keyword: str) -> Iterator[tuple[int, int, str]]:
    """(first, last, replacement) of each change of a condition, as offsets in it."""
    whole = (0, len(condition))
    try:
        tree = ast.parse(condition, mode="eval").body
    except SyntaxError:  # `staticcall` is Vyper's own
        if "==" in condition:
            yield *whole, "True"
        return
    if keyword in ("if", "elif"):
        yield *whole, "False"
    elif keyword == "assert" or isinstance(tree, ast.Compare):
        yield *whole, "True"
    starts = [0]
    for content in condition.splitlines(keepends=True):
        starts.append(starts[-1] + len(content))
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp):
            joint = " and " if isinstance(node.op, ast.And) else " or "
            parts = [ast.get_source_segment(condition, value) or "" for value in node.values]
            for left_out in range(len(parts)):
                kept = joint.join(f"({part})" for index, part in enumerate(parts) if index != left_out)
                yield *span(node, starts), kept
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in BOUNDARIES:
            first, last = span(node.left, starts)[1], span(node.comparators[0], starts)[0]
            old, new = BOUNDARIES[type(node.ops[0])]
            yield (
                *span(node, starts),
                (
                    condition[span(node, starts)[0] : first]
                    + condition[first:last].replace(old, new, 1)
                    + condition[last : span(node, starts)[1]]
                ),
            )


def span(node: ast.expr, starts: list[int]) -> tuple[int, int]:
    """Offsets of an expression in its condition; `starts` are those of the condition's lines."""
    if node.end_lineno is None or node.end_col_offset is None:
        raise MutationError("an expression without an end")
    return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset


def run(mutants: list[Mutant], jobs: int, kills: Mapping[str, str]) -> Iterator[Outcome]:
    """Outcomes as they come in, each printed, with a progress bar; equivalent mutants are left out.

    `kills` has the test that noticed a mutant the last time, by description.
    """
    from rich.console import Console
    from rich.progress import Progress

    tried = [mutant for mutant in mutants if mutant.description not in EQUIVALENT]
    console = Console(width=160, soft_wrap=True, highlight=False, markup=False)
    with (
        tempfile.TemporaryDirectory(prefix="contract-") as sources,
        ProcessPoolExecutor(jobs, mp_context=get_context("fork"), initializer=import_slow_libraries) as pool,
        Progress(console=console) as progress,
    ):
        for source in SOURCE_PATH.parent.glob("*.vy"):  # so that edits meanwhile do not enter the run
            shutil.copy(source, sources)
        task = progress.add_task("mutants", total=len(tried))
        pending = [pool.submit(outcome_of, mutant, Path(sources), kills.get(mutant.description)) for mutant in tried]
        for done in as_completed(pending):
            outcome = done.result()
            fate = f"killed by {outcome.killed_by}" if outcome.killed_by else "SURVIVED"
            console.print(f"{outcome.mutant.module}.vy:{outcome.mutant.line} {outcome.mutant.description}: {fate}")
            progress.advance(task)
            yield outcome


def import_slow_libraries() -> None:
    """Imports once in a worker what each suite, forked from it, would import again."""
    for name in ("coincurve", "eth_abi", "eth_tester", "pytest", "vyper.compiler"):
        import_module(name)


def outcome_of(mutant: Mutant, sources: Path, killer: str | None) -> Outcome:
    """Compiles one mutant of those sources and runs the contract suite on it, `killer` first, until a test fails."""
    from vyper.exceptions import VyperException

    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        directory = Path(name)
        for source in sources.glob("*.vy"):
            shutil.copy(source, directory)
        mutated = directory / f"{mutant.module}.vy"
        text = mutated.read_text(encoding="utf-8")
        mutated.write_text(text[: mutant.start] + mutant.replacement + text[mutant.end :], encoding="utf-8")
        try:
            artifact = compile_contract(directory / SOURCE_PATH.name)
        except VyperException:  # a condition whose going leaves something unused: the sources compile to no artifact
            return Outcome(mutant, COMPILING)
        path = directory / "mutant.json"
        path.write_text(artifact_text(artifact), encoding="utf-8")
        first, others = suite_files(mutant.place)
        stages = [(first, "not slow"), (others, "not slow"), (first + others, "slow")]
        if killer and f"{SUITE}/{killer}".split("::")[0] in first + others:
            stages.insert(0, ([f"{SUITE}/{killer}"], ""))
        for tests, marks in stages:
            noticed = failing_test(path, tests, marks) if tests else None
            if noticed:
                return Outcome(mutant, noticed)
        return Outcome(mutant, None)


def suite_files(place: str) -> tuple[list[str], list[str]]:
    """Files of the contract suite: those likely to notice a change at `place`, and the others.

    Those that do not run on the artifact a mutant run names are in neither.
    """
    first = [f"{SUITE}/test_{name}.py" for name in TESTS_FIRST.get(place, ())]
    left_out = {f"{SUITE}/test_artifact.py", f"{SUITE}/test_mutants.py", *first}
    return first, sorted(str(path) for path in SUITE.glob("test_*.py") if str(path) not in left_out)


def failing_test(artifact: Path, tests: list[str], marks: str) -> str | None:
    """The first of those contract tests with those marks that fails on that artifact; None when all pass.

    Raises: MutationError when pytest itself cannot run.
    """
    report = artifact.with_suffix(".txt")
    suite = get_context("fork").Process(target=run_suite, args=(artifact, tests, marks, report))
    suite.start()
    suite.join(SUITE_LIMIT_S)
    if suite.is_alive():
        suite.kill()
        suite.join()
        raise MutationError(f"pytest on {artifact} took over {SUITE_LIMIT_S} s: run --new again when nothing else runs")
    if suite.exitcode in (0, NO_TESTS_COLLECTED, NO_SUCH_TEST):
        return None
    found = re.search(
        r"^(?:FAILED|ERROR) \S*?(test_\w+\.py(?:::.+?)?)(?: - .*)?$", report.read_text(encoding="utf-8"), re.MULTILINE
    )
    if found is None:
        raise MutationError(f"pytest on {artifact}: {report.read_text(encoding='utf-8')}")
    return found.group(1)


def run_suite(artifact: Path, tests: list[str], marks: str, report: Path) -> None:
    """Runs pytest in this process, forked for it; its exit code is the process's, its output goes to `report`."""
    import pytest

    os.environ["EINVOICE_CONTRACT_ARTIFACT"] = str(artifact)
    os.chdir(ROOT)
    output = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    options = ["-x", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", "-m", marks]
    code = pytest.main([*options, *tests])
    sys.stdout.flush()
    os._exit(code)  # not the worker's own exit handlers


if __name__ == "__main__":
    sys.exit(main())
