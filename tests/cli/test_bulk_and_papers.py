"""`einvoice bulk`, `document`, `archive` and `verify` of a PDF, on files as people have them."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
import zipfile
from pathlib import Path

import pytest

from ledger.service import Ledger
from ledger.settings import Settings
from tests.cli.town import OFFICER, Shell, Town, enrolled
from tests.documents.pdf_edits import as_one_drawing, drawn_over, words
from tests.documents.pdf_resaving import saved_again

HEAD = ["单据编号", "外部单号", "购买方名称", "项目名称", "金额", "税率", "税额"]


def sheet(path: Path, count: int, *wrong: list[str]) -> Path:
    file = io.StringIO()
    rows = [[f"R{at}", f"{path.stem}-{at}", "张三", "*运输服务*打车", "1.00", "3%", "0.03"] for at in range(count)]
    csv.writer(file).writerows([HEAD, *rows, *wrong])
    path.write_text(file.getvalue(), encoding="utf-8")
    return path


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_sheet_is_shown_then_signed_and_its_results_written(town: Town, tmp_path: Path) -> None:
    file = sheet(tmp_path / "may.csv", 2, ["R9", "", "张三", "*运输服务*打车", "=1+1", "3%", "0.03"])
    shown = town.shell.run("bulk", file, "--as", town.seller)
    assert shown.code == 0
    assert "ready: 2 invoices, 2.06 yuan" in shown.out
    assert f"--as {town.seller} --sign" in shown.out
    assert "第 4 行" in shown.err
    results = tmp_path / "results.csv"
    signed = town.shell.run("bulk", file, "--as", town.seller, "--sign", "--results", results, "--lang", "en")
    assert (signed.code, "done: 2 invoices recorded" in signed.out) == (0, True), signed
    assert "the same file is sheet" in signed.err
    assert [line["status"] for line in table(results)] == ["issued", "issued", "wrong, not signed"]
    again = town.shell.run("bulk", file, "--as", town.seller, "--sign")
    assert again.code == 1  # its external ids name invoices, so no row can be signed
    assert "bulk_same_file" in again.err


def test_sheet_that_cannot_be_signed_says_so(town: Town, tmp_path: Path) -> None:
    stranger = enrolled(town.shell, "无号公司", "--tax-id", "91440300708461136T", "--quota-fen", 10_000)
    file = sheet(tmp_path / "june.csv", 1)
    stopped = town.shell.run("bulk", file, "--as", stranger, "--sign", "--json")
    assert stopped.code == 3
    assert json.loads(stopped.out)["stopped"] == "numbers_exhausted"
    for arguments in ([], [file, "--job", "x"], [file, "--results", tmp_path / "x.ods"]):
        assert town.shell.run("bulk", *arguments, "--as", stranger).code == 2
    assert town.shell.run("bulk", tmp_path / "none.csv", "--as", stranger).code == 1
    assert town.shell.run("bulk", "--job", "0" * 32, "--as", stranger).code == 1


def test_template_is_written(town: Town, tmp_path: Path) -> None:
    target = tmp_path / "template.xlsx"
    town.shell.done("bulk", "--template", target, "--as", town.seller)
    assert zipfile.is_zipfile(target)


@pytest.mark.slow
def test_killed_while_signing_it_goes_on_and_issues_nothing_twice(town: Town, tmp_path: Path, ended) -> None:
    count = 700
    shell, seller = town.shell, town.seller
    with Ledger.open(Settings(data_dir=shell.data_dir)) as ledger:
        before = len(issued(ledger, seller))
    file = sheet(tmp_path / "july.csv", count)
    job = shell.done("bulk", file, "--as", seller, "--json").json["job"]
    process = shell.spawn("bulk", "--job", job, "--as", seller, "--sign")
    ended.append(process)
    signed = wait_for_some(shell, seller, job)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert signed >= 256
    with Ledger.open(Settings(data_dir=shell.data_dir)) as ledger:
        left = ledger.bulk.job(ledger.caller(seller), job)
    assert left.state == "running"
    results = tmp_path / "july-results.csv"
    shell.done("bulk", "--job", job, "--as", seller, "--sign", "--results", results, "--lang", "en")
    numbers = [line["number"] for line in table(results)]
    assert len(set(numbers)) == count
    with Ledger.open(Settings(data_dir=shell.data_dir)) as ledger:
        assert len(issued(ledger, seller)) == before + count
    shell.done("audit")


def wait_for_some(shell: Shell, seller: int, job: str) -> int:
    """Waits until a group is signed; how many rows are."""
    deadline = time.monotonic() + 60
    with Ledger.open(Settings(data_dir=shell.data_dir)) as ledger:
        caller = ledger.caller(seller)
        while time.monotonic() < deadline:
            view = ledger.bulk.job(caller, job)
            signed = view.count("accepted") + view.count("recorded")
            if signed:
                return signed
            time.sleep(0.005)
    raise AssertionError("nothing was signed")


def issued(ledger: Ledger, seller: int) -> list[str]:
    found, cursor = [], None
    while True:
        page = ledger.search(ledger.caller(seller), party=seller, cursor=cursor, limit=200)
        found += [one.number for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_document_is_written_and_its_pdf_verifies(town: Town, tmp_path: Path) -> None:
    shell = town.shell
    trust, pdf = tmp_path / "trust.json", tmp_path / "invoice.pdf"
    shell.done("trust", "-o", trust)
    shell.done("document", town.number, "--as", town.seller, "-o", pdf)
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert "结论: 有效" in shell.done("verify", pdf, "--trust", trust, "--offline").out
    wrong = town.number[:-4] + "9999"
    assert shell.run("document", wrong, "--as", town.seller, "-o", pdf).code == 1
    xml = tmp_path / "invoice.xml"
    shell.done("document", town.number, "--as", town.seller, "--format", "xml", "-o", xml)
    assert town.number.encode() in xml.read_bytes()


def test_pdf_without_evidence_could_not_be_checked(town: Town, tmp_path: Path) -> None:
    trust, broken = tmp_path / "trust.json", tmp_path / "broken.pdf"
    town.shell.done("trust", "-o", trust)
    broken.write_bytes(b"%PDF-1.7\nnothing")
    answer = town.shell.run("verify", broken, "--trust", trust)
    assert answer.code == 2
    assert "PDF" in answer.err


def test_archive_is_written_checked_and_a_change_named(town: Town, tmp_path: Path) -> None:
    shell = town.shell
    with Ledger.open(Settings(data_dir=shell.data_dir, batch_interval_ms=1, post_wait_ms=20_000)) as ledger:
        claim = booked_claim(ledger, town)
    target = tmp_path / "claim.zip"
    assert shell.run("archive", "write", claim, "--as", town.seller, "-o", target).code == 1
    digest = shell.done("archive", "write", claim, "--as", town.employer, "-o", target, "--json").json["digest"]
    shell.done("archive", "write", claim, "--as", OFFICER, "-o", tmp_path / "officers.zip")
    assert shell.done("archive", "check", target, "--digest", digest, "--json").json["digest"] == digest
    assert shell.run("archive", "check", target, "--digest", "0" * 64).code == 1
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(target) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member, data + b" " if member.filename.endswith("invoice.xml") else data)
    answer = shell.run("archive", "check", changed)
    assert answer.code == 1
    assert "invoice.xml" in answer.err
    assert shell.run("archive", "check", tmp_path / "none.zip").code == 1
    (tmp_path / "no.zip").write_bytes(b"nothing")
    assert shell.run("archive", "check", tmp_path / "no.zip").code == 1


def booked_claim(ledger: Ledger, town: Town) -> str:
    """Claim id of the town's invoice: claimed, settled and booked; the sequencer runs meanwhile."""
    from ledger.service import node_if_none_runs
    from tests.service.world import must

    with node_if_none_runs(ledger.context):
        employer, officer = ledger.caller(town.employer), ledger.caller(OFFICER)
        written, _ = ledger.enrol(officer, kind="person", name="出纳", idempotency_key="cashier")
        cashier = must(written).party
        assert cashier is not None
        must(ledger.grant(employer, cashier, ["finance"], idempotency_key="grant-finance"))
        must(ledger.grant(employer, town.employee, ["claim"], idempotency_key="grant-claim"))
        number = town.number
        buyer = ledger.invoice(employer, number)
        holder = ledger.caller(buyer.holder)
        must(ledger.transfer(holder, number, town.employee, idempotency_key="hand-on"))
        claimed = ledger.open_claim(
            ledger.caller(town.employee), [number], employer=town.employer, idempotency_key="claim"
        )
        claim = must(claimed).claim_id
        assert claim is not None
        finance = ledger.caller(cashier)
        must(ledger.approve_claim(finance, claim, payment_reference="FK-1", idempotency_key="approve"))
        must(ledger.book(finance, number, deductible=True, idempotency_key="book"))
    return claim


