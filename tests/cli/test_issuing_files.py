"""`einvoice issue`, `evidence`, `trust` and `verify`, on files as people have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.town import BUYER_TAX_ID, OFFICER, SAMPLES, Town, draft_file

REFUSED = 3
BUYER = ("--buyer-name", "某雇主", "--buyer-tax-id", BUYER_TAX_ID)
XML_GROSS_FEN = {
    "mof-official-gd-special.xml": 212,
    "einvoice-xml2pdf-demo.xml": 1_600_000,
    "file-toolbox-sample_einvoice.xml": 113_000,
}

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"sample files are not in {SAMPLES}")


@needs_samples
@pytest.mark.parametrize("name", XML_GROSS_FEN)
def test_an_invoice_xml_is_issued_again_to_a_buyer_of_ours(town: Town, name: str, tmp_path: Path) -> None:
    answer = town.shell.done("issue", SAMPLES / "xml" / name, "--as", town.seller, *BUYER, "--json").json
    assert answer["status"] == "recorded"
    evidence = tmp_path / "evidence.json"
    town.shell.done("evidence", answer["numbers"][0], "--as", town.seller, "-o", evidence)
    trust = tmp_path / "trust.json"
    town.shell.done("trust", "-o", trust)
    report = town.shell.done("verify", evidence, "--trust", trust, "--offline").out
    assert f"gross_fen = {XML_GROSS_FEN[name]}\n" in report


@needs_samples
@pytest.mark.parametrize("name", XML_GROSS_FEN)
def test_a_masked_tax_id_is_refused_and_says_how_to_name_the_buyer(town: Town, name: str) -> None:
    answer = town.shell.run("issue", SAMPLES / "xml" / name, "--as", town.seller)
    assert (answer.code, answer.out) == (1, "")
    assert "buyer.tax_id" in answer.err
    assert "--buyer-tax-id" in answer.err


@needs_samples
@pytest.mark.parametrize("options", [(), BUYER], ids=["as it is", "other buyer"])
def test_a_red_invoice_is_not_issued_from_a_file(town: Town, options: tuple[str, ...]) -> None:
    path = SAMPLES / "xml" / "synthetic-red-letter-cn.xml"
    answer = town.shell.run("issue", path, "--as", town.seller, *options)
    assert (answer.code, answer.out) == (1, "")
    assert "red slip" in answer.err
    assert "红字" in answer.err


def test_a_draft_is_issued_and_the_number_printed(town: Town, tmp_path: Path) -> None:
    answer = town.shell.done("issue", draft_file(tmp_path / "draft.json"), "--as", town.seller)
    assert answer.out.startswith("recorded: 9")


def test_a_draft_with_an_own_id_is_issued_once(town: Town, tmp_path: Path) -> None:
    draft = draft_file(tmp_path / "draft.json")
    first = town.shell.done("issue", draft, "--as", town.seller, "--external-id", "SO-1", "--json").json
    again = town.shell.run("issue", draft, "--as", town.seller, "--external-id", "SO-1")
    assert (again.code, again.out) == (1, "")
    assert first["numbers"][0] in again.err
    town.shell.done("issue", draft, "--as", town.seller, "--external-id", "SO-2")


def test_a_draft_for_a_personal_buyer_may_be_held_by_a_person(town: Town, tmp_path: Path) -> None:
    path = draft_file(tmp_path / "draft.json")
    buyer = ("--buyer-name", "散客", "--buyer-tax-id", "")
    town.shell.done("issue", path, "--as", town.seller, *buyer, "--holder", town.employee)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"gross_fen": 10_301}, "gross_fen"),
        ({"gross_fen": 103.0}, "gross_fen"),
        ({"lines": []}, "lines"),
        ({"kind": "golden"}, "kind"),
        ({"buyer": {"name": "某雇主", "tax_id": "91130302MABWERUH6X"}}, "buyer.tax_id"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_field_of_a_draft_is_named(town: Town, changes: dict[str, object], named: str, tmp_path: Path) -> None:
    answer = town.shell.run("issue", draft_file(tmp_path / "draft.json", **changes), "--as", town.seller)
    assert (answer.code, answer.out) == (1, "")
    assert named in answer.err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b"{",
        b"{}",
        b'{"kind": ' + b"[" * 100_000,
        b"[1]",
        b"<xml",
        b"<a/>",
        b"%PDF-1.7",
        b"PK\x03\x04ofd",
        b"\xff\xfe\x00",
        b"01,32,,25442000000000000001,103.00,20261121,,ABCD",
    ],
)
def test_a_file_that_is_no_invoice_is_refused_with_its_name(town: Town, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "some-file"
    path.write_bytes(content)
    answer = town.shell.run("issue", path, "--as", town.seller)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("einvoice: ")


@needs_samples
def test_a_qr_text_has_no_lines_to_issue(town: Town, tmp_path: Path) -> None:
    rows = (SAMPLES / "qr" / "qr_strings.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [text for row in rows for text in json.loads(row).values() if isinstance(text, str) and text[:3] == "01,"]
    assert texts
    for at, text in enumerate(texts[:3]):
        path = tmp_path / f"qr-{at}.txt"
        path.write_text(text, encoding="utf-8")
        answer = town.shell.run("issue", path, "--as", town.seller, *BUYER)
        assert (answer.code, answer.out) == (1, "")
        assert "lines" in answer.err or "QR" in answer.err


@pytest.mark.parametrize("path", ["absent.json", "."])
def test_a_file_that_cannot_be_read_is_named(town: Town, path: str) -> None:
    answer = town.shell.run("issue", path, "--as", town.seller)
    assert answer.code == 1
    assert path in answer.err


def test_an_oversized_file_is_refused(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b"{" + b" " * (64 << 20))
    answer = town.shell.run("issue", path, "--as", town.seller)
    assert answer.code == 1
    assert "bytes" in answer.err


def test_a_quota_that_is_spent_is_refused_by_the_contract(town: Town, tmp_path: Path) -> None:
    line = {"name": "*酒*酒", "net_fen": 10_000_000, "rate_bp": 300, "tax_fen": 300_000}
    path = draft_file(tmp_path / "draft.json", lines=[line], net_fen=10_000_000, tax_fen=300_000, gross_fen=10_300_000)
    answer = town.shell.run("issue", path, "--as", town.seller)
    assert answer.code == REFUSED
    assert "quota_exceeded" in answer.err
    assert town.shell.run("issue", path, "--as", town.seller, "--json").json["refusal"] == "quota_exceeded"


def test_who_may_not_issue_is_told_so(town: Town, tmp_path: Path) -> None:
    path = draft_file(tmp_path / "draft.json")
    for somebody in (OFFICER, town.employee, town.employer, 99):
        answer = town.shell.run("issue", path, "--as", somebody)
        assert answer.code in (1, REFUSED)
        assert answer.err


def test_evidence_goes_to_a_file_or_to_standard_output(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    said = town.shell.done("evidence", town.number, "--as", town.seller, "-o", path)
    assert said.out == f"{path}: {path.stat().st_size} bytes\n"
    printed = town.shell.done("evidence", town.number, "--as", town.employer, "-o", "-")
    assert json.loads(printed.out).keys() == json.loads(path.read_bytes()).keys()
    again = town.shell.done("evidence", town.number, "--as", town.seller, "-o", path, "--json")
    assert again.json == {"file": str(path), "size": path.stat().st_size}
    assert [item.name for item in tmp_path.iterdir()] == ["evidence.json"]


def test_evidence_is_given_to_who_takes_part_and_to_nobody_else(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    for somebody, number in ((town.employee, town.number), (town.seller, "94403260911000009999"), (town.seller, "x")):
        answer = town.shell.run("evidence", number, "--as", somebody, "-o", path)
        assert (answer.code, answer.out) == (1, "")
        assert number in answer.err
    assert not path.exists()


@pytest.mark.parametrize("command", ["evidence", "trust"])
def test_a_place_that_cannot_be_written_is_named(town: Town, command: str, tmp_path: Path) -> None:
    arguments = ("evidence", town.number, "--as", town.seller) if command == "evidence" else ("trust",)
    for path in (tmp_path / "no" / "file.json", tmp_path):
        answer = town.shell.run(*arguments, "-o", path)
        assert answer.code == 1
        assert str(path) in answer.err


def test_verify_passes_everything_on_and_its_exit_code_back(town: Town, tmp_path: Path) -> None:
    evidence, trust = tmp_path / "evidence.json", tmp_path / "trust.json"
    town.shell.done("evidence", town.number, "--as", town.seller, "-o", evidence)
    town.shell.done("trust", "-o", trust)
    shell = town.shell
    assert "结论: 有效" in shell.done("verify", evidence, "--trust", trust).out
    english = shell.done("verify", evidence, "--trust", trust, "--offline", "--lang", "en").out
    assert "有效" not in english
    forged = tmp_path / "forged.json"
    forged.write_bytes(evidence.read_bytes().replace("打车".encode(), "打酒".encode()))
    assert shell.run("verify", forged, "--trust", trust).code == 1
    assert shell.run("verify", evidence).code == 2  # nothing to trust
    assert shell.run("verify", tmp_path / "absent.json", "--trust", trust).code == 2
    assert shell.run("verify", evidence, "--trust", trust, "--nonsense").code == 2
    assert shell.run("verify").code == 2


def test_verify_redacts_and_the_copy_still_verifies(town: Town, tmp_path: Path) -> None:
    evidence, trust, shown = tmp_path / "evidence.json", tmp_path / "trust.json", tmp_path / "shown.json"
    town.shell.done("evidence", town.number, "--as", town.seller, "-o", evidence)
    town.shell.done("trust", "-o", trust)
    town.shell.done("verify", evidence, "--redact", shown, "--keep", "gross_fen")
    assert "打车" not in shown.read_text(encoding="utf-8")
    assert town.shell.done("verify", shown, "--trust", trust, "--json").json["verdict"] == "valid"
    assert town.shell.run("verify", evidence, "--redact", shown).code == 2  # never over a file
