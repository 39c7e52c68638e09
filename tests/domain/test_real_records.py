"""Eight real invoices as an OCR service read them: seven agree with themselves, one was misread."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.decimals import parse_yuan
from ledger.domain.document import parse_document
from ledger.domain.errors import DocumentError
from ledger.domain.numbers import format_number, join_number

RECORDS = Path(__file__).parents[2] / ".." / "shared" / "samples" / "records" / "vat_invoices_8.json"
pytestmark = pytest.mark.skipif(not RECORDS.is_file(), reason="the sample folder ../shared/samples is not there")
MISREAD = "17666382"


def records() -> dict[str, dict[str, Any]]:
    invoices = json.loads(RECORDS.read_text(encoding="utf-8"))["invoices"]
    return {record["invoice_num"]: record for record in invoices}


def plain_of(record: dict[str, Any]) -> dict[str, Any]:
    """Plain document of a record; what the OCR could not read stays as it read it."""
    read = record["ocr_result"]

    def word(key: str) -> str:
        return read[key][0]["word"] if read.get(key) else ""

    def column(key: str) -> dict[int, str]:
        return {int(cell["row"]) - 1: cell["word"] for cell in read.get(key, [])}

    columns = {
        key: column("Commodity" + key) for key in ("Name", "Amount", "Tax", "TaxRate", "Num", "Price", "Unit", "Type")
    }
    lines: list[dict[str, Any]] = []
    for row, amount in columns["Amount"].items():
        rate = columns["TaxRate"].get(row, "")
        line: dict[str, Any] = {
            "name": columns["Name"][row],
            "net_fen": parse_yuan(amount),
            "rate_bp": int(rate[:-1]) * 100 if rate.endswith("%") else rate,
            "quantity": columns["Num"].get(row, ""),
            "price": columns["Price"].get(row, ""),
            "unit": columns["Unit"].get(row, ""),
            "specification": columns["Type"].get(row, ""),
        }
        if row in columns["Tax"]:
            line["tax_fen"] = parse_yuan(columns["Tax"][row])
        if amount.startswith("-"):
            line["nature"], lines[-1]["nature"] = 1, 2
        lines.append(line)
    day = re.fullmatch(r"(\d{4})年(\d{2})月(\d{2})日", word("InvoiceDate"))

    def party(role: str) -> dict[str, str]:
        keys = {"name": "Name", "tax_id": "RegisterNum", "address": "Address", "bank": "Bank"}
        return {key: word(role + suffix) for key, suffix in keys.items()}

    return {
        "kind": "special" if "专用" in record["invoice_type"] else "ordinary",
        "number": format_number(join_number(record["invoice_code"] or "", record["invoice_num"])),
        "issued_on": "-".join(day.groups()) if day else word("InvoiceDate"),
        "seller": party("Seller"),
        "buyer": party("Purchaser"),
        "lines": lines,
        "net_fen": parse_yuan(word("TotalAmount")),
        "tax_fen": parse_yuan(word("TotalTax")),
        "gross_fen": parse_yuan(word("AmountInFiguers")),
        "gross_in_words": word("AmountInWords"),
        "note": word("Remarks"),
        "payee": word("Payee"),
        "checker": word("Checker"),
        "drawer": word("NoteDrawer"),
    }


def test_seven_real_invoices_agree_with_themselves() -> None:
    sound = {number: record for number, record in records().items() if number != MISREAD}
    assert len(sound) == 7
    for number, record in sound.items():
        document = parse_document(plain_of(record))
        assert document.number.endswith(number)
        assert parse_document(document.to_json()) == document


def test_real_discount_line_is_read() -> None:
    document = parse_document(plain_of(records()["07279833"]))
    assert [line.nature.value for line in document.lines] == [2, 1]


def test_real_invoice_with_one_fen_changed_is_refused() -> None:
    for number, record in records().items():
        if number == MISREAD:
            continue
        plain = plain_of(record)
        plain["lines"][0]["net_fen"] += 1
        with pytest.raises(DocumentError) as caught:
            parse_document(plain)
        assert "total_net" in {problem.code for problem in caught.value.problems}


def test_misread_invoice_is_refused_with_the_reasons() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(plain_of(records()[MISREAD]))
    assert {problem.path: problem.code for problem in caught.value.problems} == {
        "issued_on": "date_form",
        "lines.0.rate_bp": "wrong_type",
        "lines.0.tax_fen": "missing",
        "seller.tax_id": "tax_id_length",
        "buyer.tax_id": "uscc_check",
    }


def test_misread_amounts_are_refused_even_with_all_else_put_right() -> None:
    plain = plain_of(records()[MISREAD])
    plain["issued_on"] = "2022-11-01"
    plain["seller"]["tax_id"] = "91310117759596321B"
    plain["buyer"]["tax_id"] = "91310112703255042R"
    plain["lines"][0] |= {"rate_bp": 600, "tax_fen": plain["tax_fen"]}
    with pytest.raises(DocumentError) as caught:
        parse_document(plain)
    problems = {problem.path: problem for problem in caught.value.problems}
    assert problems.keys() == {"lines.0.tax_fen", "tax_fen"}
    assert problems["lines.0.tax_fen"].code == "line_tax"
    assert "4299.60" in problems["lines.0.tax_fen"].message_en
    assert "swapped columns" in problems["lines.0.tax_fen"].message_en
