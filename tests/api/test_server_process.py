"""`python -m api` as its parent sees it: ready line, real port, several processes, a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ledger.service import found
from ledger.settings import Settings

pytestmark = pytest.mark.slow
START_LIMIT_S = 60
STOP_LIMIT_S = 20


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("served") / "data"
    found(Settings(data_dir=directory), authority_name="深圳市税务局", officer_name="陈税官")
    return directory


@contextmanager
def serving(
    data_dir: Path, *arguments: str, pass_fds: tuple[int, ...] = (), **changes: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running server's address and process."""
    environment = {**os.environ, "EINVOICE_DATA_DIR": str(data_dir), "EINVOICE_PORT": "0", **changes}
    process = subprocess.Popen(
        [sys.executable, "-m", "api", *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=pass_fds,
    )  # fmt: skip
    timer = threading.Timer(START_LIMIT_S, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
        timer.cancel()
        assert line.startswith("ready http://"), process.stderr.read()
        yield line.removeprefix("ready ").strip(), process
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_one_process_says_its_port_and_ends_well_at_sigterm(data_dir):
    with serving(data_dir) as (address, process):
        assert not address.endswith(":0")
        answer = httpx.get(f"{address}/healthz")
        assert answer.json()["status"] == "ok"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "server" not in answer.headers
        assert httpx.get(f"{address}/v1/invoices").status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_LIMIT_S) == 0
        assert process.stderr.read() == ""


def test_two_processes_share_one_socket_and_end_together(data_dir):
    with serving(data_dir, EINVOICE_WORKERS="2") as (address, process):
        for _ in range(20):
            with httpx.Client() as client:
                assert client.get(f"{address}/healthz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_LIMIT_S) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/healthz")


def test_two_processes_let_in_what_one_would(data_dir):
    limits = {"EINVOICE_WORKERS": "2", "EINVOICE_RATE_ADDRESS_PER_S": "1", "EINVOICE_RATE_ADDRESS_BURST": "20"}
    with serving(data_dir, **limits) as (address, process):
        # each over a connection of its own, which either process may take
        begun = time.monotonic()
        answers = [httpx.get(f"{address}/v1/trust", timeout=30).status_code for _ in range(60)]
        gained = time.monotonic() - begun  # one a second
        assert (data_dir / "rates").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_LIMIT_S) == 0
    assert set(answers) == {200, 429}
    assert answers.count(200) <= 20 + gained + 1  # the burst, and what was gained meanwhile
    assert not (data_dir / "rates").exists()


def test_listening_socket_of_the_parent_is_taken_over(data_dir):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        port = listener.getsockname()[1]
        with serving(data_dir, "--fd", str(listener.fileno()), pass_fds=(listener.fileno(),)) as (address, _):
            assert address == f"http://127.0.0.1:{port}"
            assert httpx.get(f"{address}/healthz").status_code == 200


def test_missing_installation_is_said_in_one_line_without_a_traceback(tmp_path):
    process = subprocess.run(
        [sys.executable, "-m", "api"],
        env={**os.environ, "EINVOICE_DATA_DIR": str(tmp_path / "none"), "EINVOICE_PORT": "0"},
        capture_output=True, text=True, timeout=START_LIMIT_S, check=False,
    )  # fmt: skip
    assert process.returncode != 0
    assert process.stdout == ""
    lines = [json.loads(line)["event"] for line in process.stderr.splitlines()]
    assert "einvoice init" in lines[0]
    assert "Traceback" not in process.stderr


def test_port_in_use_is_said(data_dir):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.run(
            [sys.executable, "-m", "api"],
            env={**os.environ, "EINVOICE_DATA_DIR": str(data_dir), "EINVOICE_PORT": str(listener.getsockname()[1])},
            capture_output=True, text=True, timeout=START_LIMIT_S, check=False,
        )  # fmt: skip
    assert process.returncode != 0
    assert "cannot listen on 127.0.0.1" in process.stderr


POST = b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNK = b"1000\r\n" + b" " * 4096 + b"\r\n"


@pytest.mark.parametrize(
    "sent",
    [POST + b"Content-Length: 9999999\r\n\r\n{", POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK * 4],
)
def test_body_over_the_limit_is_answered_before_it_ends(data_dir, sent):
    with serving(data_dir, EINVOICE_BODY_SIZE_MAX="2048") as (address, _):
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=STOP_LIMIT_S) as connection:
            connection.sendall(sent)
            assert b"413" in connection.recv(65_536).split(b"\r\n")[0]


def test_the_api_starts_without_engine_or_web3():
    """Both take a second of every start, and only the node writes the chain."""
    script = 'import sys, api.app; print(sorted({"web3", "eth", "vyper", "eth_account"} & sys.modules.keys()))'
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
