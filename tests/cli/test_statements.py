"""`einvoice statement`: written, verified by `einvoice verify`, refused where it would be false."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.town import OFFICER, Town

NEVER = "94403260911000099999"


def test_a_statement_is_written_and_verifies_offline(town: Town, tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    town.shell.done("trust", "-o", trust)
    for says, number, party, extra in (
        ("not_issued", NEVER, OFFICER, ["--disclosing"]),
        ("not_settled", town.number, town.seller, []),
    ):
        file = tmp_path / f"{says}.json"
        town.shell.done("statement", number, "--says", says, "--as", party, "--out", file, *extra)
        assert json.loads(file.read_bytes())["says"] == says
        answer = town.shell.done("verify", file, "--trust", trust, "--offline", "--json")
        assert (answer.json["verdict"], answer.json["says"], answer.json["number"]) == ("valid", says, number)
        late = town.shell.run("verify", file, "--trust", trust, "--not-older-than", "2999-01-01")
        assert late.code == 2


def test_a_false_statement_is_not_written(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "statement.json"
    answer = town.shell.run("statement", town.number, "--says", "not_issued", "--as", town.employer, "--out", file)
    assert answer.code == 1
    assert "issued or registered" in answer.err
    assert "已开具" in answer.err
    unseen = town.shell.run("statement", NEVER, "--says", "not_settled", "--as", town.seller, "--out", file)
    assert unseen.code == 1
    wrong = town.shell.run("statement", NEVER, "--says", "never", "--as", town.seller, "--out", file)
    assert "not_issued" in wrong.err
    taken = town.shell.run(
        "statement", NEVER, "--says", "not_issued", "--as", town.seller, "--out", file, "--disclosing"
    )
    assert "officer" in taken.err
    assert not file.exists()


def test_a_number_that_a_statement_names_falsely_does_not_verify(town: Town, tmp_path: Path) -> None:
    trust, file = tmp_path / "trust.json", tmp_path / "statement.json"
    town.shell.done("trust", "-o", trust)
    town.shell.done("statement", town.number, "--says", "not_settled", "--as", town.seller, "--out", file)
    value = json.loads(file.read_bytes()) | {"says": "not_issued"}
    file.write_text(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
    answer = town.shell.run("verify", file, "--trust", trust, "--json")
    assert answer.code == 1
    assert [step["reason"] for step in answer.json["steps"]][-1] == "invoice_present"
