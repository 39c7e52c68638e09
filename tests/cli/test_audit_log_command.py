"""`einvoice audit-log list`: what the log holds, for the authority and auditors."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

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


def noted(town: Town, kind: str = "officer_query", **about: str) -> list[dict[str, Any]]:
    given = [part for name, value in about.items() for part in (f"--{name}", value)]
    listed = town.shell.done("audit-log", "list", "--kind", kind, *given, "--limit", 100, "--json").json
    return [one for one in listed if one["actor"] == OFFICER]


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
