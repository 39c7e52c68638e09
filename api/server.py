"""Running the application under uvicorn: one process, or several that share one listening socket."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import sys
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from api.app import create_app
from api.protocol import BoundedProtocol
from api.rate_limits import sharing_rates
from ledger.parent import end_with_parent
from ledger.service import ServiceError
from ledger.service.log_masks import mask_line
from ledger.settings import Settings

BACKLOG = 2_048  # connections the kernel holds while all processes are busy
KEEP_ALIVE_S = 30
GRACEFUL_S = 40  # above the longest a write waits for its block (EINVOICE_POST_WAIT_MS, at most 30 s)
READY_POLL_S = 0.1
APPLICATION = "api.server:application"
READY = "ready"


class Server(uvicorn.Server):
    """uvicorn's server that says when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts listening; prints the ready line when this process is the only one."""
        await super().startup(sockets)
        if self.started and sockets:
            announce(sockets[0])


class Supervisor(Multiprocess):
    """uvicorn's supervisor of several processes that says when all of them listen."""

    def run(self) -> None:
        """Starts the processes, replaces those that die, stops them when told to."""
        self.init_processes()
        announced = False
        while not self.should_exit.wait(READY_POLL_S):
            self.handle_signals()
            self.keep_subprocess_alive()
            if not announced and all(process.is_ready() for process in self.processes):
                announce(self.sockets[0])
                announced = True
        self.terminate_all()
        self.join_all()


def application() -> FastAPI:
    """The application of one server process, with settings from the environment."""
    settings = Settings()
    configure_log(settings)
    if multiprocessing.parent_process() is not None:  # one of several: a supervisor that was killed stops none
        end_with_parent()
    return create_app(settings=settings)


def serve(settings: Settings, *, listening_fd: int | None = None) -> int:
    """Serves until SIGTERM or SIGINT; the process's exit code."""
    configure_log(settings)
    end_with_parent()
    if settings.rpc_open:
        structlog.get_logger("api").warning("EINVOICE_RPC_OPEN is set: /rpc shows every block to everybody who asks")
    listener = _listener(settings, listening_fd)
    config = uvicorn.Config(
        APPLICATION,
        factory=True,
        workers=settings.workers,
        loop="asyncio",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    if settings.workers == 1:
        return _serve_alone(config, listener)
    supervisor = Supervisor(config, [listener])
    with sharing_rates(settings):
        supervisor.run()
    failed = any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes)
    return STARTUP_FAILURE if failed else 0


def announce(listener: socket.socket) -> None:
    """Prints the ready line with the real address."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"{READY} http://{shown}:{port}\n")
    sys.stdout.flush()


def configure_log(settings: Settings) -> None:
    """Log lines to standard error, as JSON or for people; uvicorn's own go the same way."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_line,
    ]
    final: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if settings.log_format == "console":
        final = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, final],
        )
    )
    handler.addFilter(_shorten_known_failure)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))  # uvicorn says at info level what the ready line says better


def _serve_alone(config: uvicorn.Config, listener: socket.socket) -> int:
    server = Server(config)
    # uvicorn stops at these signals, then raises them again for whoever handled them before: here they end well
    previous = {number: signal.signal(number, _ended) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0 if server.started else STARTUP_FAILURE


def _shorten_known_failure(record: logging.LogRecord) -> bool:
    """uvicorn logs why a start failed as a traceback; what our own errors say is its last line."""
    text = record.getMessage()
    last = text.rstrip().rpartition("\n")[2]
    if text.startswith("Traceback") and last.startswith(f"{ServiceError.__module__}."):
        record.msg, record.args = last.partition(": ")[2], ()
    return True


def _ended(_signal: int, _frame: FrameType | None) -> None:
    """Nothing left to do: the server has stopped when this is called."""


def _listener(settings: Settings, listening_fd: int | None) -> socket.socket:
    if listening_fd is not None:
        return socket.socket(fileno=listening_fd)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sends small answers at once (TCP_NODELAY) only on sockets that name the protocol
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as err:
        listener.close()
        raise SystemExit(f"cannot listen on {settings.host} port {settings.port}: {err.strerror}") from err
    listener.listen(BACKLOG)
    listener.set_inheritable(True)
    return listener
