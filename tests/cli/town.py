"""Commands of `einvoice` in this process or in processes of their own, and a founded ledger they work on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner

from ledger.cli.app import app

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
EINVOICE = [sys.executable, "-m", "ledger.cli"]
SELLER_TAX_ID = "91310112703255042R"
BUYER_TAX_ID = "91130302MABWERUH61"
QUICK = {"EINVOICE_BATCH_INTERVAL_MS": "1", "EINVOICE_OUTCOME_POLL_MS": "1", "EINVOICE_PORT": "0"}


@dataclass(frozen=True)
class Answer:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs commands on one data directory."""

    data_dir: Path

    def run(self, *arguments: str | int | Path, **environment: str) -> Answer:
        """A command in this process; whatever it does, it leaves no traceback."""
        # a sequencer of the test's own must not write its log between the lines of the command
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        result = CliRunner().invoke(app, [str(item) for item in arguments], env=self.environment(**environment))
        structlog.reset_defaults()  # the log must not keep the runner's streams
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.stderr
        return Answer(result.exit_code, result.stdout, result.stderr)

    def done(self, *arguments: str | int | Path, **environment: str) -> Answer:
        """A command that must succeed and say nothing on standard error."""
        answer = self.run(*arguments, **environment)
        assert (answer.code, answer.err) == (0, ""), answer
        return answer

    def spawn(self, *arguments: str | int | Path, **environment: str) -> subprocess.Popen[str]:
        """A command as the first process of a group of its own."""
        return subprocess.Popen(
            [*EINVOICE, *map(str, arguments)],
            env={**os.environ, **self.environment(**environment)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def environment(self, **changes: str) -> dict[str, str]:
        return {**QUICK, "EINVOICE_DATA_DIR": str(self.data_dir), **changes}

    def copy_to(self, target: Path) -> Shell:
        """The same ledger in another place, to be damaged."""
        shutil.copytree(self.data_dir, target)
        return Shell(target)


@dataclass(frozen=True)
class Town:
    """A ledger with a seller (numbers and quota), an employer, an employee, and one invoice from one to the other."""

    shell: Shell
    seller: int
    employer: int
    employee: int
    number: str


OFFICER = 2


def enrolled(shell: Shell, name: str, *options: str | int) -> int:
    return int(shell.done("party", "enrol", name, "--as", OFFICER, *options, "--json").json["party"])


def draft_file(path: Path, **changes: object) -> Path:
    """A draft of one line, 103.00 with tax."""
    line = {"name": "*运输服务*打车", "net_fen": 10_000, "rate_bp": 300, "tax_fen": 300}
    draft = {
        "kind": "ordinary",
        "buyer": {"name": "某雇主", "tax_id": BUYER_TAX_ID},
        "lines": [line],
        "net_fen": 10_000,
        "tax_fen": 300,
        "gross_fen": 10_300,
        **changes,
    }
    path.write_text(json.dumps(draft, ensure_ascii=False), encoding="utf-8")
    return path


def founded_town(directory: Path) -> Town:
    shell = Shell(directory / "data")
    shell.done("init", "--authority", "深圳市税务局")
    seller = enrolled(shell, "深圳咖啡有限公司", "--tax-id", SELLER_TAX_ID, "--quota-fen", 10_000_000)
    employer = enrolled(shell, "某雇主", "--tax-id", BUYER_TAX_ID)
    employee = enrolled(shell, "张三")
    shell.done("party", "segment", seller, "--as", OFFICER)
    issued = shell.done("issue", draft_file(directory / "draft.json"), "--as", seller, "--json")
    return Town(shell, seller, employer, employee, issued.json["numbers"][0])
