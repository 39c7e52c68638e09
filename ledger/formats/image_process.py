"""Running a scanning program apart from the ledger, within limits of time and memory.

The program gets no environment of ours and no file but its standard input; it cannot write files. Linux: the limits
are set from outside (prlimit) while it still waits for its first byte.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

from ledger.formats.errors import FileRefusedError

CPU_S_MAX = 20  # a photograph of 60 million pixels takes 3 s, a page of a PDF 0.2 s
WALL_S_MAX = 60  # on a busy machine a process of CPU_S_MAX takes longer than that
MEMORY_SIZE_MAX = 1 << 30  # bytes of address space; 60 million pixels in colour take 180 MB, twice over
ANSWER_SIZE_MAX = 96 << 20  # bytes of JSON; the scanning programs stay under a third of it
PROCESSES_MAX = 2  # at a time; more would only take processors from issuing
WAIT_S_MAX = 30  # for one of them to end

_LIMIT_SIGNALS = (signal.SIGXCPU, signal.SIGKILL, signal.SIGABRT)
_CORES = threading.BoundedSemaphore(PROCESSES_MAX)  # guards the number of running scanning programs


def scan(
    program: str, arguments: list[str], data: bytes, kind: str, *,
    slots: threading.BoundedSemaphore = _CORES, cpu_s: int | None = None,
) -> dict[str, object]:  # fmt: skip
    """Answer of a scanning program to the bytes; `kind` names the file in errors.

    `program` is a file beside this one, or a whole path. `slots` bounds how many run at once; `cpu_s` is the processor
    time of this one, CPU_S_MAX where it is not given.

    Raises: FileRefusedError as the program says, and when it crashes (view_damaged), uses up a limit
    (view_too_costly) or none can be started in time (view_busy).
    """
    if not slots.acquire(timeout=WAIT_S_MAX):
        raise FileRefusedError("view_busy")
    try:
        output = _run(
            [sys.executable, "-I", str(Path(__file__).parent / program), *arguments],
            data,
            kind,
            CPU_S_MAX if cpu_s is None else cpu_s,
        )
    finally:
        slots.release()
    try:
        answer = json.loads(output) if len(output) <= ANSWER_SIZE_MAX else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise FileRefusedError("view_damaged", kind=kind)
    if "refused" in answer:
        raise FileRefusedError(str(answer["refused"]), kind=kind, **answer.get("values", {}))
    return answer


def _run(command: list[str], data: bytes, kind: str, cpu_s: int) -> bytes:
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env={}) as process:
        for limit, soft, hard in (
            (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),
            (resource.RLIMIT_AS, MEMORY_SIZE_MAX, MEMORY_SIZE_MAX),
            (resource.RLIMIT_FSIZE, 0, 0),
            (resource.RLIMIT_CORE, 0, 0),
        ):
            resource.prlimit(process.pid, limit, (soft, hard))
        try:
            output, _ = process.communicate(data, timeout=WALL_S_MAX)
        except subprocess.TimeoutExpired as err:
            process.kill()
            raise FileRefusedError("view_too_costly", kind=kind) from err
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        # Killed by the limits of time, or out of memory where the interpreter itself could not say so.
        costly = process.returncode < 0 and -process.returncode in _LIMIT_SIGNALS
        raise FileRefusedError("view_too_costly" if costly else "view_damaged", kind=kind)
    return output
