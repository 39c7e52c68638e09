"""How commands talk: progress bars for people, JSON for scripts, one line for what went wrong."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.domain.errors import FieldProblem
from ledger.service import InvalidRequest, Ledger, Refusal, ServiceError, WriteStatus, Written
from ledger.service import node_if_none_runs as node
from ledger.settings import Settings

EXIT_FAILED = 1
EXIT_REFUSED = 3

WIDTH_PIPED = 140  # columns when nobody's terminal says otherwise: a number must never be cut

out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_PIPED)
err = Console(stderr=True, soft_wrap=True)


def fail(message: str, message_zh: str = "", code: int = EXIT_FAILED) -> NoReturn:
    """Ends the command with a message on standard error."""
    err.print(f"einvoice: {message}", style="red", highlight=False, markup=False)
    if message_zh:
        err.print(f"einvoice：{message_zh}", style="red", highlight=False, markup=False)
    raise typer.Exit(code)


@contextmanager
def spoken_errors() -> Iterator[None]:
    """Says the service's errors in one line each instead of a traceback."""
    try:
        yield
    except InvalidRequest as error:
        for problem in error.problems:
            err.print(_problem_line(problem), style="red", highlight=False, markup=False)
        raise typer.Exit(EXIT_FAILED) from error
    except ServiceError as error:
        fail(error.message, error.message_zh)


@contextmanager
def open_ledger(*, writing: bool = False) -> Iterator[Ledger]:
    """The ledger of the settings; with `writing`, a node runs for the command unless one runs already."""
    quiet_log()
    with spoken_errors(), Ledger.open(Settings()) as ledger:
        if writing:
            with node(ledger.context):
                yield ledger
        else:
            yield ledger


@contextmanager
def bar(text: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error; call what it gives with (done, of)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(text, total=None)

        def moved(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of)

        yield moved


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_written(written: Written, *, as_json: bool, extra: dict[str, object] | None = None) -> None:
    """What became of a write; exit code 3 when the contract refused it."""
    if as_json:
        print_json(
            {
                "status": written.status.value,
                "digest": written.digest,
                "numbers": list(written.numbers),
                "party": written.party,
                "claim_id": written.claim_id,
                "block": written.block,
                "refusal": None if written.refusal is None else written.refusal.reason,
                **(extra or {}),
            }
        )
    else:
        subject = " ".join([*written.numbers, *([f"party {written.party}"] if written.party else [])])
        where = f"block {written.block}" if written.block is not None else "waiting for a block"
        out.print(f"{written.status.value}: {subject} ({where})", highlight=False)
        for name, value in (extra or {}).items():
            out.print(f"{name}: {value}", highlight=False, markup=False)
        if written.refusal is not None:
            _print_refusal(written.refusal)
    if written.status in (WriteStatus.REFUSED, WriteStatus.MALFORMED, WriteStatus.EXPIRED):
        raise typer.Exit(EXIT_REFUSED)


def read_master_key(path: Path) -> str:
    """Text of a master key file; ends the command when it cannot be read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path}: not a readable master key file ({error})")


def new_key() -> str:
    """An Idempotency-Key for one run of a command."""
    return f"cli-{secrets.token_hex(16)}"


def quiet_log() -> None:
    """Commands talk through their own lines; the log is for warnings."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(30), logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )


def _print_refusal(refusal: Refusal) -> None:
    err.print(f"{refusal.reason}: {refusal.message} {refusal.action}", style="yellow", highlight=False, markup=False)
    err.print(f"{refusal.message_zh}{refusal.action_zh}", style="yellow", highlight=False, markup=False)


def _problem_line(problem: FieldProblem) -> str:
    where = problem.path or "document"
    return f"einvoice: {where}: {problem.message_en} / {problem.message_zh} [{problem.code}]"
