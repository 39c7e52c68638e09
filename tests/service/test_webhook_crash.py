"""A delivering process that is killed loses no event: what it had not noted is sent again by the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.service.receiver import receiving
from tests.service.world import World

DELIVERER = """
import sys, threading
from pathlib import Path
from ledger.service import Ledger
from ledger.service.webhook_sending import run_sending
from ledger.settings import Settings
settings = Settings(data_dir=Path(sys.argv[1]), webhook_private=True, webhook_retry_s=0, webhook_timeout_ms=30000)
with Ledger.open(settings) as ledger:
    run_sending(ledger.context, threading.Event())
"""
WAIT_S = 60.0


def until(true: object) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_sender_s_events_are_sent_again_by_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    children: list[subprocess.Popen[bytes]] = []

    def deliverer() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", DELIVERER, str(world.settings.data_dir)]
        children.append(subprocess.Popen(command, env={**os.environ}))
        return children[-1]

    try:
        with receiving() as receiver:
            seller = world.enterprise("推送卖方", segment=True)
            ledger = world.opened(webhook_private=True)
            ledger.webhooks.register(seller, receiver.url, idempotency_key=world.key())
            numbers = [world.issued(seller) for _ in range(3)]
            receiver.manner = "drip"  # the first event arrives and is never answered
            first = deliverer()
            until(lambda: receiver.taken)
            first.send_signal(signal.SIGKILL)
            first.wait()
            receiver.manner = "plain"
            deliverer()
            until(lambda: len(receiver.taken) >= 4)
            assert [one.event["number"] for one in receiver.taken] == [numbers[0], *numbers]
            assert len({one.headers["webhook-id"] for one in receiver.taken}) == 3
    finally:
        for child in children:
            child.kill()
            child.wait()
        world.close()
