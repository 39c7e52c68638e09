"""Running the node and the API as processes of their own, and ending them together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import Self

import structlog

from ledger.cli.output import complain, spoken_errors
from ledger.parent import HELD_BY_PARENT, end_with_parent
from ledger.sequencer import SequencerStoppedError
from ledger.service import Ledger, run_node
from ledger.settings import Settings

READY = "ready"
START_LIMIT_S = 60.0
STOP_LIMIT_S = 45.0  # the API lets running requests finish, at most the longest wait for a block
POLL_S = 0.1
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class ProcessEndedError(RuntimeError):
    """A process ended before it was ready; its own last words are on standard error."""


def run_node_process(settings: Settings) -> int:
    """The node, until SIGTERM; prints `ready node` once it can take work. Exit code."""
    _configure_log(settings)
    end_with_parent()
    try:
        with spoken_errors(), Ledger.open(settings) as ledger:
            run_node(ledger.context, on_ready=lambda: print(f"{READY} node", flush=True))  # noqa: T201 - for the parent
    except SequencerStoppedError as error:
        complain(f"the node stopped: {error}", "节点已停止")
        return 1
    return 0


class Servers:
    """A node and an API on one ledger, as child processes, which end with this one even when it is killed.

    Use it in a `with`; `stop` gives up a start as well.
    """

    def __init__(self, settings: Settings, stop: threading.Event | None = None) -> None:
        self._children: dict[str, subprocess.Popen[str]] = {}
        self._environment = {**os.environ, **_environment_of(settings), HELD_BY_PARENT: "1"}
        self._stop = stop or threading.Event()
        self.url = ""

    def start(self) -> None:
        """Starts both; returns when they answer. Raises: ProcessEndedError."""
        self._spawn("the node", "ledger.cli", "node")
        self.url = self._spawn("the API", "api").removeprefix(READY).strip()

    def ended(self) -> str:
        """Which of them is gone, "" when both run."""
        return " and ".join(name for name, child in self._children.items() if child.poll() is not None)

    def stop(self) -> int:
        """Ends the API, then the node; 0 when both ended as asked."""
        worst = 0
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            try:
                worst = max(worst, abs(child.wait(timeout=STOP_LIMIT_S)))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                worst = 1
            if child.stdin is not None:
                child.stdin.close()
        self._children.clear()
        return worst

    def _spawn(self, name: str, *module: str) -> str:
        child = subprocess.Popen(
            [sys.executable, "-m", *module],
            env=self._environment,
            stdin=subprocess.PIPE,  # nothing is written: it closes when this process ends, whatever ends it
            stdout=subprocess.PIPE,
            text=True,
        )
        self._children[name] = child
        line = _first_line(child, self._stop)
        if not line.startswith(READY):
            self.stop()
            raise ProcessEndedError(f"{name} did not start; its own words are above")
        return line

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve_until_signal(settings: Settings) -> int:
    """Node and API until SIGTERM or SIGINT, or until one of them ends. Exit code."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    servers = Servers(settings, stop)
    try:
        servers.start()
    except ProcessEndedError as error:
        if stop.is_set():
            return 0  # asked to end before it was up
        complain(str(error), "进程未能启动，原因见上")
        return 1
    print(f"{READY} {servers.url}", flush=True)  # noqa: T201 - a parent or a person waits for it
    ended = ""
    while not stop.wait(POLL_S) and not ended:
        ended = servers.ended()
    code = servers.stop()
    if ended and not stop.is_set():
        complain(f"{ended} ended by itself; everything is stopped", "有进程意外退出，已全部停止")
    return 1 if ended and not stop.is_set() else code


def _first_line(child: subprocess.Popen[str], stop: threading.Event) -> str:
    """First line a child prints, "" when it ends, says nothing in time or `stop` is set; the rest is passed on."""
    found: list[str] = []
    said = threading.Event()

    def read() -> None:
        assert child.stdout is not None
        with child.stdout:
            found.append(child.stdout.readline().strip())
            said.set()
            for line in child.stdout:
                sys.stdout.write(line)
                sys.stdout.flush()

    threading.Thread(target=read, name="child-output", daemon=True).start()
    deadline = time.monotonic() + START_LIMIT_S
    while not said.wait(POLL_S) and not stop.is_set() and time.monotonic() < deadline:
        pass
    return found[0] if found else ""


def _environment_of(settings: Settings) -> dict[str, str]:
    """Settings that were given in code, for the children's environment; secrets are inherited, never copied."""
    given = settings.model_dump(exclude_unset=True, exclude={"master_key"}, mode="json")
    return {f"EINVOICE_{name.upper()}": str(value) for name, value in given.items() if value is not None}


def _configure_log(settings: Settings) -> None:
    from ledger.service.log_masks import mask_line

    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_line,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
