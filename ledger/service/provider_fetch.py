"""One request to a company's sign-in provider: a stranger's server, at addresses that it writes itself.

The same guard as for webhooks (ledger.service.webhook_posts): https, every address of the name looked at and one of
those very addresses connected to, no redirect followed, one deadline for the whole exchange, and no more of the answer
read than is of use.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult

from ledger.service.errors import ProviderFailed
from ledger.service.webhook_posts import UrlRefusedError, checked_url, connected, cut_at
from verifier.canonical import check_depth
from verifier.errors import CanonicalError

ANSWER_SIZE_MAX = 262_144  # bytes of metadata, keys or tokens; large providers send 20,000
FETCH_TIMEOUT_S = 5  # of one request, from the name to the last byte: a person waits for it
OK = 200


@dataclass(frozen=True)
class Fetched:
    """An answer: its HTTP status and the object in its body, empty for any other body than a JSON object."""

    status: int
    said: dict[str, object]


def fetch(url: str, *, private: bool, form: bytes | None = None, headers: Mapping[str, str] | None = None) -> Fetched:
    """The provider's answer to a GET, or to a POST of `form`.

    Raises: ProviderFailed when there is none, in time and within its size; a redirect is one of status 3xx.
    """
    deadline = time.monotonic() + FETCH_TIMEOUT_S
    try:
        parts = checked_url(url, private=private)
        sock = connected(parts, private=private, deadline=deadline)
    except UrlRefusedError as err:
        raise ProviderFailed(f"provider_{err.code}") from err
    except TimeoutError as err:
        raise ProviderFailed("provider_timeout") from err
    except ssl.SSLError as err:
        raise ProviderFailed("provider_tls") from err
    except (OSError, ValueError) as err:
        raise ProviderFailed("provider_down") from err
    over = threading.Event()
    try:
        with cut_at(deadline, sock, parts, over) as connection:
            status, body = _exchanged(connection, parts, form, headers or {})
    except (OSError, http.client.HTTPException, ValueError) as err:
        raise ProviderFailed("provider_timeout" if over.is_set() else "provider_down") from err
    if over.is_set():
        raise ProviderFailed("provider_timeout")
    if len(body) > ANSWER_SIZE_MAX:
        raise ProviderFailed("provider_too_long")
    return Fetched(status, _object(body))


def _exchanged(
    connection: http.client.HTTPConnection, parts: SplitResult, form: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    """Status and body, of which one byte over the limit is read at most. Raises: OSError, HTTPException, ValueError."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest("GET" if form is None else "POST", target, skip_host=True, skip_accept_encoding=True)
    sent = {
        "Host": parts.netloc, "Accept": "application/json", "User-Agent": "einvoice-ledger", "Connection": "close",
        **headers,
    }  # fmt: skip
    if form is not None:
        sent |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form))}
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.endheaders(form)
    response = connection.getresponse()
    return response.status, response.read(ANSWER_SIZE_MAX + 1)


def _object(body: bytes) -> dict[str, object]:
    try:
        text = body.decode()
        check_depth(text)
        said = json.loads(text)
    except (ValueError, CanonicalError):
        return {}
    return said if isinstance(said, dict) else {}