def test_verify_tells_an_edited_page_from_valid_evidence(town: Town, tmp_path: Path) -> None:
    shell = town.shell
    trust, pdf, renamed = tmp_path / "trust.json", tmp_path / "invoice.pdf", tmp_path / "附件 (1).dat"
    shell.done("trust", "-o", trust)
    shell.done("document", town.number, "--as", town.seller, "-o", pdf)
    renamed.write_bytes(saved_again(pdf.read_bytes()))
    valid = shell.done("verify", renamed, "--trust", trust, "--offline", "--json").json
    assert (valid["format"], valid["verdict"], valid["number"]) == ("einvoice-pdf-report", "valid", town.number)
    assert valid["page"]["check_address"].startswith("http")
    edited = tmp_path / "edited.pdf"
    edited.write_bytes(drawn_over(pdf.read_bytes(), words("PAID 1.00", 100, 118)))
    answer = shell.run("verify", edited, "--trust", trust, "--lang", "en")
    assert answer.code == 3
    assert "page differs from the evidence" in answer.out
    assert "PAID 1.00" in answer.out
    assert "页面与证据不符" in shell.run("verify", edited, "--trust", trust).out
    told = shell.run("verify", edited, "--trust", trust, "--json").json
    assert (told["verdict"], told["evidence"]["verdict"]) == ("page_differs", "valid")
    assert {one["kind"] for one in told["page"]["differences"]} == {"text_added"}
    printed = tmp_path / "printed.pdf"
    printed.write_bytes(as_one_drawing(pdf.read_bytes()))
    assert shell.run("verify", printed, "--trust", trust).code == 4


