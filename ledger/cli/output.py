"""How commands talk: progress bars for people, JSON for scripts, one line for what went wrong.

The service is imported where it is used: `--help` and `verify` need nothing of it, and it takes a second to load.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from ledger.domain.errors import FieldProblem
    from ledger.service import Refusal, Witnessed, Written

EXIT_FAILED = 1
EXIT_USAGE = 2  # what click itself ends with on wrong usage
EXIT_REFUSED = 3

STANDARD_OUTPUT = Path("-")
WIDTH_PIPED = 140  # columns when nobody's terminal says otherwise: a number must never be cut

Witnesses = Annotated[str, typer.Option(help="Witnesses' signatures: required, preferred, or none (as of the head).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]

out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_PIPED)
err = Console(stderr=True, soft_wrap=True)


def witnessed_of(text: str) -> Witnessed:
    """Whose signatures are wanted. Ends the command when the word is unknown."""
    from ledger.service import Witnessed

    try:
        return Witnessed(text)
    except ValueError:
        fail(f"--witnessed is {', '.join(Witnessed)}", f"--witnessed 可选 {'、'.join(Witnessed)}", EXIT_USAGE)


def fail(message: str, message_zh: str = "", code: int = EXIT_FAILED) -> NoReturn:
    """Ends the command with a message on standard error."""
    complain(message, message_zh)
    raise typer.Exit(code)


def complain(message: str, message_zh: str = "") -> None:
    """A message on standard error, in one line a language."""
    err.print(f"einvoice: {' '.join(message.split())}", style="red", highlight=False, markup=False)
    if message_zh:
        err.print(f"einvoice：{message_zh}", style="red", highlight=False, markup=False)


@contextmanager
def spoken_errors() -> Iterator[None]:
    """Says what the ledger or the system refuses in one line instead of a traceback."""
    from ledger.chain import ChainError
    from ledger.identity import IdentityError
    from ledger.identity.errors import KeyFileError
    from ledger.projection import StorageError
    from ledger.service import InvalidRequest, ServiceError

    try:
        yield
    except InvalidRequest as error:
        print_problems(error.problems)
        raise typer.Exit(EXIT_FAILED) from error
    except ServiceError as error:
        fail(error.message, error.message_zh)
    except KeyFileError as error:
        fail(str(error), "密钥文件无法使用：不存在、口令不符，或口令过短")
    except (ChainError, StorageError, IdentityError) as error:
        fail(str(error), "账本数据无法读写")
    except BrokenPipeError:
        raise  # whoever read our output has gone: nothing to say, and nobody to say it to
    except OSError as error:
        what = error.strerror or str(error)
        fail(f"{error.filename}: {what}" if error.filename else what, "文件无法读写")


@contextmanager
def bar(text: str, *, of_bytes: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error; call what it gives with (done, of)."""
    count = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(text, total=None)

        def moved(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of)

        yield moved


@contextmanager
def phases(text: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error; call what it gives with (what is done now, done, of); of is 0 if not known."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(text, total=None)

        def moved(phase: str, done: int, of: int) -> None:
            progress.update(task, description=f"{text}: {phase}", completed=done, total=of or None)

        yield moved


@contextmanager
def steps(text: str, count: int) -> Iterator[Callable[[str], None]]:
    """A progress bar of `count` steps; call what it gives with the name of each step as it begins."""
    columns = (TextColumn("{task.fields[at]}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(text, total=count, at=text)

        def began(step: str) -> None:
            progress.update(task, advance=1, at=step)
            if not err.is_terminal:
                err.print(f"{text}: {step}", highlight=False)

        yield began


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_line(text: str) -> None:
    """One line on standard output, as it is."""
    out.print(text, highlight=False, markup=False)


def print_written(written: Written, *, as_json: bool, extra: dict[str, object] | None = None) -> None:
    """What became of a write; exit code 3 when the contract refused it."""
    from ledger.service import WriteStatus

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
        subject = [*written.numbers, *([f"party {written.party}"] if written.party else [])]
        where = (
            f"block {written.block}" if written.block is not None else "waiting for a block; the node will record it"
        )
        print_line(" ".join([f"{written.status.value}:", *subject, f"({where})"]))
        for name, value in (extra or {}).items():
            print_line(f"{name}: {value}")
    if written.refusal is not None:
        _print_refusal(written.refusal)
    if written.status in (WriteStatus.REFUSED, WriteStatus.MALFORMED, WriteStatus.EXPIRED):
        raise typer.Exit(EXIT_REFUSED)


def print_problems(problems: tuple[FieldProblem, ...]) -> None:
    """One line on standard error for each field that cannot be taken."""
    for problem in problems:
        err.print(_problem_line(problem), style="red", highlight=False, markup=False)


def print_or_write(output: Path, data: bytes, *, as_json: bool, mode: int = 0o666) -> None:
    """Writes `data` to a new file of that mode and says so; to standard output when that is `-`."""
    if output == STANDARD_OUTPUT:
        typer.echo(data)
        return
    with spoken_errors():
        write_file(output, data, mode)
    if as_json:
        print_json({"file": str(output), "size": len(data)})
    else:
        print_line(f"{output}: {len(data)} bytes")


def write_file(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Writes a file whole or not at all, at every moment with `mode` less the umask. Raises: OSError naming it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(unfinished, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
        unfinished.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _print_refusal(refusal: Refusal) -> None:
    err.print(f"{refusal.reason}: {refusal.message} {refusal.action}", style="yellow", highlight=False, markup=False)
    err.print(f"{refusal.message_zh}{refusal.action_zh}", style="yellow", highlight=False, markup=False)


def _problem_line(problem: FieldProblem) -> str:
    where = problem.path or "document"
    return f"einvoice: {where}: {problem.message_en} / {problem.message_zh} [{problem.code}]"
