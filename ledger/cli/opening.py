"""Settings and the open ledger, as commands need them."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import structlog
from pydantic import ValidationError
from pydantic_settings import SettingsError
from typer._click.globals import get_current_context  # Typer has no public name for it; a test holds it

from ledger.cli.output import EXIT_USAGE, fail, spoken_errors
from ledger.settings import Settings

if TYPE_CHECKING:
    from ledger.service import Ledger
    from ledger.service.request_notes import Errand

WARNING = 30
PAGE_SIZE = 100  # rows of a list asked for at a time
BLOCK_WAIT_MS = 20_000  # a command has nothing better to do than to see its write recorded, on a slow machine as well

_OURS = frozenset({"as_party", "as_officer", "as_json", "output", "csv"})  # not what is asked for

RowT_co = TypeVar("RowT_co", covariant=True)


def read_settings(**given: Any) -> Settings:
    """Settings of the environment, but for those `given`; ends the command naming each that is out of range."""
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = "; ".join(f"EINVOICE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        fail(f"{wrong}; docs/STORAGE.md lists the settings", "环境变量设置有误", code=EXIT_USAGE)
    except SettingsError as error:
        fail(f"{error}; docs/STORAGE.md lists the settings", "环境变量设置有误", code=EXIT_USAGE)


@contextmanager
def open_ledger(*, writing: bool = False, looking: bool = True) -> Iterator[Ledger]:
    """The ledger of the settings; with `writing`, a node runs for the command unless one runs already.

    What an officer or auditor looks at is noted in the audit log, as at the API. Not as a look is what a command
    changes, which is noted as that, nor what is the caller's own: those come `writing`, or else not `looking`.
    """
    quiet_log()
    settings = read_settings()
    with spoken_errors():
        from ledger.service import Ledger, node_if_none_runs

        if writing:
            settings = settings.model_copy(update={"post_wait_ms": max(settings.post_wait_ms, BLOCK_WAIT_MS)})
        with Ledger.open(settings, _errand(looks=looking and not writing)) as ledger:
            if writing:
                with node_if_none_runs(ledger.context):
                    yield ledger
            else:
                yield ledger


def _errand(*, looks: bool) -> Errand | None:
    """What the running command is, None where none runs."""
    from ledger.service.request_notes import Errand, about_of, filters_of

    context = get_current_context(silent=True)
    if context is None:
        return None
    given = {
        name: value
        for name, value in context.params.items()
        if name not in _OURS and getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    about = about_of(given)
    filters = filters_of((name, str(value)) for name, value in given.items() if str(value) != about)
    called_as = context.find_root().command_path  # `einvoice`, or how else Python was told to run it
    return Errand(f"einvoice{context.command_path.removeprefix(called_as)}", about, filters, looks)


class _Page(Protocol[RowT_co]):
    @property
    def items(self) -> Sequence[RowT_co]: ...

    @property
    def next_cursor(self) -> str | None: ...


def every_row(ledger: Ledger, read: Callable[[str | None, int], _Page[RowT_co]]) -> Iterator[RowT_co]:
    """Rows of all pages of a list. `read` gives the page at a cursor (None: the first) of at most that many rows."""
    size, cursor = min(PAGE_SIZE, ledger.context.settings.page_size_max), None
    while True:
        page = read(cursor, size)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def new_key() -> str:
    """An Idempotency-Key for one run of a command."""
    return f"cli-{secrets.token_hex(16)}"


def quiet_log() -> None:
    """Commands talk through their own lines; the log is for warnings, masked as the servers' is."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask,
            structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _mask(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # its package takes a second to import, and most commands log nothing
    from ledger.service.log_masks import mask_line

    return mask_line(logger, method, line)
