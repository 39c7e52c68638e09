"""The ledger as its users meet it: a node process and an API process on one data directory, and clients over HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from tests.service.world import World

START_LIMIT_S = 60
STOP_LIMIT_S = 30
NODE = ("ledger.cli", "node")
API = ("api",)
READY = "ready"


class Process:
    """One of our processes; can be killed at any moment and started again."""

    def __init__(self, module: tuple[str, ...], directory: Path, **settings: str) -> None:
        self.module = module
        self.address = ""
        self.log = directory.parent / f"{module[-1]}.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("EINVOICE_")},
            "EINVOICE_DATA_DIR": str(directory),
            "EINVOICE_PORT": "0",
            "EINVOICE_LOG_LEVEL": "warning",
            **settings,
        }
        self.child: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        """Starts it and waits until it says that it is ready."""
        return self.begin().ready()

    def begin(self) -> Self:
        """Starts it."""
        with self.log.open("a") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", *self.module],
                env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        return self

    def ready(self) -> Self:
        """Waits until it says that it is ready."""
        assert self.child is not None
        overdue = threading.Timer(START_LIMIT_S, self.child.kill)
        overdue.start()
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        overdue.cancel()
        assert line.startswith(READY), f"{self.module} did not start:\n{self.log.read_text()[-4_000:]}"
        self.address = line.removeprefix(READY).strip()
        return self

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        assert self.child is not None
        self.child.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.child is not None
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        return self._reap()

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def _reap(self) -> int:
        assert self.child is not None
        assert self.child.stdout is not None
        try:
            return self.child.wait(STOP_LIMIT_S)
        finally:
            self.child.kill()
            self.child.stdout.close()


class Cast:
    """A data directory with parties ready to issue and claim; `keys` are API keys by role."""

    def __init__(self, directory: Path) -> None:
        world = World(directory)
        self.data_dir = world.settings.data_dir
        try:
            seller = world.enterprise("压力测试公司", quota_fen=2**44 - 1, segment=True)
            employer = world.enterprise("压力雇主公司")
            claimant = world.person("压力员工", (employer, ["claim"]))
            cashier = world.person("压力会计", (employer, ["finance"]))
            self.parties = {
                "seller": seller.party,
                "employer": employer.party,
                "claimant": claimant.party,
                "cashier": cashier.party,
            }
            self.keys = {role: world.api_keys[party] for role, party in self.parties.items()}
            self.officer = world.officer.party
        finally:
            world.close()
