"""`einvoice` before there is a ledger: help, version, settings, and setting one up."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import click
import pytest
import typer.main

from ledger.cli.app import app
from ledger.service import Ledger
from ledger.settings import Settings
from tests.cli.town import Shell

ROOT = Path(__file__).resolve().parents[2]


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(command: click.Command, path: tuple[str, ...]) -> None:
        children = getattr(command, "commands", None)
        if not children:
            found.append(path)
            return
        for name, child in children.items():
            walk(child, (*path, name))

    walk(typer.main.get_command(app), ())
    return found


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(command: tuple[str, ...], tmp_path: Path) -> None:
    answer = Shell(tmp_path / "data").done(*command, "--help", COLUMNS="200")
    assert "Example:" in answer.out
    assert f"einvoice {' '.join(command)}" in answer.out.split("Example:")[1]
    assert not (tmp_path / "data").exists()


def test_no_command_at_all_shows_the_help(tmp_path: Path) -> None:
    answer = Shell(tmp_path / "data").run()
    assert answer.code == 2
    assert "Exit codes" in answer.out + answer.err


def test_an_unknown_command_or_option_is_wrong_usage(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    assert shell.run("isue").code == 2
    assert shell.run("issue", "draft.json").code == 2  # no --as
    assert shell.run("issue", "draft.json", "--as", "somebody").code == 2


def test_version_is_the_distributions(tmp_path: Path) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert Shell(tmp_path / "data").done("--version").out == f"einvoice {declared}\n"


def test_init_sets_up_a_ledger_only_its_owner_can_read(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "deep" / "data")
    answer = shell.done("init", "--authority", "深圳市税务局", "--officer", "陈税官")
    assert "party 1" in answer.out
    assert "party enrol" in answer.out  # what to do next
    assert stat.S_IMODE(shell.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((shell.data_dir / "master.key").stat().st_mode) == 0o600
    assert [path.name for path in shell.data_dir.parent.iterdir()] == ["data"]
    assert "深圳市税务局" in shell.done("party", "list", "--as", 1).out


def test_init_shows_no_key_and_the_database_holds_none_in_the_clear(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    answer = shell.done("init", "--authority", "深圳市税务局")
    settings = Settings(data_dir=shell.data_dir)
    with Ledger.open(settings) as ledger, ledger.context.reading() as connection:
        kept = [ledger.context.kept_key(connection, party) for party in (1, 2, 3)]
        keys = [ledger.context.operator_key, *(key for key in kept if key is not None)]
    assert len(keys) == 4
    stored = b"".join(path.read_bytes() for path in shell.data_dir.glob("ledger.sqlite*"))
    for key in (*keys, bytes.fromhex(settings.master_key_path.read_text().strip())):
        assert key.hex() not in answer.out + answer.err
        assert key.hex().encode() not in stored
        assert key not in stored


def test_init_says_what_it_made_in_json(tmp_path: Path) -> None:
    answer = Shell(tmp_path / "data").done("init", "--json").json
    assert (answer["authority"], answer["officer"], answer["calendar"]) == (1, 2, 3)
    assert answer["data_dir"] == str(tmp_path / "data")


def test_init_takes_an_empty_directory_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "data").symlink_to("there")
    shell = Shell(tmp_path / "data")
    shell.done("init")
    shell.done("audit")
    assert (tmp_path / "there" / "ledger.sqlite").exists()


def test_init_refuses_a_directory_with_anything_in_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("mine")
    answer = Shell(tmp_path / "data").run("init")
    assert answer.code == 1
    assert "is not empty" in answer.err
    assert "不是空目录" in answer.err
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["letter.txt"]


def test_init_refuses_a_file_in_the_directorys_place(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    answer = Shell(tmp_path / "data").run("init")
    assert (answer.code, (tmp_path / "data").read_text()) == (1, "mine")
    assert "is not a directory" in answer.err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a directory that even root cannot write")
def test_init_says_where_it_cannot_write() -> None:
    answer = Shell(Path("/proc/einvoice/data")).run("init")
    assert answer.code == 1
    assert "/proc" in answer.err


@pytest.mark.parametrize("name", ["", " ", "税" * 5_000, "a\x00b"], ids=["empty", "blank", "long", "nul"])
@pytest.mark.parametrize("option", ["--authority", "--officer"])
def test_init_refuses_names_that_are_none_and_leaves_nothing(option: str, name: str, tmp_path: Path) -> None:
    answer = Shell(tmp_path / "data").run("init", option, name)
    assert answer.code == 1
    assert option.removeprefix("--") in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "setting", [{"EINVOICE_PORT": "eighty"}, {"EINVOICE_LOG_LEVEL": "loud"}, {"EINVOICE_BATCH_INTERVAL_MS": "0"}]
)
@pytest.mark.parametrize("command", [("init",), ("audit",), ("serve",), ("node",), ("upgrade",)], ids=" ".join)
def test_a_setting_out_of_range_is_named(
    setting: dict[str, str], command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = Shell(tmp_path / "data").run(*command, **setting)
    assert answer.code == 2
    assert next(iter(setting)) in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ("audit",),
        ("rebuild",),
        ("upgrade",),
        ("backup", "copy"),
        ("party", "list", "--as", "1"),
        ("key", "api", "4"),
        ("trust", "-o", "trust.json"),
    ],
    ids=" ".join,
)
def test_a_command_without_a_ledger_says_to_make_one(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for settings in ({}, {"EINVOICE_MASTER_KEY": "ab" * 32}):
        answer = Shell(tmp_path / "data").run(*command, **settings)
        assert answer.code == 1
        assert "einvoice init" in answer.err
        assert list(tmp_path.iterdir()) == []


def test_a_master_key_of_the_environment_is_used_and_no_file_is_written(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    key = {"EINVOICE_MASTER_KEY": "ab" * 32}
    assert "master.key" not in shell.done("init", **key).out
    assert not (shell.data_dir / "master.key").exists()
    assert json.loads(shell.done("audit", "--json", **key).out)["difference"] is None
    assert shell.run("audit", EINVOICE_MASTER_KEY="cd" * 32).code == 1
