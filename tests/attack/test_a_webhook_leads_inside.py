"""Addresses of webhooks that lead into a network by another spelling, and receivers that hold a sender up."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ledger.service import webhook_posts
from ledger.service.webhook_posts import Attempt, UrlRefusedError, checked_url, may_reach, post

DRIPS = 400  # of 0.05 s: a sender that waits for the end waits twenty seconds


def sent(url: str, *, timeout_s: float = 1, private: bool = False) -> Attempt:
    return post(url, b"{}", message_id="m", secrets=[b"s"], sent_at_s=1, timeout_s=timeout_s, private=private)


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def resolved(*_: object, **__: object) -> list[object]:
        family = {one: socket.AF_INET6 if ":" in one else socket.AF_INET for one in addresses}
        return [(family[one], socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1", "0", "127.0.0.1.", "10.0.0.08", "1.2.3.4.5",
        "example.1", "0x.",
    ],
)  # fmt: skip
def test_a_number_that_resolvers_take_for_an_address_is_refused(host: str) -> None:
    with pytest.raises(UrlRefusedError) as caught:
        checked_url(f"https://{host}/", private=False)
    assert caught.value.code == "url_form"


@pytest.mark.parametrize("host", ["1.example.com", "0x7f.example", "93.184.216.34", "[2606:4700::1111]", "a1"])
def test_names_and_public_addresses_with_digits_are_taken(host: str) -> None:
    assert checked_url(f"https://{host}/", private=False).netloc == host


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "64:ff9b:1:ffff::a00:1", "::ffff:127.0.0.1", "::127.0.0.1",
        "::ffff:0:127.0.0.1", "fec0::1", "fc00::1", "fd00:ec2::254", "fe80::1", "2002:7f00:1::", "2001:0:7f00:1::",
        "2001:1::1", "2001:db8::1", "100::1", "0.0.0.0", "0.1.2.3", "100.100.100.200", "168.63.129.16",  # noqa: S104
        "169.254.169.254",
        "192.0.0.9", "192.0.0.192", "192.88.99.1", "198.18.0.1", "240.0.0.1", "255.255.255.255", "ff02::1", "::",
    ],
)  # fmt: skip
def test_no_address_of_a_network_a_cloud_or_a_translator_is_reached(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    assert not may_reach(address, private=False)
    resolving_to(monkeypatch, "93.184.216.34", address)
    assert sent("https://rebound.example.com/") == Attempt(None, "url_private")


@pytest.mark.parametrize("address", ["93.184.216.34", "::ffff:8.8.8.8", "64:ff9b::808:808", "2606:4700::1111"])
def test_public_addresses_are_reached(address: str) -> None:
    assert may_reach(address, private=False)


def test_a_name_is_resolved_once_and_its_very_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        asked: list[object] = []

        def rebinding(host: object, *_: object, **__: object) -> list[object]:
            asked.append(host)
            address = "127.0.0.1" if len(asked) == 1 else "10.0.0.5"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        threading.Thread(target=answering, args=(listener,)).start()
        attempt = sent(f"http://localhost:{port}/", timeout_s=20, private=True)
    assert attempt == Attempt(204, None)
    assert asked == ["localhost"]


def answering(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def test_a_resolver_that_does_not_answer_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked = threading.Event(), threading.Event()

    def hanging(*_: object, **__: object) -> list[object]:
        asked.set()
        release.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    attempt = sent("https://slow.example.com/", timeout_s=0.2)
    assert attempt == Attempt(None, "timeout")
    assert asked.is_set()
    assert not release.is_set()
    release.set()


def test_resolvers_left_behind_are_not_piled_up_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_posts, "_RESOLVING", threading.BoundedSemaphore(1))
    release, asked = threading.Event(), []

    def hanging(*_: object, **__: object) -> list[object]:
        asked.append(1)
        release.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    assert sent("https://slow.example.com/", timeout_s=0.1).error == "timeout"
    assert sent("https://slow.example.com/", timeout_s=0.1).error == "timeout"
    assert len(asked) == 1
    release.set()


@pytest.fixture
def dripping() -> Iterator[tuple[int, threading.Event]]:
    """A port that answers a TLS handshake byte by byte, and whether it came to its end."""
    ended, stop = threading.Event(), threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")  # a ServerHello of 16 KB follows
            for _ in range(DRIPS):
                if stop.wait(0.05):
                    return
                connection.sendall(b"\x00")
            ended.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        yield listener.getsockname()[1], ended
        stop.set()
        thread.join()


def test_a_handshake_byte_by_byte_is_cut_at_the_deadline(dripping: tuple[int, threading.Event]) -> None:
    port, ended = dripping
    assert sent(f"https://127.0.0.1:{port}/", timeout_s=0.5, private=True) == Attempt(None, "timeout")
    assert not ended.is_set()


def test_resolving_connecting_and_handshake_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    limits: list[float | None] = []

    def late(*_: object, **__: object) -> list[object]:
        now[0] += 4  # of ten
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    def connected(sock: socket.socket, _: object) -> None:
        limits.append(sock.gettimeout())
        now[0] += 5

    def secured(sock: socket.socket, _: str) -> socket.socket:
        limits.append(sock.gettimeout())
        raise TimeoutError

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", late)
        monkeypatch.setattr(socket.socket, "connect", connected)
        monkeypatch.setattr(webhook_posts, "_secured", secured)
        monkeypatch.setattr(webhook_posts, "time", SimpleNamespace(monotonic=lambda: now[0]))
        assert sent(f"https://localhost:{port}/", timeout_s=10, private=True) == Attempt(None, "timeout")
    assert limits == [6, 1]
