"""`einvoice red` and `einvoice risk`: a red letter, a flag and an exception from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.service import Ledger, node_if_none_runs
from ledger.settings import Settings
from tests.cli.town import OFFICER, Town, draft_file

REFUSED, WRONG = 3, 1


@pytest.fixture
def number(town: Town, tmp_path: Path) -> str:
    """A fresh invoice of the seller to the employer, 103.00."""
    issued = town.shell.done("issue", draft_file(tmp_path / "draft.json"), "--as", town.seller, "--json")
    return str(issued.json["numbers"][0])


def state(town: Town, number: str) -> dict[str, object]:
    found: dict[str, object] = town.shell.done("red", "show", number, "--as", town.seller, "--json").json
    return found


def booked(town: Town, number: str) -> None:
    """Books an invoice for its buyer, so that its seller needs a slip."""
    settings = Settings(data_dir=town.shell.data_dir, batch_interval_ms=1, outcome_poll_ms=1, post_wait_ms=20_000)
    with Ledger.open(settings) as ledger, node_if_none_runs(ledger.context):
        ledger.book(ledger.caller(town.employer), number, deductible=True, idempotency_key=number)


def test_a_free_invoice_is_reddened_in_parts_until_nothing_is_left(town: Town, number: str) -> None:
    shell = town.shell
    assert state(town, number)["way"] == "alone"
    issue = ("red", "issue", number, "--as", town.seller, "--reason", "allowance")
    assert shell.done(*issue, "--part", "1::4000", "--json").json["status"] == "recorded"
    assert state(town, number)["left_fen"] == 6_180
    shell.done(*issue)
    assert "left: 0 of 10300 fen" in shell.done("red", "show", number, "--as", town.seller).out
    answer = shell.run(*issue)
    assert (answer.code, answer.out) == (WRONG, "")
    assert "red_nothing" in answer.err


def test_a_red_of_a_red_is_not_made(town: Town, number: str) -> None:
    issue = ("--as", town.seller, "--reason", "return")
    red = town.shell.done("red", "issue", number, *issue, "--json").json["numbers"][0]
    answer = town.shell.run("red", "issue", red, *issue)
    assert (answer.code, answer.out) == (WRONG, "")
    assert "is_red" in town.shell.done("red", "show", red, "--as", town.seller).out


def test_a_booked_invoice_is_reddened_with_the_buyers_agreement(town: Town, number: str) -> None:
    shell = town.shell
    booked(town, number)
    alone = shell.run("red", "issue", number, "--as", town.seller, "--reason", "return")
    assert alone.code == REFUSED
    assert "slip_needed" in alone.err
    shell.done("red", "open", number, "--as", town.seller, "--reason", "return")
    assert "待购方确认" in shell.done("red", "slips", "--as", town.employer, "--waiting").out
    assert shell.done("red", "slips", "--as", town.seller, "--waiting").out == ""
    assert shell.run("red", "confirm", number, "--as", town.seller).code == REFUSED
    shell.done("red", "confirm", number, "--as", town.employer, "--note", "同意")
    assert "slip is confirmed" in shell.done("red", "show", number, "--as", town.seller).out
    shell.done("red", "issue", number, "--as", town.seller)
    (slip,) = shell.done("red", "slips", "--as", town.employer, "--number", number, "--json").json
    assert (slip["state"], slip["document"]["gross_fen"]) == ("used", -10_300)


@pytest.mark.parametrize("ending", ["refuse", "withdraw", "void"])
def test_a_slip_is_ended_by_who_may(town: Town, number: str, ending: str) -> None:
    shell = town.shell
    booked(town, number)
    shell.done("red", "open", number, "--as", town.seller, "--reason", "return")
    who = {"refuse": town.employer, "withdraw": town.seller, "void": OFFICER}[ending]
    wrong = town.seller if ending == "refuse" else town.employer
    text = ("--reason", "x") if ending == "void" else ("--note", "x")
    assert shell.run("red", ending, number, "--as", wrong, *text).code in (WRONG, REFUSED)
    shell.done("red", ending, number, "--as", who, *text)
    (slip,) = shell.done("red", "slips", "--as", town.seller, "--number", number, "--json").json
    assert slip["state"] == {"refuse": "refused_by_buyer", "withdraw": "withdrawn", "void": "void"}[ending]


@pytest.mark.parametrize("part", ["", "x", "1:2:3:4", "1::x", "1::" + "9" * 30, "9" * 5_000, "１"])
def test_a_part_of_another_form_is_wrong_usage(town: Town, number: str, part: str) -> None:
    answer = town.shell.run("red", "open", number, "--as", town.seller, "--reason", "return", "--part", part)
    assert (answer.code, answer.out) == (2, "")
    assert state(town, number)["way"] == "alone"


@pytest.mark.parametrize("reason", ["", "because", "退货"])
def test_a_reason_that_is_none_is_named(town: Town, number: str, reason: str) -> None:
    answer = town.shell.run("red", "issue", number, "--as", town.seller, "--reason", reason)
    assert (answer.code, answer.out) == (WRONG, "")
    assert "reason" in answer.err


def test_an_officer_flags_and_clears(town: Town, number: str) -> None:
    shell = town.shell
    why = ("--reason", "走逃失联")
    assert shell.run("risk", "flag", number, "--as", town.seller, *why).code == WRONG
    proposed = shell.done("risk", "flag", number, "--as", OFFICER, *why, "--json").json["proposal_id"]
    assert shell.run("risk", "flag", number, "--as", OFFICER, *why).code == WRONG  # it is proposed already
    assert shell.run("proposal", "confirm", proposed, "--as", OFFICER).code == WRONG
    shell.done("proposal", "confirm", proposed, "--as", 1)
    shell.done("risk", "clear", number, "--as", OFFICER, *why)
    assert shell.run("risk", "unlock", number, "--as", OFFICER, *why).code == REFUSED  # nobody claimed it
    assert shell.done("risk", "exceptions", "--as", OFFICER, "--number", number).out == ""
    assert shell.run("risk", "acknowledge", number, "--as", OFFICER).code == REFUSED


def test_a_block_is_lifted_for_a_month(town: Town) -> None:
    lift = ("risk", "lift", town.seller, "2027-01", "--reason", "系统故障")
    assert town.shell.run(*lift, "--as", town.seller).code == WRONG
    town.shell.done(*lift, "--as", OFFICER)
    assert town.shell.run(*lift, "--as", OFFICER).code == REFUSED
    assert town.shell.run("risk", "lift", town.seller, "2027-13", "--as", OFFICER, "--reason", "x").code == WRONG


def test_a_stranger_sees_neither_slips_nor_exceptions(town: Town, number: str) -> None:
    for command in (("red", "slips"), ("risk", "exceptions")):
        assert town.shell.done(*command, "--as", town.employee, "--number", number, "--json").json == []
    assert town.shell.run("red", "show", number, "--as", town.employee).code == WRONG
