"""One POST to a receiver of webhooks, where an address that somebody else wrote must not open our own network.

The name is resolved once, every address it has is looked at, and the connection goes to one of those very addresses:
a name that answers differently a moment later changes nothing. Redirects are answers like any other, the answer's
body is not kept, and the whole exchange has one deadline, so that a receiver that answers byte by byte holds a thread
no longer than one that does not answer. Signing follows Standard Webhooks (https://www.standardwebhooks.com/).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

ANSWER_SIZE_MAX = 65_536  # bytes of an answer read so that its connection ends in order; nothing of it is kept
ADDRESSES_MAX = 8  # addresses of one name that are tried
RESOLVERS_MAX = 64  # names asked for at once, those given up on included: the system ends them after a minute or so
SECRET_PREFIX = "whsec_"  # noqa: S105 - in front of every secret, as Standard Webhooks writes them
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+", re.ASCII)
_NUMERIC = re.compile(r"(.*\.)?(0[xX][0-9A-Fa-f]*|[0-9]+)\.?", re.ASCII)  # resolvers read 2130706433 as 127.0.0.1
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NOT_PUBLIC = tuple(  # what `is_global` calls public though it is answered from within a network, or by nobody
    ipaddress.ip_network(one)
    for one in (
        "168.63.129.16/32",  # a cloud's own services for its machines
        "192.0.0.0/24",  # protocol assignments, the nearest port mapper among them
        "192.88.99.0/24",  # the nearest 6to4 relay
        "2001:1::/32",  # as 192.0.0.0/24
        "fec0::/10",  # site-local
    )
)
_RESOLVING = threading.BoundedSemaphore(RESOLVERS_MAX)  # guards how many threads wait for the system's resolver

_Resolved = list[tuple[socket.AddressFamily, str]]


class UrlRefusedError(ValueError):
    """An address that events are not sent to; `code` is one of docs/API.md's codes of fields."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Attempt:
    """What an attempt brought: the HTTP status, None without an answer; `error` None when it was taken (2xx)."""

    status: int | None
    error: str | None


def checked_url(url: str, *, private: bool) -> SplitResult:
    """The parts of a receiver's address: https with a host, or where `private` is set http to this machine itself.

    Raises: UrlRefusedError.
    """
    if not _VISIBLE.fullmatch(url):
        raise UrlRefusedError("url_form")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as err:
        raise UrlRefusedError("url_form") from err
    if parts.scheme not in ("https", "http") or parts.username is not None or parts.fragment or port == 0:
        raise UrlRefusedError("url_form")
    if not _HOST.fullmatch(parts.netloc.rpartition(":")[0] if port is not None else parts.netloc):
        raise UrlRefusedError("url_form")
    if parts.scheme == "http" and not (private and _is_this_machine(host)):
        raise UrlRefusedError("url_not_https")
    address = _literal(host)
    if address is None and _NUMERIC.fullmatch(host):
        raise UrlRefusedError("url_form")
    if address is not None and not may_reach(address, private=private):
        raise UrlRefusedError("url_private")
    return parts


def may_reach(address: str, *, private: bool) -> bool:
    """Whether events may go to an IP address: one of the public internet, or any unicast one where `private` is set."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    found = _inner(found)
    if found.is_multicast or found.is_unspecified or found == ipaddress.ip_address("255.255.255.255"):
        return False
    if private:
        return True
    return found.is_global and not found.is_reserved and not any(found in network for network in _NOT_PUBLIC)


def new_signature(secret: bytes, message_id: str, sent_at_s: int, body: bytes) -> str:
    """One `v1,...` signature: HMAC-SHA256 over id, time and body, Base64."""
    signed = f"{message_id}.{sent_at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def secret_text(secret: bytes) -> str:
    """A secret as its owner gets it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def post(
    url: str, body: bytes, *, message_id: str, secrets: Sequence[bytes], sent_at_s: int, timeout_s: float, private: bool
) -> Attempt:
    """Sends one event. Never raises: trouble is the attempt's `error`, in a few plain words."""
    deadline = time.monotonic() + timeout_s
    try:
        parts = checked_url(url, private=private)
        sock = connected(parts, private=private, deadline=deadline)
    except UrlRefusedError as err:
        return Attempt(None, err.code)
    except TimeoutError:
        return Attempt(None, "timeout")
    except ssl.SSLError as err:
        return Attempt(None, f"tls: {err.reason or 'failed'}")
    except (OSError, ValueError):
        return Attempt(None, "cannot connect")
    signatures = " ".join(new_signature(secret, message_id, sent_at_s, body) for secret in secrets)
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "einvoice-ledger",
        "Connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at_s),
        "webhook-signature": signatures,
    }
    return _exchange(sock, parts, headers, body, deadline)


