"""Logs of node and API at their most talkative hold nobody's name, number, key, token or cookie, whatever was sent."""

from __future__ import annotations

import itertools
import json
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
import structlog

from api.examples import EXAMPLES
from api.server import configure_log
from ledger.identity import load_master_key
from ledger.service.copies import backup, restore
from ledger.service.log_masks import mask_line, masked_text
from ledger.settings import Settings
from tests.api.test_answers_match_schemas import ROUTES, address_of
from tests.e2e.running import API, NODE, Process
from tests.privacy.planted import WORDS, Planted, leaks
from tests.service.world import settings_of

DEBUG = {"EINVOICE_LOG_LEVEL": "debug", "EINVOICE_POST_WAIT_MS": "0"}


@pytest.fixture(scope="module")
def told(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, bytes], int]:
    """Log of both processes after every route was sent planted data, with all kinds of credentials; what was sent."""
    directory = tmp_path_factory.mktemp("logs")
    backup(planted.world.ledger.context, directory / "copy", master_key=True)
    restore(settings_of(directory / "data"), directory / "copy")
    node, api = Process(NODE, directory / "data", **DEBUG), Process(API, directory / "data", **DEBUG)
    try:
        node.start()
        api.start()
        sent = _walk(planted, api.address)
    finally:
        api.stop()
        node.stop()
    return node.log.read_bytes() + api.log.read_bytes(), *sent


def _walk(planted: Planted, address: str) -> tuple[dict[str, bytes], int]:
    world, words = planted.world, itertools.cycle(WORDS.values())
    session, wrong = secrets.token_hex(32), f"einv_{'0a' * 8}_{secrets.token_hex(32)}"
    ways: list[dict[str, str]] = [
        {"authorization": f"Bearer {world.api_keys[planted.seller.party]}"},
        {"authorization": f"Bearer {world.api_keys[planted.cashier.party]}"},
        {"authorization": f"Bearer {world.api_keys[planted.seller.party]}"},
        {"authorization": f"Bearer {wrong}"},
        {"cookie": f"__Host-einvoice_session={session}", "sec-fetch-site": "same-origin"},
    ]
    count = 0
    with httpx.Client(base_url=address, timeout=60) as client:
        for name, headers in zip(ROUTES, itertools.cycle(ways), strict=False):
            route, example = ROUTES[name], EXAMPLES[name]
            given = {**headers, "idempotency-key": f"key-{count}", "content-type": "application/json"}
            body = json.dumps(_replaced(example.request, words), ensure_ascii=False).encode()
            where = f"{address_of(route)}?party={quote(next(words))}&note={quote(next(words))}"
            method = next(iter(route.methods))
            client.request(method, where, content=body if method != "GET" else None, headers=given)
            count += 1
        for word in WORDS.values():
            client.post("/v1/invoices", content=f'{{"{word}"'.encode(), headers={**ways[0], "idempotency-key": "k"})
            client.get(f"/v1/invoices/{quote(word)}", headers=ways[0])
            client.get(f"/check?number={quote(word)}&amount={quote(word)}&hash={quote(word)}")
    host, port = urlsplit(address).hostname, urlsplit(address).port
    for line in (b"\xff\xfe", f"GET /{WORDS['buyer name']} HTTP/9.9\r\n\r\n".encode(), b"POST / HTTP/1.1\r\nx\r\n\r\n"):
        with socket.create_connection((host, port), 5) as raw:
            raw.sendall(line)
            raw.recv(1_000)
    keys = {f"API key {party}": key.rsplit("_", 1)[-1].encode() for party, key in world.api_keys.items()}
    shown = {"session": session.encode(), "wrong key": wrong.rsplit("_", 1)[-1].encode()}
    return {**planted.secrets, **keys, **shown}, count


def _replaced(value: Any, words: Iterator[str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(one, words) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, words) for one in value]
    return next(words) if isinstance(value, str) and not value.isdigit() else value


@pytest.mark.slow
def test_the_logs_hold_nothing_of_what_was_sent(told: tuple[bytes, dict[str, bytes], int], planted: Planted) -> None:
    log, sent, count = told
    assert count == len(ROUTES)
    assert b"sequencing_started" in log
    assert leaks(log, WORDS, sent) == []
    assert b"***" not in log  # the masks had nothing to hide
    for text in (b"Bearer ", b"__Host-", load_master_key(planted.world.settings).hex().encode()):
        assert text not in log


def test_masks_hide_numbers_and_credentials_and_nothing_else() -> None:
    key = f"einv_{'0a' * 8}_{'0b' * 32}"
    line = f"{key} Bearer {key} 13955550139 秦 <qin.x@mail.example> 6225887766554433 440305199001017611"
    assert masked_text(line) == (f"einv_{'0a' * 8}_*** Bearer *** 139****0139 秦 <q***@mail.example> ***4433 440***1")
    for kept in ("94403260911000000000", "ab" * 32, "block 12345", "0x" + "1" * 40, "2026-11-21T08:00:00Z"):
        assert masked_text(kept) == kept


def test_lines_are_masked_by_name_and_in_depth() -> None:
    line = mask_line(None, "info", {
        "event": "13955550139", "password": "x", "headers": {"Cookie": "a=b", "host": "h"}, "rest": ["13955550139", 5],
        "raw": b"key",
    })  # fmt: skip
    assert line == {
        "event": "139****0139", "password": "***", "headers": {"Cookie": "***", "host": "h"},
        "rest": ["139****0139", 5], "raw": "***",
    }  # fmt: skip


def test_both_processes_mask_what_they_log(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from ledger.cli.serving import _configure_log

    for configure in (configure_log, _configure_log):
        configure(Settings(data_dir=tmp_path, log_level="debug"))
        structlog.get_logger("x").bind().error("called", phone="13955550139", authorization="Bearer abc")
        said = capsys.readouterr().err
        assert "139****0139" in said
        assert "Bearer abc" not in said
