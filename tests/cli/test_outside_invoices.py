"""`einvoice outside`: an invoice of elsewhere is looked at and claimed once, whatever it comes as."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.town import SAMPLES, Town

REFUSED, WRONG, USAGE = 3, 1, 2
SERIALS = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def granted(town: Town) -> None:
    """The employee may claim from the employer."""
    town.shell.run("party", "grant", town.employee, "claim", "--as", town.employer)


def typed(directory: Path, **changes: str) -> Path:
    """A file of typed fields, another number for every call."""
    number = f"{next(SERIALS):08d}"
    fields = {"code": "044001900111", "number": number, "gross": "103.00", "tax": "3.00", "issued_on": "2026-10-05"}
    path = directory / f"typed-{number}.json"
    path.write_text(json.dumps({**fields, **changes}, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def read(town: Town, *arguments: Any) -> Any:
    return town.shell.run("outside", "read", *arguments, "--as", town.employee)


def claim(town: Town, *arguments: Any) -> Any:
    return town.shell.run("outside", "claim", *arguments, "--as", town.employee, "--employer", town.employer)


def test_what_was_typed_is_shown_claimed_and_not_claimed_again(town: Town, tmp_path: Path) -> None:
    file = typed(tmp_path)
    shown = read(town, file, "--employer", town.employer)
    assert (shown.code, "proof: typed" in shown.out, "gross 10300 fen" in shown.out) == (0, True, True)
    written = claim(town, file, "--reference", "BX-1", "--json")
    assert written.code == 0, written
    (number,) = written.json["numbers"]
    again = claim(town, file)
    assert again.code == REFUSED
    assert f"{number}: locked, claim {written.json['claim_id']} at 某雇主" in again.out
    taken = read(town, file)
    assert taken.code == WRONG
    assert "would be refused: locked" in taken.out


def test_a_code_lacks_the_gross_until_it_is_typed_beside_it(town: Town) -> None:
    qr = ("--qr", f"01,10,044001900112,{next(SERIALS):08d},100.00,20261005,12345678901234567890,")
    shown = read(town, *qr)
    assert (shown.code, "outside_gross_missing" in shown.out) == (WRONG, True)
    refused = claim(town, *qr)
    assert (refused.code, refused.out) == (WRONG, "")
    assert "outside.0.gross_fen" in refused.err
    completed = (*qr, "--gross-fen", 10_300)
    assert read(town, *completed).code == 0
    assert claim(town, *completed, "--json").json["status"] == "recorded"


def test_several_are_claimed_together_or_not_at_all(town: Town, tmp_path: Path) -> None:
    first, second = typed(tmp_path), typed(tmp_path)
    assert claim(town, first).code == 0
    answer = claim(town, first, second)
    assert answer.code == REFUSED
    assert "would be taken alone" in answer.out
    assert claim(town, second, typed(tmp_path)).code == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", None),
        ("[]", None),
        ('{"number": "1"}', "typed_number"),
        ("%PDF-1.7", None),
        ("", "file_empty"),
        ("no invoice at all", None),
    ],
)
def test_a_file_that_holds_no_invoice_ends_in_one_line(
    town: Town, tmp_path: Path, content: str, code: str | None
) -> None:
    file = tmp_path / "wrong"
    file.write_text(content, encoding="utf-8")
    for answer in (read(town, file), claim(town, file)):
        assert (answer.code, answer.out) == (WRONG, "")
        assert answer.err
        assert code is None or code in answer.err


def test_wrong_usage_is_named(town: Town, tmp_path: Path) -> None:
    file = typed(tmp_path)
    assert read(town).code == USAGE
    assert claim(town).code == USAGE
    assert claim(town, file, "--issued-on", "5 October").code == USAGE
    assert claim(town, file, typed(tmp_path), "--gross-fen", 1).code == USAGE
    assert claim(town, tmp_path / "nowhere.pdf").code == WRONG
    assert claim(town, file).code == 0


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no sample files in ../shared/samples")
def test_a_signed_original_says_who_signed_and_whose_title_it_has(town: Town) -> None:
    answer = read(town, SAMPLES / "ofd" / "cq-test-intact.ofd", "--employer", town.employer)
    assert answer.code == WRONG
    assert "proof: signed_original by ofd, signature signed_intact" in answer.out
    assert "outside_title" in answer.out
    red = read(town, SAMPLES / "xml" / "synthetic-red-letter-cn.xml", "--json")
    assert (red.code, red.json["problems"][0][1]) == (WRONG, "outside_red")
