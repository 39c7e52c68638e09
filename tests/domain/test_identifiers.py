from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ledger.domain.identifiers import invoice_code_problem, tax_code_problem, tax_id_problem

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples" / "uscc"
with_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample folder ../shared/samples is not there")
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@with_samples
def test_real_social_credit_codes_are_valid_and_altered_ones_are_not() -> None:
    codes = [row["uscc"] for row in rows("valid_60.tsv")]
    assert len(codes) == 60
    for code in codes:
        assert tax_id_problem(code) is None
        other = ALPHABET[(ALPHABET.index(code[17]) + 1) % len(ALPHABET)]
        assert tax_id_problem(code[:17] + other) == "uscc_check"
        if code[15] != code[16]:
            assert tax_id_problem(code[:15] + code[16] + code[15] + code[17]) == "uscc_check"


@with_samples
def test_real_tax_classification_codes_are_accepted() -> None:
    codes = [row["code"] for row in rows("tax_classification_codes.tsv")]
    assert codes
    assert [tax_code_problem(code) for code in codes] == [None] * len(codes)


@pytest.mark.parametrize("code", ["", "0" * 19, "3" * 18, "3" * 20, "7" + "0" * 18, "３" + "0" * 18])
def test_other_tax_classification_codes_are_refused(code: str) -> None:
    assert tax_code_problem(code) == "tax_code_form"


@with_samples
def test_invoice_codes_are_told_apart_by_structure() -> None:
    codes = json.loads((SAMPLES / "vat_invoice_codes.json").read_text(encoding="utf-8"))["vat_codes"]
    assert [invoice_code_problem(code) for code, _ in codes["valid"]] == [None] * len(codes["valid"])
    # Two of the invalid list are refused there for their year alone (before 2020), which is no rule here.
    too_old = {"011001800304", "035001800112"}
    for code in codes["invalid"]:
        assert (invoice_code_problem(code) is None) == (code in too_old), code


@pytest.mark.parametrize("length", [15, 17, 20])
def test_older_tax_ids_have_no_check_character(length: int) -> None:
    assert tax_id_problem("9" * length) is None


@pytest.mark.parametrize(
    ("tax_id", "code"),
    [
        ("923201784X3A", "tax_id_length"),
        ("9" * 16, "tax_id_length"),
        ("9" * 19, "tax_id_length"),
        ("91310112703255042r", "tax_id_characters"),
        ("91310112 70325504R", "tax_id_characters"),
        ("９" * 18, "tax_id_characters"),
        ("91310112303255042R", "uscc_check"),
        ("9150010807MGZHI002", "uscc_check"),
    ],
)
def test_wrong_tax_ids_are_named(tax_id: str, code: str) -> None:
    assert tax_id_problem(tax_id) == code
