"""Many files in one run: a line each, one exit code, and every file judged as if it were alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.verifier.bundle_factory import MOVES, Scenario, private_key
from verifier import verify
from verifier.__main__ import main
from verifier.canonical import dumps

SCENARIOS = [Scenario(moves=MOVES[:count], others=4) for count in (1, 2, 3)]
TRUST = SCENARIOS[0].trust


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for at, scenario in enumerate(SCENARIOS):
        (tmp_path / f"{at}.json").write_bytes(scenario.data)
    value = json.loads(SCENARIOS[0].data)
    value["history"][0]["group"]["r"] = "1" * 64
    (tmp_path / "forged.json").write_bytes(dumps(value))
    (tmp_path / "cut.json").write_bytes(SCENARIOS[1].data[:100])
    (tmp_path / "trust.json").write_bytes(TRUST.to_bytes())
    return tmp_path


def run(folder: Path, *names: str, more: tuple[str, ...] = ()) -> int:
    return main([*(str(folder / name) for name in names), "--trust", str(folder / "trust.json"), *more])


def test_each_file_gets_a_line(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(folder, "0.json", "1.json", "2.json") == 0
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert [line.split(" ")[:2] for line in lines] == [["[有效]", str(folder / f"{at}.json")] for at in range(3)]
    assert all("截至区块 77" in line for line in lines)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("0.json", "cut.json"), 2),
        (("cut.json", "forged.json", "1.json"), 1),
        (("0.json", "missing.json"), 2),
        (("0.json", "a\0b"), 2),
        (("0.json", "0.json"), 0),
    ],
)
def test_worst_verdict_decides_the_exit_code(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes], names: tuple[str, ...], code: int
) -> None:
    assert run(folder, *names, more=("--lang", "en")) == code
    assert len(capsysbinary.readouterr().out.splitlines()) == len(names)


def test_line_of_what_is_not_valid_says_why(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(folder, "forged.json", "cut.json", more=("--lang", "en")) == 1
    forged, cut = capsysbinary.readouterr().out.decode().splitlines()
    assert forged.startswith("[invalid]")
    assert "signatures: signature_invalid" in forged
    assert cut.startswith("[could not check]")
    assert "file: not_canonical" in cut


def test_json_lines_hold_each_whole_report(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    names = ("0.json", "forged.json", "cut.json")
    assert run(folder, *names, more=("--json", "--lang", "en")) == 1
    for name, line in zip(names, capsysbinary.readouterr().out.splitlines(), strict=True):
        found = json.loads(line)
        assert found.pop("file") == str(folder / name)
        alone = verify((folder / name).read_bytes(), TRUST)
        assert dumps(found) == alone.to_json("en")


def test_what_was_checked_before_changes_no_verdict(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Certificates and seals are remembered within a run: the next file's are still checked."""
    assert run(folder, "0.json", "forged.json", "0.json", more=("--json",)) == 1
    verdicts = [json.loads(line)["verdict"] for line in capsysbinary.readouterr().out.splitlines()]
    assert verdicts == ["valid", "invalid", "valid"]
    other_seal = Scenario(moves=MOVES[:1], others=4, sealer=private_key(9))
    assert verify(other_seal.data, TRUST).verdict.value == "invalid"


def test_age_is_asked_of_each(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(folder, "0.json", "1.json", more=("--not-older-than", "2030-01-01", "--lang", "en")) == 2
    assert capsysbinary.readouterr().out.count(b"age: too_old") == 2


def test_only_one_file_is_redacted(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    target = folder / "redacted.json"
    with pytest.raises(SystemExit) as caught:
        main([str(folder / "0.json"), str(folder / "1.json"), "--redact", str(target)])
    assert caught.value.code == 2
    assert not target.exists()
