"""`einvoice` as processes that run side by side, are told to end, or are killed."""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.town import EINVOICE, Shell, Town, draft_file

pytestmark = pytest.mark.slow
START_LIMIT_S = 120  # two processes on a busy machine
STOP_LIMIT_S = 30


@pytest.fixture
def shell(town: Town, tmp_path: Path) -> Shell:
    return town.shell.copy_to(tmp_path / "copy")


def first_line(process: subprocess.Popen[str]) -> str:
    timer = threading.Timer(START_LIMIT_S, process.kill)
    timer.start()
    try:
        return process.stdout.readline().strip()
    finally:
        timer.cancel()


def served(shell: Shell, ended: list) -> tuple[subprocess.Popen[str], str]:
    process = shell.spawn("serve")
    ended.append(process)
    line = first_line(process)
    assert line.startswith("ready http://127.0.0.1:")
    return process, line.removeprefix("ready ")


def children_of(process: subprocess.Popen[str]) -> dict[str, int]:
    """Process ids by module of the two servers."""
    found = {}
    for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        found["node" if b"node" in command else "api"] = int(pid)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_and_ends_both_when_told(shell: Shell, ended: list, number: signal.Signals) -> None:
    process, url = served(shell, ended)
    assert httpx.get(f"{url}/healthz", timeout=10).status_code == 200
    children = children_of(process)
    assert set(children) == {"node", "api"}
    begun = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=STOP_LIMIT_S)
    assert (process.returncode, time.monotonic() - begun < STOP_LIMIT_S) == (0, True), said
    assert not any(Path(f"/proc/{pid}").exists() for pid in children.values())


@pytest.mark.parametrize("victim", ["node", "api"])
def test_serve_ends_when_one_of_its_processes_does(shell: Shell, ended: list, victim: str) -> None:
    process, _ = served(shell, ended)
    children = children_of(process)
    os.kill(children[victim], signal.SIGKILL)
    _, said = process.communicate(timeout=STOP_LIMIT_S)
    assert process.returncode == 1
    assert f"the {'API' if victim == 'api' else 'node'} ended by itself" in said
    assert "意外退出" in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in children.values())


def descendants_of(pid: int) -> list[int]:
    children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(found for child in children for found in descendants_of(child))]


def test_a_kill_of_one_leaves_none_of_the_others(shell: Shell, ended: list) -> None:
    for victim in ("api", "serve"):  # the second start finds the chain's lock free
        process = shell.spawn("serve", EINVOICE_WORKERS="2")
        ended.append(process)
        assert first_line(process).startswith("ready ")
        family = descendants_of(process.pid)
        assert len(family) >= 4  # node, API, its two workers
        os.kill(process.pid if victim == "serve" else children_of(process)["api"], signal.SIGKILL)
        process.communicate(timeout=STOP_LIMIT_S)  # ends when the last of them gave up its output
        deadline = time.monotonic() + STOP_LIMIT_S
        while not all(has_ended(pid) for pid in family) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [pid for pid in family if not has_ended(pid)] == []


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or only waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_second_serve_on_the_same_ledger_refuses(shell: Shell, ended: list) -> None:
    _, url = served(shell, ended)
    second = shell.spawn("serve")
    ended.append(second)
    printed, said = second.communicate(timeout=START_LIMIT_S)
    assert (second.returncode, printed) == (1, "")
    assert "another process" in said
    assert "the node did not start" in said
    assert "Traceback" not in said
    assert httpx.get(f"{url}/healthz", timeout=10).status_code == 200


def test_serve_says_that_its_port_is_taken(shell: Shell, tmp_path: Path, town: Town, ended: list) -> None:
    _, url = served(shell, ended)
    other = town.shell.copy_to(tmp_path / "other").spawn("serve", EINVOICE_PORT=url.rsplit(":", 1)[1])
    ended.append(other)
    printed, said = other.communicate(timeout=START_LIMIT_S)
    assert (other.returncode, printed) == (1, "")
    assert "the API did not start" in said
    assert "Traceback" not in said


def test_serve_ends_at_once_while_it_starts(shell: Shell, ended: list) -> None:
    process = shell.spawn("serve")
    ended.append(process)
    while process.poll() is None and not children_of(process):
        time.sleep(0.02)
    process.terminate()
    process.communicate(timeout=STOP_LIMIT_S)
    assert process.returncode == 0
    shell.done("audit")