def test_verify_of_a_pdf_takes_the_verifiers_options(town: Town, tmp_path: Path) -> None:
    shell = town.shell
    trust, pdf, shown = tmp_path / "trust.json", tmp_path / "invoice.pdf", tmp_path / "shown.json"
    shell.done("trust", "-o", trust)
    shell.done("document", town.number, "--as", town.seller, "-o", pdf)
    address = shell.done("verify", pdf, "--trust", trust, "--json").json["page"]["check_address"]
    assert shell.done("verify", pdf, "--trust", trust, "--check-address", address, "--json").json["page"][
        "address_compared"
    ]
    other = shell.run("verify", pdf, "--trust", trust, "--check-address", "https://other.example", "--lang", "en")
    assert other.code == 3
    assert "the public check of this ledger is at https://other.example" in other.out
    untrusted = shell.run("verify", pdf, "--json")
    assert (untrusted.code, untrusted.json["verdict"]) == (2, "could_not_check")
    assert untrusted.json["evidence"]["steps"][0]["reason"] == "trust_missing"
    assert shell.run("verify", pdf, "--trust", trust, "--not-older-than", "2099-01-01").code == 2
    assert shell.run("verify", pdf, "--trust", trust, "--nonsense").code == 2
    shell.done("verify", pdf, "--redact", shown, "--keep", "gross_fen")
    assert shell.done("verify", shown, "--trust", trust, "--json").json["verdict"] == "valid"
    assert shell.run("verify", shown, "--trust", trust, "--check-address", address).code == 2


def test_verify_of_a_damaged_pdf_says_so_in_json_too(town: Town, tmp_path: Path) -> None:
    trust, broken = tmp_path / "trust.json", tmp_path / "broken.pdf"
    town.shell.done("trust", "-o", trust)
    broken.write_bytes(b"%PDF-1.7\nnothing")
    answer = town.shell.run("verify", broken, "--trust", trust, "--json")
    assert (answer.code, answer.json["verdict"]) == (2, "could_not_check")
    assert answer.json["code"] in ("pdf_broken", "evidence_missing")
