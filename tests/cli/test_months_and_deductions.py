"""`einvoice month`, `einvoice deduction` and `einvoice supervision`: what they do, and what they refuse."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.domain.months import cst_date
from tests.cli.town import OFFICER, Town, draft_file, founded_town

MONTH = f"{cst_date(datetime.now(UTC)):%Y-%m}"
REFUSED = 3
USAGE = 2


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A ledger of its own: what is filed here must not be filed for others."""
    return founded_town(tmp_path_factory.mktemp("market"))


def special(town: Town, path: Path) -> str:
    answer = town.shell.done("issue", draft_file(path / "special.json", kind="special"), "--as", town.seller, "--json")
    return str(answer.json["numbers"][0])


def test_input_tax_is_selected_shown_and_taken_out(market: Town, tmp_path: Path) -> None:
    number, shell = special(market, tmp_path), market.shell
    assert number in shell.done("deduction", "selectable", MONTH, "--as", market.employer).out
    shell.done("deduction", "select", MONTH, number, "--as", market.employer, "--valid-tax-fen", 250)
    listed = shell.done("deduction", "selected", MONTH, "--as", market.employer, "--json").json
    assert [(one["number"], one["valid_tax_fen"]) for one in listed] == [(number, 250)]
    shown = shell.done("deduction", "show", MONTH, "--as", market.employer).out
    assert "1 invoices, valid tax 250 fen" in shown
    shell.done("deduction", "unselect", number, "--as", market.employer)
    assert shell.done("deduction", "selected", MONTH, "--as", market.employer, "--json").json == []


def test_what_cannot_be_selected_is_refused(market: Town, tmp_path: Path) -> None:
    ordinary, shell = market.number, market.shell
    answer = shell.run("deduction", "select", MONTH, ordinary, "--as", market.employer)
    assert answer.code == REFUSED
    assert "not_deductible" in answer.err
    number = special(market, tmp_path)
    for options in (["--purpose", "not_deduct"], ["--reason", "exempt"], ["--valid-tax-fen", "-1"]):
        answer = shell.run("deduction", "select", MONTH, number, "--as", market.employer, *options)
        assert answer.code == 1, options
        assert "selections.0." in answer.err
    assert shell.run("deduction", "select", MONTH, number, "--as", market.employer, "--purpose", "gift").code == USAGE


def test_a_period_is_confirmed_and_a_month_reported_filed_and_corrected(market: Town, tmp_path: Path) -> None:
    shell, buyer = market.shell, market.employer
    shell.done("deduction", "confirm", MONTH, "--as", buyer)
    assert f"{MONTH}: confirmed" in shell.done("deduction", "show", MONTH, "--as", buyer).out
    draft = shell.done("month", "report", MONTH, "--as", market.seller).out
    assert "as it would be filed now" in draft
    assert "invoiced at 3%" in draft
    shell.done("month", "declare", MONTH, "--as", market.seller, "--uninvoiced", "600:50000:3000", "--note", "零星收入")
    assert "declared at 6%" in shell.done("month", "report", MONTH, "--as", market.seller).out
    shell.done("month", "file", MONTH, "--as", market.seller)
    assert f"{MONTH}: filed" in shell.done("month", "show", MONTH, "--as", market.seller).out
    first = shell.done("month", "report", MONTH, "--as", market.seller, "--json").json
    assert first["report"]["uninvoiced"][0]["net_fen"] == 50_000
    replaces = first["filing"]["report_hash"]
    shell.done("month", "refile", MONTH, "--as", market.seller, "--replaces", replaces, "--uninvoiced", "0/exempt:7:0")
    listed = shell.done("month", "filings", MONTH, "--as", market.seller, "--json").json
    assert [(one["revision"], one["standing"]) for one in listed] == [(0, False), (1, True)]
    table = tmp_path / "report.csv"
    out = shell.done("month", "report", MONTH, "--as", market.seller, "--csv", table).out
    assert f"replaces {replaces}" in out
    assert "免税" in table.read_text(encoding="utf-8-sig")
    again = shell.run("month", "file", MONTH, "--as", market.seller)
    assert (again.code, "month_filed" in again.err) == (REFUSED, True)
    stale = shell.run("month", "refile", MONTH, "--as", market.seller, "--replaces", replaces)
    assert (stale.code, "report_differs" in stale.err) == (REFUSED, True)


@pytest.mark.parametrize("text", ["", "600", "600:1", "6%:1:1", "600:1.5:1", "600:1:1:1", "600/gift:1:1", "６００:1:1"])
def test_a_sum_that_cannot_be_read_is_wrong_usage(market: Town, text: str) -> None:
    answer = market.shell.run("month", "file", MONTH, "--as", market.employer, "--uninvoiced", text)
    assert answer.code == USAGE
    assert "--uninvoiced" in answer.err


def test_a_sum_that_no_rate_gives_is_not_filed(market: Town) -> None:
    answer = market.shell.run("month", "file", MONTH, "--as", market.employer, "--uninvoiced", "600:50000:9999")
    assert answer.code == 1
    assert "uninvoiced.0.tax_fen" in answer.err


def test_a_month_is_not_shown_to_strangers(market: Town) -> None:
    for command in (["month", "report"], ["month", "filings"], ["deduction", "show"]):
        answer = market.shell.run(*command, MONTH, "--as", market.employee, "--subject", market.seller)
        assert (answer.code, answer.out) == (1, "")


def test_a_month_is_opened_once(market: Town) -> None:
    calendar, month = 3, f"{int(MONTH[:4]) + 1}-12"
    market.shell.done("month", "open", month, "--as", calendar)
    assert market.shell.run("month", "open", month, "--as", calendar).code == REFUSED


def test_officers_lists_are_shown_and_written(market: Town, tmp_path: Path) -> None:
    shell = market.shell
    refused = shell.run("deduction", "select", MONTH, market.number, "--as", market.employer)
    assert refused.code == REFUSED
    rows = shell.done("supervision", "refusals", "--as", OFFICER, "--json").json
    assert rows[0]["reason"] == "not_deductible"
    assert "not_deductible" in shell.done("supervision", "refusals", "--as", OFFICER, "--party", market.employer).out
    file = tmp_path / "nonfilers.csv"
    shell.done("supervision", "nonfilers", "--as", OFFICER, "--month", MONTH, "--csv", file)
    table = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert str(market.employer) in {row[0] for row in table[1:]}
    for kind in ("exceptions", "duplicates"):
        assert shell.done("supervision", kind, "--as", OFFICER, "--json").json == []


def test_officers_lists_are_officers(market: Town) -> None:
    answer = market.shell.run("supervision", "refusals", "--as", market.seller)
    assert (answer.code, answer.out) == (1, "")
    assert "officer" in answer.err
    assert market.shell.run("supervision", "nonfilers", "--as", OFFICER, "--party", 4).code == USAGE
    assert market.shell.run("supervision", "everything", "--as", OFFICER).code == USAGE