def test_serve_init_sets_up_what_is_missing_and_serve_alone_does_not(tmp_path: Path, ended: list) -> None:
    shell = Shell(tmp_path / "data")
    alone = shell.spawn("serve")
    ended.append(alone)
    _, said = alone.communicate(timeout=START_LIMIT_S)
    assert alone.returncode == 1
    assert "einvoice init" in said
    process = shell.spawn("serve", "--init")
    ended.append(process)
    while line := first_line(process):
        if line.startswith("ready http"):
            break
    assert line
    process.terminate()
    process.communicate(timeout=STOP_LIMIT_S)
    assert process.returncode == 0


def test_commands_write_through_a_node_that_runs(shell: Shell, town: Town, tmp_path: Path, ended: list) -> None:
    served(shell, ended)
    answer = shell.done("issue", draft_file(tmp_path / "draft.json"), "--as", town.seller, "--json")
    assert answer.json["status"] == "recorded"
    assert shell.run("rebuild").code == 1


def test_init_killed_at_any_moment_leaves_nothing_or_a_whole_ledger(tmp_path: Path, ended: list) -> None:
    moments = random.Random(7)
    whole = 0
    for at in range(8):
        shell = Shell(tmp_path / f"town-{at}" / "data")
        shell.data_dir.parent.mkdir()
        process = shell.spawn("init")
        ended.append(process)
        while process.poll() is None and not any(shell.data_dir.parent.iterdir()):
            time.sleep(0.005)  # nothing is at stake before it begins to write
        time.sleep(moments.uniform(0.0, 0.8))
        process.kill()
        process.communicate()
        if shell.data_dir.exists() and any(shell.data_dir.iterdir()):
            whole += 1
        else:
            shell.done("init")
        shell.done("audit")
        shell.done("party", "list", "--as", 1)
    assert whole < 8  # at least one was stopped on the way


def test_a_backup_taken_while_invoices_are_issued_is_whole(
    shell: Shell, town: Town, tmp_path: Path, ended: list
) -> None:
    _, url = served(shell, ended)
    key = shell.done("key", "api", town.seller).out.strip()
    stop = threading.Event()
    recorded: list[str] = []

    def issue_on_and_on() -> None:
        line = {"name": "*运输服务*打车", "net_fen": 100, "rate_bp": 300, "tax_fen": 3}
        document = {
            "kind": "ordinary", "buyer": {"name": "散客", "tax_id": ""}, "lines": [line],
            "net_fen": 100, "tax_fen": 3, "gross_fen": 103,
        }  # fmt: skip
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=START_LIMIT_S) as client:
            while not stop.is_set():
                headers = {"Idempotency-Key": f"order-{threading.get_ident()}-{len(recorded)}-{time.monotonic_ns()}"}
                answer = client.post("/v1/invoices", json={"document": document}, headers=headers)
                if answer.status_code == 201:
                    recorded.extend(answer.json()["numbers"])

    threads = [threading.Thread(target=issue_on_and_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        before: list[list[str]] = []
        for at in range(3):
            time.sleep(0.5)
            before.append(list(recorded))
            shell.done("backup", tmp_path / f"backup-{at}", "--with-master-key")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(recorded) > len(before[-1]) > 0
    for at in range(3):
        restored = Shell(tmp_path / f"restored-{at}")
        restored.done("restore", tmp_path / f"backup-{at}")
        restored.done("party", "quota", town.seller, 20_000_000, "--as", 2)  # a node runs and projects what it lacks
        report = restored.done("audit", "--json").json
        assert report["invoices"] >= 1 + len(before[at])  # nothing that was acknowledged before is missing
        trust = tmp_path / f"trust-{at}.json"
        restored.done("trust", "-o", trust)
        for number in before[at][-2:]:
            evidence = tmp_path / f"{number}-{at}.json"
            restored.done("evidence", number, "--as", town.seller, "-o", evidence)
            restored.done("verify", evidence, "--trust", trust, "--offline")


@pytest.mark.parametrize("command", [("rebuild",), ("audit",), ("backup", "new")], ids=" ".join)
def test_long_work_shows_a_bar_on_a_terminal(shell: Shell, tmp_path: Path, command: tuple[str, ...]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*EINVOICE, *command], cwd=tmp_path, env={**os.environ, **shell.environment(), "TERM": "xterm"},
        stdout=subprocess.DEVNULL, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65_536):
            shown += part
    except OSError:
        pass  # the terminal's other end is closed
    os.close(ours)
    assert process.wait(timeout=START_LIMIT_S) == 0
    assert command[0].encode() in shown
    assert "━".encode() in shown