def _exchange(
    sock: socket.socket, parts: SplitResult, headers: dict[str, str], body: bytes, deadline: float
) -> Attempt:
    """The request and its answer's status, cut off at the deadline whatever the receiver does."""
    over = threading.Event()
    try:
        with cut_at(deadline, sock, parts, over) as connection:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.putrequest("POST", target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            status = response.status
            response.read(ANSWER_SIZE_MAX)
    except TimeoutError:
        return Attempt(None, "timeout")
    except (OSError, http.client.HTTPException, ValueError) as err:
        return Attempt(None, "timeout" if over.is_set() else f"no answer: {type(err).__name__}")
    if over.is_set():
        return Attempt(status, "timeout")
    return Attempt(status, None if 200 <= status < 300 else f"answered {status}")


@contextmanager
def cut_at(
    deadline: float, sock: socket.socket, parts: SplitResult, over: threading.Event
) -> Iterator[http.client.HTTPConnection]:
    """An exchange over `sock`, which is cut off at the deadline whatever the other side does; then `over` is set."""

    def cut() -> None:
        over.set()
        shut(sock)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    connection = http.client.HTTPConnection(parts.hostname or "")
    connection.sock = sock
    try:
        yield connection
    finally:
        timer.cancel()
        connection.close()
        sock.close()


def connected(parts: SplitResult, *, private: bool, deadline: float) -> socket.socket:
    """A connection to one of the host's addresses, all of which may be reached. Raises: UrlRefusedError, OSError."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _resolved(host, port, deadline)
    if not addresses or not all(may_reach(address, private=private) for _, address in addresses):
        raise UrlRefusedError("url_private")
    if parts.scheme == "http" and not all(_is_loopback(address) for _, address in addresses):
        raise UrlRefusedError("url_not_https")
    last: OSError = TimeoutError()
    for family, address in addresses[:ADDRESSES_MAX]:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(_left_s(deadline))
            sock.connect((address, port))
            if parts.scheme == "http":
                return sock
            sock.settimeout(_left_s(deadline))  # of the whole handshake
            return _secured(sock, host)
        except OSError as err:
            last = err
            sock.close()
    raise last


def _resolved(host: str, port: int, deadline: float) -> _Resolved:
    """Every address of a host. Raises: TimeoutError at the deadline, which the system's resolver does not know."""
    answers: queue.SimpleQueue[_Resolved | Exception] = queue.SimpleQueue()
    places = _RESOLVING

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys((family, str(place[0])) for family, _, _, _, place in found)))
        except (OSError, ValueError) as err:
            answers.put(err)
        finally:
            places.release()

    if not places.acquire(timeout=_left_s(deadline)):
        raise TimeoutError
    threading.Thread(target=ask, name="webhook-resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=_left_s(deadline))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _left_s(deadline: float) -> float:
    """Seconds to the deadline. Raises: TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _secured(sock: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(sock, server_hostname=host)


def shut(sock: socket.socket) -> None:
    """Ends a connection under the thread that reads or writes it, which then gets an error or an end."""
    try:
        # not SSLSocket's own, which would pull the session from under the thread that reads
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


def _inner(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 address carries inside, where it does."""
    if isinstance(found, ipaddress.IPv4Address):
        return found
    if found in _NAT64:
        return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    teredo = found.teredo
    return found.ipv4_mapped or found.sixtofour or (teredo[1] if teredo is not None else found)


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or _is_loopback(host)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
