from __future__ import annotations

import re
from pathlib import Path

from ledger.domain import document, invoice
from ledger.domain.checks import RATES_IN_FORCE_BP
from ledger.domain.problems import PROBLEM_TEXTS
from ledger.formats import qr, read, xml_tree
from ledger.formats.errors import FORMAT_TEXTS
from ledger.formats.read_invoice import Checksum

PAGE = (Path(__file__).parents[2] / "docs" / "FORMATS.md").read_text(encoding="utf-8")


def test_every_problem_code_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE.split("## Problem codes")[1], re.MULTILINE))
    assert documented == set(PROBLEM_TEXTS) | set(FORMAT_TEXTS)
    assert not set(PROBLEM_TEXTS) & set(FORMAT_TEXTS)


def test_every_field_is_documented() -> None:
    classes = (invoice.InvoiceDocument, invoice.Line, invoice.PartyDetails, invoice.OriginalInvoice)
    for name in {name for one in classes for name in one.__dataclass_fields__}:
        assert f"`{name}`" in PAGE, name
    for mark in invoice.RateMark:
        assert f"`{mark.value}`" in PAGE
    for verdict in Checksum:
        assert f"`{verdict.value}`" in PAGE


def test_documented_limits_are_those_of_the_code() -> None:
    assert f"| file | {read.FILE_SIZE_MAX >> 20} MiB |" in PAGE
    assert f"| elements | {xml_tree.ELEMENTS_MAX:,} |" in PAGE
    assert f"| depth | {xml_tree.DEPTH_MAX} |" in PAGE
    assert f"| tag | {xml_tree.TAG_LENGTH_MAX:,} characters |" in PAGE
    assert f"| QR text | {qr.QR_SIZE_MAX:,} bytes |" in PAGE
    assert f"| file name | {read.FILE_NAME_LENGTH_MAX} characters |" in PAGE
    assert f"1 to {invoice.LINES_MAX:,}" in PAGE
    assert invoice.DOCUMENT_SIZE_MAX == 1 << 20
    for limit in (document.NAME_LENGTH_MAX, document.ADDRESS_LENGTH_MAX, document.CLERK_LENGTH_MAX):
        assert f"{limit}" in PAGE
    assert "(13, 9, 6, 5, 3, 1.5, 1, 0.5 %)" in PAGE
    assert RATES_IN_FORCE_BP == (1300, 900, 600, 500, 300, 150, 100, 50)


def test_texts_of_files_are_in_both_languages() -> None:
    for code, (english, chinese) in FORMAT_TEXTS.items():
        assert any("\u4e00" <= char <= "\u9fff" for char in chinese), code
        named = {part.split("}")[0].removesuffix("_zh") for part in english.split("{")[1:]}
        assert named == {part.split("}")[0].removesuffix("_zh") for part in chinese.split("{")[1:]}, code
