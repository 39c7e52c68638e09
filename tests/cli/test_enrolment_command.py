"""`einvoice enrolment` and keys of one's own, in processes of people: from a key file to a recorded party."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.cli.app import app
from tests.service.world import SERIALS, tax_id

PASSWORD = "correct horse battery"
NAME = "命令行公司"


class Desk:
    """Commands on one ledger."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = {"EINVOICE_DATA_DIR": str(directory / "data"), "EINVOICE_KEY_PASSWORD": PASSWORD}

    def run(self, *words: object, code: int = 0) -> Any:
        done = CliRunner().invoke(app, [*map(str, words)], env=self.env)
        assert done.exit_code == code, done.output
        return done

    def json(self, *words: object) -> Any:
        return json.loads(self.run(*words, "--json").stdout)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk(tmp_path_factory.mktemp("enrolment"))
    made.run("init")
    return made


def test_from_a_key_file_to_a_party_that_signs_for_itself(desk: Desk) -> None:
    key, proof, code = desk.directory / "my.key", desk.directory / "proof.json", tax_id(next(SERIALS))
    desk.run("key", "new", key)
    said = ("--identity", f"enterprise:{code}", "--name", NAME)
    proof.write_text(desk.run("key", "prove", key, *said).stdout)
    asked = desk.json("enrolment", "ask", NAME, "--tax-id", code, "--proof", proof)
    assert asked["request_id"] in desk.run("enrolment", "list", "--as", 2).stdout
    desk.run("enrolment", "approve", asked["request_id"], "--as", 2, "--quota-fen", 10**9)
    status = desk.json("enrolment", "status", asked["request_id"], "--token", asked["token"])
    assert status["state"] == "enrolled"
    person = desk.json("party", "enrol", "某员工", "--as", 2)["party"]
    refused = desk.run("party", "grant", person, "claim", "--as", status["party"], code=1)
    (draft,) = desk.json("key", "drafts", "--as", status["party"])
    assert draft["digest"] in " ".join(refused.stderr.split()).replace(" ", "")
    typed = desk.directory / "typed.json"
    typed.write_text(desk.run("key", "draft", draft["digest"], "--as", status["party"]).stdout)
    signature = desk.run("key", "sign", key, typed).stdout.strip()
    assert "recorded" in desk.run("key", "submit", draft["digest"], signature, "--as", status["party"]).stdout


def test_a_register_writes_a_result_a_row(desk: Desk) -> None:
    file, results = desk.directory / "firms.csv", desk.directory / "done.csv"
    rows = [[f"登记{at}公司", tax_id(next(SERIALS)), "A"] for at in range(3)] + [["坏行", "x", "A"]]
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([["name", "tax_id", "class"], *rows])
    words = ("enrolment", "register", file, "--as", 2, "--quota", "A=1000000", "--results", results)
    assert "3 enrolled, 1 invalid" in desk.run(*words, code=3).stdout
    with results.open(newline="", encoding="utf-8-sig") as text:
        read = list(csv.DictReader(text))
    assert [one["status"] for one in read] == ["enrolled"] * 3 + ["invalid"]
    assert all(one["party"] for one in read[:3])
    assert "3 enrolled_before" in desk.run(*words, code=3).stdout
    desk.run("enrolment", "register", file, "--as", 2, "--quota", "A", code=2)
    desk.run("enrolment", "register", desk.directory / "none.csv", "--as", 2, "--quota", "A=1", code=1)
