"""A guard that makes Python refuse sockets while it stands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_standing = [0]  # guards that stand now; an audit hook cannot be taken away again, only be told to pass


class NetworkForbiddenError(RuntimeError):
    """Something tried to use the network while the guard stood; carries the audit event's name."""


@contextmanager
def forbid_network() -> Iterator[None]:
    """Every socket event of this process raises while the context is open (sys.addaudithook)."""
    _install()
    _standing[0] += 1
    try:
        yield
    finally:
        _standing[0] -= 1


@cache
def _install() -> None:
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if _standing[0] and event.startswith("socket."):
        raise NetworkForbiddenError(event)
