"""`einvoice witnesses` and `einvoice evidence --witnessed`: whose signatures count, and files that carry them."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.service import Ledger
from tests.cli.town import OFFICER, Town
from tests.service.signers import checkpoint, note, signer
from tests.service.world import settings_of

ONE, TWO = signer("w.example/1"), signer("w.example/2")


def test_witnesses_are_admitted_needed_and_seen_in_evidence(town: Town, tmp_path: Path) -> None:
    shell, file, trust = town.shell, tmp_path / "evidence.json", tmp_path / "trust.json"
    assert "nothing signed yet" in shell.done("witnesses", "admit", ONE.verifier.to_text()).out
    assert shell.done("witnesses", "admit", TWO.verifier.to_text(), "--json").json["name"] == "w.example/2"
    assert "einvoice trust" in shell.done("witnesses", "need", 2).out
    refused = shell.run("evidence", town.number, "--as", town.seller, "-o", file, "--witnessed", "required")
    assert refused.code == 1
    assert "2 witnesses" in refused.err
    assert "2 个见证方" in refused.err
    assert not file.exists()

    with Ledger.open(settings_of(shell.data_dir)) as ledger:
        ledger.witnessing.take(note(checkpoint(ledger), ONE, TWO))
    shell.done("trust", "-o", trust)
    shell.done("evidence", town.number, "--as", town.seller, "-o", file, "--witnessed", "required")
    assert len(json.loads(file.read_bytes())["witnesses"]) == 2
    assert shell.done("verify", file, "--trust", trust, "--offline", "--json").json["verdict"] == "valid"
    shell.done("evidence", town.number, "--as", town.seller, "-o", file, "--witnessed", "none")
    assert shell.run("verify", file, "--trust", trust, "--offline").code == 2

    listed = shell.done("witnesses", "list").out
    assert listed.startswith("needed: 2\n")
    assert listed.count("admitted") == 2
    assert shell.done("witnesses", "need", 0, "--json").json == {"needed": 0}
    assert "withdrawn" in shell.done("witnesses", "withdraw", "w.example/1").out
    assert [one["withdrawn_by"] for one in shell.done("witnesses", "list", "--json").json["witnesses"]] == [1, None]


def test_wrong_usage_of_witnesses_is_a_clear_error(town: Town, tmp_path: Path) -> None:
    for arguments, code, text in (
        (["witnesses", "admit", "nonsense"], 1, "einvoice witness init"),
        (["witnesses", "admit", signer("x").verifier.to_text(), "--as", OFFICER], 1, "authority"),
        (["witnesses", "need", "99"], 1, "0 to"),
        (["witnesses", "withdraw", "nobody.example"], 1, "nobody.example"),
        (["witnesses", "list", "--as", town.seller], 1, "officer"),
        (["evidence", town.number, "--as", town.seller, "-o", tmp_path / "e", "--witnessed", "all"], 2, "required"),
    ):
        answer = town.shell.run(*arguments)
        assert answer.code == code, (arguments, answer)
        assert text in answer.err.replace("\n", " "), (arguments, answer.err)
