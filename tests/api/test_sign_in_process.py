"""Signing in at a real server process: real hashes, a real cookie, bounded memory, a log that tells nothing."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.pools import PASSWORD_THREADS_MAX
from api.sessions import COOKIE
from ledger.identity.passwords import MEMORY_KIB
from ledger.service import Ledger, found
from ledger.settings import Settings
from tests.api.test_server_process import STOP_LIMIT_S, serving

pytestmark = pytest.mark.slow
PASSWORD = "sieben Raben am Fenster 41"
NAME = "chen.shuiguan@example.com"
AT_ONCE = 2 * PASSWORD_THREADS_MAX
OTHER_MEMORY_KIB = 64 * 1_024  # threads, connections and caches that the burst brings with it


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A data directory, its officer, and an invitation of the officer by the authority."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("signing_in") / "data")
    made = found(settings, authority_name="深圳市税务局", officer_name="陈税官")
    with Ledger.open(settings) as ledger:
        (invited,) = ledger.invitations.invite(ledger.caller(1), [made.officer])
    return settings.data_dir, made.officer, invited.token


def peak_kib(pid: int) -> int:
    """Most memory a process has held, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")


def test_person_signs_in_and_out_and_a_burst_of_guesses_takes_bounded_memory(served):
    data_dir, officer, invitation = served
    with serving(data_dir) as (address, process):
        body = {"invitation": invitation, "name": NAME, "password": PASSWORD}
        accepted = httpx.post(f"{address}/v1/invitations/acceptance", json=body)
        assert accepted.status_code == 201, accepted.text
        signed = httpx.post(f"{address}/v1/sessions", json={"name": NAME, "password": PASSWORD})
        assert signed.json()["party"] == officer
        token = signed.cookies[COOKIE]
        session = {"cookie": f"{COOKIE}={token}"}
        assert len(httpx.get(f"{address}/v1/sessions", headers=session).json()["items"]) == 2
        before = peak_kib(process.pid)

        def guess(index: int) -> int:
            guessed = {"name": f"nobody{index}@example.com", "password": PASSWORD}
            return httpx.post(f"{address}/v1/sessions", json=guessed, timeout=60).status_code

        with ThreadPoolExecutor(AT_ONCE) as threads:
            assert set(threads.map(guess, range(AT_ONCE))) == {401}
        assert peak_kib(process.pid) - before < PASSWORD_THREADS_MAX * MEMORY_KIB + OTHER_MEMORY_KIB
        forged = httpx.delete(f"{address}/v1/sessions", headers={**session, "origin": "https://evil.example"})
        assert forged.status_code == 403
        ended = httpx.delete(f"{address}/v1/sessions", headers={**session, "origin": address})
        assert ended.json() == {"ended": 2}
        assert httpx.get(f"{address}/v1/sessions", headers=session).status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_LIMIT_S) == 0
        log = process.stderr.read()
    for secret in (PASSWORD, NAME, token, invitation, "nobody1@"):
        assert secret not in log
    stored = b"".join(path.read_bytes() for path in data_dir.glob("ledger.sqlite*"))
    for secret in (PASSWORD, NAME, token.partition(".")[2], invitation.partition(".")[2], "argon2id"):
        assert secret.encode() not in stored
