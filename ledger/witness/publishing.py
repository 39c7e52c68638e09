"""Bringing signed checkpoints to the ledger, so that its evidence carries them.

A thread of its own: witnessing never waits for whoever is watched. What cannot be brought is told and given up at a
limit; the witness's own directory keeps every note all the same, for anybody to bring.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self
from urllib.parse import SplitResult

from ledger.witness.errors import SourceError
from ledger.witness.posting import address_of, post
from verifier.canonical import check_depth
from verifier.errors import CanonicalError

CHECKPOINTS_PATH: Final = "/v1/checkpoints"
RPC_PATH: Final = "/rpc"
WAITING_MAX: Final = 16  # notes that wait while the ledger is away; the oldest goes first: newer ones say more
ATTEMPTS_MAX: Final = 10  # of one note, some five minutes
RETRY_FIRST_S: Final = 1.0
RETRY_MAX_S: Final = 60.0
ANSWER_LIMIT_S: Final = 10.0  # seconds for one answer: the ledger stores a note within milliseconds
ANSWER_SIZE_MAX: Final = 65_536  # bytes; answers have under 1,000
CLOSING_LIMIT_S: Final = 12.0  # seconds that the end of a witness waits for the last note
TEXT_SIZE_MAX: Final = 300  # characters shown of what the ledger says
_AGAIN: Final = frozenset({408, 425, 429})

Say = Callable[[int, str], None]
"""(height, what is wrong): "" when the checkpoint of that height was taken."""


class Publisher:
    """Brings notes to one ledger, in order, each until it is taken or given up; use it in a `with`."""

    def __init__(self, url: str, say: Say, *, retry_first_s: float = RETRY_FIRST_S) -> None:
        """Raises: SourceError when `url` is no http(s) address."""
        self._address = address_of(url, "a ledger's checkpoints")
        self._say = say
        self._retry_first_s = retry_first_s
        self._waiting: deque[tuple[int, str]] = deque(maxlen=WAITING_MAX)
        self._changed = threading.Condition()  # guards _waiting and _is_ending
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="publishing", daemon=True)
        self._thread.start()

    def put(self, height: int, note: str) -> None:
        """Has the note of block `height` brought; returns at once."""
        with self._changed:
            self._waiting.append((height, note))
            self._changed.notify()

    def close(self) -> None:
        """Tries what waits once more, for CLOSING_LIMIT_S at most, and ends."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        self._thread.join(CLOSING_LIMIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_ending)
                if not self._waiting:
                    return
                height, note = self._waiting.popleft()
            self._bring(height, note)

    def _bring(self, height: int, note: str) -> None:
        """Until it is taken, refused, or tried often enough; at the end of the witness one more attempt is the last."""
        pause_s = self._retry_first_s
        for attempt in range(1, ATTEMPTS_MAX + 1):
            wrong, again = brought(self._address, note)
            if not wrong or not again:
                self._say(height, wrong)
                return
            if attempt == 1:
                self._say(height, f"{wrong}; trying again")
            with self._changed:
                if self._is_ending:
                    break
                self._changed.wait_for(lambda: self._is_ending, pause_s)
            pause_s = min(2 * pause_s, RETRY_MAX_S)
        self._say(height, f"{wrong}; given up, the note stays in the witness's directory")


def checkpoints_url(rpc_url: str) -> str:
    """Where the ledger whose JSON-RPC is at `rpc_url` takes checkpoints.

    Raises: SourceError when that does not follow from it.
    """
    parts = address_of(rpc_url, "a JSON-RPC")
    if not parts.path.endswith(RPC_PATH) or parts.query:
        raise SourceError(f"{rpc_url} does not end with {RPC_PATH}: say with --publish-to where checkpoints go")
    return parts._replace(path=parts.path.removesuffix(RPC_PATH) + CHECKPOINTS_PATH).geturl()


def brought(address: SplitResult, note: str) -> tuple[str, bool]:
    """What is wrong after bringing `note` once ("" when it was taken), and whether another attempt makes sense."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Accept": "application/json"}
    try:
        status, data = post(address, note.encode(), headers, answer_limit_s=ANSWER_LIMIT_S, size_max=ANSWER_SIZE_MAX)
    except SourceError as err:
        return err.message, True
    if status == 200:
        return "", False
    return f"status {status}: {_said(data)}", status >= 500 or status in _AGAIN


def _said(data: bytes) -> str:
    """What a problem's answer says, in ASCII and short: it is a stranger's text on somebody's terminal."""
    try:
        text = data.decode()
        check_depth(text)
        value = json.loads(text)
    except (ValueError, CanonicalError):
        return "no problem in JSON"
    detail = value.get("detail") if isinstance(value, dict) else None
    return ascii(detail)[1:-1][:TEXT_SIZE_MAX] if isinstance(detail, str) else "without a detail"
