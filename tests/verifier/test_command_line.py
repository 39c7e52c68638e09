"""The command line: exit codes, languages, redaction; alone in a folder, and without any network."""

from __future__ import annotations

import json
import os
import shutil
import site
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import verifier
from tests.verifier.bundle_factory import MOVES, Scenario
from verifier.__main__ import main
from verifier.offline import NetworkForbiddenError, forbid_network
from verifier.shape import utc_text
from verifier.steps import examine

PACKAGE = Path(verifier.__file__).parent
SCENARIO = Scenario(moves=MOVES[:2], others=4)
NEEDED = ("cryptography", "cffi", "_cffi_backend", "pycparser", "Crypto", "pycryptodome")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    evidence, trust = tmp_path / "evidence.json", tmp_path / "trust.json"
    evidence.write_bytes(SCENARIO.data)
    trust.write_bytes(SCENARIO.trust.to_bytes())
    return str(evidence), str(trust)


def test_valid_file_exits_with_0(files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main([files[0], "--trust", files[1], "--offline"]) == 0
    assert "结论: 有效" in capsysbinary.readouterr().out.decode()
    assert main([files[0], "--trust", files[1], "--lang", "en"]) == 0
    assert b"verdict: valid" in capsysbinary.readouterr().out


def test_invalid_file_exits_with_1(files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    value = json.loads(SCENARIO.data)
    value["history"][0]["group"]["r"] = "1" * 64
    Path(files[0]).write_bytes(json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())
    assert main([files[0], "--trust", files[1], "--json"]) == 1
    report = json.loads(capsysbinary.readouterr().out)
    assert report["verdict"] == "invalid"
    assert [step["reason"] for step in report["steps"] if step["result"] == "invalid"] == ["signature_invalid"]


BLOCK_TIME = utc_text(SCENARIO.events[-1].time_s + 5)


@pytest.mark.parametrize(("asked", "exit_code"), [(BLOCK_TIME, 0), (BLOCK_TIME[:10], 0), ("2026-11-03", 2)])
def test_file_older_than_asked_for_cannot_be_checked(
    files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes], asked: str, exit_code: int
) -> None:
    assert main([files[0], "--trust", files[1], "--not-older-than", asked, "--json"]) == exit_code
    *steps, age = json.loads(capsysbinary.readouterr().out)["steps"]
    assert {step["result"] for step in steps} == {"valid"}
    assert (age["number"], age["name"]) == (14, "age")
    assert age["reason"] == ("too_old" if exit_code else "ok")


def test_age_is_said_in_both_languages(files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for lang, words in (("zh", "请索取新的证据包"), ("en", "ask for a fresh file")):
        assert main([files[0], "--trust", files[1], "--not-older-than", "2030-01-01", "--lang", lang]) == 2
        assert words in capsysbinary.readouterr().out.decode()


def test_age_of_what_has_no_block_is_not_checked(
    files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    Path(files[0]).write_bytes(b"{}")
    assert main([files[0], "--trust", files[1], "--not-older-than", "2026-11-01", "--json"]) == 2
    assert json.loads(capsysbinary.readouterr().out)["steps"][-1]["reason"] == "earlier_step"


@pytest.mark.parametrize("asked", ["", "yesterday", "2026-13-01", "2026-11-01T00:00:00", "99999999"])
def test_time_that_is_none_is_a_wrong_usage(
    files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes], asked: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([files[0], "--trust", files[1], "--not-older-than", asked])
    assert caught.value.code == 2
    assert b"--not-older-than" in capsysbinary.readouterr().err


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda evidence, trust: evidence.unlink(), "file_unreadable"),
        (lambda evidence, trust: evidence.write_bytes(SCENARIO.data[:100]), "not_canonical"),
        (lambda evidence, trust: evidence.write_bytes(b"%PDF-1.7\n"), "pdf_file"),
        (lambda evidence, trust: (evidence.write_bytes(b"%PDF-1.7\n"), trust.unlink()), "pdf_file"),
        (lambda evidence, trust: evidence.write_bytes(b" " * 4_000_001), "file_too_large"),
        (lambda evidence, trust: trust.unlink(), "trust_missing"),
        (lambda evidence, trust: trust.write_bytes(b"{}"), "trust_unreadable"),
        (lambda evidence, trust: trust.write_bytes(b"x" * 70_000), "trust_unreadable"),
    ],
)
def test_what_cannot_be_checked_exits_with_2(
    files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes], break_it: object, reason: str
) -> None:
    break_it(Path(files[0]), Path(files[1]))
    assert main([files[0], "--trust", files[1], "--json"]) == 2
    report = json.loads(capsysbinary.readouterr().out)
    assert report["verdict"] == "could_not_check"
    assert report["steps"][0]["reason"] == reason


def test_without_a_trust_file_nothing_can_be_checked(
    files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main([files[0], "--json"]) == 2
    assert json.loads(capsysbinary.readouterr().out)["steps"][0]["reason"] == "trust_missing"


def test_redacted_file_is_written_once_and_is_valid(
    files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    target = str(Path(files[0]).with_name("redacted.json"))
    assert main([files[0], "--redact", target, "--keep", "number", "seller"]) == 0
    assert main([target, "--trust", files[1]]) == 0
    shown = [leaf[1] for leaf in json.loads(Path(target).read_bytes())["document"]["shown"]]
    assert shown == ["number", "seller.address", "seller.bank", "seller.name", "seller.tax_id"]
    assert main([files[0], "--redact", target, "--keep", "number"]) == 2
    assert b"not redacted" in capsysbinary.readouterr().err


def test_guard_refuses_sockets_only_while_it_stands() -> None:
    with forbid_network():
        with pytest.raises(NetworkForbiddenError):
            socket.getaddrinfo("localhost", 80)
        with pytest.raises(NetworkForbiddenError):
            socket.gethostbyname("localhost")
    assert socket.getaddrinfo("127.0.0.1", 80)


def test_verification_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    with forbid_network():
        assert examine(SCENARIO.data, SCENARIO.trust).exit_code == 0


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the copied verifier with only its two packages (and what they load) on the path: no site, no user paths."""
    packages = folder / "packages"
    packages.mkdir()
    for path in map(Path, site.getsitepackages()):
        for found in path.iterdir():
            if found.name.split(".")[0].split("-")[0] in NEEDED:
                (packages / found.name).symlink_to(found)
    shutil.copytree(PACKAGE, folder / "verifier", ignore=shutil.ignore_patterns("__pycache__"))
    starter = (
        "import runpy, sys; sys.path[:0] = ['.', 'packages'];"
        "sys.argv[0] = 'verifier'; runpy.run_module('verifier', run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", starter, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_folder_runs_alone_with_two_packages(files: tuple[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    start = time.monotonic()
    done = alone(folder, files[0], "--trust", files[1], "--offline", "--json")
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["verdict"] == "valid"
    assert time.monotonic() - start < 10
    names = {path.name.split(".")[0] for path in (folder / "packages").iterdir()}
    assert "ledger" not in names
    assert "rlp" not in names
