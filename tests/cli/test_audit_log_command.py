"""`einvoice audit-log list`: what the log holds, for the authority and auditors."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ledger.cli.app import app
from tests.cli.town import OFFICER, Town

UNKNOWN = "94403260911099999999"  # a number that was never issued


def test_the_log_is_listed_by_kind_actor_about_and_time(town: Town) -> None:
    shell = town.shell
    shell.done("party", "grant", town.employee, "claim", "--as", town.employer)
    listed = shell.done("audit-log", "list", "--kind", "permission_changed", "--json").json
    granted = next(one for one in listed if one["detail"].get("operation") == "grant")
    assert (granted["actor"], granted["about"]) == (town.employer, str(town.employee))
    about = ("--about", town.employee, "--actor", town.employer)
    assert granted in shell.done("audit-log", "list", *about, "--json").json
    assert shell.done("audit-log", "list", *about, "--since", "2100-01-01T00:00:00Z", "--json").json == []
    assert shell.done("audit-log", "list", "--until", "2020-01-01T00:00:00+08:00", "--json").json == []
    assert len(shell.done("audit-log", "list", "--limit", 2, "--json").json) == 2
    line = shell.done("audit-log", "list", *about, "--kind", "permission_changed").out
    assert f"permission_changed  party {town.employer}  {town.employee}" in line
    assert "operation=grant" in line


def test_an_officer_does_not_list_it(town: Town) -> None:
    refused = town.shell.run("audit-log", "list", "--as", OFFICER)
    assert refused.code == 1
    assert "auditors" in refused.err


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (("--since", "yesterday"), 2, "--since"),
        (("--until", "2026-11-05T02:30:00"), 2, "offset"),
        (("--kind", "everything"), 1, "key_used"),
        (("--actor", 0), 1, "0"),
        (("--limit", 0), 2, "limit"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(town: Town, given: tuple[str, str], code: int, said: str) -> None:
    answer = town.shell.run("audit-log", "list", *given)
    assert answer.code == code
    assert said in answer.err


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def looks() -> dict[str, Any]:
    """Every command that somebody's name is given to and that opens the ledger to look."""
    return {
        path: command
        for path, command in commands(typer.main.get_command(app), "einvoice")
        if {"as_party", "as_officer"} & {one.name for one in command.params}
        and "open_ledger()" in inspect.getsource(command.callback)
    }


def noted(town: Town, kind: str = "officer_query", **about: str) -> list[dict[str, Any]]:
    given = [part for name, value in about.items() for part in (f"--{name}", value)]
    listed = town.shell.done("audit-log", "list", "--kind", kind, *given, "--limit", 100, "--json").json
    return [one for one in listed if one["actor"] == OFFICER]


@pytest.mark.slow
def test_every_command_that_an_officer_looks_with_leaves_its_name_in_the_log(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some write a file where they are called
    given: dict[str, str | int | Path] = {
        "number": town.number, "claim": "0f" * 16, "proposal_id": "0f" * 16, "party": town.seller, "office": 1,
        "period": "2026-10", "month": "2026-10", "kind": "refusals", "says": "not_settled", "output": tmp_path / "out",
    }  # fmt: skip
    asked = looks()
    for path, command in asked.items():
        words = path.split()[1:]
        for one in command.params:
            if one.required or one.name in ("as_party", "as_officer"):
                value = OFFICER if one.name in ("as_party", "as_officer") else given[one.name]
                words += [str(value)] if one.param_type_name == "argument" else [one.opts[0], str(value)]
        town.shell.run(*words)
    entries = noted(town)
    assert {one["detail"]["route"] for one in entries} == set(asked)
    assert {one["about"] for one in entries if one["detail"]["route"] == "einvoice evidence"} == {town.number}


def test_a_look_names_what_it_is_about_and_which_filters_were_given_and_no_words(town: Town) -> None:
    town.shell.done("supervision", "exceptions", "--as", OFFICER, "--party", town.seller, "--month", "2026-11")
    (looked, *_) = noted(town)
    assert looked["about"] == str(town.seller)
    assert looked["detail"] == {"route": "einvoice supervision", "month": "2026-11", "filters": "kind"}


def test_a_party_that_looks_at_its_own_and_an_officer_that_acts_leave_no_look(town: Town) -> None:
    before = noted(town)
    town.shell.done("evidence", town.number, "--as", town.seller, "-o", "-")
    town.shell.done("party", "quota", town.seller, 20_000_000, "--as", OFFICER)
    town.shell.done("key", "drafts", "--as", OFFICER)
    assert noted(town) == before


def test_an_officer_that_is_refused_on_the_command_line_is_noted_as_refused(town: Town) -> None:
    assert town.shell.run("red", "show", UNKNOWN, "--as", OFFICER).code == 1
    (refused, *_) = noted(town, "refused")
    assert (refused["about"], refused["detail"]) == (UNKNOWN, {"route": "einvoice red show", "reason": "not_found"})


def test_the_audit_command_counts_entries_and_names_one_that_was_edited(town: Town) -> None:
    shell = town.shell
    clean = shell.done("audit", "--json").json
    assert clean["entries"] >= 2
    with closing(sqlite3.connect(town.shell.data_dir / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE audit_entry SET actor = 1 WHERE seq = 2")
    found = shell.run("audit")
    assert found.code == 1
    assert "audit_entry" in found.err
    assert "entry_hash" in found.err
