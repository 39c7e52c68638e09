"""The real processes of an installation, started as `einvoice serve` starts them: one node, one API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from ledger.cli.serving import Servers
from ledger.settings import Settings


@dataclass(frozen=True)
class Running:
    """A served ledger."""

    host: str
    port: int


@contextmanager
def serving(settings: Settings) -> Iterator[Running]:
    """Node and API of the ledger in `settings`, on a free port; stopped in order at the end."""
    with Servers(settings.model_copy(update={"port": 0, "log_level": "error"})) as servers:
        url = urlsplit(servers.url)
        assert url.hostname is not None
        assert url.port is not None
        yield Running(url.hostname, url.port)
